"""Measurement against limit: a Finding; each quality gate falsifies only in its own direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from service.model import Finding, FindingState, Limit, Measurement

from .limits import Choice

BORDERLINE = 0.05  # fraction of the limit
PLATEAU = 0.05  # change of amplitude that the last stimulus step may still make
STEP = 1.10  # a stimulus step counts from 10 %


@dataclass(frozen=True, slots=True)
class Step:
    """One stimulus intensity of a study and the amplitude it gave, 0 if absent."""

    current_ma: float
    amplitude_mv: float
    noise_mv: float = 0.0


@dataclass(frozen=True, slots=True)
class Supramaximal:
    """Whether the stimulus was shown to excite every fibre; the plateau begins at `from_ma`."""

    proven: bool
    sentence: str
    from_ma: float | None = None


def supramaximal(steps: Sequence[Step]) -> Supramaximal:
    """Proven when the highest intensity is at least 10 % above the one before it and changes the
    amplitude by no more than 5 % (or the noise of both).

    Source: clinical reference 0.3, `submaximal`. Steps in any order; equal currents are averaged.
    """
    levels: dict[float, list[Step]] = {}
    for step in steps:
        levels.setdefault(round(step.current_ma, 2), []).append(step)
    order = sorted(levels)
    if len(order) < 2:
        return Supramaximal(False, "not proven supramaximal: raise the current by 10 % and repeat")
    mean = {ma: sum(s.amplitude_mv for s in levels[ma]) / len(levels[ma]) for ma in order}
    noise = max((step.noise_mv for step in steps), default=0.0)
    top = order[-1]
    below = [ma for ma in order if ma * STEP <= top * 1.0001]
    if not below:
        return Supramaximal(False, "not proven supramaximal: the last step was below 10 %")
    tolerance = max(PLATEAU * max(mean[top], mean[below[-1]]), 4 * noise)
    if abs(mean[top] - mean[below[-1]]) > tolerance:
        return Supramaximal(
            False, "not proven supramaximal: the last step still changed the response"
        )
    start = below[-1]
    for lower, upper in reversed(list(pairwise(below))):
        if abs(mean[lower] - mean[upper]) > tolerance:
            break
        start = lower
    return Supramaximal(True, f"supramaximal from {start:g} mA", start)


def cmap_amplitude(
    measurement: Measurement,
    choice: Choice,
    proof: Supramaximal,
    *,
    skin_c: float | None = None,
    least_skin_c: float = 32.0,
) -> Finding:
    """The CMAP against its lower limit (family L5).

    A low or absent CMAP is abnormal only if the stimulus was proven supramaximal; a CMAP above the
    limit stays normal, because a stronger stimulus could only raise it. Cold raises amplitudes: in
    a limb known to be cold a normal one is unknown, a low one still counts. Without a limit the
    state is unknown.
    """
    if measurement.state == "not_assessable":
        return _unknown(measurement, "amplitude_mv", "mV", choice.limit, measurement.reasons)
    if choice.limit is None:
        return _unknown(measurement, "amplitude_mv", "mV", None, (choice.reason,))
    value = measurement.values.get("amplitude_mv", 0.0)
    state = against(value, choice.limit)
    reasons: tuple[str, ...] = ()
    if value < choice.limit.value and not proof.proven:
        state, reasons = "unknown", (proof.sentence,)
    elif state == "normal" and skin_c is not None and skin_c < least_skin_c:
        state = "unknown"
        reasons = (f"cold, {skin_c:.1f} °C: not proven normal; warm to {least_skin_c:.0f} °C",)
    return Finding(
        measurement_id=measurement.id,
        quantity="amplitude_mv",
        state=state,
        value=value,
        unit="mV",
        limit=choice.limit,
        quality=measurement.reasons,
        reasons=reasons,
    )


def onset_latency(
    measurement: Measurement, choice: Choice, *, skin_c: float | None, least_skin_c: float = 32.0
) -> Finding:
    """The distal latency against its upper limit.

    Cold slows: a long latency in a limb below `least_skin_c`, or of unknown temperature, is
    unknown; a latency within the limit stays normal.
    """
    value = measurement.values.get("onset_latency_ms")
    if value is None:
        reasons = measurement.reasons or ("no onset latency",)
        return _unknown(measurement, "onset_latency_ms", "ms", choice.limit, reasons)
    if choice.limit is None:
        return _unknown(measurement, "onset_latency_ms", "ms", None, (choice.reason,))
    state = against(value, choice.limit)
    why: tuple[str, ...] = ()
    beyond = value > choice.limit.value
    if beyond and skin_c is None:
        state, why = "unknown", ("no skin temperature",)
    elif beyond and skin_c is not None and skin_c < least_skin_c:
        state, why = "unknown", (f"cold: {skin_c:.1f} °C, warm to {least_skin_c:.0f} °C",)
    return Finding(
        measurement_id=measurement.id,
        quantity="onset_latency_ms",
        state=state,
        value=value,
        unit="ms",
        limit=choice.limit,
        quality=measurement.reasons,
        reasons=why,
    )


def against(value: float, limit: Limit) -> FindingState:
    """Normal, abnormal, or borderline within 5 % of the limit on either side."""
    if abs(value - limit.value) <= BORDERLINE * abs(limit.value):
        return "borderline"
    beyond = value < limit.value if limit.op == "min" else value > limit.value
    return "abnormal" if beyond else "normal"


def _unknown(
    measurement: Measurement, quantity: str, unit: str, limit: Limit | None, reasons: Sequence[str]
) -> Finding:
    return Finding(
        measurement_id=measurement.id,
        quantity=quantity,
        state="unknown",
        value=measurement.values.get(quantity),
        unit=unit,
        limit=limit,
        quality=measurement.reasons,
        reasons=tuple(reasons),
    )
