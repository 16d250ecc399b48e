"""A patient with few leads, and one quiet stimulus: what it added to the samples."""

from dataclasses import replace

import numpy as np

from simulators.patient import FrontEnd, Lead, Patient
from simulators.patient.cases import read_case

RATE_HZ = 16000.0


def patient_on(*keys, seed=1, rate_hz=RATE_HZ, **changes):
    """A healthy patient whose leads 1, 2, … lie on `keys`; `changes` are fields of the case."""
    case = replace(read_case("healthy"), montage=(), **changes)
    leads = tuple(Lead(number, key) for number, key in enumerate(keys, start=1))
    return Patient(case, seed=seed, front_end=FrontEnd(rate_hz, "none"), leads=leads)


def answer_uv(make, place, *, current_ma=90.0, width_us=200.0, samples=1300):
    """(n_leads, samples) µV that one pulse at sample 100 adds: the same patient with and without.

    make: builds the patient; place: (nerve, site, side).
    """
    pair = []
    for stimulated in (True, False):
        patient = make()
        patient.place(*place)
        if stimulated:
            patient.stimulate(100.0, current_ma=current_ma, width_us=width_us)
        pair.append(patient.advance(100 + samples)[:, 100:])
    return pair[0] - pair[1]


def rows_of(patient, key):
    """site -> the patient's own account of a muscle's or recording's response."""
    told = patient.templates()
    return {
        (row["nerve"], row["site"]): row
        for row in (*told["m_waves"], *told["snaps"])
        if key in (row.get("muscle"), row.get("recording"))
    }


def negative_phase(waveform_uv, rate_hz):
    """Onset (2 % of the peak, ms), height (mV), duration (ms) and area (mV ms) of the negative
    phase, by formulas of this file alone."""
    up = -np.asarray(waveform_uv) / 1e3
    peak = int(np.argmax(up))
    onset = next(i for i in range(peak, -1, -1) if up[i] < 0.02 * up[peak])
    end = peak + int(np.argmax(up[peak:] <= 0.0))
    step_ms = 1e3 / rate_hz
    return onset * step_ms, up[peak], (end - onset) * step_ms, up[onset:end].sum() * step_ms
