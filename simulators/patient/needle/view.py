"""The motor units of a muscle as a needle sees them from one place, ready to be drawn."""

from __future__ import annotations

import numpy as np

from simulators.patient.drawing import drawn_potentials
from simulators.patient.front_end import FloatArray, Grid
from simulators.patient.pool import IntArray
from simulators.patient.truth import Json

from .muap import Parts

Fired = tuple[IntArray, FloatArray, FloatArray | None]
"""Units, when each fired (s), and the share of its fibres that answered; None: all of them."""
LONGEST_S = 0.050
SILENT_UV = 0.5
SHOWN_UV = 20.0


def prepared(waveform_uv: FloatArray, grid: Grid) -> FloatArray:
    """Phase table of waveforms at the source rate: (n_rows * (phases + 1), n_drawn)."""
    if waveform_uv.shape[0] == 0:
        return np.zeros((0, 1))
    spectra = np.fft.rfft(waveform_uv[:, : grid.points], n=grid.points)
    table = grid.phase_table(spectra, LONGEST_S)
    return table.reshape(-1, table.shape[2])


class View:
    """`parts` with their templates; parts below half a microvolt are left out of the drawing."""

    def __init__(self, parts: Parts, grid: Grid) -> None:
        self.parts, self._grid = parts, grid
        loud = np.flatnonzero(np.ptp(parts.waveform_uv, axis=1) > SILENT_UV)
        self._loud: IntArray = loud[np.argsort(parts.unit[loud], kind="stable")]
        units, everyone = parts.unit[self._loud], np.arange(parts.fibres.size)
        self._first = np.searchsorted(units, everyone)
        self._number = np.searchsorted(units, everyone, side="right") - self._first
        self._table = prepared(parts.waveform_uv[self._loud], grid)

    def answers(self, fired: Fired, rng: np.random.Generator) -> tuple[FloatArray, int] | None:
        """The potentials of these discharges, with the output sample they begin at; every part of a
        unit with its own jitter, or missing where it blocks. Where transmission fails, a part that
        trembles is one fibre or branch and fails by chance; the bulk fails in proportion. None:
        nothing to see."""
        units, times_s, shares = fired
        number = self._number[units]
        which = np.repeat(self._first[units] - np.cumsum(number) + number, number)
        which += np.arange(which.size)
        part = self._loud[which]
        at = np.repeat(times_s, number)
        at = at + self.parts.jitter_s[part] * rng.standard_normal(at.size)
        blocked = self.parts.blocking[part]
        heights = None
        if shares is not None:
            each, trembles = np.repeat(shares, number), self.parts.jitter_s[part] > 0.0
            blocked = np.where(trembles, 1.0 - (1.0 - blocked) * each, blocked)
            heights = np.where(trembles, 1.0, each)
        passed = rng.random(at.size) >= blocked
        if not passed.any():
            return None
        samples = at[passed] * self._grid.front_end.rate_hz
        heights = None if heights is None else heights[passed]
        return drawn_potentials(self._table, self._grid, which[passed], samples, heights)

    def templates(self) -> list[Json]:
        """Every unit that shows more than 20 µV here, at the electrode, all parts on time."""
        parts = self.parts
        shown: list[Json] = []
        for unit in np.unique(parts.unit).tolist():
            whole = parts.whole(unit)
            if np.ptp(whole) < SHOWN_UV:
                continue
            mine = parts.unit == unit
            shown.append(
                {
                    "unit": unit,
                    "fibres": int(parts.fibres[unit]),
                    "adopted_fibres": int(parts.adopted[unit]),
                    "jitter_us": [round(1e6 * x, 2) for x in parts.jitter_s[mine].tolist()],
                    "blocking": [round(x, 3) for x in parts.blocking[mine].tolist()],
                    "peak_to_peak_uv": round(float(np.ptp(whole)), 2),
                    "waveform_uv": [round(x, 2) for x in whole.tolist()],
                }
            )
        return shown
