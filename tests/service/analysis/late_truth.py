"""Sweeps with late responses of known truth, built from motor units; nothing of the service and
nothing of the simulated patient is used here, so that both can be judged by it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

FINE_HZ = 80_000.0  # a whole multiple of 16 and of 20 kHz
PRE_MS, POST_MS = 20.0, 100.0


def unit_potential(time_ms, tau_ms, slow):
    """Biphasic potential, 1 high, without area, starting at time 0 as a cubic."""
    u = np.maximum(time_ms, 0.0) / tau_ms
    w = np.maximum(time_ms, 0.0) / (tau_ms * slow)
    wave = u**3 * np.exp(-u) - w**3 * np.exp(-w) / slow
    return wave / 1.1


@dataclass(frozen=True)
class Nerve:
    """Motor units of a muscle: size, shape, distal latency, F latency, chance to backfire."""

    size_uv: np.ndarray
    tau_ms: np.ndarray
    slow: np.ndarray
    distal_ms: np.ndarray
    f_ms: np.ndarray
    chance: np.ndarray

    @classmethod
    def drawn(cls, rng, *, units=100, mean_backfiring=2.2, unit_uv=60.0, way_mm=720.0, distal=3.2):
        """Units with lognormal sizes and normal velocities; large ones backfire more often."""
        size = unit_uv * rng.lognormal(0.0, 0.7, units)
        speed = rng.normal(57.0, 3.2, units).clip(48.0, 65.0)
        chance = rng.lognormal(0.0, 0.7, units) * np.sqrt(size)
        chance *= mean_backfiring / chance.sum()
        return cls(
            size, rng.normal(0.85, 0.12, units).clip(0.55, 1.2), rng.uniform(1.7, 2.3, units),
            rng.normal(distal, 0.35, units).clip(distal - 0.8), distal + 1.0 + 2 * way_mm / speed,
            chance.clip(0, 0.95),
        )  # fmt: skip

    def wave(self, units, latency_ms, time_ms):
        """The sum of the units' potentials, negative up, µV."""
        out = np.zeros_like(time_ms)
        for unit, at in zip(units, latency_ms, strict=True):
            first, last = np.searchsorted(time_ms, (at, at + 45.0))  # faded to a billionth by then
            lasting = time_ms[first:last] - at
            shape = unit_potential(lasting, self.tau_ms[unit], self.slow[unit])
            out[first:last] += self.size_uv[unit] * shape
        return out


@dataclass(frozen=True)
class Run:
    """Sweeps and their truth. f_uv, f_ms: size (0: none) and onset of each sweep's F-wave."""

    sweeps_uv: np.ndarray
    rate_hz: float
    zero: float
    m_uv: float
    f_uv: np.ndarray
    f_ms: np.ndarray
    units: list = field(default_factory=list)

    @property
    def present(self):
        """The F-waves that count: 20 µV or more without noise."""
        return self.f_uv >= 20.0


@dataclass(frozen=True)
class Faults:
    """What lies over the sweeps. a_wave: latency, size µV, share of sweeps."""

    noise_uv: float = 3.0
    mains_uv: float = 5.0
    drift_uv: float = 100.0
    a_wave: tuple[float, float, float] | None = None
    jitter_ms: float = 0.03


CLEAN = Faults()


def onset_of(wave, time_ms):
    """Where a noise-free wave first reaches 2 % of its largest deflection."""
    size = np.abs(wave)
    return time_ms[int(np.flatnonzero(size >= 0.02 * size.max())[0])]


def sampled(rng, rows, rate_hz):
    """Through a sinc3 front end at any phase: samples and the place of time zero in them."""
    every = round(FINE_HZ / rate_hz)
    box = np.ones(every) / every
    kernel = np.convolve(np.convolve(box, box), box)
    phase = int(rng.integers(every))
    kept = [np.convolve(row, kernel, "same")[phase::every] for row in rows]
    return np.stack(kept), (PRE_MS * 1e-3 * FINE_HZ - phase) / every


def f_run(rng, nerve, *, stimuli=20, rate_hz=16_000.0, faults=CLEAN):
    """Supramaximal stimuli on a nerve."""
    time = np.arange(round((PRE_MS + POST_MS) * 1e-3 * FINE_HZ)) / FINE_HZ * 1e3 - PRE_MS
    every = np.arange(nerve.size_uv.size)
    m_wave = nerve.wave(every, nerve.distal_ms, time)
    rows, size, onset, fired = [], np.zeros(stimuli), np.full(stimuli, np.nan), []
    for number in range(stimuli):
        units = np.flatnonzero(rng.random(every.size) < nerve.chance)
        late = nerve.wave(units, nerve.f_ms[units] + rng.normal(0, 0.03, units.size), time)
        fired.append(units)
        if units.size:
            size[number], onset[number] = np.ptp(late), onset_of(late, time)
        rows.append(m_wave + late + disturbance(rng, time, faults))
    samples, zero = sampled(rng, rows, rate_hz)
    samples += faults.noise_uv * rng.standard_normal(samples.shape)
    return Run(-samples, rate_hz, zero, float(np.ptp(m_wave)), size, onset, fired)


def disturbance(rng, time_ms, faults):
    """Artefact with its tail, electrode drift, mains, and an A-wave if there is one."""
    after = time_ms >= 0
    late = np.maximum(time_ms, 0.0)
    tail = rng.uniform(-1, 1) * faults.drift_uv * np.exp(-late / rng.uniform(4.0, 30.0))
    artefact = rng.uniform(50, 300) * np.exp(-late / 0.3) + tail
    wave = np.where(after, artefact, 0.0) + rng.normal(0, 20.0) + rng.normal(0, 0.1) * time_ms
    wave = wave + faults.mains_uv * np.sin(2 * np.pi * 0.05 * time_ms + rng.uniform(0, 6.3))
    if faults.a_wave is not None and rng.random() < faults.a_wave[2]:
        at = faults.a_wave[0] + rng.normal(0, faults.jitter_ms)
        wave = wave + faults.a_wave[1] * unit_potential(time_ms - at, 0.5, 1.7)
    return wave
