"""From the write to a terminal to the viewer's socket, against a bare read of a terminal.

The board writes what is due every 10 ms, to the service's terminal and to a bare one that this
process reads; times are of one clock. The age of a frame is that of the write which held its last
sample. Only what the software adds counts: a block's own length is not in it.
"""

from __future__ import annotations

import bisect
import os
import statistics
import sys

from benchmarks.board import STAMP
from benchmarks.served import Viewer, board, service
from service.api.wire import Header

BLOCK_MS = 10.0
WARM_UP_S, SECONDS = 4.0, 10.0
BUDGET = 5.0  # hops; missed so far: docs/decisions/0005


def ages(frames: list[tuple[int, float]], log: list[list[float]]) -> list[float]:
    """Seconds from write to socket of each frame (index past its last sample, arrival)."""
    firsts = [int(first) for first, _ in log]
    found = []
    for end, arrived_s in frames:
        at = bisect.bisect_right(firsts, end - 1) - 1
        if at >= 0 and arrived_s >= log[at][1]:
            found.append(arrived_s - log[at][1])
    return found


def main() -> int:
    """Print both medians and their ratio; 1 if the budget is missed."""
    frames: list[tuple[int, float]] = []
    hops: list[float] = []

    def seen(head: bytes, now_s: float) -> None:
        header = Header.decode(head)
        frames.append((header.first_index + header.count * header.decimation, now_s))

    with board(BLOCK_MS) as (ports, end), service(f"hackeeg:{ports['device']}") as (_, url):
        bare = os.open(ports["bare"], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

        def hop(now_s: float) -> None:
            data = os.read(bare, 1 << 16)
            if len(data) == STAMP.size:
                hops.append(now_s - STAMP.unpack(data)[0])

        viewer = Viewer(url, seen)
        viewer.watch(WARM_UP_S, {bare: hop})
        frames.clear()
        hops.clear()
        viewer.watch(SECONDS, {bare: hop})
        log = end()
        os.close(bare)
    found = ages(frames, log)
    ours, floor = statistics.median(found), statistics.median(hops)
    tenths = statistics.quantiles(found, n=10)
    print(f"bare pty hop  {1e6 * floor:7.0f} µs   ({len(hops)} writes)")
    print(
        f"pty to viewer {1e6 * ours:7.0f} µs   p10 {1e6 * tenths[0]:.0f} µs, "
        f"p90 {1e6 * tenths[-1]:.0f} µs ({len(found)} frames)"
    )
    print(f"ratio {ours / floor:.1f}, budget {BUDGET:g}")
    return int(ours > BUDGET * floor)


if __name__ == "__main__":
    sys.exit(main())
