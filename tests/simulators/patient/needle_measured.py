"""Motor unit potentials as a laboratory measures them: formulas of this test's own.

Rules of the University of Cyprus set as described by Pattichis and Elia 1999 (from memory): the
potential begins and ends where 3 ms stay within ±10 µV; a phase crosses the baseline beyond ±25 µV;
a turn differs from the last by 25 µV.
"""

from dataclasses import dataclass

import numpy as np

from simulators.patient.anatomy import body_plan
from simulators.patient.body import grown_body
from simulators.patient.front_end import FrontEnd, Grid
from simulators.patient.motor_units import remodelled, sprouting
from simulators.patient.needle.electrode import ELECTRODES, NeedlePlace
from simulators.patient.needle.fibre_map import FibreMap
from simulators.patient.needle.muap import unit_parts
from simulators.patient.pool import excitation_for

RATE_HZ = 32000.0
SLIGHT = 0.05  # share of maximal force
SOUGHT_MM = 0.9


@dataclass(frozen=True, slots=True)
class Muap:
    """One measured potential."""

    duration_ms: float
    amplitude_mv: float
    phases: int
    turns: int
    rise_ms: float


def measured(waveform_uv):
    """A `Muap`, or None for a potential that never leaves the baseline."""
    away = np.flatnonzero(np.abs(waveform_uv) > 10.0)
    if away.size == 0:
        return None
    peak = int(np.abs(waveform_uv).argmax())
    quiet = np.flatnonzero(np.diff(away) > 0.003 * RATE_HZ)
    starts = np.append(away[0], away[quiet + 1])
    ends = np.append(away[quiet], away[-1])
    which = int(np.searchsorted(starts, peak, side="right")) - 1
    shown = waveform_uv[starts[which] : ends[which] + 1]
    signs = np.sign(shown[np.abs(shown) > 25.0])
    negative = int(shown.argmin())
    rising = shown[: negative + 1][::-1]
    before = int(np.argmax(np.append(np.diff(rising) < 0.0, True)))
    return Muap(
        1e3 * shown.size / RATE_HZ,
        1e-3 * np.ptp(shown),
        1 + int((np.diff(signs) != 0).sum()),
        turn_count(shown, 25.0),
        1e3 * before / RATE_HZ,
    )


def turning_points(signal, least):
    """Indices where the signal turns, each at least `least` away from the one before."""
    ends = np.flatnonzero(np.diff(np.sign(np.diff(signal)))) + 1
    ends = np.concatenate(([0], ends, [signal.size - 1]))
    kept = [0]
    for at in ends[1:].tolist():
        if (
            len(kept) > 1
            and (signal[at] - signal[kept[-1]]) * (signal[kept[-1]] - signal[kept[-2]]) > 0.0
        ):
            kept[-1] = at
        elif abs(signal[at] - signal[kept[-1]]) >= least:
            kept.append(at)
    return np.array(kept)


def turn_count(signal, least):
    """Turns within a signal."""
    return max(turning_points(signal, least).size - 2, 0)


def slightly_active(body, state):
    """Units that work in slight effort."""
    excitation = excitation_for(body.properties, SLIGHT, state.growth)
    return np.flatnonzero(state.alive & (body.properties.threshold <= excitation))


def subject(seed, *, lmn=0.0, months=None, myopathy=0.0, count=20, muscle="left BB"):
    """Accepted potentials of one person. The examiner seeks units that fire in slight effort, one
    after the other, until the core lies within SOUGHT_MM of one of their fibres, away from the
    end-plates; a rise under 0.5 ms and 50 µV are asked for."""
    grid = Grid.of(FrontEnd(16000.0, "sinc3"))
    anatomy = body_plan().muscles[muscle.split(" ")[1]]
    body = grown_body(muscle, seed, grid)
    rng = np.random.default_rng(seed)
    chart = FibreMap.draw(body, anatomy, rng)
    share, young = sprouting(months)
    lost = round(0.95 * lmn * anatomy.units)
    state = remodelled(body, lost=lost, share=share, young=young, myopathy=myopathy)
    now = chart.innervated(state, myopathy)
    firing = slightly_active(body, state)
    found = []
    while len(found) < count:
        target = rng.choice(firing)
        fibre = rng.choice(np.flatnonzero(now.owner == target))
        aside, angle = SOUGHT_MM * np.sqrt(rng.random()), rng.uniform(0.0, 2.0 * np.pi)
        place = NeedlePlace(
            depth_mm=now.fibres.depth_mm[fibre] + aside * np.cos(angle) + 0.28,
            side_mm=now.fibres.side_mm[fibre] + aside * np.sin(angle),
            along_mm=rng.uniform(10.0, 20.0) * rng.choice([-1.0, 1.0]),
        )
        parts = unit_parts(
            chart, now, ELECTRODES["concentric"], place, RATE_HZ, units=np.array([target])
        )
        muap = measured(parts.whole(target))
        if muap and muap.rise_ms < 0.5 and muap.amplitude_mv > 0.05:
            found.append(muap)
    return found


def mean_of(potentials, name):
    """Mean of one quantity."""
    return float(np.mean([getattr(one, name) for one in potentials]))
