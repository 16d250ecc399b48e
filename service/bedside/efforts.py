"""Rows made of a CMAP and epochs of voluntary effort: what lies in them, and what is measured.

An epoch is a sweep without a stimulus. The CMAP is the one stimulated in the row itself, else the
one of the motor row at the same place: same muscle, same electrodes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from drivers.types import Stimulus
from service.analysis.munix import MEASURE, MunixSettings, munix
from service.evidence.findings import Supramaximal
from service.model import Measurement, Sweep

from . import measuring
from .measuring import not_assessable, search_to_ms
from .plateau import on_plateau, proof, standing
from .row_entries import Entry, alike, standing_for
from .row_key import MOTOR, RowKey

if TYPE_CHECKING:
    from .rows import Rows

EFFORT = MEASURE  # the measure whose rows hold epochs of effort
EPOCH_MS = MunixSettings().epoch_ms


def is_effort(sweep: Sweep) -> bool:
    """Whether a sweep is an epoch of voluntary effort."""
    return sweep.trigger is None and sweep.stimulus is None and not sweep.time_zero_known


def alone(key: RowKey, sweep: Sweep, column: int) -> Measurement:
    """What one sweep of a row says by itself: of an epoch its area, as the row's own measure has
    it without a CMAP."""
    if not is_effort(sweep):
        return measuring.alone(key.measure, sweep, column, site=key.site, target=key.muscle)
    settings = MunixSettings(epoch_ms=_length_ms(sweep))
    return munix(
        None, sweep.rate_hz, 0.0, sweep.samples_uv[[column]],
        settings=settings, target=key.muscle, inputs=[sweep.id],
    )  # fmt: skip


def chosen(measure: str, included: list[Entry]) -> list[Entry]:
    """Of the included sweeps of a row, those that stand for it. Of efforts: the CMAP, then the
    epochs as long as the newest."""
    if measure != EFFORT:
        return standing_for(measure, included)
    shocks = [one for one in included if not is_effort(one.sweep)]
    cmap = alike(list(on_plateau(shocks))) if shocks else []
    return [*cmap, *_as_the_newest([one for one in included if is_effort(one.sweep)])]


def cmap_entries(rows: Rows, key: RowKey) -> list[Entry]:
    """The sweeps whose average is the CMAP of a row; empty: there is none yet."""
    own = [one for one in rows.included(key) if not is_effort(one.sweep)]
    if own:
        return alike(list(on_plateau(own)))
    motor = rows.newest_run(replace(key, measure=MOTOR))
    if motor is None or not rows.counts(motor):
        return []
    return alike(list(on_plateau(rows.included(motor))))


def cmap_proof(rows: Rows, key: RowKey) -> Supramaximal | None:
    """Whether the CMAP of a row was shown to be supramaximal; None: there is no CMAP yet."""
    own = [one for one in rows.included(key) if not is_effort(one.sweep)]
    if own:
        return proof(standing(own))
    motor = rows.newest_run(replace(key, measure=MOTOR))
    return None if motor is None or not rows.counts(motor) else rows.proof(motor)


def drawn(rows: Rows, key: RowKey) -> list[Entry]:
    """Whose mean is the trace of a row: its CMAP, else its newest epoch."""
    return cmap_entries(rows, key) or list(rows.entries(key)[-1:])


def stimulus_of(rows: Rows, key: RowKey, newest: Entry) -> Stimulus | None:
    """The pulse that a row is told with: of its newest sweep; of efforts, the one of the CMAP."""
    return (drawn(rows, key)[-1] if key.measure == EFFORT else newest).sweep.stimulus


def epochs(rows: Rows, key: RowKey) -> list[Entry]:
    """The epochs of a row in the order of the items of its measurement, also those left out."""
    return _as_the_newest([one for one in rows.entries(key) if is_effort(one.sweep)])


def measured(rows: Rows, key: RowKey) -> Measurement:
    """The one detector on the CMAP and on every epoch, also those that a person left out."""
    cmap = cmap_entries(rows, key)
    efforts = epochs(rows, key)
    ids = [one.sweep.id for one in (*cmap, *efforts)]
    if not cmap and not efforts:
        return not_assessable(EFFORT, ids, "nothing is left in this row", key.muscle)
    rate_hz = (efforts or cmap)[0].sweep.rate_hz
    if cmap and cmap[0].sweep.rate_hz != rate_hz:
        why = (
            f"the CMAP was recorded at {cmap[0].sweep.rate_hz:g} Hz and the effort at "
            f"{rate_hz:g} Hz: stimulate again"
        )
        return not_assessable(EFFORT, ids, why, key.muscle)
    settings = MunixSettings(
        epoch_ms=_length_ms(efforts[-1].sweep) if efforts else EPOCH_MS,
        maximal_effort=rows.hand(key).maximal_effort,
        excluded=tuple(n for n, one in enumerate(efforts) if not one.included),
        search_to_ms=search_to_ms(key.site),
    )
    return munix(
        np.stack([one.sweep.samples_uv[one.column] for one in cmap]) if cmap else None,
        rate_hz,
        float(np.mean([one.sweep.zero_index for one in cmap])) if cmap else 0.0,
        _stacked(efforts, rate_hz),
        settings=settings,
        target=key.muscle,
        inputs=ids,
    )


def _as_the_newest(efforts: list[Entry]) -> list[Entry]:
    """Epochs of one length and rate: areas of others cannot be compared."""
    return alike(efforts) if efforts else []


def _stacked(efforts: list[Entry], rate_hz: float) -> npt.NDArray[np.float64]:
    """(n_epochs, n) µV."""
    if not efforts:
        return np.empty((0, round(EPOCH_MS * rate_hz / 1000.0)))
    return np.stack([one.sweep.samples_uv[one.column] for one in efforts])


def _length_ms(sweep: Sweep) -> float:
    return float(round(int(sweep.samples_uv.shape[1]) / sweep.rate_hz * 1000.0, 3))
