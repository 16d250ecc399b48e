"""A technician at the page of a running demo: keys, the pedal, and what stands on the screen.

The service is asked to be read only: whether the page has caught up, and the whole of a row. What
is done is done at the page.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from service.analysis.sensory import UNSURE_ONSET
from service.protocols.loading import StepPlan
from tests.end_to_end.conftest import ROOT, Demo
from tests.end_to_end.looks import is_live, overflowing

BY = "KT"
PICTURES = ROOT / "build" / "screenshots"
FIRST_MA, STEP, MOST_MA = 8.0, 1.25, 100.0
SENSORY_MA = (10.0, 15.0, 22.0, 33.0, 40.0)
AVERAGED, MOST_AVERAGED = 20, 60
F_TRAIN = 24  # four more than are needed, for those that a twitch falls into
F_NEEDED = 20
WIDER_US = (200, 500, 1000)
MOST_CHARGE_NC = 50_000.0
APART_MS = 520  # closer pulses count as a train
HELD_MS = 750  # arming is a held key
WAIT_S = 15.0
BUSY_S = 60.0  # a machine too busy for the dead-man's 0.3 s disarms: it is armed again
SERIES_S = 20.0  # a series is measured once it pauses


@dataclass(slots=True)
class Technician:
    """`shots`: first and last sample of each step on the device's counter; `happened`: the truth
    of the same samples, as the simulator keeps it for ten minutes only."""

    page: Page
    demo: Demo
    case: str
    shots: dict[str, list[int]] = field(default_factory=dict)
    happened: dict[str, dict[str, Any]] = field(default_factory=dict)
    _strong: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)
    _tape: np.random.Generator = field(default_factory=lambda: np.random.default_rng(5))

    # -- the screen

    def look(self, name: str) -> None:
        """A picture for people, and nothing on it that does not fit."""
        self.page.wait_for_timeout(300)
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"nerve_study_{self.case}_{name}.png")
        clipped = overflowing(self.page)
        assert not clipped, f"{name}: {clipped}"

    def ask(self, path: str) -> Any:
        """What the service knows."""
        answer = self.page.request.get(self.demo.origin + path)
        assert answer.status == 200, f"{path}: {answer.status} {answer.text()}"
        return json.loads(answer.text())

    def until(self, what: str, seen: Callable[[], Any], seconds: float = WAIT_S) -> Any:
        """The first true value; after that many seconds the last words of the page are told."""
        deadline = time.monotonic() + seconds
        while not (value := seen()):
            assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s; {self.said()}"
            self.page.wait_for_timeout(40)
        return value

    def said(self) -> str:
        """The event line, and what is said beside the stimulator."""
        texts = [self.text("event-line"), self.text("stimulator-sentence")]
        return f"the page says {' and '.join(repr(one) for one in texts)}"

    def text(self, testid: str) -> str:
        """As it is read; empty if it is not there."""
        found = self.page.get_by_test_id(testid)
        return found.inner_text() if found.count() else ""

    def press(self, *keys: str) -> None:
        """Keys on the page; while a field has the focus they would be typed into it."""
        typing = "['INPUT', 'SELECT', 'TEXTAREA'].includes(document.activeElement?.tagName)"
        assert not self.page.evaluate(typing), "a key was pressed while a field has the focus"
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, key: str, text: str) -> None:
        """A key that opens a field, its text, Enter."""
        self.press(key)
        self.page.wait_for_function("document.activeElement?.tagName === 'INPUT'", timeout=3000)
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    # -- the study

    def begin(self, protocol: str, side: str) -> None:
        """On the start screen: patient, initials, protocol, side; age, sex and height."""
        page = self.page
        is_live(page)  # who lies there is known: the form is the one that stays
        page.goto(f"{self.demo.origin}/#/")
        person = self.ask("/api/demo/describe")
        page.get_by_test_id("new-patient").fill(person["code"])
        page.get_by_test_id("new-operator").fill(BY)
        page.get_by_test_id("new-protocol").select_option(protocol)
        page.get_by_role("group", name="Sides").get_by_text(side.capitalize(), exact=True).click()
        self.look("begin")
        page.get_by_test_id("new-begin").press("Enter")
        self.until("the new study", lambda: person["code"] in self.text("status-patient"))
        is_live(page)
        page.get_by_role("link", name="Start").press("Enter")
        for name in ("age_years", "height_cm"):
            page.get_by_test_id(f"subject-{name}").fill(f"{person[name]:g}")
            page.get_by_test_id(f"subject-{name}").press("Enter")
        word = {"F": "Female", "M": "Male"}[person["sex"]]
        page.get_by_role("group", name="Sex").get_by_text(word, exact=True).press("Enter")
        self.until("the subject", lambda: self.ask("/api/study")["study"]["subject"]["sex"])
        self.look("start")
        page.get_by_role("link", name="Go on at the bedside").press("Enter")
        is_live(page)
        page.get_by_test_id("implant").get_by_text("No", exact=True).press("Enter")
        page.get_by_test_id("implant").wait_for(state="detached", timeout=5000)
        page.get_by_test_id("task-rest").press("Enter")
        page.evaluate("document.activeElement?.blur()")

    def here(self) -> str:
        """The step that the list marks."""
        now = self.page.locator("[aria-current=step]")
        return str(now.get_attribute("data-step")) if now.count() else ""

    def go_to(self, wanted: dict[str, StepPlan]) -> None:
        """On by N; steps that are not wanted are skipped with a reason."""
        ids = set(wanted)
        while self.here() in self.shots or self.here() not in ids:
            before = self.here()
            if before not in self.shots:
                self.type("k", "not needed")
                skipped = self.page.locator(f'[data-step="{before}"][data-state="skipped"]')
                skipped.wait_for(timeout=5000)
            self.press("n")
            self.until("the next step", lambda before=before: self.here() != before)

    def do(self, step: StepPlan) -> None:
        """The step under the electrodes, from the first pulse to its distance."""
        known = self.ask("/api/demo/describe")
        if step.measure == "f_wave":
            self._f_waves(step)
        elif step.measure == "sensory_response":
            self._sensory(step)
        else:
            self._motor(step)
        now = self.ask("/api/demo/describe")
        self.shots[step.id] = [int(known["sample_index"]), int(now["sample_index"])]
        if step.measure == "f_wave":
            first, last = self.shots[step.id]
            self.happened[step.id] = self.ask(f"/api/demo/truth?first={first}&last={last}")

    def temperature(self, celsius: float) -> None:
        """Of the skin where this step is recorded."""
        self.type("w", f"{celsius:.1f}")

    def distance(self, step: StepPlan, mm: float) -> None:
        """As a tape reads it, to the millimetre, with the error of a tape."""
        read = round(mm + 2.0 * float(self._tape.standard_normal()))
        self.type("d", str(read))
        self.page.evaluate("document.activeElement?.blur()")
        self.until("the distance", lambda: self.row(step)["distance_mm"] == read)

    def row(self, step: StepPlan) -> dict[str, Any]:
        """The newest row of a step, {} before there is one."""
        own = [one for one in self.ask("/api/rows") if one["step"] == step.id]
        return max(own, key=lambda one: one["run"], default={})

    def drawn(self) -> int:
        """How many sweeps the page shows."""
        found = self.page.get_by_test_id("sweep-plot")
        return int(found.get_attribute("data-sweeps") or 0)

    def table(self) -> dict[str, dict[str, str]]:
        """Row id -> quantity -> state, read from the page row by row by the keys L and J."""
        self.press("l")
        whole = self.page.get_by_test_id("whole-table")
        whole.wait_for(timeout=5000)
        found: dict[str, dict[str, str]] = {}
        for _ in range(whole.locator("[data-row]").count()):
            self.press("j")
            row = str(whole.locator("tr.chosen").get_attribute("data-row"))
            if not found:
                self.look("table_first")
            lines = self.page.get_by_test_id("row-detail").locator("tr[data-quantity]")
            found[row] = {
                str(line.get_attribute("data-quantity")): line.locator("td").nth(1).inner_text()
                for line in lines.all()
            }
        return found

    # -- what is done at a step

    def _motor(self, step: StepPlan) -> None:
        """Up by a quarter until the page says supramaximal, and once more to be sure; if it does
        not up to the highest current, with a longer pulse."""
        for width_us in WIDER_US:
            self._width(width_us)
            most = min(MOST_MA, MOST_CHARGE_NC / width_us)
            ma, proven = max(FIRST_MA, self.current()), 0
            while ma <= most:
                self.shock(step, ma)
                proven = proven + 1 if self._supramaximal(step) else 0
                if proven == 2:
                    self._strong[step.nerve, step.site] = (ma, width_us)
                    return
                ma = float(round(STEP * ma))
            self._current(FIRST_MA)
        self._strong[step.nerve, step.site] = (most, width_us)

    def _sensory(self, step: StepPlan) -> None:
        """Up to a strong current, then averaged until the response and its onset are clear."""
        self._width(step.width_us)
        for ma in SENSORY_MA:
            self.shock(step, ma)
        for count in range(2, MOST_AVERAGED + 1):
            self.shock(step, SENSORY_MA[-1])
            if count % AVERAGED:
                continue
            told = self.row(step)["measurement"]
            unsure = any(why.startswith(UNSURE_ONSET) for why in told["reasons"])
            if told["state"] != "not_assessable" and not unsure:
                return

    def _f_waves(self, step: StepPlan) -> None:
        """A declared train, begun and held by the pedal."""
        ma, width_us = self._strong[step.nerve, step.site]
        self._width(width_us)
        self._current(min(round(STEP * ma), MOST_CHARGE_NC / width_us, MOST_MA))
        while (missing := F_TRAIN - self.drawn()) > 0:
            # one that was broken off, by a machine too busy for the dead-man, is gone on with
            self.page.get_by_test_id("train-count").fill(str(missing))
            self.page.get_by_test_id("train-count").press("Enter")
            self._arm()
            self.page.keyboard.down("F9")
            self._train_ends()
            self.page.keyboard.up("F9")
        count = self.drawn()
        self.until("the train's row", lambda: len(self.row(step).get("sweeps", ())) == count)
        self.until("the numbers of the train", lambda: self._settled(step, count), SERIES_S)
        self._leave_out_twitches(step)

    def _train_ends(self) -> None:
        """The stimulator is off again, and the last sweep is drawn."""
        deadline = time.monotonic() + 3 * F_TRAIN
        while self.state() in {"armed", "firing"}:
            assert time.monotonic() < deadline, f"the train does not end; {self.said()}"
            self.page.wait_for_timeout(100)
        self.page.wait_for_timeout(500)

    def _settled(self, step: StepPlan, count: int) -> bool:
        line = self.row(step)
        told = line["measurement"]["values"].get("sweep_count")
        return told == count or line["measurement"]["state"] != "measured"

    def _leave_out_twitches(self, step: StepPlan) -> None:
        """What the row says comes alone, before all others: a muscle that twitched by itself."""
        line = self.row(step)
        far = [one["sweep"] for one in line["measurement"].get("items", ()) if one.get("alone")]
        buttons = self.page.get_by_test_id("sweep-list").get_by_role("button")
        for number in far[: len(line["used"]) - F_NEEDED]:
            at = line["sweeps"].index(line["used"][number])
            buttons.nth(at).press("Enter")
        self.page.evaluate("document.activeElement?.blur()")
        left = len(line["used"]) - len(far[: len(line["used"]) - F_NEEDED])
        self.until("sweeps left out", lambda: len(self.row(step)["used"]) == left, SERIES_S)

    # -- the stimulator

    def state(self) -> str:
        """Of the stimulator, as the page has it."""
        found = self.page.get_by_test_id("stimulator-state")
        return str(found.get_attribute("data-state"))

    def current(self) -> float:
        """The intensity that the page shows, mA."""
        return float(self.text("current").split()[0])

    def shock(self, step: StepPlan, ma: float) -> None:
        """Intensity by the arrows, armed by the held key, one press of the pedal, one sweep."""
        self._current(ma)
        before, shown = len(self.row(step).get("sweeps", ())), self.drawn()
        for _ in range(5):
            self._arm()
            self.page.wait_for_timeout(APART_MS)
            self.press("F9")
            try:
                self.until("a sweep", lambda: len(self.row(step).get("sweeps", ())) > before, 4.0)
                break
            except AssertionError:
                if self.state() == "armed":
                    raise
        self.until("drawn", lambda: self.drawn() > shown)

    def _supramaximal(self, step: StepPlan) -> bool:
        """What the page says, once it has the row of the newest pulse."""
        told = self.row(step)["supramaximal"]
        self.until("the plateau on the page", lambda: told["sentence"] in self.text("supramaximal"))
        return bool(told["proven"]) and self.row(step)["measurement"]["state"] == "measured"

    def _current(self, ma: float) -> None:
        deadline = time.monotonic() + BUSY_S
        while (left := round(ma - (now := self.current()), 1)) != 0:
            assert time.monotonic() < deadline, f"{ma:g} mA are not reached; {self.said()}"
            key = "ArrowUp" if left > 0 else "ArrowDown"
            self.press(f"Shift+{key}" if abs(left) >= 5 else key)
            for _ in range(50):  # a stimulator that is just being found again refuses: once more
                if self.current() != now:
                    break
                self.page.wait_for_timeout(40)

    def _width(self, width_us: int) -> None:
        choice = self.page.get_by_test_id("pulse-width")
        if choice.input_value() == f"{width_us:g}":
            return
        choice.select_option(f"{width_us:g}")
        self.until("the width", lambda: self.ask("/api/stimulator")["width_us"] == width_us)
        self.page.evaluate("document.activeElement?.blur()")

    def _arm(self) -> None:
        deadline = time.monotonic() + BUSY_S
        while time.monotonic() < deadline:
            if self.state() == "armed":
                return
            self.page.keyboard.down("a")
            self.page.wait_for_timeout(HELD_MS)
            self.page.keyboard.up("a")
            armed = self.page.locator('[data-testid="stimulator-state"][data-state="armed"]')
            try:
                armed.wait_for(timeout=3000)
            except PlaywrightTimeoutError:
                continue
        assert self.state() == "armed", self.said()
