"""What a resting muscle does by itself at the tip of a needle: when it happens.

Sources: Kimura J, Electrodiagnosis in Diseases of Nerve and Muscle (insertional activity up to
300 ms, end-plate noise and spikes, fibrillations, positive sharp waves, complex repetitive
discharges; teaching values, from memory); Stohr M 1977 (fibrillation rates 0.5-15 /s); Partanen JV
2013 (end-plate spikes are irregular with short intervals, fibrillations are not).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from simulators.patient.effects import effect
from simulators.patient.front_end import FloatArray

Kind = Literal[
    "fibrillation",
    "positive_sharp_wave",
    "complex_repetitive",
    "end_plate_spike",
    "end_plate_noise",
    "insertion",
]
RESTING_S = {"fibrillation": 12.0, "positive_sharp_wave": 12.0, "complex_repetitive": 25.0}


@dataclass(slots=True)
class Train:
    """One source at the needle. source: its number at this place; rows: templates it draws at each
    discharge. Intervals have the mean 1 / rate_hz, a relative scatter `scatter`, and grow by the
    factor `drift` from one to the next. It discharges from `begin_s` to `end_s`; a source that
    rests begins again later."""

    kind: Kind
    source: int
    rows: tuple[int, ...]
    rate_hz: float
    scatter: float
    drift: float
    begin_s: float
    end_s: float

    def times(self, until_s: float, rng: np.random.Generator) -> FloatArray:
        """Discharges before `until_s` that were not returned yet."""
        found: list[float] = []
        while self.begin_s < until_s and self.begin_s < self.end_s:
            found.append(self.begin_s)
            self.begin_s += self._interval_s(rng)
        if self.begin_s >= self.end_s and self.kind in RESTING_S and until_s > self.end_s:
            self._rest(rng)
        return np.array(found)

    def _interval_s(self, rng: np.random.Generator) -> float:
        """The next interval: nearly Gaussian where regular, log-normal where not."""
        mean_s = 1.0 / self.rate_hz
        self.rate_hz /= self.drift
        if self.scatter < 0.3:
            return mean_s * (1.0 + self.scatter * float(np.clip(rng.standard_normal(), -3.0, 3.0)))
        spread = float(np.sqrt(np.log(1.0 + self.scatter**2)))
        draw = float(np.exp(spread * rng.standard_normal() - 0.5 * spread**2))
        return max(mean_s * draw, 0.002)

    def _rest(self, rng: np.random.Generator) -> None:
        """Fall silent for a while, then begin anew."""
        self.begin_s = self.end_s + float(rng.exponential(RESTING_S[self.kind]))
        length_s = _train_s(self.kind, rng)
        self.end_s = self.begin_s + length_s
        if self.kind != "complex_repetitive":
            self.rate_hz = _resting_rate(rng)


def _resting_rate(rng: np.random.Generator) -> float:
    """Rate of a fibrillating fibre when its train begins."""
    median = effect("denervation.rate_hz")
    return float(np.clip(median * np.exp(0.5 * rng.standard_normal()), 0.8, 15.0))


def _train_s(kind: Kind, rng: np.random.Generator) -> float:
    if kind == "complex_repetitive":
        return float(rng.uniform(2.0, 15.0))
    return float(5.0 + rng.exponential(20.0))


def denervated(
    kind: Kind, source: int, rows: tuple[int, ...], now_s: float, rng: np.random.Generator
) -> Train:
    """A fibrillating fibre, a positive sharp wave or a complex repetitive discharge, set off by the
    needle's movement."""
    begin = now_s + float(rng.uniform(0.05, 1.0))
    end = begin + _train_s(kind, rng)
    if kind == "complex_repetitive":
        rate = float(np.exp(rng.uniform(np.log(5.0), np.log(60.0))))
        return Train(kind, source, rows, rate, 0.002, 1.0, begin, end)
    scatter, drift = effect("denervation.interval_cv"), 1.0 + effect("denervation.drift")
    return Train(kind, source, rows, _resting_rate(rng), scatter, drift, begin, end)


def end_plate(source: int, row: int, now_s: float, rng: np.random.Generator) -> Train:
    """An irritated nerve twig: irregular spikes, now and then in quick runs."""
    rate = float(np.exp(rng.uniform(np.log(8.0), np.log(40.0))))
    scatter = effect("end_plate.spike_cv")
    return Train("end_plate_spike", source, (row,), rate, scatter, 1.0, now_s + 0.2, np.inf)


def end_plate_noise(source: int, row: int, now_s: float, share: float) -> Train:
    """Miniature potentials, too many to be told apart; `share` of them with this template."""
    rate = effect("end_plate.noise_hz") * share
    return Train("end_plate_noise", source, (row,), rate, 1.0, 1.0, now_s + 0.1, np.inf)


def insertion_s(denervation: float, rng: np.random.Generator) -> float:
    """How long the muscle answers to a movement of the needle."""
    normal = min(effect("needle.insertion_ms") * np.exp(0.35 * rng.standard_normal()), 290.0)
    longer = effect("denervation.insertion_ms") * denervation * rng.uniform(0.3, 1.0)
    return 1e-3 * float(normal + longer)


def insertion_times(now_s: float, lasting_s: float, rng: np.random.Generator) -> FloatArray:
    """Discharges of the fibres that the needle hits, dying away."""
    count = int(rng.poisson(effect("needle.insertion_hz") * lasting_s))
    return np.sort(now_s + lasting_s * rng.beta(1.0, 1.6, count))
