"""The running assessment of one study: signals and sweeps in, one card per muscle out.

Called from one thread; no I/O, no clock, no randomness but fixed seeds, so a replay of the record
gives the same cards. Everything it says rests on Measurements of `service.analysis`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from drivers.capability import permit
from drivers.types import Epoch, Permission, Study
from service.acquisition.types import Signal
from service.evidence.anatomy import anatomy, shared_pattern
from service.evidence.circumstances import Circumstances
from service.evidence.crossaxis import grade_muscle
from service.evidence.limits import LimitRow, Subject, default_limits
from service.model import Evidence, Measurement, Muscle, MuscleStatus, Sweep, Task

from .card_evidence import cmap_evidence
from .efforts import is_effort
from .hunting import is_hunting, look
from .montage import Montage
from .nerve_findings import NerveFindings, NerveWatch
from .row_key import MOTOR, RowKey, Taken
from .rows import SweepResult
from .sites import place_of
from .surface import SurfaceWatch
from .surface_evidence import clonus_evidence, coherence_evidence, fasciculation_evidence
from .table import Table

_STUDIES = tuple(Study)
_NEEDS = {
    "motor_response": Study.MOTOR_NCS,
    "sensory_response": Study.SENSORY_NCS,
    "f_wave": Study.F_WAVE,
    "h_reflex": Study.H_REFLEX,
    "rns": Study.RNS,
    "cmap_scan": Study.CMAP_SCAN,
    "munix": Study.MUNIX,
    "mune": Study.MOTOR_NCS,
}


class Assessment:
    """One study. `limits` default to those that ship; `subject` is None-filled until entered."""

    def __init__(
        self,
        montage: Montage,
        *,
        subject: Subject | None = None,
        limits: tuple[LimitRow, ...] | None = None,
        table: Table | None = None,
    ) -> None:
        self._montage = montage
        self._limits = default_limits() if limits is None else limits
        self.table = Table() if table is None else table
        self.subject = self.table.circumstances.subject
        if subject is not None:
            self.set_subject(subject)
        self.rows = self.table.rows
        self._nerves = NerveWatch(self.table)
        self._permissions: dict[tuple[str, Study], Permission] = {}
        self._device: dict[str, str] = {}
        self._task = Task.UNKNOWN
        self.tasks: list[tuple[Task, float]] = []
        self._surface: dict[tuple[str, str], SurfaceWatch] = {}
        self._known: dict[Muscle, tuple[list[Evidence], Circumstances, MuscleStatus]] = {}
        self._step = Taken()
        self._elsewhere: frozenset[str] = frozenset()

    def open(self, device: str, epoch: Epoch) -> None:
        """A new epoch of a device: what it may measure, and which muscles it records."""
        for study in _STUDIES:
            self._permissions[device, study] = permit(epoch.info.capability, study)
        for stream in epoch.info.streams:
            for channel in stream.channels:
                muscle = self._montage.muscle_of(channel.label)
                if muscle is not None:
                    self._device[muscle.key] = device

    def signal(self, device: str, signal: Signal) -> None:
        """Unfiltered µV of one device, in order; a jump of the index or the epoch is a gap."""
        watch = self._surface.get((device, signal.stream))
        if watch is None or watch.rate_hz != signal.rate_hz:
            watch = self._watch(device, signal)
            if watch is None:
                return
            self._surface[device, signal.stream] = watch
        watch.signal(signal)

    def sweep(self, sweep: Sweep, muscle: str | None = None) -> SweepResult:
        """Measure a sweep: on `muscle` (key), else on the muscle under study, else on those of the
        stimulated nerve. The result carries the sweep's own measurement and its row's average; one
        given while hunting for the place is measured and not kept."""
        watch = self._surface.get((sweep.device, sweep.stream))
        if watch is not None and sweep.trigger is not None:
            watch.stimulus(sweep.epoch, sweep.trigger.sample_index)
        taken = self._taken(sweep, muscle)
        return look(sweep, taken) if is_hunting(sweep) else self.rows.add(sweep, taken)

    def set_step(self, step: Taken) -> None:
        """The step now under the electrodes: what its sweeps are measured as. A channel that it is
        assigned, and that is called after another muscle, shows nothing of that one meanwhile."""
        self._step = step
        own = self._montage.muscle_of(step.channel)
        moved = own is not None and own.key != step.muscle
        self._elsewhere = frozenset({step.channel} if moved else ())
        for watch in self._surface.values():
            watch.set_elsewhere(self._elsewhere)

    def _taken(self, sweep: Sweep, muscle: str | None) -> Taken:
        """Where the pulse was given; as the step says, if the step is still the same."""
        step, told = self._step, sweep.stimulus
        if is_effort(sweep):
            taken = step
        elif told is None:
            taken = Taken(side=(muscle or step.muscle).partition(" ")[0])
        elif (told.nerve, told.site, told.side) == (step.nerve, step.site, step.side):
            taken = step
        else:
            taken = Taken(nerve=told.nerve, site=told.site, side=told.side)
        permission = self._permissions.get((sweep.device, _NEEDS.get(taken.measure, _NEEDS[MOTOR])))
        refused = permission is not None and permission.allowance == "no"
        reason = permission.reason if refused and permission is not None else ""
        return replace(taken, muscle=muscle or step.muscle, refusal=reason)

    def set_task(self, task: Task, at_s: float) -> None:
        """What the patient was asked to do, from host time `at_s` on; the signals still to come are
        taken as done under it."""
        self._task = task
        self.tasks.append((task, at_s))
        for watch in self._surface.values():
            watch.set_task(task)

    def set_temperature(self, celsius: float | None) -> None:
        """Skin temperature of the whole patient, None if not measured."""
        self.table.set_temperature("", celsius)

    def set_subject(self, subject: Subject) -> None:
        """Age, sex and height, as far as known: they decide which limits hold."""
        self.subject = subject
        if self.table.circumstances.subject != subject:
            self.table.set_subject(subject)

    def exclude(self, sweep_id: str, included: bool) -> None:
        """Take a sweep out of its average (`included` False) or back in."""
        self.rows.include(sweep_id, included)

    def result(self, sweep_id: str) -> SweepResult | None:
        """A sweep's measurement and its row's average as they now stand; None if unknown."""
        return self.rows.result(sweep_id)

    def cards(self, pending: frozenset[RowKey] = frozenset()) -> list[MuscleStatus]:
        """Both axes of every muscle of the montage, in channel order. pending: rows whose train
        still runs; what they said before it stands until it is over."""
        cmaps = {muscle: self._cmap(muscle) for muscle in self._montage.muscles}
        nerves = {
            muscle: self._nerves.of(muscle, cmap.state, partial(self._allowed, muscle), pending)
            for muscle, cmap in cmaps.items()
        }
        evidence = {
            muscle: [cmap, *nerves[muscle].evidence, *self._surface_evidence(muscle)]
            for muscle, cmap in cmaps.items()
        }
        abnormal = [m for m, items in evidence.items() if _lmn_abnormal(items)]
        pattern = shared_pattern(abnormal)
        return [
            replace(
                self._graded(
                    muscle,
                    items,
                    self._circumstances(
                        muscle, nerves[muscle], pattern if muscle in abnormal else None
                    ),
                ),
                lead=self._lead(muscle),
            )
            for muscle, items in evidence.items()
        ]

    def measurements(self) -> list[Measurement]:
        """Every measurement made so far."""
        surface = [m for watch in self._surface.values() for m in watch.measurements()]
        return self.rows.measurements() + surface

    def on_surface(self, muscle: str) -> list[Measurement]:
        """What the surface EMG of one muscle (key) has shown so far, pairs with it included."""
        told = []
        for watch in self._surface.values():
            if muscle in (recorded := {one.key: one for one in watch.muscles}):
                told.append(watch.fasciculation(recorded[muscle]))
                seen = watch.clonus(recorded[muscle])
                told += [] if seen is None else [seen]
                told += [r.measurement for r in watch.coherence() if recorded[muscle] in r.pair]
        return told

    def _watch(self, device: str, signal: Signal) -> SurfaceWatch | None:
        """A watch over the leads of a stream, None if it records no muscle of the montage."""
        leads = [(lead.channel_label, lead.muscle) for lead in self._montage.leads
                 if lead.channel_label in signal.channels]  # fmt: skip
        if not leads:
            return None
        here = {muscle for _, muscle in leads}
        pairs = [pair for pair in self._montage.coherence_pairs() if here.issuperset(pair)]
        watch = SurfaceWatch(f"{device}/{signal.stream}", leads, pairs, signal.rate_hz)
        watch.set_task(self._task)
        watch.set_elsewhere(self._elsewhere)
        return watch

    def _graded(self, muscle: Muscle, items: list[Evidence], known: Circumstances) -> MuscleStatus:
        """Graded again only if something it rests on has changed."""
        before = self._known.get(muscle)
        if before is None or before[:2] != (items, known):
            before = (items, known, grade_muscle(muscle, items, known))
            self._known[muscle] = before
        return before[2]

    def _permission(self, muscle: Muscle, study: Study) -> Permission | None:
        return self._permissions.get((self._device.get(muscle.key, ""), study))

    def _allowed(self, muscle: Muscle, measure: str) -> Permission | None:
        return self._permission(muscle, _NEEDS[measure])

    def _cmap(self, muscle: Muscle) -> Evidence:
        place = place_of(anatomy(muscle.name).nerve, muscle.side)
        return cmap_evidence(
            muscle,
            self.rows.distal(muscle),
            permission=self._permission(muscle, Study.MOTOR_NCS),
            elsewhere=self.rows.sites(muscle),
            subject=self.subject,
            skin_c=self.table.circumstances.celsius(place),
            limits=self._limits,
        )

    def _surface_evidence(self, muscle: Muscle) -> list[Evidence]:
        """What the resting, holding and stretched muscle has shown, or how far that has got."""
        watch = self._watch_of(muscle)
        twitches = self._permission(muscle, Study.SURFACE_FASCICULATION)
        beats = self._permission(muscle, Study.CLONUS)
        if watch is None:
            return [
                fasciculation_evidence(muscle, None, twitches),
                clonus_evidence(None, 0.0, beats),
            ]
        shared = coherence_evidence(
            muscle, watch.coherence(), self._permission(muscle, Study.COHERENCE)
        )
        return [
            fasciculation_evidence(muscle, watch.fasciculation(muscle), twitches),
            clonus_evidence(
                watch.clonus(muscle),
                watch.stretch_s(muscle),
                beats,
                fault=watch.stretch_fault(muscle),
            ),
            *([] if shared is None else [shared]),
        ]

    def _lead(self, muscle: Muscle) -> tuple[str, ...]:
        watch = self._watch_of(muscle)
        return () if watch is None else watch.faults(muscle)

    def _watch_of(self, muscle: Muscle) -> SurfaceWatch | None:
        label = self._montage.channel_of(muscle)
        return next((w for w in self._surface.values() if label in w.labels), None)

    def _circumstances(
        self, muscle: Muscle, nerves: NerveFindings, pattern: str | None
    ) -> Circumstances:
        distal = self.rows.distal(muscle)
        amplitude = None
        if distal is not None and distal[0].state != "not_assessable" and distal[1].proven:
            amplitude = distal[0].values.get("amplitude_mv", 0.0)
        return Circumstances(
            neuropathy=nerves.neuropathy,
            junction=nerves.junction,
            snaps_normal=nerves.snaps_normal,
            cmap_mv=amplitude,
            shared_pattern=pattern,
        )


def _lmn_abnormal(items: list[Evidence]) -> bool:
    return any(item.axis == "lmn" and item.state == "abnormal" for item in items)
