"""Signals with known truth for the tests of the measures; nothing here uses the measures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from simulators.patient import FrontEnd, load_patient

PRE_MS = 20.0


@dataclass(frozen=True, slots=True)
class Shape:
    """A noise-free M-wave at the electrode, negative below zero, 1 mV high.

    first_fibre_ms: when the first fibre's potential arrives, before the sum reaches 2 %.
    """

    rate_hz: float
    waveform_uv: np.ndarray
    onset_ms: float
    area_mv_ms: float
    first_fibre_ms: float


@cache
def shapes() -> tuple[Shape, ...]:
    """M-waves of three simulated patients, from every muscle and site."""
    out = []
    for case, seed in (("healthy", 11), ("als_hand", 12), ("cts", 13)):
        patient = load_patient(case, seed=seed, front_end=FrontEnd(16_000, "sinc3"))
        for wave in patient.templates()["m_waves"]:
            if wave["onset_latency_ms"] is None:
                continue
            rate = float(wave["rate_hz"])
            up = -np.array(wave["waveform_uv"]) / wave["amplitude_mv"]
            peak = int(np.argmax(up))
            begin = int(np.flatnonzero(up[:peak] <= 20.0)[-1])
            zeros = np.flatnonzero(up[peak:] <= 0)
            end = peak + int(zeros[0]) if zeros.size else up.size
            area = float(up[begin:end].sum() / rate)
            first = float(wave["first_arrival_ms"])
            out.append(Shape(rate, -up, float(wave["onset_latency_ms"]), area, first))
    return tuple(out)


def sweep(
    rng: np.random.Generator,
    shape: Shape | None,
    *,
    rate_hz: float,
    amplitude_mv: float = 1.0,
    noise_uv: float = 5.0,
    mains_uv: float = 5.0,
    tail_uv: float | None = None,
) -> tuple[np.ndarray, float]:
    """One sweep through a sinc3 front end, its stimulus anywhere between samples: (µV, zero index).

    shape None: artefact and noise, no response. The front end's delay is already in the zero.
    """
    fine_hz = shapes()[0].rate_hz
    wave = np.zeros(round(0.045 * fine_hz))
    if shape is not None:
        wave += amplitude_mv * shape.waveform_uv[: wave.size]
    late = np.arange(wave.size) / fine_hz
    tail = rng.uniform(20.0, 250.0) if tail_uv is None else tail_uv
    wave += np.where(late < 2e-4, 4 * tail, -tail * np.exp(-(late - 2e-4) / 0.25e-3))
    before = np.zeros(round(PRE_MS * 1e-3 * fine_hz))
    whole = np.concatenate([before, wave, np.zeros(round(0.055 * fine_hz))])
    box = np.ones(round(fine_hz / rate_hz)) / round(fine_hz / rate_hz)
    whole = np.convolve(whole, np.convolve(np.convolve(box, box), box), mode="same")
    shift_s = rng.uniform(0, 1) / rate_hz
    at_s = shift_s + np.arange(round((whole.size / fine_hz - 0.002) * rate_hz)) / rate_hz
    trace = np.interp(at_s, np.arange(whole.size) / fine_hz, whole)
    trace += noise_uv * rng.standard_normal(trace.size)
    trace += mains_uv * np.sin(2 * np.pi * 50.0 * at_s + rng.uniform(0, 2 * np.pi))
    return trace, (PRE_MS * 1e-3 - shift_s) * rate_hz


def interference(rng: np.random.Generator, count: int, rate_hz: float, rms_uv: float) -> np.ndarray:
    """Band-limited noise like the surface EMG of a contraction, 20-450 Hz."""
    hz = np.fft.rfftfreq(count, 1 / rate_hz)
    spectrum = rng.standard_normal(hz.size) + 1j * rng.standard_normal(hz.size)
    spectrum[(hz < 20) | (hz > min(450, 0.45 * rate_hz))] = 0
    trace = np.fft.irfft(spectrum, count)
    return rms_uv * trace / trace.std()


def potential(rate_hz: float, size_uv: float, width_ms: float = 8.0) -> np.ndarray:
    """A biphasic motor unit potential, `size_uv` peak to peak."""
    phase = np.linspace(0, 2 * np.pi, max(round(width_ms * 1e-3 * rate_hz), 3))
    wave = np.sin(phase) * np.hanning(phase.size)
    return size_uv * wave / (wave.max() - wave.min())
