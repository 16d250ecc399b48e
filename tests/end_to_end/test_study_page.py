"""A nerve conduction study on the page in real Chromium: steps, rows, markers, trains, keyboard."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import SCREEN, OpenPage, Stage
from tests.end_to_end.looks import axe_violations, is_live, overflowing, stop_rectangle

pytestmark = pytest.mark.browser
SMALL = {"width": 1280, "height": 800}
WRIST, ELBOW = ("motor_response.left.median.wrist.APB", "motor_response.left.median.elbow.APB")
PULSE_GAP_MS = 200


def begun(stage: Stage, open_page: OpenPage, **more: Any) -> Page:
    """A carpal tunnel study, begun on the start screen; keys go to the page."""
    page = open_page(stage.origin, **more)
    is_live(page)
    page.goto(f"{stage.origin}/#/")
    page.get_by_test_id("new-patient").fill("P-0412")
    page.get_by_test_id("new-operator").fill("KS")
    page.get_by_test_id("new-protocol").select_option("carpal_tunnel")
    page.get_by_test_id("new-begin").click()
    expect(page.get_by_test_id("remaining")).to_contain_text("6 remain")
    expect(page.locator("[data-step]")).to_have_count(6)
    page.evaluate("document.activeElement?.blur()")
    return page


def pulses(page: Page, count: int) -> None:
    """Arm by the held key and fire by the pedal."""
    page.keyboard.down("a")
    expect(page.get_by_test_id("stimulator-state")).to_have_attribute("data-state", "armed")
    page.keyboard.up("a")
    plot = page.get_by_test_id("sweep-plot")
    before = int(plot.get_attribute("data-sweeps") or 0)
    for number in range(1, count + 1):
        page.wait_for_timeout(PULSE_GAP_MS)
        page.keyboard.press("F9")
        expect(plot).to_have_attribute("data-sweeps", str(before + number))


def test_what_was_typed_for_a_new_study_stays_when_the_patients_name_arrives(
    stage: Stage, open_page: OpenPage
) -> None:
    """Whatever the service tells meanwhile, of this patient or of another."""
    page = open_page(stage.origin)
    is_live(page)
    page.goto(f"{stage.origin}/#/")
    page.get_by_test_id("new-patient").fill("P-77")
    page.get_by_test_id("new-visit").fill("first")
    stage.fake.patient = "somebody else"
    page.request.post(f"{stage.origin}/api/temperature", data={"celsius": 33.0})
    expect(page.get_by_role("heading", level=1)).to_contain_text("somebody else")
    expect(page.get_by_test_id("new-patient")).to_have_value("P-77")
    expect(page.get_by_test_id("new-visit")).to_have_value("first")


def test_a_marker_and_a_sweep_go_back_by_ctrl_z_and_a_long_sweep_is_in_view(
    stage: Stage, open_page: OpenPage
) -> None:
    """By keys alone; in a text field the key is the browser's."""
    page = begun(stage, open_page)
    page.keyboard.press("b")
    pulses(page, 2)
    page.keyboard.press("x")
    expect(page.get_by_test_id("triggered")).to_contain_text("1 of 2")
    page.keyboard.press("w")
    page.keyboard.press("Control+z")
    expect(page.get_by_test_id("triggered")).to_contain_text("1 of 2")
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("Control+z")
    expect(page.get_by_test_id("triggered")).to_contain_text("2 of 2")
    expect(page.get_by_test_id("event-line")).to_contain_text("undone: sweep")
    page.keyboard.press("1")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_test_id("marker-readout")).to_contain_text("by KS")
    page.keyboard.press("Control+z")
    expect(page.get_by_test_id("marker-readout")).to_contain_text("automatic")
    page.keyboard.press("Shift+L")
    page.keyboard.type("250")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("sweep-time")).to_contain_text("30")
    page.keyboard.press("+")
    expect(page.get_by_test_id("sweep-gain")).to_contain_text("2")


