"""The page keeps the screen's pace while 8 channels at 16 kHz come in, and nothing moves on it.

The peer is an empty page of the same browser in the same run. Asserted: no long task (50 ms) of the
browser while live, drawing included; the median frame interval within 1.25 of the peer's 95th
centile; no layout shift. The 95th centile against the peer's is measured and shown, not asserted:
headless Chromium draws in software on the cores that simulator and service use too, and then skips
a frame now and then.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.end_to_end.conftest import Demo, OpenPage
from tests.end_to_end.looks import is_live

pytestmark = pytest.mark.browser

RATIO = 1.25
LONGEST_TASK_MS = 50.0
WATCH_MS = 4000
STILL_MS = 10_000
# requestAnimationFrame is wrapped before the page's script runs: its callbacks are the drawing.
WATCH = """() => {
  window.watched = {at: [], drawn: [], shifts: [], long: []};
  const ask = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (draw) => ask((now) => {
    const begun = performance.now();
    draw(now);  // uPlot paints in a microtask of it, before this one
    queueMicrotask(() => window.watched.drawn.push(performance.now() - begun));
  });
  const tick = (now) => { window.watched.at.push(now); ask(tick); };
  ask(tick);
  const see = (type, list) => new PerformanceObserver((found) => {
    for (const one of found.getEntries()) list.push(one.value ?? one.duration);
  }).observe({type, buffered: false});
  see('layout-shift', window.watched.shifts);
  see('longtask', window.watched.long);
}"""


def watched(page: Page, milliseconds: int) -> dict[str, list[float]]:
    """What the page did in the next while: frame times, drawing times, shifts, long tasks."""
    page.evaluate("() => { for (const list of Object.values(window.watched)) list.length = 0; }")
    page.wait_for_timeout(milliseconds)
    seen: dict[str, list[float]] = page.evaluate("() => window.watched")
    return seen


def centile(values: list[float], share: float) -> float:
    """The value below which that share of them lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def intervals(seen: dict[str, list[float]]) -> list[float]:
    """From frame to frame, ms."""
    return [later - sooner for sooner, later in zip(seen["at"], seen["at"][1:], strict=False)]


@pytest.fixture
def bedside(demo: Demo, open_page: OpenPage) -> Page:
    """The demo's bedside, live, in a contraction, watched from its first script on."""
    page = open_page(demo.url, reduced_motion="no-preference")
    page.context.add_init_script(f"({WATCH})()")
    page.reload()
    is_live(page)
    page.get_by_test_id("task-hold").click()
    page.wait_for_timeout(2000)
    return page


@pytest.mark.timed
def test_live_traces_keep_the_pace_of_an_empty_page(bedside: Page) -> None:
    """The usual frame is as long as the empty page's, and no task takes 50 ms."""
    empty = bedside.context.new_page()
    tries: list[dict[str, Any]] = []
    for _ in range(3):  # another process of this machine may take the cores in one of them
        empty.bring_to_front()
        peer = centile(intervals(watched(empty, WATCH_MS)), 0.95)
        bedside.bring_to_front()
        seen = watched(bedside, WATCH_MS)
        own = intervals(seen)
        tries.append(
            {
                "median_ratio": centile(own, 0.5) / peer,
                "ratio_95": centile(own, 0.95) / peer,
                "longest_draw_ms": max(seen["drawn"]),
                "longest_task_ms": max(seen["long"], default=0.0),
            }
        )
        if tries[-1]["median_ratio"] <= RATIO and tries[-1]["longest_task_ms"] < LONGEST_TASK_MS:
            break
    assert tries[-1]["median_ratio"] <= RATIO, tries
    assert tries[-1]["longest_task_ms"] < LONGEST_TASK_MS, tries


def test_nothing_moves_on_the_live_bedside(bedside: Page) -> None:
    """Cumulative layout shift over 10 s of live data is exactly 0."""
    assert watched(bedside, STILL_MS)["shifts"] == []
