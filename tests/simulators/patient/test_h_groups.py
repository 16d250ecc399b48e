"""H and M of soleus in groups: what the literature found not to separate must not separate here."""

from dataclasses import replace

import numpy as np
import pytest

from simulators.patient.cases import Case, Dials, read_case

from .exam import STRONG_MA, patient_with, scan_currents, stimulated
from .population import people

KEY = "left SOL"
RATE_HZ = 4000.0
M_MS, H_MS = (4.0, 24.0), (26.0, 52.0)


def curve(case: Case, seed: int, count: int = 14) -> tuple[np.ndarray, np.ndarray, float]:
    """M and H of each current, upwards, and the largest M, all peak to peak in µV."""
    patient = patient_with(case, [KEY], seed=seed, rate_hz=RATE_HZ)
    top = 0.45 * scan_currents(patient, KEY, "knee", 2)[0]
    currents = np.linspace(0.3, 1.0, count) * top
    sweeps = stimulated(patient, KEY, "knee", currents, width_us=1000.0, every_s=4.0)
    strong = stimulated(patient, KEY, "knee", [STRONG_MA], width_us=1000.0, every_s=1.0)
    m, h = (np.ptp(sweeps.window(*window), axis=1) for window in (M_MS, H_MS))
    return m, h, float(np.ptp(strong.window(*M_MS)))


def h_over_m(count: int, seed: int, *, als: bool) -> np.ndarray:
    """Hmax / Mmax of a group; ALS with any mixture of both lesions in the calf."""
    rng = np.random.default_rng([seed, int(als)])
    healthy = read_case("healthy")
    found = []
    for number, person in enumerate(people(count, seed)):
        umn, lmn = (rng.uniform(0.1, 0.8), rng.uniform(0.1, 0.7)) if als else (0.0, 0.0)
        dials = {**healthy.dials, KEY: Dials(umn=umn, lmn=lmn)}
        _, h, largest = curve(replace(healthy, person=person, dials=dials), 100 * seed + number)
        found.append(h.max() / largest)
    return np.array(found)


@pytest.mark.parametrize("seed", [2])
def test_h_rises_and_falls_again_as_m_grows(seed: int):
    """H before M, its largest value on the way, less at the end."""
    m, h, largest = curve(read_case("healthy"), seed)
    top = int(np.argmax(h))
    assert 0.02 < h[top] / largest < 0.95
    assert m[top] < 0.9 * largest
    assert h[-1] < 0.6 * h[top]


@pytest.mark.soak
def test_h_over_m_does_not_separate_als_from_health():
    """No difference was found between the groups (ALS 2001, PMID 11771771): the area under the
    curve of 30 and 30 stays near one half, and health spreads widely."""
    healthy, als = (h_over_m(30, 6, als=ill) for ill in (False, True))
    above = np.mean(als[:, None] > healthy[None]) + 0.5 * np.mean(als[:, None] == healthy[None])
    assert 0.3 < above < 0.7
    assert healthy.std() / healthy.mean() > 0.25
    assert 0.15 < healthy.mean() < 0.75
