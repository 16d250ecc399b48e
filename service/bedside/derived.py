"""Rows of the table that are made of other rows: comparisons of nerves, sides and efforts.

A derived row is there as soon as the rows it needs are; a value whose input has a gate that
falsifies it is left out, and the row says which gate and what to do. Pure.
Source: clinical reference 0.3, 1.1, 1.8, 2.8.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from service.analysis import comparison
from service.analysis.elbow import ElbowSettings, across_elbow
from service.analysis.gates import Direction
from service.evidence.anatomy import MUSCLES
from service.evidence.quantities import judge, unit_of
from service.model import Json, Measurement

from .messages import measurement_json
from .nerve_findings import SENSORY
from .row_key import MOTOR, RowKey
from .sites import least_c, place_of
from .table import Table

BOTH = "both"
_D = Direction
_SIZE = frozenset([_D.LOW, _D.AMPLITUDE, _D.SENSORY, _D.NORMAL])
_TIME = frozenset([_D.SLOW, _D.LATENCY])
_SAME_LIMB = frozenset(["cold", "no_temperature"])  # both parts are as cold: no difference by it
# measure -> (part of a value's name, what falsifies it, gates that do not count here)
_FALSIFIED: Mapping[str, tuple[tuple[str, frozenset[Direction], frozenset[str]], ...]] = {
    "median_comparison": (("_ms", _TIME, _SAME_LIMB),),
    "side_to_side": (("amplitude", _SIZE, frozenset()), ("_ms", _TIME, frozenset())),
    "f_side_to_side": (("_ms", _TIME, frozenset()),),
    "h_side_to_side": (("_ms", _TIME, frozenset()),),
    "split_hand": (("index", _SIZE, frozenset(["submaximal"])),),
    "across_elbow": (
        ("velocity", _TIME | {_D.FAST}, _SAME_LIMB),
        ("amplitude", frozenset([_D.DROP, _D.NO_DROP, _D.LOW, _D.AMPLITUDE]), _SAME_LIMB),
    ),
    "exercise_increment": (("percent", _SIZE, frozenset()),),
}
# name of the comparison -> measure, then nerve, site and record of the median and of the other part
_PAIRS: Mapping[str, tuple[str, tuple[str, str, str], tuple[str, str, str]]] = {
    "ring_finger": (SENSORY, ("median", "wrist", "median D4"), ("ulnar", "wrist", "ulnar D4")),
    "palm": (SENSORY, ("median", "palm", "median wrist"), ("ulnar", "palm", "ulnar wrist")),
    "thumb": (SENSORY, ("median", "wrist", "median D1"), ("radial", "forearm", "radial D1")),
    "lumbrical_interosseous": (MOTOR, ("median", "wrist", "L2"), ("ulnar", "wrist", "INT")),
}


# what is compared from side to side -> the row it makes, and by what
_SIDES: Mapping[str, tuple[str, Callable[..., Measurement]]] = {
    MOTOR: ("side_to_side", comparison.side_to_side),
    SENSORY: ("side_to_side", comparison.side_to_side),
    "f_wave": ("f_side_to_side", comparison.f_side_to_side),
    "h_reflex": ("h_side_to_side", comparison.h_side_to_side),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A derived row that can be made. make: its measurement, of the inputs as they now stand."""

    key: RowKey
    inputs: tuple[RowKey, ...]
    make: Callable[[], Measurement]


def plans(table: Table) -> list[Plan]:
    """Every derived row for which the rows are there."""
    return [
        *_comparisons(table), *_split_hands(table), *_elbows(table), *_sides(table),
        *_exercised(table),
    ]  # fmt: skip


def derived_lines(
    table: Table, changed: Collection[RowKey] | None = None
) -> Iterator[tuple[Plan, dict[str, Json], Measurement]]:
    """Derived rows with an input among `changed` (None: all): plan, ROW but for its revision, and
    what it says."""
    for plan in plans(table):
        if changed is None or not set(plan.inputs).isdisjoint(changed):
            says = plan.make()
            yield plan, _line(table, plan, says), says


# ── which rows can be made ───────────────────────────────────────────────────────────────────────


def _comparisons(table: Table) -> Iterator[Plan]:
    for side in ("left", "right"):
        found = {}
        for name, (measure, median, other) in _PAIRS.items():
            both = [_newest(table, measure, side, *one) for one in (median, other)]
            if both[0] is not None and both[1] is not None:
                found[name] = (both[0], both[1])
        if found:
            key = RowKey("median_comparison", "median", "wrist", side, f"{side} hand")
            inputs = tuple(one for pair in found.values() for one in pair)
            yield Plan(key, inputs, _comparing(table, key, found))


