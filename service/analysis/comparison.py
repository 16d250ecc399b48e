"""Responses held against each other in one person: median against its neighbours, side against
side, thenar against hypothenar, before against after exercise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from service.model import Json, Measurement

from .result import build

VERSION = "1"

# what is compared, which latency, and of which measure
_PAIRS: Mapping[str, tuple[str, str]] = {
    "ring_finger": ("peak_latency_ms", "ulnar"),
    "palm": ("peak_latency_ms", "ulnar"),
    "thumb": ("peak_latency_ms", "radial"),
    "lumbrical_interosseous": ("onset_latency_ms", "ulnar"),
}
_INDEX = ("ring_finger", "palm", "thumb")


@dataclass(frozen=True, slots=True)
class ComparisonSettings:
    """same_distance_mm: two distances that should be equal may differ by this much (a proposal)."""

    same_distance_mm: float = 2.0


@dataclass(frozen=True, slots=True)
class Pair:
    """The median response, the neighbour's, and the two distances in mm (None: not measured)."""

    median: Measurement
    other: Measurement
    median_mm: float | None
    other_mm: float | None


def median_comparison(
    pairs: Mapping[str, Pair],
    *,
    settings: ComparisonSettings | None = None,
    target: str = "",
) -> Measurement:
    """How much later the median response is than its neighbour's over the same distance.

    pairs: any of `ring_finger` (digit 4, ulnar), `palm` (8 cm, ulnar), `thumb` (10 cm, radial),
    each two `sensory_response`; `lumbrical_interosseous` (second lumbrical, ulnar interosseous),
    two `motor_response`. Values: <pair>_difference_ms (median minus other: peak latencies of
    sensory, onset latencies of motor responses), and combined_sensory_index_ms, the sum of ring
    finger, palm and thumb, only if all three could be had. Not assessable: none of the pairs gave
    a difference; each one missing is named with its reason.
    Errors: ValueError for a pair that is not one of the four.
    Source: Robinson, Micklesen, Wang, Muscle Nerve 1998;21:1166 (combined index).
    """
    unknown = set(pairs) - set(_PAIRS)
    if unknown:
        raise ValueError(
            f"median_comparison: there is no pair {', '.join(sorted(unknown))}; there are "
            f"{', '.join(_PAIRS)}"
        )
    chosen = settings or ComparisonSettings()
    values: dict[str, float] = {}
    reasons = []
    for name, pair in pairs.items():
        difference, why = _difference(name, pair, chosen)
        reasons += why
        if difference is not None:
            values[f"{name}_difference_ms"] = difference
    parts = [values.get(f"{name}_difference_ms") for name in _INDEX]
    known = [part for part in parts if part is not None]
    if len(known) == len(_INDEX):
        values["combined_sensory_index_ms"] = sum(known)
    elif any(name in pairs for name in _INDEX):
        reasons.append(f"no combined index: it needs {', '.join(_INDEX)}, all three")
    inputs = [one.id for pair in pairs.values() for one in (pair.median, pair.other)]
    return build(
        "median_comparison", VERSION, target=target, inputs=inputs, settings=chosen,
        state="measured" if values else "not_assessable", values=values, reasons=reasons,
    )  # fmt: skip


def _difference(
    name: str, pair: Pair, settings: ComparisonSettings
) -> tuple[float | None, list[str]]:
    """Median minus other in ms; or why not."""
    quantity, neighbour = _PAIRS[name]
    told = []
    for nerve, response in (("median", pair.median), (neighbour, pair.other)):
        if quantity not in response.values:
            why = "; ".join(response.reasons) or "no latency"
            told.append(f"{name}: {nerve} {response.state.replace('_', ' ')}: {why}")
    if pair.median_mm is None or pair.other_mm is None:
        told.append(f"{name}: both distances must be entered, they have to be equal")
    elif abs(pair.median_mm - pair.other_mm) > settings.same_distance_mm:
        told.append(
            f"{name}: the distances differ ({pair.median_mm:.0f} and {pair.other_mm:.0f} mm): "
            f"stimulate both at the same distance"
        )
    if told:
        return None, told
    return pair.median.values[quantity] - pair.other.values[quantity], []


