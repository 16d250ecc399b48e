"""What a stimulus added to the samples: the same patient with and without it, subtracted."""

import numpy as np

from simulators.patient import FrontEnd, load_patient


def evoked(nerve, site, *, at=100.0, rate_hz=16000.0, kind="sinc3", seed=1, case="healthy", **more):
    """(n_channels, n_samples) µV from sample 0; stimulus at sample `at`. `more`: current_ma,
    width_us, lmn, umn, samples."""
    pair = []
    for stimulated in (True, False):
        patient = load_patient(case, seed=seed, front_end=FrontEnd(rate_hz, kind))
        patient.set_dial("all", lmn=more.get("lmn"), umn=more.get("umn"))
        settled = int(1.2 * rate_hz)
        patient.advance(settled)
        patient.place(nerve, site, "left")
        if stimulated:
            patient.stimulate(
                settled + at,
                current_ma=more.get("current_ma", 60.0),
                width_us=more.get("width_us", 200.0),
            )
        pair.append(patient.advance(more.get("samples", 1000)))
    return pair[0] - pair[1], patient


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
