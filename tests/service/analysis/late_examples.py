"""One rich example of every late response, for the tests that go through all measures."""

from __future__ import annotations

import numpy as np

from service.analysis.f_wave import FWaveSettings
from service.analysis.rns import RnsSettings

from .late_truth import Nerve, f_run
from .test_blink import reflex
from .test_h_reflex import ramp, slow
from .test_rns import WARM, course, trains


def f_wave_of(rng):
    """Twenty stimuli, with the distance and the velocity."""
    run = f_run(rng, Nerve.drawn(rng))
    settings = FWaveSettings(distance_mm=720.0, velocity_m_s=57.0)
    return run.sweeps_uv, run.rate_hz, run.zero, {"settings": settings}


def h_reflex_of(rng):
    """A whole ramp."""
    sweeps, zero, currents, _, _ = ramp(rng)
    return sweeps, 16_000.0, zero, {"current_ma": currents, "stimulus_s": slow(currents)}


def rns_of(rng):
    """Before and after exercise."""
    sweeps, zero, times = trains(rng, [course(0.1), course(0.2)])
    settings = RnsSettings(**WARM, exercise_end_s=30.0)
    return sweeps, 16_000.0, zero, {"stimulus_s": times, "settings": settings}


def blink_of(rng):
    """Both sides."""
    sides, zero = reflex(rng)
    return sides, 16_000.0, zero


RICH = {"f_wave": f_wave_of, "h_reflex": h_reflex_of, "rns": rns_of, "blink": blink_of}


def npz(path, name, seed=1):
    """The example as a file of sweeps; the side of the stimulus alone."""
    given = list(RICH[name](np.random.default_rng(seed)))
    told = given.pop() if isinstance(given[-1], dict) else {}
    samples, rate_hz, zero = given
    arrays = {key: value for key, value in told.items() if key != "settings"}
    np.savez(
        path, samples=samples if samples.ndim == 2 else samples[0], rate_hz=rate_hz, unit="uV",
        stimulus_index=zero, **arrays,
    )  # fmt: skip
    return path