def side_to_side(left: Measurement, right: Measurement, *, target: str = "") -> Measurement:
    """The two sides of one study: `motor_response` or `sensory_response`, both of the same kind.

    Values: onset_latency_difference_ms, peak_latency_difference_ms (left minus right),
    amplitude_ratio (smaller to larger), amplitude_drop_percent (of the smaller side). An absent
    side is a ratio of 0. Items: the smaller side. Not assessable: a side is, or both are absent.
    Errors: ValueError if the two are different measures.
    Source: side differences as in the limits table (Buschbacher).
    """
    if left.measure != right.measure:
        raise ValueError(f"side_to_side: {left.measure} cannot be held against {right.measure}")
    states = {left.state, right.state}
    values: dict[str, float] = {}
    items: list[dict[str, Json]] = []
    reasons = [
        f"{side} {one.state.replace('_', ' ')}: {'; '.join(one.reasons)}"
        for side, one in (("left", left), ("right", right))
        if one.state != "measured"
    ]
    if "not_assessable" not in states and "measured" in states:
        key = "amplitude_mv" if left.measure == "motor_response" else "onset_to_peak_uv"
        sizes = left.values.get(key, 0.0), right.values.get(key, 0.0)
        ratio = min(sizes) / max(sizes)
        values = {"amplitude_ratio": ratio, "amplitude_drop_percent": 100 * (1 - ratio)}
        items = [{"smaller": "left" if sizes[0] < sizes[1] else "right"}]
        for name in ("onset_latency", "peak_latency"):
            if f"{name}_ms" in left.values and f"{name}_ms" in right.values:
                apart = left.values[f"{name}_ms"] - right.values[f"{name}_ms"]
                values[f"{name}_difference_ms"] = apart
    return build(
        "side_to_side", VERSION, target=target, inputs=(left.id, right.id),
        settings=ComparisonSettings(), state="measured" if values else "not_assessable",
        values=values, reasons=reasons, items=items,
    )  # fmt: skip


def f_side_to_side(left: Measurement, right: Measurement, *, target: str = "") -> Measurement:
    """The shortest F-waves of both sides: f_min_difference_ms, left minus right.

    Not assessable: a side has no F-wave, or cannot be assessed. Errors: ValueError for what is no
    `f_wave`. Source: side differences as in the limits table (Buschbacher's manual).
    """
    return _late_sides("f_side_to_side", "f_wave", "f_min", left, right, target)


def h_side_to_side(left: Measurement, right: Measurement, *, target: str = "") -> Measurement:
    """The H-reflexes of both sides: h_latency_difference_ms, left minus right; else as
    `f_side_to_side`, of `h_reflex`."""
    return _late_sides("h_side_to_side", "h_reflex", "h_latency", left, right, target)


def _late_sides(
    name: str, measure: str, stem: str, left: Measurement, right: Measurement, target: str
) -> Measurement:
    sides = {"left": left, "right": right}
    for side, one in sides.items():
        if one.measure != measure:
            raise ValueError(f"{name}: expected {measure} of both sides, {side} is {one.measure}")
    reasons = [
        f"{side} {one.state.replace('_', ' ')}: {'; '.join(one.reasons) or 'no latency'}"
        for side, one in sides.items()
        if f"{stem}_ms" not in one.values
    ]
    values = {}
    if not reasons:
        values = {f"{stem}_difference_ms": left.values[f"{stem}_ms"] - right.values[f"{stem}_ms"]}
    return build(
        name, VERSION, target=target, inputs=(left.id, right.id), settings=ComparisonSettings(),
        state="measured" if values else "not_assessable", values=values, reasons=reasons,
    )  # fmt: skip


