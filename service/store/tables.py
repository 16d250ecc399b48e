"""The tables. Rows are added; only the state of a study and of its steps is ever updated, in the
same transaction as the edit that says why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Float, ForeignKey, LargeBinary, MetaData, String, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """A time as ISO 8601 text in UTC: sorts, and reads the same in every database."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """To text."""
        return None if value is None else value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as above
        """From text."""
        return None if value is None else datetime.fromisoformat(value)


class Base(DeclarativeBase):
    """Constraints have names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class PatientRow(Base):
    """A person, by code alone."""

    __tablename__ = "patient"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(80), unique=True)
    created_utc: Mapped[datetime] = mapped_column(UtcTime)


class VisitRow(Base):
    """One coming of a patient."""

    __tablename__ = "visit"
    __table_args__ = (UniqueConstraint("patient_id", "name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"))
    name: Mapped[str] = mapped_column(String(80))
    created_utc: Mapped[datetime] = mapped_column(UtcTime)
    patient: Mapped[PatientRow] = relationship()


class StudyRow(Base):
    """One study of a visit."""

    __tablename__ = "study"
    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"))
    operator: Mapped[str] = mapped_column(String(20))
    protocol: Mapped[str] = mapped_column(String(80))
    sides: Mapped[list[str]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(10), index=True)
    opened_utc: Mapped[datetime] = mapped_column(UtcTime, index=True)
    closed_utc: Mapped[datetime | None] = mapped_column(UtcTime)
    step: Mapped[str | None] = mapped_column(String(200))
    visit: Mapped[VisitRow] = relationship()


class RecordingRow(Base):
    """A file of the data folder in which the samples of a study lie."""

    __tablename__ = "recording"
    file: Mapped[str] = mapped_column(String(200), primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.id"), index=True)
    opened_utc: Mapped[datetime] = mapped_column(UtcTime)


class StepRow(Base):
    """A step as it stands; how it came to that is in `edit`."""

    __tablename__ = "step"
    study_id: Mapped[str] = mapped_column(ForeignKey("study.id"), primary_key=True)
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    position: Mapped[float] = mapped_column(Float)
    plan: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(400))
    run: Mapped[int]
    added: Mapped[bool]


class SweepRow(Base):
    """A sweep: which samples of which recording, what stimulus, where taken, and the samples.

    about: what else `service.model.Sweep` holds, JSON. samples: zlib of float64 little-endian µV,
    channel after channel; the recording holds the same as counts.
    """

    __tablename__ = "sweep"
    study_id: Mapped[str] = mapped_column(ForeignKey("study.id"), primary_key=True)
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    number: Mapped[int]
    file: Mapped[str | None] = mapped_column(ForeignKey("recording.file"))
    device: Mapped[str] = mapped_column(String(80))
    stream: Mapped[str] = mapped_column(String(80))
    epoch: Mapped[int]
    start_index: Mapped[int]
    sample_count: Mapped[int]
    measure: Mapped[str] = mapped_column(String(40))
    nerve: Mapped[str] = mapped_column(String(40))
    site: Mapped[str] = mapped_column(String(40))
    side: Mapped[str] = mapped_column(String(10))
    muscle: Mapped[str] = mapped_column(String(80))
    channel: Mapped[str] = mapped_column(String(200))
    run: Mapped[int]
    at_utc: Mapped[datetime] = mapped_column(UtcTime)
    refusal: Mapped[str] = mapped_column(String(400))
    about: Mapped[dict[str, Any]] = mapped_column(JSON)
    samples: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class MeasurementRow(Base):
    """A measurement that a row had; `supersedes` names the one before it."""

    __tablename__ = "measurement"
    study_id: Mapped[str] = mapped_column(ForeignKey("study.id"), primary_key=True)
    row: Mapped[str] = mapped_column(String(200), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(40), index=True)
    at_utc: Mapped[datetime] = mapped_column(UtcTime)
    measure: Mapped[str] = mapped_column(String(40))
    version: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    supersedes: Mapped[str | None] = mapped_column(String(40))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)


class EditRow(Base):
    """What a person did, in order."""

    __tablename__ = "edit"
    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("study.id"), index=True)
    at_utc: Mapped[datetime] = mapped_column(UtcTime)
    by: Mapped[str] = mapped_column(String(20))
    what: Mapped[str] = mapped_column(String(40))
    target: Mapped[str] = mapped_column(String(200))
    was: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    to: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
