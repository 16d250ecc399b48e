"""The two halves of an average: what is in both is response, what is in one of them is noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .efforts import EFFORT, drawn
from .row_key import RowKey
from .rows import Rows


def halves(rows: Rows, key: RowKey) -> npt.NDArray[np.float64]:
    """(2, n_samples) µV: mean of the first, third, … and of the second, fourth, … sweep in use.

    Raises ValueError for a row with fewer than two sweeps in use.
    """
    used = set(rows.used(key))
    entries = drawn(rows, key) if key.measure == EFFORT else rows.entries(key)
    chosen = [
        entry.sweep.samples_uv[entry.column]
        for entry in entries
        if entry.sweep.id in used or key.measure == EFFORT
    ]
    if len(chosen) < 2:
        raise ValueError(f"row {key.id} has {len(chosen)} sweep in use; halves need at least two")
    return np.stack([np.mean(chosen[0::2], axis=0), np.mean(chosen[1::2], axis=0)])
