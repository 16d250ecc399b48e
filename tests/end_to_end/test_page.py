"""The page in real Chromium: what it promises of looks, keys, honesty and access."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.end_to_end.conftest import Demo, OpenPage, Stage
from tests.end_to_end.looks import (
    axe_violations,
    canvas_pixels,
    is_live,
    overflowing,
    stop_rectangle,
)

pytestmark = pytest.mark.browser

SCREENS = {
    "start": "#/",
    "bedside": "#/study/s",
    "board": "#/study/s/board",
    "patient": "#/patient",
}
SIZES = {
    "1440": {"width": 1440, "height": 900},
    "1280": {"width": 1280, "height": 800},
    "tablet": {"width": 820, "height": 1180},
    "zoom 200 %": {"width": 720, "height": 450},
}
STATES = ("live", "stalled", "lost", "failed", "cyton", "replay")


def on_screen(page, origin: str, screen: str) -> None:
    """Go to a screen of the open page."""
    page.goto(f"{origin}/{SCREENS[screen]}")
    page.locator("main").wait_for()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_no_violation_on_the_demo(demo: Demo, open_page: OpenPage, theme: str) -> None:
    """Every screen in both themes, by axe."""
    page = open_page(demo.url, theme=theme)
    is_live(page)
    for screen in SCREENS:
        on_screen(page, demo.origin, screen)
        assert axe_violations(page) == "", screen


def test_axe_finds_no_violation_in_any_state(stage: Stage, open_page: OpenPage) -> None:
    """The bedside in each state of device and record, frozen, with keys and events open."""
    page = open_page(stage.origin, theme="light")
    is_live(page)
    for state in STATES:
        stage.show(state)
        if state == "replay":
            for key in ("f", "?", "e"):
                page.keyboard.press(key)
            page.get_by_test_id("cursor-A").wait_for()
        assert axe_violations(page) == "", state


@pytest.mark.parametrize("size", SIZES)
def test_stop_never_moves_and_nothing_overflows(
    stage: Stage, open_page: OpenPage, size: str
) -> None:
    """STOP's rectangle is the same on all screens and in all states; panels hold their content."""
    page = open_page(stage.origin, size=SIZES[size])
    is_live(page)
    place = stop_rectangle(page)
    assert place["x"] + place["width"] == pytest.approx(SIZES[size]["width"], abs=0.5)
    assert place["y"] == 0
    for state in STATES:
        stage.show(state)
        for screen in SCREENS:
            on_screen(page, stage.origin, screen)
            assert stop_rectangle(page) == place, (state, screen)
            assert overflowing(page) == [], (state, screen)


def test_stop_keeps_its_place_after_being_pressed_and_while_armed(
    stage: Stage, open_page: OpenPage
) -> None:
    """Armed and stopped change the words on STOP, not its rectangle."""
    page = open_page(stage.origin)
    is_live(page)
    place = stop_rectangle(page)
    page.get_by_test_id("arm").click()
    expect(page.get_by_test_id("stimulator-state")).to_have_attribute("data-state", "armed")
    assert stop_rectangle(page) == place
    page.get_by_test_id("stop").click()
    expect(page.get_by_test_id("stop")).to_contain_text("STOPPED")
    assert stop_rectangle(page) == place


@pytest.mark.parametrize("key", ["Escape", "Pause"])
def test_stop_key_works_in_a_text_field_by_both_ways(
    stage: Stage, open_page: OpenPage, key: str
) -> None:
    """With the focus in a field, STOP reaches the service by the socket and by HTTP."""
    page = open_page(stage.origin)
    is_live(page)
    page.get_by_test_id("operator").click()
    page.keyboard.press(key)
    expect(page.get_by_test_id("stimulator-state")).to_have_attribute("data-state", "stopped")
    page.wait_for_timeout(200)
    assert stage.fake.stopped == 2


def test_stop_without_any_answer_says_what_to_do(stage: Stage, open_page: OpenPage) -> None:
    """No socket, no HTTP: the page names the stimulator's own switch."""
    page = open_page(stage.origin)
    is_live(page)
    page.evaluate(
        "() => { window.fetch = () => Promise.reject(new Error('gone'));"
        " WebSocket.prototype.send = () => { throw new Error('gone'); }; }"
    )
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stop-note")).to_contain_text("use the stimulator's own switch")


def test_freeze_holds_the_picture_still_and_cursors_read_raw_samples(
    demo: Demo, open_page: OpenPage
) -> None:
    """Frozen, the canvas does not change, and the two cursors give Δt from the service."""
    page = open_page(demo.url)
    is_live(page)
    page.wait_for_timeout(1200)
    page.keyboard.press("f")
    page.get_by_test_id("cursor-A").wait_for()
    page.wait_for_timeout(200)
    before = canvas_pixels(page)
    page.wait_for_timeout(500)
    assert canvas_pixels(page) == before
    expect(page.get_by_test_id("readout-dt")).to_contain_text("ms", timeout=5000)
    told = page.get_by_test_id("readout-dt").inner_text()
    page.get_by_test_id("cursor-B").press("ArrowRight")
    expect(page.get_by_test_id("readout-dt")).not_to_have_text(told)
    page.keyboard.press("f")
    expect(page.get_by_test_id("cursor-A")).to_have_count(0)


