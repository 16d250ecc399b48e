"""What a stimulus added to the samples: the same patient with and without it, subtracted."""

from functools import lru_cache

import numpy as np

from simulators.patient import FrontEnd, load_patient

from .exam import patient_with


def _settled(keys, kind, lmn, umn, rate_hz=16000.0):
    """The healthy patient after 1.2 s, in which the dials have come to rest."""
    if keys is None:
        patient = load_patient("healthy", seed=1, front_end=FrontEnd(rate_hz, kind))
    else:
        patient = patient_with("healthy", keys, rate_hz=rate_hz, kind=kind)
    patient.set_dial("all", lmn=lmn, umn=umn)
    patient.advance(int(1.2 * rate_hz))
    return patient


@lru_cache(maxsize=8)
def _quiet(keys, kind, lmn, umn, samples):
    """What the same patient shows without a stimulus, wherever the stimulator lies."""
    return _settled(keys, kind, lmn, umn).advance(samples)


def evoked(nerve, site, *, at=100.0, kind="sinc3", keys=None, lmn=None, umn=None, **more):
    """(n_channels, n_samples) µV from sample 0, and the patient; stimulus at sample `at`. keys: the
    only leads (absent: the case's own eight). `more`: current_ma, width_us, samples."""
    samples = more.get("samples", 1000)
    patient = _settled(keys, kind, lmn, umn)
    patient.place(nerve, site, "left")
    patient.stimulate(
        patient.sample_index + at,
        current_ma=more.get("current_ma", 60.0),
        width_us=more.get("width_us", 200.0),
    )
    return patient.advance(samples) - _quiet(keys, kind, lmn, umn, samples), patient


def measured(response_uv, zero_index, rate_hz, skip_s=0.0017):
    """Amplitude (mV) and onset (ms) of a negative-first response, on a fine cubic interpolation."""
    from scipy.interpolate import CubicSpline

    up = -np.asarray(response_uv)
    index = np.arange(up.size)
    fine = np.arange(zero_index + skip_s * rate_hz, up.size - 1, 0.02)
    curve = CubicSpline(index, up)(fine)
    peak = int(np.argmax(curve))
    start = int(np.flatnonzero(curve[:peak] <= 0.02 * curve[peak])[-1])
    return curve[peak] / 1e3, (fine[start] - zero_index) / rate_hz * 1e3


def truth_of(patient, muscle, site):
    """The patient's own account of that M-wave."""
    rows = patient.templates()["m_waves"]
    return next(row for row in rows if row["muscle"] == muscle and row["site"] == site)