def test_a_motor_study_is_done_from_step_to_velocity_by_keyboard_alone(
    stage: Stage, open_page: OpenPage
) -> None:
    """Steps by N, sweeps by the pedal, distance, temperature, marker and reset without a mouse."""
    page = begun(stage, open_page)
    page.keyboard.press("b")
    expect(page.locator("[aria-current=step]")).to_have_attribute("data-step", WRIST)
    pulses(page, 3)
    page.keyboard.press("n")
    expect(page.locator("[aria-current=step]")).to_have_attribute("data-step", ELBOW)
    expect(page.locator(f'[data-step="{WRIST}"]')).to_have_attribute("data-state", "done")
    pulses(page, 2)
    expect(page.get_by_test_id("velocity-elbow")).to_have_text("–")
    page.keyboard.press("d")
    page.keyboard.type("9")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("event-line")).to_contain_text("is not 10 to 1500 mm")
    field = page.get_by_test_id("distance-elbow")
    field.fill("225")
    field.press("Enter")
    expect(page.get_by_test_id("velocity-elbow")).to_contain_text("51 ± 3")
    assert f"{WRIST}.1" not in stage.fake.table.hand, "a distance is never carried over"
    expect(page.locator('[data-gate="no_temperature"]')).to_be_visible()
    page.keyboard.press("w")
    page.keyboard.type("33,1")
    page.keyboard.press("Enter")
    expect(page.locator('[data-gate="no_temperature"]')).to_have_count(0)
    page.keyboard.press("1")
    expect(page.get_by_test_id("onset-inset")).to_be_visible()
    page.keyboard.press(".")
    readout = page.get_by_test_id("marker-readout")
    expect(readout).to_contain_text(
        re.compile(r"8\.10 ms, by KS .*automatic 8\.00".replace(" ", r"\s"))
    )
    expect(page.get_by_test_id("result-elbow")).to_contain_text("8.10")
    page.keyboard.press("0")
    expect(readout).to_contain_text("8.00 ms, automatic".replace(" ms", "\u00a0ms"))


def test_what_is_said_of_a_value_is_there_on_demand(stage: Stage, open_page: OpenPage) -> None:
    """L opens the table: limit, percentile, z, source, other side; what is unverified says so."""
    page = begun(stage, open_page)
    pulses(page, 1)
    expect(page.get_by_test_id("result-wrist").locator(".abnormal")).to_contain_text("▼ 3.1")
    page.keyboard.press("l")
    page.keyboard.press("j")
    line = page.get_by_test_id("row-detail").locator('[data-quantity="amplitude_mv"]')
    for words in ("abnormal", "limit unverified", "−2.4", "−56", "made up for a test", "test 1"):
        expect(line).to_contain_text(words)
    expect(page.locator(f'[data-row="{WRIST}.1"]')).to_contain_text("LEFT")
    page.keyboard.press("l")
    expect(page.get_by_test_id("sweep-plot")).to_be_visible()


def test_absent_asks_three_things_and_can_be_taken_back(stage: Stage, open_page: OpenPage) -> None:
    """One key; not before current and duration were looked at; the floor is told, not a number."""
    page = begun(stage, open_page)
    pulses(page, 1)
    expect(page.get_by_test_id("result-wrist")).to_be_visible()
    page.keyboard.press("o")
    expect(page.get_by_test_id("no-response-current")).to_be_focused()
    expect(page.get_by_test_id("absent-send")).to_be_disabled()
    for key in ("Space", "Tab", "Space", "Tab", "Space", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_test_id("instead-wrist")).to_contain_text("absent (< 20\u00a0µV, 1 stimuli)")
    hand = stage.fake.table.hand[f"{WRIST}.1"]
    assert hand["electrode_checked"] is True
    assert hand["by"] == "KS"
    assert len(stage.fake.sweeps) == 1, "the space bar on a box must not fire"


def test_a_sweep_is_taken_out_and_put_back_and_a_repeat_overwrites_nothing(
    stage: Stage, open_page: OpenPage
) -> None:
    """Any sweep by its own button; R makes run 2 and leaves run 1 in the table."""
    page = begun(stage, open_page)
    pulses(page, 3)
    row = page.get_by_test_id("result-wrist")
    page.get_by_test_id("sweep-list").get_by_role("button").nth(1).click()
    expect(row).to_contain_text("2/3")
    page.get_by_test_id("sweep-list").get_by_role("button").nth(1).click()
    expect(row).to_contain_text("3/3")
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("r")
    expect(page.locator("[aria-current=step]")).to_contain_text("run 2")
    page.keyboard.down("a")
    expect(page.get_by_test_id("stimulator-state")).to_have_attribute("data-state", "armed")
    page.keyboard.up("a")
    page.keyboard.press("F9")
    expect(row).to_contain_text("run 2")
    page.keyboard.press("l")
    assert [one["id"] for one in stage.fake.rows()] == [f"{WRIST}.1", f"{WRIST}.2"]
    expect(page.get_by_test_id("whole-table").locator("[data-row]")).to_have_count(2)


