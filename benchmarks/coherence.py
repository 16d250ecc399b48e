"""All-pairs coherence of 8 channels, 60 s at 2 kHz: against scipy pair by pair, and incremental
against the whole again."""

from __future__ import annotations

import itertools

import numpy as np
from scipy import signal

from benchmarks.timing import Budget, cpu_seconds, judge
from service.analysis.coherence import CrossSpectra

RATE_HZ, SECONDS, CHANNELS, LENGTH = 2000.0, 60, 8, 1600
PAIRS = list(itertools.combinations(range(CHANNELS), 2))


def whole(data: np.ndarray) -> np.ndarray:
    """Every pair from every window, in one go."""
    sums = CrossSpectra(PAIRS, LENGTH, CHANNELS)
    for first in range(0, data.shape[1] - LENGTH + 1, LENGTH):
        sums.add(sums.spectra(data[:, first : first + LENGTH]))
    return sums.coherence()


def by_scipy(data: np.ndarray) -> np.ndarray:
    """One call of scipy.signal.coherence per pair."""
    return np.stack(
        [
            signal.coherence(
                data[i], data[j], fs=RATE_HZ, window="hann", nperseg=LENGTH, noverlap=0
            )[1]
            for i, j in PAIRS
        ]
    )


def main() -> int:
    """Print the ratios; 1 if a budget is missed or the numbers differ."""
    data = np.random.default_rng(1).standard_normal((CHANNELS, round(SECONDS * RATE_HZ)))
    difference = float(np.max(np.abs(whole(data) - by_scipy(data))))
    grown = CrossSpectra(PAIRS, LENGTH, CHANNELS)

    def one_more() -> None:
        grown.add(grown.spectra(data[:, :LENGTH]))

    seconds = cpu_seconds(
        {"all pairs": lambda: whole(data), "scipy": lambda: by_scipy(data), "one window": one_more}
    )
    budgets = [
        Budget("all pairs", "scipy", 1 / 15, "performance goal G10"),
        Budget("one window", "all pairs", 1 / 50, "performance goal G10"),
    ]
    print(f"largest difference from scipy: {difference:.1e}")
    return judge("coherence, 28 pairs", seconds, budgets) or int(difference > 1e-12)


if __name__ == "__main__":
    raise SystemExit(main())
