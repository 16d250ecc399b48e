"""Min/max columns, 64 channels x 20 kHz, 5 s on 1000: only what is new, against all again."""

from __future__ import annotations

import sys
from itertools import count

import numpy as np

from benchmarks.timing import Budget, cpu_seconds, judge
from service.acquisition.envelope import MinMax

CHANNELS, RATE_HZ, WINDOW_S, COLUMNS, FRAMES_PER_S = 64, 20_000, 5, 1000, 50
DECIMATION = RATE_HZ * WINDOW_S // COLUMNS
PEER, OURS = "whole window again (reshape, min, max)", "incremental, one frame's samples"


def main() -> int:
    """Print CPU per frame and the ratio; 1 if the budget is missed."""
    window = np.random.default_rng(1).normal(size=(CHANNELS, RATE_HZ * WINDOW_S))
    fresh = np.ascontiguousarray(window[:, : RATE_HZ // FRAMES_PER_S])
    envelope, starts = MinMax(CHANNELS, DECIMATION), count(0, fresh.shape[1])

    def again() -> None:
        columns = window.reshape(CHANNELS, COLUMNS, DECIMATION)
        np.stack((columns.min(axis=2), columns.max(axis=2)), axis=-1).astype(np.float32)

    seconds = cpu_seconds(
        {PEER: again, OURS: lambda: envelope.push(next(starts), fresh)}, repeats=7
    )
    return judge(
        f"min/max, {CHANNELS} channels x {RATE_HZ} Hz, {COLUMNS} columns of {DECIMATION}",
        seconds,
        [Budget(OURS, PEER, 1 / 150, "performance G5 saw 1/284")],
    )


if __name__ == "__main__":
    sys.exit(main())