def test_a_train_is_declared_begun_by_one_press_and_ended_by_any_key(
    stage: Stage, open_page: OpenPage
) -> None:
    """Count, rate and highest current before arming; then X does not exclude: it ends the train."""
    page = begun(stage, open_page)
    page.locator('[data-step^="f_wave"]').click()
    page.evaluate("document.activeElement?.blur()")
    expect(page.get_by_test_id("train-declared")).to_contain_text("20 pulses")
    page.get_by_test_id("train-count").fill("12")
    page.get_by_test_id("train-count").press("Enter")
    expect(page.get_by_test_id("train-declared")).to_contain_text("12 pulses")
    page.keyboard.down("a")
    expect(page.get_by_test_id("train-progress")).to_contain_text("0 of 12 pulses")
    page.keyboard.up("a")
    page.keyboard.press("Space")
    expect(page.get_by_test_id("train-progress")).to_contain_text("any key ends it")
    page.keyboard.press("x")
    expect(page.get_by_test_id("stimulator-state")).to_have_attribute("data-state", "safe")
    assert stage.fake.train is None
    assert [sweep["included"] for sweep in stage.fake.sweeps] == [True]
    expect(page.get_by_test_id("result-wrist")).to_contain_text("27.4")


def test_skip_wants_a_reason_and_a_change_of_side_asks_once(
    stage: Stage, open_page: OpenPage
) -> None:
    """K asks why; a step on the other side starts at the second asking only."""
    page = begun(stage, open_page)
    page.keyboard.press("k")
    expect(page.get_by_test_id("skip-reason")).to_be_focused()
    page.keyboard.type("pain")
    page.keyboard.press("Enter")
    expect(page.locator(f'[data-step="{WRIST}"]')).to_contain_text("skipped: pain")
    expect(page.get_by_test_id("remaining")).to_contain_text("5 remain · 0 done · 1 skipped")
    right = page.locator("[data-step]").last
    right.click()
    expect(page.get_by_test_id("side-question")).to_contain_text("RIGHT")
    assert stage.fake.step["side"] == "left"
    page.get_by_test_id("side-yes").click()
    expect(right).to_have_attribute("aria-current", "step")
    assert stage.fake.step["side"] == "right"
    expect(page.get_by_test_id("placement")).to_be_visible()


def test_a_step_that_no_channel_records_says_so_before_the_shock(
    stage: Stage, open_page: OpenPage
) -> None:
    """The right hand with electrodes on the left: said in the rail, and mended there by naming the
    channel whose electrodes are moved."""
    page = begun(stage, open_page)
    expect(page.get_by_test_id("electrodes")).to_be_visible()
    expect(page.get_by_test_id("not-recorded")).to_have_count(0)
    page.locator("[data-step]").last.click()
    page.get_by_test_id("side-yes").click()
    said = page.get_by_test_id("not-recorded")
    expect(said).to_contain_text("no channel is called right")
    assert overflowing(page) == []
    page.get_by_test_id("record-on").select_option("left EDC")
    expect(said).to_have_count(0)
    expect(page.get_by_test_id("electrodes")).to_contain_text("left EDC")
    assert stage.fake.listed[-1]["channel"] == "left EDC"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_study_has_no_axe_violation_and_fits(
    stage: Stage, open_page: OpenPage, theme: str
) -> None:
    """Table, forms and train: dark at 1440, light at 1280; nothing overflows at either."""
    size = SCREEN if theme == "dark" else SMALL
    page = begun(stage, open_page, theme=theme, size=size)
    pulses(page, 2)
    page.keyboard.press("1")
    place = stop_rectangle(page)

    def good(what: str) -> None:
        page.wait_for_timeout(50)
        assert overflowing(page) == [], what
        assert stop_rectangle(page) == place, what
        assert axe_violations(page) == "", what

    good("marker")
    for key in "lopku":
        page.evaluate("document.activeElement?.blur()")
        page.keyboard.press(key)
        good(key)
        page.evaluate("document.activeElement?.blur()")
        page.keyboard.press(key)
    page.locator('[data-step^="cmap_scan"]').click()
    expect(page.get_by_test_id("train")).to_be_visible()
    good("scan")
