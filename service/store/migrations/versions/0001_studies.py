"""Patients, visits, studies, recordings, steps, sweeps, measurements, edits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _words(length: int) -> sa.String:
    return sa.String(length)


def upgrade() -> None:
    """Make the tables of the first version."""
    op.create_table(
        "patient",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", _words(80), nullable=False),
        sa.Column("created_utc", _words(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_patient"),
        sa.UniqueConstraint("code", name="uq_patient_code"),
    )
    op.create_table(
        "visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Integer(), nullable=False),
        sa.Column("name", _words(80), nullable=False),
        sa.Column("created_utc", _words(32), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name="fk_visit_patient_id"),
        sa.PrimaryKeyConstraint("id", name="pk_visit"),
        sa.UniqueConstraint("patient_id", "name", name="uq_visit_patient_id_name"),
    )
    op.create_table(
        "study",
        sa.Column("id", _words(80), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("operator", _words(20), nullable=False),
        sa.Column("protocol", _words(80), nullable=False),
        sa.Column("sides", sa.JSON(), nullable=False),
        sa.Column("state", _words(10), nullable=False),
        sa.Column("opened_utc", _words(32), nullable=False),
        sa.Column("closed_utc", _words(32), nullable=True),
        sa.Column("step", _words(200), nullable=True),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name="fk_study_visit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_study"),
    )
    op.create_index("ix_study_state", "study", ["state"])
    op.create_index("ix_study_opened_utc", "study", ["opened_utc"])
    op.create_table(
        "recording",
        sa.Column("file", _words(200), nullable=False),
        sa.Column("study_id", _words(80), nullable=False),
        sa.Column("opened_utc", _words(32), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_recording_study_id"),
        sa.PrimaryKeyConstraint("file", name="pk_recording"),
    )
    op.create_index("ix_recording_study_id", "recording", ["study_id"])
    op.create_table(
        "step",
        sa.Column("study_id", _words(80), nullable=False),
        sa.Column("id", _words(200), nullable=False),
        sa.Column("position", sa.Float(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("state", _words(10), nullable=False),
        sa.Column("reason", _words(400), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("added", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_step_study_id"),
        sa.PrimaryKeyConstraint("study_id", "id", name="pk_step"),
    )
    _sweeps()
    _results()


def _sweeps() -> None:
    op.create_table(
        "sweep",
        sa.Column("study_id", _words(80), nullable=False),
        sa.Column("id", _words(200), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("file", _words(200), nullable=True),
        sa.Column("device", _words(80), nullable=False),
        sa.Column("stream", _words(80), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("start_index", sa.Integer(), nullable=False),
        sa.Column("sample_count", sa.Integer(), nullable=False),
        sa.Column("measure", _words(40), nullable=False),
        sa.Column("nerve", _words(40), nullable=False),
        sa.Column("site", _words(40), nullable=False),
        sa.Column("side", _words(10), nullable=False),
        sa.Column("muscle", _words(80), nullable=False),
        sa.Column("channel", _words(200), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("at_utc", _words(32), nullable=False),
        sa.Column("refusal", _words(400), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("samples", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_sweep_study_id"),
        sa.ForeignKeyConstraint(["file"], ["recording.file"], name="fk_sweep_file"),
        sa.PrimaryKeyConstraint("study_id", "id", name="pk_sweep"),
    )


def _results() -> None:
    op.create_table(
        "measurement",
        sa.Column("study_id", _words(80), nullable=False),
        sa.Column("row", _words(200), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", _words(40), nullable=False),
        sa.Column("at_utc", _words(32), nullable=False),
        sa.Column("measure", _words(40), nullable=False),
        sa.Column("version", _words(20), nullable=False),
        sa.Column("state", _words(20), nullable=False),
        sa.Column("supersedes", _words(40), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_measurement_study_id"),
        sa.PrimaryKeyConstraint("study_id", "row", "number", name="pk_measurement"),
    )
    op.create_index("ix_measurement_id", "measurement", ["id"])
    op.create_table(
        "edit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", _words(80), nullable=False),
        sa.Column("at_utc", _words(32), nullable=False),
        sa.Column("by", _words(20), nullable=False),
        sa.Column("what", _words(40), nullable=False),
        sa.Column("target", _words(200), nullable=False),
        sa.Column("was", sa.JSON(), nullable=True),
        sa.Column("to", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name="fk_edit_study_id"),
        sa.PrimaryKeyConstraint("id", name="pk_edit"),
    )
    op.create_index("ix_edit_study_id", "edit", ["study_id"])


def downgrade() -> None:
    """Not offered: it would throw studies away."""
    raise NotImplementedError("the first version of the store has none before it")
