"""The size of the response to each of many stimuli, present or not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .baseline import remove_baseline
from .motor import MotorSettings, motor_response

Array = npt.NDArray[np.float64]

_AROUND_MS = 1.0  # before the onset and after the end of the largest response


def graded_amplitudes(
    sweeps_uv: Array, rate_hz: float, zero_index: float, settings: MotorSettings
) -> tuple[Array, float]:
    """Baseline to negative peak in the search window, and the median noise SD, µV.

    sweeps_uv: (n_sweeps, n_samples). Returns (n_sweeps,) amplitudes: no sweep is judged present or
    absent, so noise alone reads as some 3 SD. Errors: ValueError for a window outside the sweep.
    """
    per_ms = rate_hz / 1000.0
    first = int(np.ceil(zero_index + settings.search_from_ms * per_ms))
    last = min(int(zero_index + settings.search_to_ms * per_ms) + 1, sweeps_uv.shape[1])
    if first >= last:
        raise ValueError(
            f"graded responses: the sweep ends before {settings.search_from_ms:g} ms after the "
            "stimulus; record longer sweeps"
        )
    cleaned = [
        remove_baseline(
            row if settings.negative_up else -row, rate_hz, zero_index, mains_hz=settings.mains_hz
        )
        for row in sweeps_uv
    ]
    peaks = np.array([one.trace_uv[first:last].max() for one in cleaned])
    return peaks, float(np.median([one.noise_uv for one in cleaned]))


def scan_responses(
    sweeps_uv: Array,
    rate_hz: float,
    zero_index: float,
    current_ma: Array,
    settings: MotorSettings | None = None,
) -> Array:
    """The responses of a CMAP scan, µV, (n_sweeps,): amplitudes where the largest response lies.

    Without a response at the highest currents the whole search window is used.
    """
    chosen = settings or MotorSettings()
    top = current_ma >= np.quantile(current_ma, 0.97)
    largest = motor_response(sweeps_uv[top], rate_hz, zero_index, settings=chosen)
    places = {marker.name: marker.index for marker in largest.markers}
    if {"onset", "end"} <= set(places):
        per_ms = rate_hz / 1000.0
        chosen = MotorSettings(
            blank_ms=chosen.blank_ms,
            search_from_ms=max(
                (places["onset"] - zero_index) / per_ms - _AROUND_MS, chosen.search_from_ms
            ),
            search_to_ms=(places["end"] - zero_index) / per_ms + _AROUND_MS,
            negative_up=chosen.negative_up,
            mains_hz=chosen.mains_hz,
        )
    return graded_amplitudes(sweeps_uv, rate_hz, zero_index, chosen)[0]


def height_uv(samples_uv: Array, rate_hz: float, zero_index: float, peak_ms: float) -> float:
    """Baseline to negative within 2 ms of a known peak, µV; negative is up.

    samples_uv: (n_samples,). peak_ms: where the strongest responses had their peak.
    """
    trace = remove_baseline(-samples_uv, rate_hz, zero_index, mains_hz=(50.0, 60.0)).trace_uv
    at = zero_index + peak_ms * rate_hz / 1000.0
    first, last = (round(at + side * 2.0 * rate_hz / 1000.0) for side in (-1, 1))
    return float(trace[max(first, 0) : last + 1].max())
