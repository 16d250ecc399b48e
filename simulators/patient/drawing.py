"""Many discharges of one muscle at once: prepared templates, added up, at the output rate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .front_end import FloatArray, Grid, fast_length
from .muscle import Muscle
from .pool import IntArray

MARGIN = 6  # drawn samples of silence around, for the ringing of the band limit


def drawn_potentials(
    templates: FloatArray,
    grid: Grid,
    units: IntArray,
    samples: FloatArray,
    shares: FloatArray | None = None,
) -> tuple[FloatArray, int]:
    """The sum of one potential per discharge, and the output sample that it begins at.

    templates: a phase table of all units, as `MotorUnits.templates`. samples: fractional output
    samples of the discharges, at least one. Potentials are placed to a fraction of a sample
    (`Grid.phases`). shares: how much of its potential each discharge shows; None: all.
    """
    places = samples / grid.decimation
    begins = np.ceil(places)
    phase = ((begins - places) * grid.phases + 0.5).astype(np.int64)
    rows = templates.take(units * (grid.phases + 1) + phase, axis=0)
    if shares is not None:
        rows *= shares[:, None]
    starts = begins.astype(np.int64)
    first = int(starts.min()) - MARGIN
    starts -= first
    end = int(starts.max()) + templates.shape[1] + MARGIN
    where = np.add.outer(starts, np.arange(templates.shape[1]))
    drawn = np.bincount(where.ravel(), rows.ravel(), minlength=fast_length(end))
    return grid.drawn_to_samples(drawn.astype(np.float64, copy=False)), first * grid.decimation


class Traces:
    """Samples still to be sent, (n_leads, length) µV, row by row what lies under each lead.

    `first` is the sample since power-on that column 0 holds.
    """

    def __init__(self, leads: Sequence[str | None], length: int, grid: Grid) -> None:
        self.first = 0
        self.values = np.zeros((len(leads), length))
        self.leads, self.grid = tuple(leads), grid
        self._rows = _rows_of(self.leads)
        self._silent_from = 0  # column from which on nothing was laid yet

    def rows(self, key: str) -> list[int]:
        """Rows of the leads on one muscle or sensory recording."""
        return self._rows.get(key, [])

    def connect(self, leads: Sequence[str | None]) -> None:
        """Move the leads elsewhere; what a moved lead would still have shown is gone."""
        for row, (before, now) in enumerate(zip(self.leads, leads, strict=True)):
            if before != now:
                self.values[row] = 0.0
        self.leads = tuple(leads)
        self._rows = _rows_of(self.leads)

    def forward(self, first: int) -> None:
        """Drop what lies before sample `first`."""
        done, laid = first - self.first, self._silent_from
        if laid:
            left = max(laid - done, 0)
            self.values[:, :left] = self.values[:, done : done + left]
            self.values[:, left:laid] = 0.0
            self._silent_from = left
        self.first = first

    def lay(self, begin: int, response: FloatArray) -> None:
        """Add one response for every lead, (n_leads, n) µV, from sample `begin` since power-on."""
        start = begin - self.first
        self.values[:, start : start + response.shape[1]] += response
        self._laid(start + response.shape[1])

    def lay_on(self, key: str, begin: int, line: FloatArray) -> None:
        """Add one stretch, (n,) µV from sample `begin` since power-on, to the rows of a lead. What
        would lie in the past is silence."""
        start = begin - self.first
        if start < 0:
            line, start = line[-start:], 0
        rows = self.rows(key)
        for row in rows:
            self.values[row, start : start + line.size] += line
        if rows:
            self._laid(start + line.size)

    def _laid(self, end: int) -> None:
        self._silent_from = min(max(self._silent_from, end), self.values.shape[1])

    def draw(
        self,
        muscle: Muscle,
        units: IntArray,
        samples: FloatArray,
        shares: FloatArray | None = None,
    ) -> None:
        """Add one prepared template per discharge; `samples` are fractional, since power-on;
        shares as for `drawn_potentials`."""
        rows = self.rows(muscle.key)
        if not units.size or not rows:
            return
        line, begin = drawn_potentials(muscle.templates, self.grid, units, samples, shares)
        self.lay_on(muscle.key, begin, line)


def _rows_of(leads: Sequence[str | None]) -> dict[str, list[int]]:
    """Rows by what lies under each lead."""
    found: dict[str, list[int]] = {}
    for row, lead in enumerate(leads):
        if lead is not None:
            found.setdefault(lead, []).append(row)
    return found
