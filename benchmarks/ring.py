"""Ring, 64 channels x 20 kHz: appending against memcpy and a deque; reading against copying."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from itertools import count

import numpy as np

from benchmarks.timing import Budget, cpu_seconds, judge
from service.acquisition.ring import Ring

CHANNELS, RATE_HZ, BLOCK, SECONDS = 64, 20_000, 200, 10.0


def ring_append(ring: Ring, block: np.ndarray) -> Callable[[], None]:
    """One 10 ms block into a ring that has been round twice."""
    starts = count(0, BLOCK)

    def append() -> None:
        ring.append(1, next(starts), block)

    for _ in range(2 * ring.capacity // BLOCK):
        append()
    return append


def main() -> int:
    """Print the ratios; 1 if a budget is missed."""
    block = np.random.default_rng(1).integers(-9, 9, (CHANNELS, BLOCK)).astype(np.int32)
    double, plain = (Ring(CHANNELS, RATE_HZ, SECONDS, double_map=twice) for twice in (True, False))
    size = block.nbytes * (double.capacity // BLOCK)
    linear = np.zeros(size // 4, np.int32).reshape(-1, *block.shape)
    linear_slot, rows = count(), deque[np.ndarray](maxlen=RATE_HZ)

    def memcpy() -> None:
        np.copyto(linear[next(linear_slot) % len(linear)], block)

    def deque_of_rows() -> None:
        for i in range(BLOCK):
            rows.append(block[:, i].copy())

    seconds = cpu_seconds(
        {
            "memcpy of a block into memory as large": memcpy,
            "ring append, double map": ring_append(double, block),
            "ring append, plain": ring_append(plain, block),
            "deque of rows append": deque_of_rows,
        }
    )
    newest = double.newest()
    assert newest is not None
    first = newest[1] - RATE_HZ
    seconds |= cpu_seconds(
        {
            "1 s window, zero copy": lambda: double.window(1, first, RATE_HZ),
            "1 s window, copied": lambda: double.window(1, first, RATE_HZ, copy=True),
        }
    )
    return judge(
        f"ring, {CHANNELS} channels x {RATE_HZ} Hz, blocks of {BLOCK}",
        seconds,
        [
            Budget(
                "ring append, double map",
                "memcpy of a block into memory as large",
                3.0,
                "design.md budgets",
            ),
            Budget("ring append, double map", "deque of rows append", 1 / 5, "for comparison"),
            Budget("1 s window, zero copy", "1 s window, copied", 1 / 100, "design.md budgets"),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
