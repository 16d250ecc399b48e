"""What a technician does with a study: steps, sweeps, markers, distances. Every change is checked,
kept on the disk, recorded, followed, and told, in this order. On the event loop."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from service.evidence.limits import Subject
from service.model import Json, Measurement, Sweep, Task
from service.protocols.loading import plan_step
from service.store.types import KeptEdit, StepState, StudyContent

from . import edits
from .assessor import Assessor, RowLine
from .book import Entry, kept_sweep
from .corrections import check_correction, correction
from .directing import Director, Words
from .halves import halves
from .hunting import is_hunting
from .journal import Journal
from .messages import plain_fields
from .placement import NO_STEP, Placement, StepPulse
from .restoring import restore
from .row_key import MOTOR, RowKey
from .row_lines import exercise_end, latency_ms_of, sweeps_of, was_of
from .rows import SweepResult
from .sites import PLACES
from .steps import Step, kept_step, repeated
from .stimulator_status import StimulatorStatus
from .study import Study
from .sweep_length import SweepLength
from .table import Table
from .voluntary import Voluntary

T = TypeVar("T")
_WORD = re.compile(r"[\w -]+")  # fit for a row's id
MOST_REFRESHED = 50


class UnknownError(LookupError):
    """There is no such step, sweep or row."""


@dataclass(frozen=True, slots=True)
class WorkflowPorts:
    """What the workflow needs of its session. place: put other electrodes under the stimulator."""

    place: Callable[[Placement, StepPulse], Future[StimulatorStatus]]
    utc_now: Callable[[], datetime]
    tell: Callable[[Mapping[str, Json]], None]


class Workflow:
    """Of one study at one bedside. One change at a time."""

    def __init__(
        self,
        study: Study,
        assessor: Assessor,
        director: Director,
        journal: Journal,
        ports: WorkflowPorts,
    ) -> None:
        self._study = study
        self._assessor = assessor
        self._director = director
        self._journal = journal
        self._ports = ports
        self._one = asyncio.Lock()
        self.voluntary = Voluntary(study, director, journal, ports.tell, self._one)
        self.sweep_length = SweepLength(study, director, journal, ports, self._one)

    # ── what the patient does, and who it is ─────────────────────────────────────────────────────

    async def set_task(self, task: Task, level: float) -> None:
        """What the patient has been asked to do, from now on."""
        await self._direct(("task", {"task": task.value, "level": level}))

    async def set_temperature(self, celsius: float, where: str = "") -> None:
        """Skin temperature as measured, of one place or (empty) of the whole patient."""
        if where and where not in PLACES:
            raise ValueError(f"temperature of {where!r}: expected one of {', '.join(PLACES)}")
        edit = self._edit("temperature", "", None, {"celsius": celsius, "where": where})
        await self._journal.did(edit)
        words = edits.words_of(edit) if where else ("temperature_c", celsius)
        await self._direct(words)

    async def set_subject(self, subject: Subject) -> None:
        """Age, sex and height as far as known, instead of what was known before."""
        before, after = plain_fields(self._study.subject), plain_fields(subject)
        await self._journal.did(self._edit("subject", "", None, after, before))
        await self._direct(("subject", after))

    # ── steps ────────────────────────────────────────────────────────────────────────────────────

    def step(self, step_id: str) -> Step:
        """Raises UnknownError."""
        try:
            return self._study.list.get(step_id)
        except KeyError as error:
            raise UnknownError(f"there is no step {step_id!r}") from error

    async def place(self, placement: Placement, measure: str = MOTOR) -> None:
        """Whatever lies under the electrodes now: a step of the list, or one that is added."""
        known = self._study.list.at(placement, measure)
        if known is None and all((placement.nerve, placement.site, placement.muscle)):
            known = await self.add(placement, measure)
        if known is not None:
            await self.start(known.id)
            return
        await asyncio.wrap_future(self._ports.place(placement, NO_STEP))
        await self._direct(("step", plain_fields(placement)))

    async def start(self, step_id: str) -> Step:
        """Put a step under the electrodes; the one before is done if its row says something."""
        async with self._one:
            step, before = self.step(step_id), self._study.step()
            changed = []
            if before is not None and before.id != step.id and self._has_result(before):
                changed = [replace(before, state="done")] if before.state == "open" else []
            edit = self._edit("step", step.id, None, "start", None if before is None else before.id)
            await self._journal.did(edit, *map(kept_step, changed), current=step.id)
            for one in changed:
                self._put(one)
            await asyncio.wrap_future(self._ports.place(step.placement, step.pulse))
            self._study.current, self._study.placement = step.id, step.placement
            await self._direct(("step", self._study.step_words()))
            return step

    async def mark(
        self, step_id: str, state: StepState, *, reason: str = "", by: str | None = None
    ) -> tuple[Step, Step | None]:
        """Done, skipped with a reason, or open again: the step, and what to do next."""
        async with self._one:
            before = self.step(step_id)
            if state == "skipped" and not reason.strip():
                raise ValueError("a step is skipped with a reason")
            after = replace(before, state=state, reason=reason)
            edit = self._edit(
                "step", step_id, by, {"state": state, "reason": reason}, {"state": before.state}
            )
            await self._journal.did(edit, kept_step(after))
            self._put(after)
            return after, self._study.list.next_open(after)

    async def repeat(self, step_id: str) -> Step:
        """Once more, under its own run; what was done before stays."""
        async with self._one:
            step = repeated(self.step(step_id))
            edit = self._edit("step", step_id, None, {"run": step.run}, {"run": step.run - 1})
            await self._journal.did(edit, kept_step(step))
            self._put(step)
        return await self.start(step_id)

    async def add(
        self,
        placement: Placement,
        measure: str = MOTOR,
        *,
        channel: str = "",
        label: str = "",
        after: str | None = None,
    ) -> Step:
        """A step that the protocol does not have; the step itself if it has it."""
        side = placement.side
        record = placement.muscle.removeprefix(f"{side} ")
        for word in (placement.nerve, placement.site, record):
            if not _WORD.fullmatch(word):
                raise ValueError(f"{word!r} has signs that no nerve, site or muscle has")
        if record == placement.muscle:
            raise ValueError(f"{placement.muscle!r} is not on the {side} side")
        plan = plan_step(measure, placement.nerve, placement.site, side, record)
        async with self._one:
            behind = None if after is None else self.step(after)
            plan = replace(plan, label=label or plan.label)
            step = self._study.list.planned(plan, behind, channel)
            await self._journal.did(self._edit("step", step.id, None, "added"), kept_step(step))
            self._put(step)
            return step

    # ── sweeps and rows ──────────────────────────────────────────────────────────────────────────

    async def include(self, sweep_id: str, included: bool, by: str | None = None) -> Entry:
        """Take a sweep into or out of its average."""
        entry = self._entry(sweep_id)
        async with self._one:
            was: Json = {"included": entry.included}
            edit = self._edit("included", sweep_id, by, {"included": included}, was)
            await self._journal.did(edit)
            words: Words = ("sweep_included", {"sweep": sweep_id, "included": included})
            await self._director.direct(words)
            self._study.book.include(sweep_id, included)
            await self.refresh(sweep_id)
        return self._entry(sweep_id)

    async def keep(self, sweep_id: str, kept: bool, by: str | None = None) -> Entry:
        """In its average whatever artefact rejection says; or as that says."""
        self._entry(sweep_id)
        await self._change(self._edit("kept", sweep_id, by, {"kept": kept}))
        await self.refresh(sweep_id)
        return self._entry(sweep_id)

    async def correct(self, sweep_id: str, told: dict[str, Json], by: str | None) -> Entry:
        """A sweep was taken elsewhere than was thought; what it was thought to be is kept."""
        (entry,) = await self._move([self._entry(sweep_id)], told, by)
        return entry

    async def correct_row(
        self, row_id: str, told: dict[str, Json], by: str | None
    ) -> tuple[Entry, ...]:
        """The same for all sweeps of a row, or for none: the sweeps where they now are.

        Raises UnknownError for a row that has no sweeps, ValueError if they cannot be there.
        """
        sweeps = sweeps_of(self._study.rows.get(row_id, {}))
        if not sweeps:
            raise UnknownError(f"there is no row {row_id!r} with sweeps of its own")
        return await self._move([self._entry(one) for one in sweeps], told, by)

    async def change_row(
        self, row_id: str, what: str, to: dict[str, Json], by: str | None
    ) -> dict[str, Json]:
        """A marker, a reset, "no response" or a distance; the row as it then stands.

        Raises UnknownError for a row that has no sweeps, ValueError if it cannot be so.
        """
        line = self._study.rows.get(row_id)
        if line is None:
            raise UnknownError(f"there is no row {row_id!r}")
        was = was_of(line, what, to)
        if what == "marker" and to.get("latency_ms") is None:
            to = {"name": to["name"], "latency_ms": latency_ms_of(line, to["index"])}
        if what == "exercise":
            to = exercise_end(line, to, self._study.book, self._ports.utc_now())
        edit = self._edit(what, row_id, by, to, was)
        await self._on_table(lambda table: edits.check(table, edit))
        await self._change(edit)
        await self.refresh_row(row_id)
        return self._study.rows[row_id]

    async def trace(self, row_id: str) -> bytes:
        """float32 little-endian µV of the average. Raises UnknownError."""
        key = self._own_key(row_id)
        return await self._on_table(lambda t: t.rows.trace(key)[0].astype("<f4").tobytes())

    async def halves(self, row_id: str) -> bytes:
        """float32 little-endian µV of the odd and then of the even half of the average. Raises
        UnknownError; ValueError for fewer than two sweeps."""
        key = self._own_key(row_id)
        return await self._on_table(lambda t: halves(t.rows, key).astype("<f4").tobytes())

    def _own_key(self, row_id: str) -> RowKey:
        line = self._study.rows.get(row_id)
        if line is None:
            raise UnknownError(f"there is no row {row_id!r}")
        if line.get("derived"):
            raise UnknownError(f"row {row_id} is made of other rows and has no average of its own")
        return RowKey.from_id(row_id)

    # ── what the assessment found ────────────────────────────────────────────────────────────────

    def swept(self, sweep: Sweep, result: SweepResult) -> Entry:
        """A new sweep: in the book, and to the disk; one given while hunting is only shown."""
        at_utc = self._ports.utc_now()
        if is_hunting(sweep):
            return self._study.book.passing(sweep, result, at_utc=at_utc)
        entry = self._study.book.add(sweep, result, at_utc=at_utc)
        self._journal.found(kept_sweep(entry))
        return entry

    def row(self, row_id: str, line: RowLine | None, says: Measurement | None) -> None:
        """A row has changed."""
        told = self._study.hold_row(row_id, line)
        self._ports.tell(told)
        if says is None:
            return
        self._journal.says(row_id, says, self._ports.utc_now())
        step = next(
            (one for one in self._study.list.steps if one.id == row_id.rpartition(".")[0]), None
        )
        if step is not None and self._study.rows[row_id]["revision"] == 1:
            # it has one row more
            self._ports.tell({"type": "step", "step": self._study.step_told(step)})

    def begun(self) -> None:
        """The list of steps is known: kept as it stands."""
        self._journal.stands(tuple(map(kept_step, self._study.list.steps)), self._study.current)

    async def resume(self, content: StudyContent) -> None:
        """A study that was begun before: its sweeps measured again, its edits done again."""
        found = await self._on_table(lambda table: restore(table, content))
        for kept, result in found:
            self._study.book.add(kept.sweep, result, at_utc=kept.at_utc, number=kept.number)
        for edit in content.edits:
            self._recall(edit)
        self._study.current = content.study.step
        step = self._study.step()
        if step is not None:
            self._study.placement = step.placement
        for kept, _ in found:
            await self.refresh(kept.sweep.id, tell=False)

    def _recall(self, edit: KeptEdit) -> None:
        """What the loop's side remembers of an edit."""
        told = edit.to if isinstance(edit.to, dict) else {}
        match edit.what:
            case "subject":
                self._study.note(("subject", edit.to))
            case "temperature" if told.get("where"):
                self._study.note(edits.words_of(edit))
            case "temperature":
                self._study.note(("temperature_c", told.get("celsius")))
            case _:
                self._study.book.recall(edit)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    async def _move(
        self, entries: list[Entry], told: dict[str, Json], by: str | None
    ) -> tuple[Entry, ...]:
        """Sweeps into the row where they were taken; every row concerned is told again."""
        for entry in entries:
            check_correction(entry.sweep, entry.taken, told)
        ids = [entry.sweep.id for entry in entries]
        told_rows = self._study.rows.items()
        rows = {row for row, line in told_rows if not set(ids).isdisjoint(sweeps_of(line))}
        where = [(entry.sweep.id, entry.taken) for entry in entries]
        target, to, was = correction(entries[0].row, where, told)
        edit = await self._change(self._edit("correction", target, by, to, was))
        self._study.book.recall(edit)
        for one in ids:
            await self.refresh(one, tell=False)
        moved = tuple(map(self._entry, ids))
        for entry in moved:
            self._ports.tell(self._study.book.message(entry))
        for row in rows.union(entry.row for entry in moved):
            await self.refresh_row(row)
        return moved

    async def refresh(self, sweep_id: str, *, tell: bool = True) -> None:
        """A sweep, and the others of its row, as they now stand."""
        result = await self._on_table(lambda table: table.rows.result(sweep_id))
        if result is not None:
            for entry in self._study.book.update(sweep_id, result)[-MOST_REFRESHED:]:
                if tell:
                    self._ports.tell(self._study.book.message(entry))

    async def refresh_row(self, row_id: str) -> None:
        """The sweeps of a row, if it has any."""
        sweeps = sweeps_of(self._study.rows.get(row_id, {}))
        if sweeps:
            await self.refresh(sweeps[-1])

    async def _change(self, edit: KeptEdit) -> KeptEdit:
        async with self._one:
            await self._journal.did(edit)
            await self._director.direct(edits.words_of(edit))
        return edit

    async def _on_table(self, change: Callable[[Table], T]) -> T:
        return await asyncio.wrap_future(self._assessor.on_table(change))

    async def _direct(self, words: Words) -> None:
        """Shown, recorded and followed."""
        self._study.note(words)
        self._ports.tell(self._study.message())
        await self._director.direct(words)

    def _edit(self, what: str, target: str, by: str | None, to: Json, was: Json = None) -> KeptEdit:
        """Who did what now. Raises ValueError where a name is needed and there is none."""
        who = (by or "").strip() or self._study.operator
        if not who and what in edits.NAMED:
            raise ValueError("say who does this: initials in `by`, or an operator of the study")
        return KeptEdit(self._ports.utc_now(), who, what, target, was, to)

    def _put(self, step: Step) -> None:
        self._study.list.put(step)
        self._ports.tell({"type": "step", "step": self._study.step_told(step)})

    def _has_result(self, step: Step) -> bool:
        """Its row says measured or absent."""
        line = self._study.rows.get(f"{step.id}.{step.run}", {})
        says = line.get("measurement")
        return isinstance(says, dict) and says["state"] != "not_assessable"

    def _entry(self, sweep_id: str) -> Entry:
        entry = self._study.book.get(sweep_id)
        if entry is None:
            raise UnknownError(f"there is no sweep {sweep_id!r}")
        return entry
