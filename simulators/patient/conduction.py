"""A subject's nerve conduction in closed form: no noise, no samples, a few milliseconds a person.

The axons are the very ones that the patient grows for this person and seed. The CMAP is their
arrivals folded with the muscle's mean unit potential, so amplitudes and onsets from the distal site
are exact and those from further up lie within a few per cent of the grown body's (a test compares).
F-waves are drawn as often as stimuli are given; they count from 20 µV.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import numpy as np

from .anatomy import CORD, body_plan, split_key
from .body import base_to_negative_peak, onset_s
from .cases import HEALTHY_NERVE, NerveCondition
from .fibres import scatter_fibres, unit_spectra
from .front_end import FloatArray, FrontEnd, Grid
from .nerve import MotorAxons, grow_axons
from .pool import PoolProperties
from .sensory import grown_sensory_nerve, snap_shape
from .streams import random_stream
from .subject import Person, drawn, person_of_build
from .temperature import coldness_c, motor_amplitude_factor

GRID = Grid.of(FrontEnd(4000.0, "none"))
RATE_HZ = GRID.source_rate_hz
F_VISIBLE_UV = 20.0
F_PEAK_TO_PEAK = 1.6  # of a unit's potential, relative to its negative peak
SNAP_POINTS, SNAP_RATE_HZ = 1280, 48000.0
Values = dict[str, float | None]


@cache
def mean_unit(muscle: str) -> FloatArray:
    """The mean unit potential of a muscle, (n,) at RATE_HZ, of height 1."""
    anatomy = body_plan().muscles[muscle]
    rng = random_stream(0, muscle, "mean unit")
    bundle = scatter_fibres(anatomy, body_plan().fibre_velocity_m_s, rng)
    waveform = GRID.waveform(unit_spectra(anatomy, bundle, GRID).mean(axis=0))
    return waveform / base_to_negative_peak(waveform)


def folded(unit: FloatArray, arrivals_s: FloatArray, weight: FloatArray) -> FloatArray:
    """The potential of units that arrive at these times, (n,) like `unit`."""
    place = arrivals_s * RATE_HZ
    whole = np.floor(place).astype(np.int64)
    part = place - whole
    count = np.bincount(whole, weight * (1.0 - part), minlength=unit.size)
    count += np.bincount(whole + 1, weight * part, minlength=unit.size)
    spectrum = np.fft.rfft(count[: unit.size]) * np.fft.rfft(unit)
    return np.asarray(np.fft.irfft(spectrum, n=unit.size))


def _negative_duration_ms(waveform: FloatArray, onset: float) -> float:
    """From onset to the first crossing after the negative peak."""
    peak = int(np.argmin(waveform))
    after = np.flatnonzero(waveform[peak:] >= 0.0)
    end = peak + int(after[0]) if after.size else waveform.size
    return 1e3 * (end / RATE_HZ - onset)


def _notch(waveform: FloatArray) -> float:
    """Depth of the notch between two negative peaks, as a share of the higher one; 0 for a dome."""
    up = -waveform
    top = int(np.argmax(up))
    sides = (up[top:], up[top::-1])
    depth = 0.0
    for side in sides:
        end = int(np.argmax(side <= 0.0)) or side.size
        above = side[:end]
        climbed = np.maximum.accumulate(above[::-1])[::-1]  # the highest still to come
        depth = max(depth, float((climbed - above).max()))
    return depth / float(up[top])


def _f_waves(axons: MotorAxons, unit_uv: FloatArray, stimuli: int, seed: int, key: str) -> Values:
    site = axons.muscle.distal_site
    rng = random_stream(seed, key, "closed-form F-waves")
    visible = axons.connected & (F_PEAK_TO_PEAK * unit_uv >= F_VISIBLE_UV)
    back = (rng.random((stimuli, axons.backfire.size)) < axons.backfire) & visible
    first = np.where(back, axons.f_latency_s(site), np.inf).min(axis=1)
    rise_s = onset_s(mean_unit(axons.muscle.name), RATE_HZ)
    seen = 1e3 * (first[np.isfinite(first)] + rise_s)
    shown: Values = {"f_persistence_pct": 100.0 * seen.size / stimuli}
    if seen.size:
        shown |= {
            "f_min_ms": float(seen.min()),
            "f_mean_ms": float(seen.mean()),
            "f_max_ms": float(seen.max()),
            "f_chronodispersion_ms": float(np.ptp(seen)),
        }
    return shown


def motor_truth(
    key: str,
    person: Person,
    seed: int,
    *,
    condition: NerveCondition = HEALTHY_NERVE,
    stimuli: int = 32,
) -> Values:
    """One muscle (`left APB`): `<site>_latency_ms`, `<site>_amplitude_mv`, `<site>_duration_ms`,
    `<site>_notch` (between two negative peaks, as a share of the higher one; 0 for a dome) of every
    site, `<segment>_m_s` between neighbouring sites, F-waves from the distal site. What does not
    reach the muscle is None."""
    side, name = split_key(key)
    anatomy = body_plan().muscles[name]
    warm = person_of_build(person)
    size = PoolProperties.draw(anatomy.units, random_stream(seed, key, "build")).size
    grown = grow_axons(anatomy, warm, seed, side, size).later(0.002)
    unit, everyone = mean_unit(name), np.ones(size.size, dtype=np.bool_)
    healthy = folded(unit, grown.latency_s(anatomy.distal_site), size)
    late_s = 1e-3 * drawn(warm, seed, "latency_ms", name, side) - onset_s(healthy, RATE_HZ)
    amplitude_mv = drawn(warm, seed, "amplitude_mv", name, side)
    scale = amplitude_mv / base_to_negative_peak(healthy)
    limb = body_plan().nerves_by_name[anatomy.nerve].limb
    scale *= motor_amplitude_factor(coldness_c(limb, person))
    axons = grown.later(late_s).under(condition, person, random_stream(seed, key, "condition"))
    values: Values = {}
    before: tuple[float, float] | None = None
    for site in anatomy.sites:
        reached = axons.reachable(anatomy.nerve, site) & everyone
        last = axons.sites.index(site)
        if not reached.any():
            values |= {f"{site}_latency_ms": None, f"{site}_amplitude_mv": 0.0}
            before = None
            continue
        waveform = scale * folded(unit, axons.latency_s(site)[reached], size[reached])
        onset = onset_s(waveform, RATE_HZ)
        values[f"{site}_latency_ms"] = 1e3 * onset
        values[f"{site}_amplitude_mv"] = base_to_negative_peak(waveform)
        values[f"{site}_duration_ms"] = _negative_duration_ms(waveform, onset)
        values[f"{site}_notch"] = _notch(waveform)
        if before is not None:
            way_mm = float(axons.length_mm[: last + 1].sum()) - before[0]
            values[f"{axons.segments[last]}_m_s"] = 1e-3 * way_mm / (onset - before[1])
        before = float(axons.length_mm[: last + 1].sum()), onset
    if CORD in axons.sites:
        values |= _f_waves(axons, 1e3 * scale * size, stimuli, seed, key)
    return values


def sensory_truth(
    key: str, person: Person, seed: int, *, condition: NerveCondition = HEALTHY_NERVE
) -> Values:
    """One sensory recording (`left sural SNAP`) from its distal site: `onset_ms`, `peak_ms`,
    `op_uv` (onset to negative peak), `pp_uv`; None where no fibre is left."""
    grown = grown_sensory_nerve(key, seed, person_of_build(person))
    nerve = grown.under(condition, person, random_stream(seed, key, "condition"))
    if not nerve.alive.any():
        return {"onset_ms": None, "peak_ms": None, "op_uv": 0.0, "pp_uv": 0.0}
    waveform = nerve.waveform(nerve.anatomy.distal_site, SNAP_POINTS, SNAP_RATE_HZ)
    shape = snap_shape(waveform, SNAP_RATE_HZ)
    return {
        "onset_ms": 1e3 * shape.onset_s,
        "peak_ms": 1e3 * shape.peak_s,
        "op_uv": shape.op_uv,
        "pp_uv": shape.pp_uv,
    }


def conduction_truth(
    person: Person,
    seed: int,
    *,
    keys: Iterable[str] | None = None,
    nerves: Mapping[str, NerveCondition] | None = None,
    stimuli: int = 32,
) -> dict[str, Values]:
    """What nerve conduction studies of this subject would find, by lead.

    keys: muscles and sensory recordings (`left APB`, `left sural SNAP`); absent: all of the left
    side. nerves: conditions by side and nerve, as a case has them. stimuli: for F-waves.
    Errors: KeyError for a muscle or recording that anatomy.toml does not hold.
    """
    plan = body_plan()
    if keys is None:
        keys = [key for key in (*plan.muscle_keys, *plan.sensory_keys) if key.startswith("left ")]
    found: dict[str, Values] = {}
    for key in keys:
        side, name = split_key(key)
        if key in plan.sensory_keys:
            ill = (nerves or {}).get(f"{side} {plan.sensory[name].nerve}", HEALTHY_NERVE)
            found[key] = sensory_truth(key, person, seed, condition=ill)
        else:
            ill = (nerves or {}).get(f"{side} {plan.muscles[name].nerve}", HEALTHY_NERVE)
            found[key] = motor_truth(key, person, seed, condition=ill, stimuli=stimuli)
    return found
