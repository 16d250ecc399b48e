"""Repetitive nerve stimulation: trains of supramaximal stimuli, amplitude and area of every answer
against the first of its train, at rest and after exercise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.model import Json, Measurement

from .motor import MotorSettings, motor_response
from .result import build

MEASURE = "rns"
VERSION = "1"

Trace = npt.NDArray[np.float64]

_TRAIN_GAP_S = 2.0  # a longer pause begins a new train
_LEAST_TRAIN = 5
_CLEAR_SDS = 20.0  # the first response must stand this far out of the noise for ± 1 point


@dataclass(frozen=True, slots=True)
class RnsSettings:
    """All that decides a repetitive stimulation study.

    exercise_end_s: when the exercise ended, on the clock of the stimulus times; trains before it
    are baseline. None: all are baseline. skin_c: None is not measured. supramaximal: whether the
    plateau was proven before the trains; None is not known. smooth_step: by how much, as a part of
    the first response, one response may leave the smooth course of its train. jump: of the resting
    level between two stimuli, as a part of the first response.
    """

    exercise_end_s: float | None = None
    skin_c: float | None = None
    least_skin_c: float = 32.0
    supramaximal: bool | None = None
    smooth_step: float = 0.05
    jump: float = 0.05
    search_to_ms: float = 18.0
    negative_up: bool = False
    rail_uv: float | None = None
    mains_hz: tuple[float, ...] = (50.0, 60.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Train:
    """One train: amplitudes and areas of its responses, and the resting level before each.

    after_s: seconds since the exercise; None at baseline. rate_hz: stimuli per second.
    """

    number: int
    begin_s: float
    rate_hz: float
    amplitude_mv: Trace
    area_mv_ms: Trace | None
    shift_mv: float
    noise_mv: float
    after_s: float | None


def rns(
    sweeps_uv: npt.ArrayLike,
    rate_hz: float,
    zero_index: float,
    *,
    stimulus_s: npt.ArrayLike,
    settings: RnsSettings | None = None,
    target: str = "",
    inputs: Sequence[str] = (),
    gap: bool = False,
) -> Measurement:
    """Decrement tables of one or several trains.

    sweeps_uv: (n_sweeps, n_samples) µV, one row per stimulus, in order. stimulus_s: (n_sweeps,)
    when each was given; a pause of more than 2 s begins a new train. Every response is measured by
    the one CMAP detector.
    Values (docs/indicators.md): decrement of amplitude and area, 4th and 5th against 1st, and the
    largest, as medians over the baseline trains; positive is a fall. After exercise: the largest
    decrement of any train, and the increment of the first response over the baseline's. Items: one
    row per train. The numbers do not need time zero.
    Not assessable: a gap, a train of fewer than 5, a response missing or saturated, or a first
    response too small against the noise. A jump of the resting level, an uneven course, cold and a
    plateau not proven are said in `reasons`, with what each can falsify.
    Errors: ValueError for a wrong shape, a rate that is not positive, or times that do not rise.
    Source: clinical reference 1.8.
    """
    chosen = settings or RnsSettings()
    sweeps = np.asarray(sweeps_uv, dtype=np.float64)
    times = np.asarray(stimulus_s, dtype=np.float64)
    if sweeps.ndim != 2 or not rate_hz > 0 or times.shape != sweeps.shape[:1]:
        raise ValueError(
            f"rns: expected (n_sweeps, n_samples), a positive rate and a time per sweep, got "
            f"shapes {sweeps.shape} and {times.shape} at {rate_hz} Hz"
        )
    if (np.diff(times) <= 0).any():
        raise ValueError("rns: the stimulus times do not rise")
    values = {"sweep_count": float(sweeps.shape[0])}
    trains: list[_Train] = []
    blocked = ["gap: samples are missing inside a sweep"] if gap else []
    if not blocked:
        trains, blocked = _trains(sweeps, rate_hz, zero_index, times, chosen)
    if blocked:
        return build(
            MEASURE, VERSION, target=target, inputs=inputs, settings=chosen,
            state="not_assessable", values=values, reasons=blocked,
        )  # fmt: skip
    baseline = [train for train in trains if train.after_s is None]
    later = [train for train in trains if train.after_s is not None]
    return build(
        MEASURE, VERSION, target=target, inputs=inputs, settings=chosen, state="measured",
        values=values | _values(baseline, later), reasons=_reasons(trains, chosen),
        items=[_row(train, chosen) for train in trains],
    )  # fmt: skip


def decrement_percent(sizes: Trace, number: int) -> float:
    """By how much response `number` (from 1) is below the first, %; negative is an increment."""
    return float(100.0 * (1.0 - sizes[number - 1] / sizes[0]))


def _trains(
    sweeps: Trace, rate_hz: float, zero: float, times: Trace, settings: RnsSettings
) -> tuple[list[_Train], list[str]]:
    """The trains in order, or why they cannot be measured."""
    cuts = np.flatnonzero(np.diff(times) > _TRAIN_GAP_S) + 1
    trains: list[_Train] = []
    for number, rows in enumerate(np.split(np.arange(times.size), cuts)):
        name = f"train {number + 1}"
        if rows.size < _LEAST_TRAIN:
            return [], [f"{name} has {rows.size} stimuli; {_LEAST_TRAIN} are needed"]
        measured = [_response(sweeps[row], rate_hz, zero, settings) for row in rows]
        bad = [i for i, one in enumerate(measured) if one.state != "measured"]
        if bad:
            why = "; ".join(measured[bad[0]].reasons)
            return [], [f"response {bad[0] + 1} of {name} is not there: {why}"]
        areas = [one.values.get("area_mv_ms") for one in measured]
        known = np.array([area for area in areas if area is not None])
        train = _Train(
            number=number,
            begin_s=float(times[rows[0]]),
            rate_hz=float((rows.size - 1) / (times[rows[-1]] - times[rows[0]])),
            amplitude_mv=np.array([one.values["amplitude_mv"] for one in measured]),
            area_mv_ms=known if known.size == len(areas) else None,
            shift_mv=_largest_shift(sweeps[rows], zero, rate_hz),
            noise_mv=float(np.median([one.values["noise_uv"] for one in measured])) / 1000.0,
            after_s=_after(float(times[rows[0]]), settings),
        )
        if train.amplitude_mv[0] < _CLEAR_SDS * train.noise_mv:
            return [], [
                f"the first response of {name} is {train.amplitude_mv[0]:.2f} mV in "
                f"{1000 * train.noise_mv:.0f} µV of noise: too small for a decrement"
            ]
        trains.append(train)
    return trains, []


def _response(sweep: Trace, rate_hz: float, zero: float, settings: RnsSettings) -> Measurement:
    return motor_response(
        sweep, rate_hz, zero,
        settings=MotorSettings(
            search_to_ms=settings.search_to_ms, negative_up=settings.negative_up,
            rail_uv=settings.rail_uv, mains_hz=settings.mains_hz,
        ),
    )  # fmt: skip


def _after(begin_s: float, settings: RnsSettings) -> float | None:
    end_s = settings.exercise_end_s
    return None if end_s is None or begin_s < end_s else begin_s - end_s


def _largest_shift(rows: Trace, zero: float, rate_hz: float) -> float:
    """The largest step of the resting level from one stimulus to the next, mV."""
    rest = rows[:, : max(int(zero - 0.0005 * rate_hz), 1)]
    return float(np.abs(np.diff(np.median(rest, axis=1))).max()) / 1000.0


def unevenness(sizes: Trace) -> float:
    """By how much a train leaves a smooth course, as a part of its first response.

    A decrement of the junction falls, slows down, and may come up again from the fifth on: a curve
    of third order through the responses. Movement makes single responses leave it.
    """
    place = np.linspace(-1.0, 1.0, sizes.size)
    order = 3 if sizes.size >= 7 else 2
    course = np.polynomial.polynomial.polyfit(place, sizes, order)
    left = sizes - np.polynomial.polynomial.polyval(place, course)
    return float(np.abs(left).max() / sizes[0])


def _values(baseline: Sequence[_Train], later: Sequence[_Train]) -> dict[str, float]:
    values = {"train_count": float(len(baseline) + len(later)), "baseline_train_count": 0.0}
    if baseline:
        values["baseline_train_count"] = float(len(baseline))
        values["rate_hz"] = float(np.median([train.rate_hz for train in baseline]))
        values["amplitude_mv"] = float(np.median([t.amplitude_mv[0] for t in baseline]))
        tables = [_decrements(train) for train in baseline]
        for key in sorted(set.intersection(*(set(table) for table in tables))):
            values[key] = float(np.median([table[key] for table in tables]))
        largest = [table["decrement_max_percent"] for table in tables]
        values["decrement_spread_percent"] = max(largest) - min(largest)
    if later:
        after = [_decrements(train)["decrement_max_percent"] for train in later]
        values["exercise_decrement_max_percent"] = max(after)
        if baseline:
            first = min(later, key=lambda train: train.begin_s).amplitude_mv[0]
            values["exercise_increment_percent"] = 100.0 * (first / values["amplitude_mv"] - 1.0)
    return values


def _decrements(train: _Train) -> dict[str, float]:
    """Decrements of one train; the largest is the lowest response against the first."""
    table = {}
    for name, sizes in (("", train.amplitude_mv), ("area_", train.area_mv_ms)):
        if sizes is None:
            continue
        table[f"{name}decrement_4_percent"] = decrement_percent(sizes, 4)
        table[f"{name}decrement_5_percent"] = decrement_percent(sizes, 5)
        table[f"{name}decrement_max_percent"] = decrement_percent(sizes, int(sizes.argmin()) + 1)
        table[f"{name}increment_max_percent"] = float(100.0 * (sizes.max() / sizes[0] - 1.0))
    return table


def _reasons(trains: Sequence[_Train], settings: RnsSettings) -> list[str]:
    """What limits the numbers, with the direction in which it can falsify them."""
    reasons = []
    if settings.skin_c is None:
        reasons.append("no_temperature: a decrement can hide in a cold limb; none is not proven")
    elif settings.skin_c < settings.least_skin_c:
        reasons.append(
            f"cold: {settings.skin_c:.1f} °C hides a decrement (one that is there counts); "
            f"warm to {settings.least_skin_c:.0f} °C"
        )
    if settings.supramaximal is not True:
        reasons.append("submaximal: the plateau was not proven; a decrement may be the stimulus")
    for train in trains:
        name = f"train {train.number + 1}"
        if train.shift_mv > settings.jump * train.amplitude_mv[0]:
            reasons.append(f"movement: the resting level of {name} jumps; hold the limb, repeat")
        elif unevenness(train.amplitude_mv) > settings.smooth_step:
            reasons.append(f"uneven: {name} has no smooth course; look for movement, repeat")
    return reasons


def _row(train: _Train, settings: RnsSettings) -> Mapping[str, Json]:
    """One train as a row of the table."""
    row: dict[str, Json] = {
        "train": train.number + 1,
        "phase": "baseline" if train.after_s is None else "after exercise",
        "after_s": train.after_s,
        "rate_hz": train.rate_hz,
        "amplitude_mv": [float(value) for value in train.amplitude_mv],
        "smooth": unevenness(train.amplitude_mv) <= settings.smooth_step,
    }
    if train.area_mv_ms is not None:
        row["area_mv_ms"] = [float(value) for value in train.area_mv_ms]
    return {**row, **_decrements(train)}
