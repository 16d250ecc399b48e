"""What the rows of the table say on the cards: F-waves, H-reflexes and unit counts as evidence;
sensory loss, block, slowing and decrement as doubts about the attribution.

Measured where the row is, graded where the muscle is. Source: clinical reference 1.1-1.8, 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from drivers.types import Allowance, Permission
from service.evidence.anatomy import MuscleAnatomy, anatomy
from service.evidence.families import HARDWARE
from service.evidence.late_evidence import (
    INCREMENT_PERCENT,
    f_wave_evidence,
    h_reflex_evidence,
    junction_confounders,
)
from service.evidence.limits import Choice
from service.evidence.nerve_evidence import (
    blocked,
    late_f_waves,
    munix_evidence,
    same_region,
    slowing,
    snap_state,
    unit_count_evidence,
)
from service.model import Evidence, FindingState, Measurement, Muscle

from .row_key import MOTOR, RowKey
from .sites import least_c, place_of
from .table import Table

SENSORY = "sensory_response"
_UNITS = frozenset(["cmap_scan", "mune"])
_F_QUANTITIES = (
    "persistence_percent", "repeater_index_percent", "chronodispersion_ms", "f_m_all_percent",
)  # fmt: skip
_EVIDENCE = frozenset(["f_wave", "h_reflex", "munix", *_UNITS])

Permitted = Callable[[str], Permission | None]


@dataclass(frozen=True, slots=True)
class NerveFindings:
    """Of one muscle. neuropathy, junction, snaps_normal: as in `evidence.circumstances`."""

    evidence: tuple[Evidence, ...] = ()
    neuropathy: tuple[str, ...] = ()
    junction: tuple[str, ...] = ()
    snaps_normal: bool | None = None


class NerveWatch:
    """Reads the table for the cards; what has not changed is not judged again."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._held: dict[RowKey, Measurement] = {}
        self._known: dict[Muscle, tuple[object, NerveFindings]] = {}

    def of(
        self,
        muscle: Muscle,
        cmap_state: FindingState,
        permitted: Permitted,
        pending: frozenset[RowKey] = frozenset(),
    ) -> NerveFindings:
        """Of one muscle as the rows now stand. permitted: what the muscle's device may do for a
        measure. pending: series whose train still runs; they say what they said before it."""
        table = self._table
        stamp = (table.rows.changes, table.circumstances, cmap_state, pending)
        before = self._known.get(muscle)
        if before is None or before[0] != stamp:
            found = self._found(muscle, cmap_state, permitted, pending)
            before = (stamp, found)
            self._known[muscle] = before
        return before[1]

    def _found(
        self,
        muscle: Muscle,
        cmap_state: FindingState,
        permitted: Permitted,
        pending: frozenset[RowKey],
    ) -> NerveFindings:
        row = anatomy(muscle.name)
        evidence: list[Evidence] = []
        junction: list[str] = []
        neuropathy: list[str] = []
        for key in self._newest():
            says = self._says(key, pending)
            if says is None:
                continue
            if key.muscle == muscle.key and key.measure in _EVIDENCE:
                told = self._evidence(key, says, cmap_state)
                evidence += [_limited(item, permitted(key.measure)) for item in told]
            if key.measure == "rns":
                junction += self._junction(key, says, muscle)
            if key.side == muscle.side and key.nerve == row.nerve:
                neuropathy += self._nerve(key, says)
        reduced, normal = self._sensory(muscle, row)
        return NerveFindings(
            tuple(evidence),
            tuple(dict.fromkeys((*neuropathy, *reduced))),
            tuple(dict.fromkeys(junction)),
            normal,
        )

    def _newest(self) -> Iterator[RowKey]:
        """The newest run of every row that has a sweep that counts."""
        rows = self._table.rows
        for key in rows.all_keys():
            if key == rows.newest_run(key) and rows.counts(key):
                yield key

    def _says(self, key: RowKey, pending: frozenset[RowKey]) -> Measurement | None:
        if key not in pending:
            self._held[key] = self._table.rows.measurement(key)
        return self._held.get(key)

    def _evidence(
        self, key: RowKey, says: Measurement, cmap_state: FindingState
    ) -> tuple[Evidence, ...]:
        if key.measure == "f_wave":
            place = place_of(key.nerve, key.side)
            choices = {name: self._choice(key, name) for name in _F_QUANTITIES}
            skin_c = self._table.circumstances.celsius(place)
            return f_wave_evidence(
                says, choices, cmap_state=cmap_state, skin_c=skin_c, least_skin_c=least_c(place)
            )
        if key.measure == "h_reflex":
            record = key.muscle.removeprefix(f"{key.side} ")
            choice = self._choice(key, "h_m_ratio")
            return (h_reflex_evidence(says, choice, muscle=record, cmap_state=cmap_state),)
        if key.measure == "munix":
            return (munix_evidence(says, self._choice(key, "munix")),)
        quantity = "scan_unit_count" if key.measure == "cmap_scan" else "mune_unit_count"
        return (unit_count_evidence(says, self._choice(key, quantity)),)

    def _choice(self, key: RowKey, quantity: str) -> Choice:
        """A verified limit: one that is only shown never counts on a card."""
        choice = self._table.choice(key, quantity)
        if choice.limit is not None and not choice.limit.verified:
            return Choice(None, "the limit is unverified")
        return choice

    def _junction(self, key: RowKey, says: Measurement, muscle: Muscle) -> list[str]:
        """A decrement belongs to its muscle: unstable reinnervation shows it there too. A large
        increment is of the whole patient."""
        named = [f"{key.muscle}: {text}" for text in junction_confounders(says)]
        if key.muscle == muscle.key:
            return named
        rise = says.values.get("exercise_increment_percent", 0.0)
        return [text for text in named if "increment" in text and rise >= INCREMENT_PERCENT]

    def _nerve(self, key: RowKey, says: Measurement) -> list[str]:
        """Block, dispersion and demyelinating slowing of one row of the muscle's nerve."""
        table = self._table
        at = f"{key.side} {key.nerve} at the {key.site.replace('_', ' ')}"
        if key.measure == "f_wave" and "f_min_ms" in says.values:
            distal = table.rows.newest_run(replace(key, measure=MOTOR))
            cmap = (
                None
                if distal is None
                else table.judged(distal, table.rows.measurement(distal), "amplitude_mv")
            )
            late = late_f_waves(table.judged(key, says, "f_min_ms"), cmap)
            return [f"{late}, {at}"] if late else []
        if key.measure != MOTOR:
            return []
        segment = table.segment(key)
        words = [*slowing(table.findings(key)), *(() if segment is None else blocked(segment))]
        return [f"{text}, {at}" for text in words]

    def _sensory(self, muscle: Muscle, row: MuscleAnatomy) -> tuple[list[str], bool | None]:
        """Reduced responses of the muscle's region; and whether those of the limb are normal.

        A normal one never clears a root: its cells lie outside the spine. Normal is said only if
        all that were examined are, one in the muscle's own region among them, in a warm limb.
        """
        table, reduced, states, own = self._table, [], [], False
        limb = place_of(row.nerve, muscle.side)
        for key in self._newest():
            if key.measure != SENSORY or place_of(key.nerve, key.side) != limb:
                continue
            record = key.muscle.removeprefix(f"{key.side} ")
            state = snap_state(table.findings(key))
            skin_c = table.circumstances.celsius(limb)
            if state == "normal" and skin_c is not None and skin_c < least_c(limb):
                state = "unknown"  # cold raises the response
            states.append(state)
            if same_region(key.nerve, record, row):
                own = own or state == "normal"
                if state == "abnormal":
                    reduced.append(f"reduced sensory response, {key.muscle}")
        if "abnormal" in states:
            return reduced, False
        return reduced, True if own and set(states) == {"normal"} else None


def _limited(item: Evidence, permission: Permission | None) -> Evidence:
    """Shown, not counted, where the device may only do this with a limit."""
    if permission is None or permission.allowance is not Allowance.LIMITED:
        return item
    reason = f"{HARDWARE}: {permission.reason}"
    return replace(item, confounded_by=(*item.confounded_by, reason))
