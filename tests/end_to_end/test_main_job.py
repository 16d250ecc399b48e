"""The main job as a technician does it: demo, page, stimulus, both axes, unplug and replug."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.deadlines import two_of_three
from tests.end_to_end.conftest import Demo, OpenPage

pytestmark = pytest.mark.browser
FDI = "left FDI"
DEVICE_CELL = "document.querySelector('[data-testid=status-device]').innerText"


class Bed:
    """The page, and the service's routes with the page's own cookie."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page, self.origin = page, origin

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """GET, or POST with a body; the answer must be 200."""
        headers = {"Origin": self.origin}
        request = self.page.request
        if body is None:
            answer = request.get(self.origin + path)
        else:
            answer = request.post(self.origin + path, data=body, headers=headers)
        assert answer.status == 200, f"{path}: {answer.status} {answer.text()}"
        return json.loads(answer.text())

    def until(self, what: str, seen: Callable[[], Any], seconds: float) -> Any:
        """The first true value of `seen`; fails with `what` after that many seconds."""
        deadline = time.monotonic() + seconds
        while not (value := seen()):
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
            self.page.wait_for_timeout(50)
        return value

    def device(self) -> dict[str, Any]:
        """The device as health tells it."""
        return self.ask("/api/health")["devices"][0]

    def card(self, muscle: str) -> dict[str, Any]:
        """One card."""
        return next(card for card in self.ask("/api/cards") if card["muscle"] == muscle)

    def states(self, axis: str, muscle: str = FDI) -> dict[str, str]:
        """Family → state of every item on one axis of a card."""
        indicator = self.card(muscle)[axis]
        items = indicator["items_for"] + indicator["items_against"] + indicator["missing"]
        return {item["family"]: item["state"] for item in items}

    def current(self) -> float:
        """The intensity the page shows."""
        return float(self.page.get_by_test_id("current").inner_text().split()[0])

    def stimulate(self, current_ma: float) -> dict[str, Any]:
        """Set the intensity, arm and fire by keyboard; the sweep that came of it."""
        page = self.page
        page.evaluate("document.activeElement?.blur()")  # keys act outside fields only
        while (now := self.current()) != current_ma:
            left = current_ma - now
            key = "ArrowUp" if left > 0 else "ArrowDown"
            page.keyboard.press(f"Shift+{key}" if abs(left) >= 5 else key)
            self.until("the intensity moves", lambda now=now: self.current() != now, 5)
        question = page.get_by_test_id("implant")
        if question.is_visible():
            question.get_by_text("No", exact=True).click()
            question.wait_for(state="detached", timeout=5000)
        if page.get_by_test_id("stimulator-state").get_attribute("data-state") != "armed":
            page.keyboard.down("a")
            page.wait_for_timeout(800)  # arming is a held key
            page.keyboard.up("a")
        page.locator('[data-testid="stimulator-state"][data-state="armed"]').wait_for(timeout=5000)
        before = {sweep["id"] for sweep in self.ask("/api/sweeps")}
        page.wait_for_timeout(600)  # no faster than the limits allow
        page.keyboard.press("Space")
        new = self.until(
            "a sweep after FIRE",
            lambda: [
                s for s in self.ask("/api/sweeps") if s["id"] not in before and s["current_ma"]
            ],
            6,
        )
        return new[-1]


def live_bed(running: Demo, open_page: OpenPage) -> Bed:
    """The bedside page, live."""
    page = open_page(running.url, reduced_motion="no-preference")
    page.get_by_test_id("live-plot").wait_for()
    made = Bed(page, running.origin)
    made.until("the device is live", lambda: made.device()["state"] == "live", 20)
    return made


@pytest.fixture
def bed(demo: Demo, open_page: OpenPage) -> Bed:
    """Of the shared demo."""
    return live_bed(demo, open_page)


def under_fdi(bed: Bed) -> None:
    """Ulnar nerve at the wrist, left FDI, at rest."""
    bed.ask("/api/step", {"nerve": "ulnar", "site": "wrist", "side": "left", "muscle": FDI})
    bed.ask("/api/demo/placement", {"nerve": "ulnar", "site": "wrist", "side": "left"})
    bed.ask("/api/task", {"task": "rest"})
    bed.ask("/api/demo/task", {"name": "rest"})


@pytest.mark.timed
def test_traces_are_seen_moving_within_five_seconds(demo: Demo, open_page: OpenPage) -> None:
    """Within 5 s of opening, every channel is named and the live picture changes."""
    begun = time.monotonic()
    page = open_page(demo.url, reduced_motion="no-preference")
    live = page.get_by_test_id("live")
    for name in ("APB", "FDI", "ADM", "EDC", "FDS", "FCR", "BB", "TB"):
        live.filter(has_text=name).wait_for(timeout=5000)
    plot = page.get_by_test_id("live-plot")
    first = plot.screenshot()
    while plot.screenshot() == first:
        assert time.monotonic() - begun < 5, "the traces stood still"
        page.wait_for_timeout(100)
    assert time.monotonic() - begun < 5
    assert "token" not in page.url


