"""Where F-waves are looked for: the usual window, longer in a slow nerve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from .smoothing import gaussian

# Where an F-wave may begin after a distal stimulus, ms. Source: clinical reference 1.5.
WINDOWS_MS: Mapping[Literal["arm", "leg"], tuple[float, float]] = MappingProxyType(
    {"arm": (20.0, 45.0), "leg": (35.0, 75.0)}
)
# What that window holds for: the latest distal latency, ms, and the least velocity, m/s, of a
# healthy nerve. Source: limits of median to APB, Buschbacher 1999 (78(6 Suppl):S1), and of fibular
# to EDB (S26).
USUAL: Mapping[Literal["arm", "leg"], tuple[float, float]] = MappingProxyType(
    {"arm": (4.5, 49.0), "leg": (6.5, 38.0)}
)
M_TAIL_MS = 3.0  # after the M-wave's phases: what decays, and is taken off as such
FLIGHT_MS = 10.0  # a response that begins at the window's end is seen for so long

_PHASE = 0.05  # of the M-wave's peak to peak: larger is a phase of it, less its tail
_PAUSE_MS, _SMOOTH_MS, _STEP_MS = 3.0, 0.3, 0.25
_NEAR_MS = 1.0  # a phase that ends earlier before the window leaves it a tail alone

Trace = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """Begin and end, ms; latest_ms: the end that the nerve asks for, where the sweep is shorter.
    last_ms: the last begin that the sweep can show; slow: the end is later than usual."""

    from_ms: float
    to_ms: float
    latest_ms: float
    last_ms: float
    slow: bool

    @property
    def short(self) -> bool:
        """Whether F-waves may come after the sweep has ended."""
        return self.latest_ms > self.to_ms


def window_of(
    usual_ms: tuple[float, float], healthy: tuple[float, float], *, m_onset_ms: float | None,
    m_end_ms: float, velocity_m_s: float | None, last_ms: float,
) -> Window:  # fmt: skip
    """The window of one nerve.

    usual_ms: of a healthy one. healthy: its latest distal latency (ms) and its least velocity
    (m/s). m_onset_ms, velocity_m_s: of this nerve, None is not known and taken as healthy.
    m_end_ms: of its M-wave's last phase; a window that begins later for it is as long as usual
    from there. last_ms: the last begin that the sweep can show. A distal delay moves the end by
    itself; a slow nerve stretches the way to the cord and back.
    """
    latency_ms, least_m_s = healthy
    late_ms = 0.0 if m_onset_ms is None else max(m_onset_ms - latency_ms, 0.0)
    slow = 1.0 if velocity_m_s is None else max(least_m_s / max(velocity_m_s, 1.0), 1.0)
    latest_ms = latency_ms + late_ms + (usual_ms[1] - latency_ms) * slow
    from_ms = usual_ms[0]
    if m_end_ms > usual_ms[0] - _NEAR_MS:
        from_ms = m_end_ms + M_TAIL_MS
        latest_ms = max(latest_ms, from_ms + usual_ms[1] - usual_ms[0])
    slower = latest_ms > usual_ms[1]
    return Window(from_ms, min(latest_ms, last_ms), latest_ms, last_ms, slower)


def m_wave_end_ms(up_uv: Trace, per_ms: float, zero: float, peak_ms: float) -> float:
    """Where the last phase of the M-wave ends, ms after the stimulus.

    up_uv: (n_sweeps, n_samples). Walking from the peak, the first pause of 3 ms in which the
    median over the sweeps, in which F-waves hardly show, stays within 5 % of its peak to peak.
    """
    step = max(int(per_ms * _STEP_MS), 1)
    count = up_uv.shape[1] // step
    parts = up_uv[:, : count * step].reshape(-1, count, step) @ np.full(step, 1.0 / step)
    middle, per_ms, zero = np.median(parts, axis=0), per_ms / step, zero / step
    middle = gaussian(middle - np.median(middle[: max(int(zero - per_ms), 1)]), _SMOOTH_MS * per_ms)
    peak = min(round(zero + peak_ms * per_ms), middle.size - 1)
    around = middle[max(round(zero + per_ms), 0) :]
    loud = np.flatnonzero(np.abs(middle[peak:]) > _PHASE * float(np.ptp(around)))
    if not loud.size:
        return peak_ms
    pauses = np.flatnonzero(np.diff(loud) > _PAUSE_MS * per_ms)
    last = loud[pauses[0]] if pauses.size else loud[-1]
    return (peak + int(last) + 0.5 - zero) / per_ms
