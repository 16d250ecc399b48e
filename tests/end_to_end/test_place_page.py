"""Where and how sweeps were taken, in real Chromium: hunting, corrections, halves, review, stated
currents. All by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import SCREEN, OpenPage, Stage
from tests.end_to_end.looks import axe_violations, is_live, overflowing, stop_rectangle
from tests.end_to_end.test_study_page import ELBOW, PULSE_GAP_MS, SMALL, WRIST, begun, pulses

pytestmark = pytest.mark.browser


def good(page: Page, what: str) -> None:
    """Nothing overflows, nothing is unlabelled."""
    assert overflowing(page) == [], what
    assert axe_violations(page) == "", what


def test_the_place_is_hunted_for_without_a_sweep_and_a_wrong_one_is_corrected(
    stage: Stage, open_page: OpenPage
) -> None:
    """H: shown, marked, not kept; H again: kept. Y moves the row, which says what it was."""
    page = begun(stage, open_page, size=SMALL)
    place = stop_rectangle(page)
    page.keyboard.press("h")
    expect(page.get_by_test_id("hunt")).to_contain_text("sweeps are not kept")
    pulses(page, 2)
    expect(page.get_by_test_id("hunt-newest")).to_contain_text("5.9\u00a0mV at 20.0\u00a0mA")
    good(page, "hunting")
    assert stage.fake.sweeps == []
    page.keyboard.press("h")
    expect(page.get_by_test_id("hunt")).to_have_count(0)
    expect(page.get_by_test_id("sweep-plot")).to_have_attribute("data-sweeps", "0")
    for number in (1, 2, 3, 4):  # armed as before: hunting neither arms nor disarms
        page.wait_for_timeout(PULSE_GAP_MS)
        page.keyboard.press("F9")
        expect(page.get_by_test_id("sweep-plot")).to_have_attribute("data-sweeps", str(number))
    assert [one["row"] for one in stage.fake.sweeps] == [f"{WRIST}.1"] * 4
    artefact = page.get_by_test_id("sweep-list").locator("[data-artefact=true]")
    expect(artefact).to_have_attribute("title", re.compile("artefact: 9 times as far"))
    artefact.press("Enter")
    expect(artefact).to_have_count(0)
    assert stage.fake.sweeps[0]["kept"] is True
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("Shift+V")
    expect(page.get_by_test_id("marker-readout")).to_contain_text("odd sweeps")
    page.keyboard.press("Shift+V")
    page.keyboard.press("y")
    expect(page.get_by_test_id("correct-measure")).to_be_focused()
    expect(page.get_by_test_id("correct-send")).to_be_disabled()
    good(page, "correcting")
    page.get_by_test_id("correct-site").select_option("elbow")
    page.get_by_test_id("correct-send").press("Enter")
    expect(page.get_by_test_id("result-elbow")).to_contain_text("4/4")
    expect(page.get_by_test_id("corrected")).to_contain_text("was left median, wrist, APB until KS")
    assert [one["row"] for one in stage.fake.sweeps] == [f"{ELBOW}.1"] * 4
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("Shift+D")
    page.keyboard.type("10")
    with page.expect_response("**/condition"):
        page.keyboard.press("Enter")
    expect(page.get_by_test_id("condition-after_exercise_s")).to_have_value("10")
    assert stage.fake.table.hand[f"{ELBOW}.1"]["after_exercise_s"] == 10
    assert stop_rectangle(page) == place


def test_a_closed_study_is_looked_at_and_nothing_of_it_or_of_the_bed_can_be_changed(
    stage: Stage, open_page: OpenPage
) -> None:
    """Start lists it; table, sweeps and changes are there; X and the pedal do nothing; reopening is
    asked about once. With a stimulator of its own panel, the current is typed."""
    stage.fake.kind = "manual"
    page = open_page(stage.origin, size=SCREEN, theme="light")
    is_live(page)
    expect(page.get_by_test_id("at-device")).to_be_visible()
    expect(page.get_by_test_id("fire")).to_have_count(0)
    page.get_by_test_id("stated-current").fill("24,5")
    page.get_by_test_id("stated-current").press("Enter")
    expect(page.get_by_test_id("current")).to_contain_text("24.5")
    good(page, "stated")
    for _ in range(2):
        stage.fake.sweep()
    page.goto(f"{stage.origin}/#/")
    page.locator('[data-study="old"]').get_by_role("link", name="Look at P-0007").click()
    expect(page.get_by_test_id("review-state")).to_contain_text("CLOSED")
    expect(page.get_by_test_id("review-plot")).to_have_attribute("data-sweeps", "2")
    expect(page.get_by_test_id("review-edits")).to_contain_text(
        "entered 225\u00a0mm for left median"
    )
    expect(page.get_by_test_id("review").locator("input")).to_have_count(0)
    for key in ("x", "F9", "j"):
        page.keyboard.press(key)
    assert all(one["included"] for one in stage.fake.sweeps)
    assert len(stage.fake.sweeps) == 2
    good(page, "review")
    page.get_by_test_id("review-open").press("Enter")
    expect(page.get_by_test_id("review-ask")).to_be_visible()
    page.get_by_test_id("review-open").press("Enter")
    expect(page.get_by_test_id("bedside")).to_be_visible()
    assert stage.fake.study_id == "old"
