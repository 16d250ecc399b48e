"""CPU of the whole service, one HackEEG of 8 channels at 16 kHz and one viewer: share of one core.

All processes and threads of the service count; the board and the viewer do not. Beside it, what a
device that is not there costs. Other load on the machine raises the figures: a thread that wakes a
hundred times a second finds its caches cold.
"""

from __future__ import annotations

import statistics
import sys
import time
from itertools import pairwise

from benchmarks.served import Viewer, board, cpu_s, service

WARM_UP_S = 4.0
SECONDS = 10.0
BUDGET = 0.15
IDLE_BUDGET = 0.05


def shares(pid: int, wait) -> dict[tuple[int, int, str], float]:
    """Share of a core of every thread while `wait(SECONDS)` lasts."""
    before, begun_s = cpu_s(pid), time.monotonic()
    wait(SECONDS)
    after, lasted_s = cpu_s(pid), time.monotonic() - begun_s
    return {key: (value - before.get(key, 0.0)) / lasted_s for key, value in after.items()}


def told(title: str, threads: dict[tuple[int, int, str], float], budget: float) -> bool:
    """Print; true if missed."""
    total = sum(threads.values())
    print(f"{title}: {100 * total:.1f} % of a core, budget {100 * budget:.0f} %")
    for (pid, thread, name), share in sorted(threads.items(), key=lambda item: -item[1]):
        if share > 0.002:
            kind = "main" if pid == thread else "thread"
            print(f"    {pid:>7} {name:<16} {kind:<7} {100 * share:5.1f} %")
    return total > budget


def main() -> int:
    """Print the shares; 1 if a budget is missed."""
    missed = 0
    frames: list[float] = []
    with board(4.0) as (ports, end), service(f"hackeeg:{ports['device']}") as (pid, url):
        viewer = Viewer(url, lambda _, now_s: frames.append(now_s))
        viewer.watch(WARM_UP_S)
        frames.clear()
        missed += told("8 ch x 16 kHz", shares(pid, viewer.watch), BUDGET)
        end()
    gaps = [b - a for a, b in pairwise(frames)]
    print(
        f"    viewer: {len(frames) / SECONDS:.0f} frames/s, median {statistics.median(gaps):.3f} s"
    )
    with service("hackeeg:/dev/not-there") as (pid, _):
        time.sleep(2.0)
        missed += told("device unplugged", shares(pid, time.sleep), IDLE_BUDGET)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
