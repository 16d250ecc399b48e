"""Studies in and out of the tables. Each function works inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session, undefer

from service.model import Json, Measurement

from .samples import about_sweep, pack_samples, unpack_sweep
from .tables import (
    EditRow,
    MeasurementRow,
    PatientRow,
    RecordingRow,
    StepRow,
    StudyRow,
    SweepRow,
    VisitRow,
)
from .types import (
    KeptEdit,
    KeptRecording,
    KeptStep,
    KeptStudy,
    KeptSweep,
    StepState,
    StudyContent,
    StudyLine,
    StudyState,
)


def add_study(db: Session, study: KeptStudy, steps: Iterable[KeptStep]) -> None:
    """A new study; its patient and visit are made if they are new."""
    patient = db.scalar(select(PatientRow).where(PatientRow.code == study.patient))
    if patient is None:
        patient = PatientRow(code=study.patient, created_utc=study.opened_utc)
        db.add(patient)
        db.flush()
    visit = db.scalar(
        select(VisitRow).where(VisitRow.patient_id == patient.id, VisitRow.name == study.visit)
    )
    if visit is None:
        visit = VisitRow(patient_id=patient.id, name=study.visit, created_utc=study.opened_utc)
        db.add(visit)
        db.flush()
    db.add(
        StudyRow(
            id=study.id,
            visit_id=visit.id,
            operator=study.operator,
            protocol=study.protocol,
            sides=list(study.sides),
            state=study.state,
            opened_utc=study.opened_utc,
            closed_utc=study.closed_utc,
            step=study.step,
        )
    )
    db.flush()
    put_steps(db, study.id, steps)


def add_recording(db: Session, study_id: str, recording: KeptRecording) -> None:
    """A file in which the study goes on."""
    db.add(RecordingRow(file=recording.file, study_id=study_id, opened_utc=recording.opened_utc))


def put_steps(db: Session, study_id: str, steps: Iterable[KeptStep]) -> None:
    """Steps as they now stand."""
    for step in steps:
        db.merge(
            StepRow(
                study_id=study_id,
                id=step.id,
                position=step.position,
                plan=dict(step.plan),
                state=step.state,
                reason=step.reason,
                run=step.run,
                added=step.added,
            )
        )


def set_step(db: Session, study_id: str, step: str | None) -> None:
    """Which step is under the electrodes."""
    _study(db, study_id).step = step


def set_state(db: Session, study_id: str, state: StudyState, closed_utc: datetime | None) -> None:
    """Closed, or open again."""
    row = _study(db, study_id)
    row.state, row.closed_utc = state, closed_utc


def add_sweep(db: Session, study_id: str, kept: KeptSweep, file: str | None) -> None:
    """A sweep with its samples; once more does nothing."""
    sweep = kept.sweep
    if db.get(SweepRow, (study_id, sweep.id)) is not None:
        return
    db.add(
        SweepRow(
            study_id=study_id,
            id=sweep.id,
            number=kept.number,
            file=file,
            device=sweep.device,
            stream=sweep.stream,
            epoch=sweep.epoch,
            start_index=sweep.start_index,
            sample_count=int(sweep.samples_uv.shape[-1]),
            measure=kept.measure,
            nerve=kept.nerve,
            site=kept.site,
            side=kept.side,
            muscle=kept.muscle,
            channel=kept.channel,
            run=kept.run,
            at_utc=kept.at_utc,
            refusal=kept.refusal,
            about=about_sweep(sweep),
            samples=pack_samples(sweep),
        )
    )


def add_measurement(
    db: Session, study_id: str, row: str, measurement: Measurement, at_utc: datetime
) -> None:
    """What a row now says; nothing if it is what the row said last."""
    last = db.scalar(
        select(MeasurementRow)
        .where(MeasurementRow.study_id == study_id, MeasurementRow.row == row)
        .order_by(MeasurementRow.number.desc())
        .limit(1)
    )
    if last is not None and last.id == measurement.id:
        return
    db.add(
        MeasurementRow(
            study_id=study_id,
            row=row,
            number=1 if last is None else last.number + 1,
            id=measurement.id,
            at_utc=at_utc,
            measure=measurement.measure,
            version=measurement.version,
            state=measurement.state,
            supersedes=None if last is None else last.id,
            content=_content(measurement),
        )
    )


def add_edit(db: Session, study_id: str, edit: KeptEdit) -> None:
    """What a person did."""
    db.add(
        EditRow(
            study_id=study_id,
            at_utc=edit.at_utc,
            by=edit.by,
            what=edit.what,
            target=edit.target,
            was=edit.was,
            to=edit.to,
        )
    )


def list_studies(
    db: Session, *, patient: str | None = None, state: str | None = None, limit: int = 200
) -> list[StudyLine]:
    """Newest first."""
    query = select(StudyRow).join(VisitRow).join(PatientRow).order_by(
        StudyRow.opened_utc.desc(), StudyRow.id.desc()
    )  # fmt: skip
    if patient is not None:
        query = query.where(PatientRow.code == patient)
    if state is not None:
        query = query.where(StudyRow.state == state)
    return [_line(db, row) for row in db.scalars(query.limit(limit))]


def find_study(db: Session, study_id: str) -> StudyLine | None:
    """One study as it stands in the list; None if there is none of that id."""
    row = db.get(StudyRow, study_id)
    return None if row is None else _line(db, row)


def unfinished(db: Session) -> KeptStudy | None:
    """The newest study that is still open: what a restart goes on with."""
    row = db.scalar(
        select(StudyRow)
        .where(StudyRow.state == "open")
        .order_by(StudyRow.opened_utc.desc())
        .limit(1)
    )
    return None if row is None else _kept(row)


def load_study(db: Session, study_id: str) -> StudyContent | None:
    """All of a study; None if there is none of that id."""
    row = db.get(StudyRow, study_id)
    if row is None:
        return None
    steps = db.scalars(
        select(StepRow).where(StepRow.study_id == study_id).order_by(StepRow.position, StepRow.id)
    )
    sweeps = db.scalars(
        select(SweepRow)
        .where(SweepRow.study_id == study_id)
        .order_by(SweepRow.number)
        .options(undefer(SweepRow.samples))
    )
    edits = db.scalars(select(EditRow).where(EditRow.study_id == study_id).order_by(EditRow.id))
    return StudyContent(
        _kept(row),
        tuple(
            KeptStep(
                s.id, s.position, s.plan, cast("StepState", s.state), s.reason, s.run, s.added
            )
            for s in steps
        ),
        tuple(_sweep(one) for one in sweeps),
        tuple(
            KeptEdit(e.at_utc, e.by, e.what, e.target, e.was, e.to, e.id) for e in edits
        ),
        _recordings(db, study_id),
    )  # fmt: skip


def row_history(db: Session, study_id: str, row: str) -> list[Mapping[str, Json]]:
    """What a row has said, newest first, each with what it supersedes and when."""
    found = db.scalars(
        select(MeasurementRow)
        .where(MeasurementRow.study_id == study_id, MeasurementRow.row == row)
        .order_by(MeasurementRow.number.desc())
    )
    return [
        {**one.content, "supersedes": one.supersedes, "at_utc": one.at_utc.isoformat()}
        for one in found
    ]


def _study(db: Session, study_id: str) -> StudyRow:
    row = db.get(StudyRow, study_id)
    if row is None:
        raise ValueError(f"there is no study {study_id!r}")
    return row


def _kept(row: StudyRow) -> KeptStudy:
    return KeptStudy(
        row.id, row.visit.patient.code, row.visit.name, row.operator, row.protocol,
        tuple(row.sides), cast("StudyState", row.state), row.opened_utc, row.closed_utc, row.step,
    )  # fmt: skip


def _line(db: Session, row: StudyRow) -> StudyLine:
    counted = db.execute(
        select(StepRow.state, func.count())
        .where(StepRow.study_id == row.id)
        .group_by(StepRow.state)
    )
    counts = {state: int(count) for state, count in counted}
    sweeps = db.scalar(
        select(func.count()).select_from(SweepRow).where(SweepRow.study_id == row.id)
    )
    return StudyLine(
        _kept(row), counts.get("open", 0), counts.get("done", 0), counts.get("skipped", 0),
        sweeps or 0, _recordings(db, row.id),
    )  # fmt: skip


def _recordings(db: Session, study_id: str) -> tuple[KeptRecording, ...]:
    found = db.scalars(
        select(RecordingRow)
        .where(RecordingRow.study_id == study_id)
        .order_by(RecordingRow.opened_utc, RecordingRow.file)
    )
    return tuple(KeptRecording(one.file, one.opened_utc) for one in found)


def _sweep(row: SweepRow) -> KeptSweep:
    place = (row.device, row.stream, row.epoch, row.start_index)
    return KeptSweep(
        row.number, unpack_sweep(row.id, place, row.about, row.samples), row.measure, row.nerve,
        row.site, row.side, row.muscle, row.channel, row.run, row.at_utc, row.refusal,
    )  # fmt: skip


def _content(measurement: Measurement) -> dict[str, Any]:
    told = asdict(measurement)
    for marker in told["markers"]:
        at_utc = marker["at_utc"]
        marker["at_utc"] = None if at_utc is None else at_utc.isoformat()
    return told
