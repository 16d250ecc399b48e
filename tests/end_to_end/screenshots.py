"""Pictures of the page for people to look at: `make screenshots` writes them to screenshots/."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.end_to_end.conftest import ARGUMENTS, CHROMIUM, SCREEN, end_demo, start_demo
from tests.end_to_end.looks import is_live

OUT = Path(__file__).parents[2] / "screenshots"
SMALL = {"width": 1280, "height": 800}
PULSES = 4


def shot(page: Page, name: str) -> None:
    """One picture, after the layout and a sweep of the write head."""
    page.wait_for_timeout(1200)
    page.screenshot(path=OUT / f"{name}.png")
    sys.stdout.write(f"{name}.png\n")


def opened(browser: Browser, url: str, **more) -> Page:
    """The bedside, live."""
    page = browser.new_context(**{"viewport": SCREEN, "color_scheme": "dark", **more}).new_page()
    page.goto(url)
    is_live(page)
    return page


def stimulate(page: Page) -> None:
    """A few pulses at 40 mA."""
    for _ in range(4):
        page.keyboard.press("Shift+ArrowUp")
        page.wait_for_timeout(300)
    page.get_by_test_id("arm").click()
    page.locator('[data-testid="stimulator-state"][data-state="armed"]').wait_for()
    shot(page, "armed")
    for _ in range(PULSES):
        page.get_by_test_id("fire").click()
        page.wait_for_timeout(1300)
    page.keyboard.press("1")


def hackeeg(browser: Browser) -> None:
    """Everything that the HackEEG shows, unplugged last."""
    demo = start_demo()
    try:
        page = opened(browser, demo.url)
        page.get_by_test_id("task-hold").click()
        shot(page, "bedside-dark")
        page.get_by_test_id("task-rest").click()
        stimulate(page)
        shot(page, "sweeps-cmap")
        page.keyboard.press("i")
        shot(page, "bedside-light")
        page.set_viewport_size(SMALL)
        shot(page, "bedside-light-1280")
        page.keyboard.press("i")
        shot(page, "bedside-dark-1280")
        page.set_viewport_size(SCREEN)
        page.keyboard.press("f")
        shot(page, "frozen-cursors")
        page.keyboard.press("f")
        page.get_by_role("link", name="Board").click()
        page.get_by_test_id("grade-left-APB-lmn").click()
        shot(page, "board-dark")
        page.keyboard.press("i")
        shot(page, "board-light")
        page.evaluate("() => { document.documentElement.style.filter = 'grayscale(1)'; }")
        shot(page, "board-grey")
        page.evaluate("() => { document.documentElement.style.filter = ''; }")
        page.keyboard.press("i")
        page.get_by_role("link", name="Patient").click()
        shot(page, "patient")
        page.get_by_role("link", name="Start").click()
        shot(page, "start")
        page.get_by_role("link", name="Patient").click()
        page.get_by_test_id("fault-unplug").click()
        page.get_by_role("link", name="Bedside").click()
        page.locator('[data-testid="status-device"][data-state="lost"]').wait_for(timeout=5000)
        shot(page, "device-lost")
    finally:
        end_demo(demo)


def cyton(browser: Browser) -> None:
    """What a 250 Hz amplifier cannot measure says why."""
    demo = start_demo("--device", "cyton")
    try:
        page = opened(browser, demo.url)
        shot(page, "cyton-not-assessable")
    finally:
        end_demo(demo)


def main() -> None:
    """All pictures."""
    OUT.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        hackeeg(browser)
        cyton(browser)
        browser.close()


if __name__ == "__main__":
    main()
