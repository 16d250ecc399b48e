"""What a test asks of a page that is open: its pixels, its overflow, its places."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

OVERFLOW = """() => {
  const clipped = [];
  const said = (e) => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 40);
  const scrolls = (e) => /auto|scroll/.test(getComputedStyle(e).overflow);
  const boxes = '.panel, .cell, .panel-head, .controls, button, output, .stop';
  for (const e of document.querySelectorAll(boxes)) {
    const style = getComputedStyle(e);
    if (style.textOverflow === 'ellipsis' || scrolls(e)) continue;
    if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0) clipped.push('wide: ' + said(e));
  }
  const held = '.panel :is(button, select, input, output)';
  for (const e of document.querySelectorAll(held)) {
    let box = e.parentElement;
    while (box && !scrolls(box) && !box.classList.contains('panel')) box = box.parentElement;
    if (!box || scrolls(box)) continue;
    const a = e.getBoundingClientRect(), b = box.getBoundingClientRect();
    const wide = a.right > b.right + 1 || a.left < b.left - 1;
    const high = a.bottom > b.bottom + 1 || a.top < b.top - 1;
    if (a.width && (wide || high))
      clipped.push('outside its panel: ' + said(e));
  }
  if (document.documentElement.scrollWidth > innerWidth)
    clipped.push('the page is wider than the screen');
  return clipped;
}"""


def overflowing(page: Page) -> list[str]:
    """Elements that do not fit; empty when everything does."""
    found: list[str] = page.evaluate(OVERFLOW)
    return found


def stop_rectangle(page: Page) -> dict[str, float]:
    """Where STOP is."""
    box = page.get_by_test_id("stop").bounding_box()
    assert box is not None
    return dict(box)


def canvas_pixels(page: Page, plot: str = "live-plot") -> str:
    """A plot's canvas as a data URL: two equal ones show the same picture."""
    pixels: str = page.get_by_test_id(plot).locator("canvas").evaluate("c => c.toDataURL()")
    return pixels


def is_live(page: Page) -> None:
    """Wait until the device cell says LIVE and a first frame is drawn."""
    page.locator('[data-testid="status-device"][data-state="live"]').wait_for(timeout=20_000)
    page.get_by_test_id("live-plot").locator("canvas").wait_for()


def axe_violations(page: Page) -> str:
    """What axe finds wrong; empty when nothing. What it finds right is not asked for:
    that would take most of the time."""
    results = Axe().run(page, options={"resultTypes": ["violations"]})
    report: str = results.generate_report() if results.violations_count else ""
    return report
