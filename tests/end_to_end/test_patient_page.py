"""The simulated patient's page on the real demo: dials, electrodes, and the truth beside it all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import Demo, OpenPage, end_demo, start_demo
from tests.end_to_end.looks import axe_violations, is_live, overflowing

pytestmark = pytest.mark.browser
SCREENS = ("#/", "#/study/s", "#/study/s/board", "#/patient")
NARROW = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def ill(built_page) -> Iterator[Demo]:
    """A demo of its own: its dials are turned."""
    running = start_demo("--patient", "als_hand")
    yield running
    end_demo(running)


def line(page: Page, quantity: str, of: str):
    """One cell of the table: measured, truth or difference."""
    return page.get_by_test_id(f"beside-{quantity}").first.locator(f"[data-of={of}]")


def test_dials_and_electrodes_are_moved_and_their_truth_is_seen(
    ill: Demo, open_page: OpenPage
) -> None:
    """By keyboard: a muscle is chosen, its LMN dial turned, and fewer units are left in truth."""
    page = open_page(ill.url, size=NARROW)
    is_live(page)
    page.goto(f"{ill.origin}/#/patient")
    page.get_by_test_id("choose-left-ADM").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("beside")).to_contain_text("left ADM")
    expect(line(page, "unit_count", "truth")).not_to_have_text("–", timeout=10_000)
    expect(line(page, "amplitude_mv", "measured")).to_have_text("–")
    before = int(line(page, "unit_count", "truth").inner_text())
    page.get_by_test_id("dial-lmn-left-ADM").focus()
    page.keyboard.press("End")
    page.wait_for_function(
        "was => Number(document.querySelector('[data-testid=beside-unit_count] [data-of=truth]')"
        ".innerText) < was / 2",
        arg=before,
        timeout=15_000,
    )
    page.get_by_test_id("montage").locator("summary").click()
    page.get_by_test_id("lead-8").select_option("left ulnar D5 SNAP")
    page.get_by_test_id("needle").locator("summary").click()
    page.get_by_test_id("needle-insert").click()
    expect(page.get_by_test_id("needle")).to_contain_text("in, 8 mm deep")
    page.get_by_test_id("lead-7").select_option("needle left ADM")
    expect(page.get_by_test_id("lead-7")).to_have_value("needle left ADM")
    page.get_by_test_id("dial-parts").locator("summary").click()
    page.get_by_test_id("part-reflex").focus()
    page.keyboard.press("Home")
    expect(page.get_by_test_id("dial-parts")).to_contain_text("0.00")
    page.get_by_test_id("demo-task-hold").click()
    expect(page.get_by_test_id("demo-task-now")).to_contain_text("hold, 30")
    page.get_by_test_id("demo-task-rest").click()
    assert overflowing(page) == []
    assert axe_violations(page) == ""


def test_a_lead_that_comes_off_is_named_beside_its_trace_until_it_is_back(
    ill: Demo, open_page: OpenPage
) -> None:
    """Within seconds, beneath the channel's name; the others stay as they are."""
    page = open_page(ill.url)
    is_live(page)
    off = {"name": "lead_off", "value": 1, "channel": 2}
    for told in (off, off | {"value": 0}):
        answer = page.request.post(
            f"{ill.origin}/api/demo/technique", data=told, headers={"Origin": ill.origin}
        )
        assert answer.status == 200, answer.text()
        expected = ["mains"] if told["value"] else []
        expect(page.locator(".row-label .fault")).to_have_text(expected, timeout=10_000)
        assert axe_violations(page) == ""


def test_every_screen_says_simulated_in_words(ill: Demo, open_page: OpenPage) -> None:
    """In the header, where it never moves, also for who cannot see the hatch."""
    page = open_page(ill.url)
    is_live(page)
    for screen in SCREENS:
        page.goto(f"{ill.origin}/{screen}")
        page.locator("main").wait_for()
        said = page.get_by_role("banner", name="Status").get_by_test_id("status-mode")
        expect(said).to_contain_text("SIMULATED: no real patient")
        expect(said.locator("b")).to_be_in_viewport()