def _comparing(
    table: Table, key: RowKey, found: Mapping[str, tuple[RowKey, RowKey]]
) -> Callable[[], Measurement]:
    def make() -> Measurement:
        pairs, left_out = {}, []
        for name, (median, other) in found.items():
            # a flaw of one finger says nothing against the others
            flaws = _flaws(table, (median, other), _TIME, _SAME_LIMB)
            left_out += [f"{name}: {flaw}" for flaw in flaws]
            if not flaws:
                pairs[name] = comparison.Pair(
                    table.rows.measurement(median), table.rows.measurement(other),
                    table.rows.hand(median).distance_mm, table.rows.hand(other).distance_mm,
                )  # fmt: skip
        says = comparison.median_comparison(pairs, target=key.muscle)
        return replace(says, reasons=tuple(dict.fromkeys((*left_out, *says.reasons))))

    return make


def _split_hands(table: Table) -> Iterator[Plan]:
    for side in ("left", "right"):
        apb, fdi, adm = (
            _newest(table, MOTOR, side, nerve, "wrist", record)
            for nerve, record in (("median", "APB"), ("ulnar", "FDI"), ("ulnar", "ADM"))
        )
        if apb is not None and fdi is not None and adm is not None:
            key = RowKey("split_hand", "median_ulnar", "wrist", side, f"{side} hand")
            yield Plan(key, (apb, fdi, adm), _splitting(table, key, (apb, fdi, adm)))


def _splitting(
    table: Table, key: RowKey, inputs: tuple[RowKey, RowKey, RowKey]
) -> Callable[[], Measurement]:
    def make() -> Measurement:
        apb, fdi, adm = (table.rows.measurement(one) for one in inputs)
        proven = _proven(table, inputs)
        says = comparison.split_hand(apb, fdi, adm, supramaximal=proven, target=key.muscle)
        return _spared(table, says, inputs)

    return make


def _elbows(table: Table) -> Iterator[Plan]:
    for side in ("left", "right"):
        for record in ("ADM", "FDI"):
            wrist, below, above = (
                _newest(table, MOTOR, side, "ulnar", site, record)
                for site in ("wrist", "below_elbow", "elbow")
            )
            if wrist is not None and below is not None and above is not None:
                key = RowKey("across_elbow", "ulnar", "elbow", side, f"{side} {record}")
                yield Plan(key, (wrist, below, above), _crossing(table, key, (wrist, below, above)))


def _crossing(
    table: Table, key: RowKey, inputs: tuple[RowKey, RowKey, RowKey]
) -> Callable[[], Measurement]:
    def make() -> Measurement:
        wrist, below, above = (table.rows.measurement(one) for one in inputs)
        says = across_elbow(
            wrist, below, above,
            forearm_mm=table.rows.hand(inputs[1]).distance_mm,
            across_mm=table.rows.hand(inputs[2]).distance_mm,
            settings=ElbowSettings(flexion_deg=table.rows.hand(inputs[2]).flexion_deg),
            supramaximal=_proven(table, inputs), target=key.muscle,
        )  # fmt: skip
        return _spared(table, says, inputs)

    return make


def _sides(table: Table) -> Iterator[Plan]:
    for left in table.rows.all_keys():
        if left.side != "left" or left.measure not in _SIDES:
            continue
        name, compare = _SIDES[left.measure]
        record = left.muscle.removeprefix("left ")
        own = MUSCLES.get(record)
        distal = left.measure != MOTOR or own is None or own.distal_site == left.site
        right = table.rows.newest_run(left.on_other_side())
        if not distal or right is None or left != table.rows.newest_run(left):
            continue
        key = RowKey(name, left.nerve, left.site, BOTH, f"{BOTH} {record}")
        yield Plan(key, (left, right), _facing(table, key, left, right, compare))


def _facing(
    table: Table, key: RowKey, left: RowKey, right: RowKey, compare: Callable[..., Measurement]
) -> Callable[[], Measurement]:
    def make() -> Measurement:
        says = compare(
            table.rows.measurement(left), table.rows.measurement(right), target=key.muscle
        )
        return _spared(table, says, (left, right))

    return make


def _exercised(table: Table) -> Iterator[Plan]:
    for after in table.rows.all_keys():
        if table.rows.hand(after).after_exercise_s is None or after.measure not in (MOTOR, "rns"):
            continue
        before = table.rows.newest_run(after)
        if before is not None:
            key = replace(after, measure="exercise_increment")
            yield Plan(key, (before, after), _exerting(table, key, before, after))


