"""Many discharges of one muscle at once: prepared templates, added up, at the output rate."""

from __future__ import annotations

import numpy as np

from .body import Body
from .front_end import FloatArray, Grid, fast_length
from .pool import IntArray

MARGIN = 6  # drawn samples of silence around, for the ringing of the band limit


def drawn_potentials(
    body: Body, grid: Grid, units: IntArray, samples: FloatArray
) -> tuple[FloatArray, int]:
    """The sum of one potential per discharge, and the output sample that it begins at.

    samples: fractional output samples of the discharges, at least one. Potentials are placed to a
    fraction of a sample (`Grid.phases`).
    """
    templates = body.templates
    places = samples / grid.decimation
    begins = np.ceil(places)
    phase = np.floor((begins - places) * grid.phases + 0.5).astype(np.int64)
    rows = templates[units * (grid.phases + 1) + phase]
    first = int(begins.min()) - MARGIN
    starts = begins.astype(np.int64) - first
    end = int(starts.max()) + templates.shape[1] + MARGIN
    where = starts[:, None] + np.arange(templates.shape[1])
    padded = fast_length(end)
    drawn = np.bincount(where.ravel(), rows.ravel(), minlength=padded)
    return grid.drawn_to_samples(np.asarray(drawn, dtype=np.float64)), first * grid.decimation
