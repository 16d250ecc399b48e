"""The surface preset on 64 channels x 2 kHz: state kept, against filtering 5 s again per frame.

The peer is a habit, not a program: BrainFlow's DataFilter over a 5 s window of each channel, 30
frames a second, with the same band and notch.
"""

from __future__ import annotations

import sys

import numpy as np
from brainflow.data_filter import DataFilter, FilterTypes

from benchmarks.timing import Budget, cpu_seconds, judge
from service.acquisition.filters import PRESETS, StreamFilter, design

CHANNELS, RATE_HZ, WINDOW_S, FRAMES_PER_S, BLOCKS_PER_S = 64, 2000, 5, 30, 100
PEER, OURS = "BrainFlow, 5 s again per frame", "stateful, per 10 ms block"


def main() -> int:
    """Print CPU per second of signal and the ratio; 1 if the budget is missed."""
    preset = PRESETS["surface"]
    noise = np.random.default_rng(1).normal(size=(CHANNELS, WINDOW_S * RATE_HZ))
    through = StreamFilter(design(preset, RATE_HZ), CHANNELS)
    block = np.ascontiguousarray(noise[:, : RATE_HZ // BLOCKS_PER_S])
    butterworth = FilterTypes.BUTTERWORTH.value

    def refilter() -> None:
        for row in noise:
            window = row.copy()
            DataFilter.perform_bandstop(window, RATE_HZ, 48.75, 51.25, 2, butterworth, 0.0)
            DataFilter.perform_bandpass(window, RATE_HZ, 20.0, 450.0, 4, butterworth, 0.0)

    per_call = cpu_seconds(
        {PEER: refilter, OURS: lambda: through.push(block)}, repeats=7, at_least_s=0.1
    )
    per_second = {PEER: per_call[PEER] * FRAMES_PER_S, OURS: per_call[OURS] * BLOCKS_PER_S}
    return judge(
        f"filter, {CHANNELS} channels x {RATE_HZ} Hz, CPU for 1 s of signal",
        per_second,
        [Budget(OURS, PEER, 1 / 100, "performance G4")],
    )


if __name__ == "__main__":
    sys.exit(main())
