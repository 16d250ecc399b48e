"""Any quantity of a nerve conduction study against its limit, each doubt in its own direction."""

from __future__ import annotations

from service.model import Finding, FindingState, Limit, Measurement

from .findings import Supramaximal, against, cmap_amplitude, onset_latency
from .limits import Choice

_UNITS = {
    "_mv2_ms": "mV²·ms", "_mv_ms": "mV·ms", "_m_s": "m/s", "_ms": "ms", "_mv": "mV", "_uv": "µV",
    "_percent": "%", "_ma": "mA", "_mm": "mm", "_hz": "Hz", "_count": "", "_share": "",
    "_index": "", "_ratio": "",
}  # fmt: skip
# these grow worse by cold alone; an amplitude does not
_SLOWED = (
    "_latency_ms", "_m_s", "duration_ms", "chronodispersion_ms",
    "f_min_ms", "f_mean_ms", "f_max_ms",
)  # fmt: skip

_SDS = {
    "onset_latency_ms": "onset_sd_ms", "peak_latency_ms": "peak_sd_ms", "f_min_ms": "f_min_sd_ms",
    "onset_to_peak_uv": "onset_to_peak_sd_uv", "peak_to_peak_uv": "peak_to_peak_sd_uv",
}  # fmt: skip


def unit_of(quantity: str) -> str:
    """The unit that a quantity's name ends in; empty for a number without one."""
    for ending, unit in _UNITS.items():
        if quantity.endswith(ending):
            return unit
    return ""


def judge(
    measurement: Measurement,
    quantity: str,
    choice: Choice,
    *,
    skin_c: float | None,
    least_skin_c: float,
    proof: Supramaximal | None = None,
) -> Finding:
    """One quantity against the limit that holds for this person; without a limit it is unknown.

    Slow beyond the limit in a limb that is cold, or of unknown temperature, is unknown; what is
    within the limit stays normal. A motor amplitude also needs its stimulus to be proven. A fall
    between two sites stands only if the proximal stimulus was proven.
    Source: clinical reference 0.3.
    """
    if measurement.measure == "motor_response" and quantity == "amplitude_mv":
        shown = proof or Supramaximal(False, "not proven supramaximal")
        return cmap_amplitude(measurement, choice, shown, skin_c=skin_c, least_skin_c=least_skin_c)
    if measurement.measure == "motor_response" and quantity == "onset_latency_ms":
        return onset_latency(measurement, choice, skin_c=skin_c, least_skin_c=least_skin_c)
    value, limit = measurement.values.get(quantity), choice.limit
    if value is None and measurement.state == "absent" and quantity.endswith("_uv"):
        value = 0.0
    state: FindingState = "unknown"
    reasons: tuple[str, ...] = ()
    if measurement.state == "not_assessable" or value is None:
        reasons = measurement.reasons or (f"no {quantity}",)
    elif limit is None:
        reasons = (choice.reason,)
    else:
        state, reasons = _with_its_interval(measurement, quantity, value, limit)
        beyond = value < limit.value if limit.op == "min" else value > limit.value
        doubt = _doubt(quantity, skin_c, least_skin_c, proof) if beyond else ""
        if doubt:
            state, reasons = "unknown", (doubt,)
    return Finding(
        measurement.id,
        quantity,
        state,
        value,
        unit_of(quantity),
        limit,
        measurement.reasons,
        reasons,
    )


def _with_its_interval(
    measurement: Measurement, quantity: str, value: float, limit: Limit
) -> tuple[FindingState, tuple[str, ...]]:
    """The state, and why it is not settled: borderline where the limit lies within the 95 %
    interval of a value whose SD the detector states."""
    state = against(value, limit)
    reach = 1.96 * measurement.values.get(_SDS.get(quantity, ""), 0.0)
    if state == "borderline" or abs(value - limit.value) >= reach:
        return state, ()
    return "borderline", (f"known to ± {reach:.2g} {unit_of(quantity)} (95 %): average more",)


def _doubt(
    quantity: str, skin_c: float | None, least_skin_c: float, proof: Supramaximal | None
) -> str:
    """Why a value beyond its limit may not be called abnormal; empty if it may."""
    doubt = ""
    if quantity.endswith(_SLOWED):
        if skin_c is None:
            doubt = "no skin temperature"
        elif skin_c < least_skin_c:
            doubt = f"cold: {skin_c:.1f} °C, warm to {least_skin_c:.0f} °C"
    elif quantity.endswith("_drop_percent") and proof is not None and not proof.proven:
        doubt = proof.sentence
    return doubt