def split_hand(
    apb: Measurement,
    fdi: Measurement,
    adm: Measurement,
    *,
    supramaximal: tuple[bool, bool, bool],
    target: str = "",
) -> Measurement:
    """The split-hand index, APB times FDI over ADM, from three distal `motor_response`.

    supramaximal: whether each stimulus was proven; a submaximal one in any direction falsifies a
    ratio, so the index is then not assessable. Values: split_hand_index_mv. An absent APB or FDI is
    0 mV; without ADM there is no ratio. Source: Menon et al., Clin Neurophysiol 2013,
    doi:10.1016/j.clinph.2012.07.025.
    """
    named = {"APB": apb, "FDI": fdi, "ADM": adm}
    reasons = [
        f"{muscle} not assessable: {'; '.join(one.reasons)}"
        for muscle, one in named.items()
        if one.state == "not_assessable"
    ]
    reasons += [
        f"{muscle}: the stimulus is not proven supramaximal; raise the current and repeat"
        for muscle, proven in zip(named, supramaximal, strict=True)
        if not proven
    ]
    if adm.state == "absent":
        reasons.append("ADM is absent: there is nothing to divide by")
    values = {}
    if not reasons:
        sizes = {muscle: one.values.get("amplitude_mv", 0.0) for muscle, one in named.items()}
        values = {"split_hand_index_mv": sizes["APB"] * sizes["FDI"] / sizes["ADM"]}
    return build(
        "split_hand", VERSION, target=target, inputs=[one.id for one in named.values()],
        settings=ComparisonSettings(), state="measured" if values else "not_assessable",
        values=values, reasons=reasons,
    )  # fmt: skip


def exercise_increment(before: Measurement, after: Measurement, *, target: str = "") -> Measurement:
    """The CMAP directly after 10 s of maximal exercise, against the one at rest before.

    Values: amplitude_increment_percent, area_increment_percent, duration_change_percent. Not
    assessable: no response at rest, or one of the two is not. A higher but briefer response with
    the same area is named: fibres discharge more in step, no junction has recovered.
    Source: clinical reference 1.8.
    """
    values = {}
    reasons = [
        f"{when} {one.state.replace('_', ' ')}: {'; '.join(one.reasons)}"
        for when, one in (("at rest", before), ("after exercise", after))
        if one.state != "measured"
    ]
    if not reasons:
        for name, quantity in (
            ("amplitude_increment_percent", "amplitude_mv"),
            ("area_increment_percent", "area_mv_ms"),
            ("duration_change_percent", "duration_ms"),
        ):
            if quantity in before.values and quantity in after.values:
                values[name] = 100 * (after.values[quantity] / before.values[quantity] - 1)
        if (
            values.get("amplitude_increment_percent", 0.0) > 10
            and values.get("area_increment_percent", 100.0) < 5
            and values.get("duration_change_percent", 0.0) < 0
        ):
            reasons.append("higher and briefer with the same area: fibres in step, no increment")
    return build(
        "exercise_increment", VERSION, target=target, inputs=(before.id, after.id),
        settings=ComparisonSettings(), state="measured" if values else "not_assessable",
        values=values, reasons=reasons,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Instead:
    """The muscle to record next, where to stimulate, and why."""

    muscle: Literal["EDB", "TA"]
    sites: Sequence[str]
    why: str


def fibular_muscle(edb: Measurement | None) -> Instead:
    """Which muscle tells of the fibular nerve: EDB, or TA when EDB gives nothing.

    EDB wastes in many healthy feet, so that its absence says nothing of the nerve at the knee.
    Source: Buschbacher's Manual (fibular motor to tibialis anterior); issue of local wasting [M].
    """
    at_knee = ("below_fibular_head", "above_fibular_head")
    if edb is None or edb.state == "measured":
        return Instead("EDB", ("ankle", *at_knee), "EDB first")
    if edb.state == "not_assessable":
        return Instead("EDB", ("ankle", *at_knee), "repeat EDB: " + "; ".join(edb.reasons))
    return Instead("TA", at_knee, "EDB is absent: record TA before judging the fibular nerve")