def _exerting(
    table: Table, key: RowKey, before: RowKey, after: RowKey
) -> Callable[[], Measurement]:
    def make() -> Measurement:
        says = comparison.exercise_increment(
            table.rows.measurement(before), table.rows.measurement(after), target=key.muscle
        )
        return _spared(table, says, (before, after))

    return make


def _newest(
    table: Table, measure: str, side: str, nerve: str, site: str, record: str
) -> RowKey | None:
    return table.rows.newest_run(RowKey(measure, nerve, site, side, f"{side} {record}"))


def _proven(table: Table, inputs: tuple[RowKey, RowKey, RowKey]) -> tuple[bool, bool, bool]:
    first, second, third = (table.rows.proof(one) for one in inputs)
    return (
        first is not None and first.proven,
        second is not None and second.proven,
        third is not None and third.proven,
    )


# ── what gates take away, and how it is told ─────────────────────────────────────────────────────


def _flaws(
    table: Table,
    inputs: Sequence[RowKey],
    directions: frozenset[Direction],
    without: frozenset[str],
) -> list[str]:
    """Sentences of the inputs' gates that falsify in one of these directions."""
    return [
        f"{key.id}: {flag.gate}: {flag.sentence}: {flag.action}"
        for key in inputs
        for flag in table.flags(key)
        if flag.gate not in without and not directions.isdisjoint(flag.falsifies)
    ]


def _spared(table: Table, says: Measurement, inputs: Sequence[RowKey]) -> Measurement:
    """The measurement without the values that a gate of an input falsifies."""
    values, reasons = dict(says.values), list(says.reasons)
    for part, directions, without in _FALSIFIED[says.measure]:
        named = [name for name in values if part in name]
        flaws = _flaws(table, inputs, directions, without)
        if named and flaws:
            reasons += flaws
            for name in named:
                del values[name]
    if len(values) == len(says.values):
        return says
    # what was left out is part of the name: other gates, another result
    name = sha256("\n".join((says.id, *reasons)).encode()).hexdigest()[: len(says.id)]
    return replace(
        says,
        id=name,
        state="measured" if values else "not_assessable",
        values=values,
        reasons=tuple(reasons),
        items=says.items if values else (),
    )


def _line(table: Table, plan: Plan, says: Measurement) -> dict[str, Json]:
    """ROW of docs/protocols/study.md, but for its revision."""
    key, rows = plan.key, table.rows
    place = "" if key.side == BOTH else place_of(key.nerve.partition("_")[0], key.side)
    hands = [rows.hand(one) for one in plan.inputs]
    return {
        "id": key.id,
        "step": key.step_id,
        "measure": key.measure,
        "nerve": key.nerve,
        "site": key.site,
        "side": key.side,
        "muscle": key.muscle,
        "channel": None,
        "run": key.run,
        "derived": True,
        "inputs": [one.id for one in plan.inputs],
        "sweeps": [],
        "used": [],
        "rejected": [],
        "current_ma": None,
        "width_us": None,
        "current_stated": False,
        "rate_hz": rows.trace(plan.inputs[0])[1],
        "zero_index": 0.0,
        "measurement": measurement_json(says),
        "automatic": not any(one.placed or one.absent for one in hands),
        "edit_note": None,
        "supramaximal": None,
        "distance_mm": None,
        "distance_to": "",
        "flexion_deg": says.values.get("flexion_deg"),
        "after_exercise_s": None,
        "exercise_ended": None,
        "temperature_c": table.circumstances.celsius(place),
        "temperature_where": place,
        "segment": None,
        "values": _values(table, key, says),
        "gates": [],
        "hints": list(says.reasons),
    }


def _values(table: Table, key: RowKey, says: Measurement) -> list[Json]:
    """A difference is held against its limit by size, whichever side is the later one."""
    told: list[Json] = []
    place = "left hand" if key.side == BOTH else place_of(key.nerve.partition("_")[0], key.side)
    for quantity, value in says.values.items():
        if quantity.endswith(("_low_m_s", "_high_m_s")) or quantity == "flexion_deg":
            continue
        choice = table.choice(key, quantity)
        size = replace(says, values={quantity: abs(value) if key.side == BOTH else value})
        # what cold does to the inputs has been said by their gates
        finding = judge(size, quantity, choice, skin_c=least_c(place), least_skin_c=least_c(place))
        stem = quantity.removesuffix("_m_s")
        told.append(
            {
                "quantity": quantity,
                "value": value,
                "unit": unit_of(quantity),
                "low": says.values.get(f"{stem}_low_m_s"),
                "high": says.values.get(f"{stem}_high_m_s"),
                "state": finding.state,
                "limit": table.limit_json(choice.limit),
                "z": choice.z(value),
                "reasons": list(finding.reasons),
                "other_side": None,
            }
        )
    return told
