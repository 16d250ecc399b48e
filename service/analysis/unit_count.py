"""How many motor units a CMAP scan holds: a stochastic model of the scan, fitted by likelihood.

Model: unit i adds its amplitude a_i whenever the stimulus exceeds its threshold, which varies from
stimulus to stimulus with a relative spread (SD / threshold) that all units share. With thresholds
scattered at random along the scan, two responses at the log-currents x and x + L differ, beyond the
smooth rise, with the variance q·E|L + √2·spread·Z|, Z standard normal, where q = Σa² per unit of
log-current. The part that stays at L → 0 is the units' own unsteadiness, the part that grows with L
is where their thresholds happen to lie; together they give q and the spread. In windows of the
scan, freed of their smooth course by projection (restricted likelihood), q is written as mean unit
amplitude (Σa²/Σa) × rise, and one mean amplitude is fitted to the whole scan. This counts units as
if they were equal; the spread of unit sizes adds the factor 1 + CV².

This is not MScanFit (Bostock, Muscle Nerve 2016;53:889), which fits single units by iteration; both
rest on the same picture of a unit. Source: own derivation from that picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import cholesky, solve_triangular
from scipy.special import erf

Array = npt.NDArray[np.float64]

_MEAN_AMPLITUDES: Array = np.geomspace(1 / 2000, 1.0, 200)  # in units of the maximum


@dataclass(frozen=True, slots=True)
class UnitSettings:
    """What the count assumes.

    relative_spread: median of the spread, and its relative SD between scans. Source: 1.3 % is the
    likelihood's own maximum over the odd ones of 27 genuine scans of healthy people.
    size_cv: SD / mean of the unit amplitudes of one muscle. Source: chosen so that the counts of
    the same odd scans equal their files' MScanFit counts on average; the even ones test it.
    size_sd: of ln(1 + CV²) between muscles. Sizes fitted to the genuine scans have a CV of 0.4 to
    1.0, those of simulated muscles, where depth adds to it, up to 1.3: two SDs either way.
    window: width in log-current. degree: polynomial taken as the smooth course. least_slope: rise
    (share of the maximum per unit of log-current) below which a window tells nothing.
    """

    relative_spread: float = 0.013
    relative_spread_sd: float = 0.1
    size_cv: float = 0.76
    size_sd: float = 0.25
    window: float = 0.12
    degree: int = 3
    least_slope: float = 0.2
    shifts: int = 4


@dataclass(frozen=True, slots=True)
class UnitCount:
    """count: units. low, high: 95 % interval with the uncertainty of what was assumed.
    equal_count: as if all had one size. relative_spread: the likeliest."""

    count: float
    low: float
    high: float
    equal_count: float
    relative_spread: float


def count_units(
    log_current: Array, level: Array, noise_variance: Array, settings: UnitSettings
) -> UnitCount | None:
    """Fit the model to a scan.

    log_current: (n,) ascending, ln mA. level: (n,) responses / maximum. noise_variance: (n,) of
    `level`, without the units' part. None: no window rises enough to tell anything.
    """
    offsets = np.linspace(-2.0, 2.0, 5) * settings.relative_spread_sd
    spreads = settings.relative_spread * np.exp(offsets)
    fit = np.zeros((spreads.size, _MEAN_AMPLITUDES.size))
    used = 0
    for shift in range(settings.shifts):
        start = log_current[0] - settings.window * shift / settings.shifts
        cells = np.floor((log_current - start) / settings.window).astype(int)
        for cell in np.unique(cells):
            inside = cells == cell
            if inside.sum() < settings.degree + 8:
                continue
            x, y = log_current[inside], level[inside]
            slope = float(np.polyfit(x - x.mean(), y, 1)[0])
            if slope < settings.least_slope:
                continue
            fit += _window(x, y, noise_variance[inside], slope, spreads, settings.degree)
            used += 1
    if not used:
        return None
    fit = fit / settings.shifts
    fit -= 0.5 * (offsets / settings.relative_spread_sd)[:, None] ** 2
    return _summary(fit, spreads, settings)


def _window(
    x: Array, y: Array, noise_variance: Array, slope: float, spreads: Array, degree: int
) -> Array:
    """Log-likelihood of one window, shape (n_spreads, n_mean_amplitudes), up to a constant."""
    free = _without_course(x, degree)
    root = cholesky(free.T @ (noise_variance[:, None] * free), lower=True)
    seen = solve_triangular(root, free.T @ y, lower=True)
    distance = np.abs(x[:, None] - x[None, :])
    out = np.empty((spreads.size, _MEAN_AMPLITUDES.size))
    for row, spread in enumerate(spreads):
        half = solve_triangular(root, free.T @ _structure(distance, spread) @ free, lower=True)
        power, basis = np.linalg.eigh(solve_triangular(root, half.T, lower=True))
        energy = (basis.T @ seen) ** 2
        variance = 1.0 + slope * np.maximum(power, 0.0) * _MEAN_AMPLITUDES[:, None]
        out[row] = -0.5 * np.sum(np.log(variance) + energy / variance, axis=1)
    return out


def _structure(distance: Array, spread: float) -> Array:
    """Generalised covariance -E|L + √2·spread·Z|/2 of two stimuli; 0 of a stimulus with itself."""
    sd = np.sqrt(2.0) * spread
    folded = sd * np.sqrt(2 / np.pi) * np.exp(-((distance / sd) ** 2) / 2)
    folded += distance * erf(distance / (sd * np.sqrt(2.0)))
    np.fill_diagonal(folded, 0.0)
    return np.asarray(-folded / 2)


def _without_course(x: Array, degree: int) -> Array:
    """Orthonormal columns (n, n - degree - 1) that see no polynomial of that degree."""
    scaled = 2 * (x - x.min()) / max(float(np.ptp(x)), 1e-12) - 1
    course = np.polynomial.legendre.legvander(scaled, degree)
    left, _, _ = np.linalg.svd(course, full_matrices=True)
    return np.asarray(left[:, degree + 1 :])


def _summary(fit: Array, spreads: Array, settings: UnitSettings) -> UnitCount:
    """Posterior mean and interval of ln count; flat in ln amplitude.

    The interval joins the fit's SD, the scatter of Σa² for that many units, and how much the size
    spread differs between muscles.
    """
    weight = np.exp(fit - fit.max())
    by_size = weight.sum(axis=0) / weight.sum()
    log_equal = -np.log(_MEAN_AMPLITUDES)
    mean = float(by_size @ log_equal)
    fit_sd = float(np.sqrt(by_size @ (log_equal - mean) ** 2))
    equal = float(np.exp(mean))
    # the expectation of Σa²/(Σa)² over n units of gamma-distributed sizes is (1 + CV²)/(n + CV²)
    count = max(equal * (1 + settings.size_cv**2) - settings.size_cv**2, 1.0)
    scatter = settings.size_cv / np.sqrt(count)
    factor = float(np.exp(1.96 * np.sqrt(fit_sd**2 + scatter**2 + settings.size_sd**2)))
    return UnitCount(
        count=count,
        low=count / factor,
        high=count * factor,
        equal_count=equal,
        relative_spread=float(spreads[weight.sum(axis=1).argmax()]),
    )