def test_lost_device_greys_the_traces_and_tells_their_age(
    stage: Stage, open_page: OpenPage
) -> None:
    """A device that is gone is never shown as live."""
    page = open_page(stage.origin)
    is_live(page)
    stage.show("lost")
    expect(page.get_by_test_id("status-device")).to_have_attribute("data-state", "lost")
    expect(page.get_by_test_id("stale-note")).to_contain_text("last sample")
    expect(page.get_by_test_id("stale-note")).to_contain_text("s ago", timeout=5000)
    stage.show("live")
    expect(page.get_by_test_id("status-device")).to_have_attribute("data-state", "live")


def test_what_the_hardware_cannot_measure_says_why(stage: Stage, open_page: OpenPage) -> None:
    """On the Cyton the response's place holds the reason, and the card names it too."""
    page = open_page(stage.origin)
    is_live(page)
    stage.show("cyton")
    expect(page.get_by_test_id("not-assessable").first).to_contain_text("needs ≥ 10 kHz")
    expect(page.get_by_test_id("lmn-missing")).to_contain_text("not assessable")
    expect(page.get_by_test_id("umn-missing")).to_contain_text("34 of 200")


def test_sweeps_are_superimposed_with_markers_that_keys_move(
    stage: Stage, open_page: OpenPage
) -> None:
    """Three pulses give three sweeps, a row of the table and three sliders in order."""
    page = open_page(stage.origin)
    is_live(page)
    page.get_by_test_id("arm").click()
    expect(page.get_by_test_id("fire")).to_be_enabled()
    for count in (1, 2, 3):
        page.wait_for_timeout(200)
        page.keyboard.press("F9")
        expect(page.get_by_test_id("sweep-plot")).to_have_attribute("data-sweeps", str(count))
    expect(page.get_by_test_id("result-wrist")).to_contain_text("3.60")
    onset = page.get_by_test_id("marker-wrist-onset")
    onset.press("ArrowRight")
    assert float(onset.get_attribute("aria-valuenow") or 0) == pytest.approx(3.6625, abs=1e-3)
    expect(page.get_by_test_id("marker-readout")).to_contain_text("by SIM")
    for _ in range(20):
        onset.press("Shift+ArrowRight")
    peak = float(page.get_by_test_id("marker-wrist-peak").get_attribute("aria-valuenow") or 0)
    assert float(onset.get_attribute("aria-valuenow") or 0) <= peak


def test_age_sex_and_height_are_entered_at_the_start_and_shown_beside_the_patient(
    stage: Stage, open_page: OpenPage
) -> None:
    """By Enter, by leaving the field and by a button; an emptied field is not known again."""
    page = open_page(stage.origin)
    is_live(page)
    on_screen(page, stage.origin, "start")
    patient = page.get_by_test_id("status-patient")
    expect(page.get_by_test_id("subject-note")).to_contain_text("unknown, not normal")
    expect(patient).to_have_text("PatientP-0412")
    page.get_by_test_id("subject-age_years").fill("58")
    page.get_by_test_id("subject-age_years").press("Enter")
    expect(patient).to_contain_text("58 y")
    page.get_by_test_id("subject-height_cm").fill("176,5")
    page.get_by_test_id("subject-height_cm").blur()
    page.get_by_role("button", name="Male", exact=True).click()
    expect(patient).to_contain_text("M 58 y")
    assert stage.fake.subject == {"age_years": 58, "sex": "M", "height_cm": 176.5}
    page.get_by_test_id("subject-age_years").fill("old")
    page.get_by_test_id("subject-age_years").press("Enter")
    expect(page.get_by_test_id("event-line")).to_contain_text("is no number")
    page.get_by_test_id("subject-age_years").fill("")
    page.get_by_test_id("subject-age_years").blur()
    expect(patient).not_to_contain_text("58")
    assert stage.fake.subject["age_years"] is None


def test_the_demo_knows_its_patients_age(demo: Demo, open_page: OpenPage) -> None:
    """The simulated patient says who it is, so that limits can be chosen."""
    page = open_page(demo.url)
    expect(page.get_by_test_id("status-patient")).to_contain_text("F 45 y")


def test_replay_has_neither_arm_nor_fire(stage: Stage, open_page: OpenPage) -> None:
    """In a replay the controls are absent, not disabled."""
    page = open_page(stage.origin)
    is_live(page)
    stage.show("replay")
    expect(page.get_by_test_id("status-mode")).to_contain_text("REPLAY")
    expect(page.get_by_test_id("fire")).to_have_count(0)
    expect(page.get_by_test_id("arm")).to_have_count(0)


def test_a_service_that_goes_away_is_said_and_found_again(
    stage: Stage, open_page: OpenPage
) -> None:
    """Without contact nothing is shown as live, and the stimulator is unknown: treat as armed."""
    page = open_page(stage.origin)
    is_live(page)
    stage.fake.what = "silent"
    expect(page.get_by_test_id("status-device")).to_contain_text("NO CONTACT", timeout=8000)
    expect(page.get_by_test_id("status-stimulator")).to_contain_text("treat as armed")
    stage.fake.what = "live"
    is_live(page)
