"""Recruitment curves: what a response does as the stimulus grows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Trace = npt.NDArray[np.float64]

_PLATEAU = 0.95  # of the largest level: the plateau is reached
_TOP = 0.98  # and these levels give its height
_PEAK = 0.75  # of the peak: levels whose curve gives the maximum
_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """height / (1 + exp(steepness * (half - I))): I and half in mA, steepness per mA."""

    height: float
    half_ma: float
    steepness: float

    @property
    def slope(self) -> float:
        """At half its height, per mA."""
        return self.height * self.steepness / 4.0

    @property
    def threshold_ma(self) -> float:
        """Where the tangent at half its height meets zero."""
        return self.half_ma - 2.0 / self.steepness

    def at(self, current_ma: Trace) -> Trace:
        """Its value."""
        away = np.clip(self.steepness * (self.half_ma - current_ma), -60.0, 60.0)
        return np.asarray(self.height / (1.0 + np.exp(away)))


def by_level(current_ma: Trace, size: Trace) -> tuple[Trace, Trace, npt.NDArray[np.intp]]:
    """Distinct currents (to 0.01 mA), mean size at each, and the level of every stimulus."""
    levels, place = np.unique(np.round(current_ma, 2), return_inverse=True)
    return levels, np.bincount(place, weights=size) / np.bincount(place), place


def plateau_of(levels_ma: Trace, mean: Trace) -> tuple[float, bool]:
    """The mean of the levels on the plateau, and whether the ramp reached one.

    Reached: the top level and one at least 10 % lower in current are within 5 % of the largest.
    """
    high = mean >= _PLATEAU * mean.max()
    below = high & (levels_ma * 1.10 <= levels_ma[-1] * 1.0001)
    top = mean[mean >= _TOP * mean.max()]
    return float(top.mean()), bool(high[-1] and below.any())


def maximum_of(mean: Trace) -> tuple[float, int]:
    """The maximum of a curve that rises and falls, and its level.

    The vertex of a parabola over the levels around the peak, so that the scatter of single levels
    does not raise it.
    """
    wide = np.convolve(np.pad(mean, 1, mode="edge"), np.ones(3) / 3, "valid")
    top = int(np.argmax(wide))
    high = wide >= _PEAK * wide[top]
    first, last = top, top
    while first > 0 and high[first - 1]:
        first -= 1
    while last + 1 < mean.size and high[last + 1]:
        last += 1
    part = slice(first, last + 1)
    if last - first < 4:
        return float(mean[max(top - 1, 0) : top + 2].max()), top
    place = np.linspace(-1.0, 1.0, last - first + 1)
    c, b, a = np.polynomial.polynomial.polyfit(place, mean[part], 2)
    if a >= 0:
        return float(wide[top]), top
    vertex = min(max(-b / (2 * a), -1.0), 1.0)
    return float(c + b * vertex + a * vertex**2), top


def fit_sigmoid(current_ma: Trace, size: Trace, height: float) -> Sigmoid | None:
    """The rising sigmoid of known height through the points, by damped Gauss-Newton; None if they
    do not rise."""
    rise = np.clip(size / height, 0.02, 0.98)
    inside = (rise > 0.05) & (rise < 0.95)
    if np.count_nonzero(inside) < 3:
        return None
    logit = np.log(rise[inside] / (1.0 - rise[inside]))
    spread = current_ma[inside] - current_ma[inside].mean()
    steep = float(spread @ logit) / max(float(spread @ spread), 1e-12)
    if steep <= 0:
        return None
    half = float(current_ma[inside].mean() - logit.mean() / steep)
    found, damping = Sigmoid(height, half, steep), 1e-3
    cost = float(np.sum((size - found.at(current_ma)) ** 2))
    for _ in range(_ROUNDS):
        part = found.at(current_ma) / height
        bend = height * part * (1.0 - part)
        slope = np.stack(
            [-found.steepness * bend, (current_ma - found.half_ma) * found.steepness * bend]
        )
        normal = slope @ slope.T
        step = np.linalg.solve(
            normal + damping * np.diag(np.diag(normal)) + 1e-12 * np.eye(2),
            slope @ (size - found.at(current_ma)),
        )
        tried = Sigmoid(
            height,
            found.half_ma + float(step[0]),
            found.steepness * float(np.exp(np.clip(step[1], -1, 1))),
        )
        left = float(np.sum((size - tried.at(current_ma)) ** 2))
        if left < cost:
            small = cost - left < 1e-9 * cost
            found, cost, damping = tried, left, damping / 3.0
            if small:
                break
        else:
            damping *= 4.0
    return found