def test_a_stimulus_gives_the_cmap_of_the_truth(bed: Bed) -> None:
    """CMAP amplitude within 2 % and onset within 0.1 ms of the patient's own template."""
    under_fdi(bed)
    for current in (20.0, 30.0, 40.0):
        sweep = bed.stimulate(current)
    truth = response(bed.ask("/api/demo/templates"), FDI, "ulnar", "wrist")
    got = sweep["measurement"]
    assert got["state"] == "measured", got
    assert got["values"]["amplitude_mv"] == pytest.approx(truth["amplitude_mv"], rel=0.02)
    assert got["values"]["onset_latency_ms"] == pytest.approx(truth["onset_latency_ms"], abs=0.1)
    row = sweep["average"]["measurement"]["values"]
    shown = bed.page.get_by_test_id("results").inner_text()
    assert f"{row['onset_latency_ms']:.2f}" in shown
    assert f"{row['amplitude_mv']:.1f}" in shown
    lines = bed.ask(f"/api/demo/beside?muscle={FDI}")["lines"]
    amplitude = next(line for line in lines if line["quantity"] == "amplitude_mv")
    assert amplitude["truth"] == pytest.approx(truth["amplitude_mv"])
    assert abs(amplitude["difference"]) < 0.02 * truth["amplitude_mv"], amplitude
    assert amplitude["note"] == ""


def response(templates: dict[str, Any], muscle: str, nerve: str, site: str) -> dict[str, float]:
    """The noise-free response of one muscle to one nerve at one site."""
    wanted = (muscle, nerve, site)
    return next(
        wave
        for wave in templates["templates"]["m_waves"]
        if (wave["muscle"], wave["nerve"], wave["site"]) == wanted
    )


def test_each_dial_moves_its_own_side_of_the_card(bed: Bed) -> None:
    """LMN dial up: L5 turns abnormal. UMN dial up: clonus turns abnormal. The other side stays."""
    under_fdi(bed)
    for current in (30.0, 40.0):
        bed.stimulate(current)
    bed.until("the CMAP is on the card", lambda: "L5" in bed.states("lmn"), 10)
    umn_before = bed.states("umn")
    assert bed.states("lmn")["L5"] == "normal"
    bed.ask("/api/demo/dial", {"muscle": FDI, "lmn": 0.8})
    bed.page.wait_for_timeout(2500)  # a dial takes effect within 2 s of signal
    begun = time.monotonic()
    for current in (30.0, 40.0, 48.0):
        bed.stimulate(current)
    left_s = 60 - (time.monotonic() - begun)
    bed.until("L5 abnormal", lambda: bed.states("lmn")["L5"] == "abnormal", left_s)
    assert bed.states("umn") == umn_before
    lmn_before = bed.states("lmn")
    bed.ask("/api/demo/dial", {"muscle": FDI, "umn": 1.0})
    bed.ask("/api/task", {"task": "stretch"})
    bed.ask("/api/demo/task", {"name": "stretch", "level": 1.0})
    bed.until("U3 abnormal", lambda: bed.states("umn").get("U3") == "abnormal", 60)
    assert bed.states("lmn") == lmn_before
    bed.page.get_by_test_id("muscle-choice").select_option(FDI)
    card = bed.page.get_by_test_id("muscle-card")
    card.locator('[data-testid="umn-for"] [data-family="U3"]').wait_for()
    card.locator('[data-testid="lmn-for"] [data-family="L5"]').wait_for()


def epoch_of(bed: Bed) -> int:
    """Number of the device's newest epoch."""
    return bed.ask("/api/study")["devices"][0]["epoch"]


@pytest.mark.timed
def test_unplugging_is_said_within_a_second_and_replugging_opens_an_epoch(bed: Bed) -> None:
    """LOST within 1 s of the plug; after the replug, LIVE again in a new epoch, shown as a seam."""
    shown = bed.page.get_by_test_id("status-device")
    took = []

    def said_in_time() -> bool:
        bed.until("live", lambda: "LIVE" in shown.inner_text(), 25)
        before = epoch_of(bed)
        bed.ask("/api/demo/fault", {"name": "unplug", "seconds": 1.5})
        begun = time.monotonic()
        bed.page.wait_for_function(f"() => {DEVICE_CELL}.includes('LOST')", timeout=5000)
        took.append(time.monotonic() - begun)
        assert "LIVE" not in shown.inner_text()
        bed.until("live again", lambda: "LIVE" in shown.inner_text(), 25)
        assert epoch_of(bed) > before
        return took[-1] <= 1.0

    assert two_of_three(said_in_time), took
