"""BrainFlow rows → SampleBlocks: index, gaps, triggers, and ranges that may be wrong. Pure."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from drivers.config import DeviceConfig
from drivers.types import SampleBlock, Trigger

from .counter import CounterUnwrap, Placement
from .rows import Layout, decode, plausible, spikes, stream_info

_COUNTER_MODULUS = 256


class RowDecoder:
    """The decoder of one streaming run.

    With Daisy a row is named by its first frame, whose number is even; the index counts rows. Rows
    of an odd or repeated number were paired with a frame that was lost, and are rejected. The row
    before a gap may have been so too, unseen: it is suspect. So is the very first, of which the
    Daisy's half is the mean with a sample from before the start.
    """

    def __init__(self, config: DeviceConfig, layout: Layout) -> None:
        self.stream = stream_info(config, layout)
        self._config = config
        self._layout = layout
        modulus = _COUNTER_MODULUS // layout.frames
        self._unwrap = CounterUnwrap(modulus, config.rate_hz)
        self._rows = np.zeros((layout.rows, 0))
        self._trigger_row = [*config.digital.values()].index(config.trigger.byte or 0)
        self._refused = 0  # rows refused since the last one kept
        self._unpaired = 0  # rows of an odd number since the last gap
        self._last: npt.NDArray[np.int32] | None = None  # last sample given out
        self._last_index = -1
        self._level: bool | None = None  # of the trigger line, None before the first sample

    @property
    def counter_at_zero(self) -> int | None:
        """The board's frame counter at index 0, None before the first sample. After `b` the board
        counts from 0, and less than one turn passes until the first row."""
        first = self._unwrap.first_number
        if first is None:
            return None
        return first * self._layout.frames

    def feed(self, rows: npt.NDArray[np.float64], received_s: float) -> list[SampleBlock]:
        """Rows as BrainFlow gave them at host time `received_s` (0 columns allowed), as blocks
        without a gap inside, in order. Raises SettingsMismatch (see `rows.decode`)."""
        rows = self._paired(rows)
        self._rows = np.hstack([self._rows, rows]) if self._rows.size else rows
        numbers = rows[0].astype(np.int64) // self._layout.frames
        placed = self._unwrap.feed(numbers, received_s)
        decided, self._rows = np.split(self._rows, [len(placed.keep)], axis=1)
        refused = np.cumsum(~placed.keep, dtype=np.int64)
        if not len(placed.indices):
            self._refused += int(refused[-1]) if len(refused) else 0
            return []
        rejected = self._account(refused, placed)
        return self._blocks(decided[:, placed.keep], placed.indices, rejected, received_s)

    def _account(self, refused: npt.NDArray[np.int64], placed: Placement) -> npt.NDArray[np.int64]:
        """(n_kept,): of the samples missing before each one kept, those that came and were refused.

        A refused row that stands for no missing sample (garbage) counts nowhere, so that received +
        lost + rejected is the index reached. refused: running count over the rows decided.
        """
        before = np.diff(refused[placed.keep], prepend=0)
        before[0] += self._refused
        self._refused = int(refused[-1] - refused[placed.keep][-1])
        missing = np.diff(placed.indices, prepend=self._last_index) - 1
        for i in np.flatnonzero(missing > before)[: self._unpaired]:
            before[i] += 1
            self._unpaired -= 1
        counted: npt.NDArray[np.int64] = np.minimum(before, missing)
        return counted

    def _paired(self, rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Rows whose number can be right: with Daisy the even ones."""
        if self._layout.frames == 1:
            return rows
        good = rows[0] % 2 == 0
        self._unpaired += int((~good).sum())
        return rows[:, good]

    def _blocks(
        self,
        rows: npt.NDArray[np.float64],
        indices: npt.NDArray[np.int64],
        rejected: npt.NDArray[np.int64],
        received_s: float,
    ) -> list[SampleBlock]:
        counts = decode(rows, self._config, self._layout)
        believed = plausible(rows, self._layout)
        suspect = ~believed | spikes(counts, self._last, self._config)
        if self._layout.frames > 1:
            suspect[:-1] |= np.diff(indices) > 1
            suspect |= indices == 0
        triggers = self._edges(counts, believed, indices)
        cuts = [0, *(np.flatnonzero(np.diff(indices) != 1) + 1).tolist(), len(indices)]
        blocks = []
        for first, end in pairwise(cuts):
            start, stop = int(indices[first]), int(indices[end - 1]) + 1
            blocks.append(
                SampleBlock(
                    stream=self.stream.name,
                    epoch=0,
                    start_index=start,
                    data=np.ascontiguousarray(counts[:, first:end]),
                    received_s=received_s,
                    triggers=tuple(t for seen, t in triggers if start <= seen < stop),
                    rejected=int(rejected[first]),
                    suspect=_ranges(suspect[first:end], start),
                )
            )
        self._last, self._last_index = counts[:, -1], int(indices[-1])
        return blocks

    def _edges(
        self,
        counts: npt.NDArray[np.int32],
        believed: npt.NDArray[np.bool_],
        indices: npt.NDArray[np.int64],
    ) -> list[tuple[int, Trigger]]:
        """Edges of the trigger line between samples whose digital bytes are believed, each with the
        index of the sample that showed it."""
        line = counts[len(self._config.channels) + self._trigger_row] > 0
        levels = line[believed] == (self._config.trigger.active == "high")
        at = indices[believed]
        if not len(at):
            return []
        known = levels[0] if self._level is None else self._level
        before = np.concatenate([[self._last_index if self._last_index >= 0 else at[0]], at[:-1]])
        changed = np.flatnonzero(np.diff(levels, prepend=known))
        self._level = bool(levels[-1])
        return [(int(at[i]), self._edge(int(before[i]), int(at[i]), levels[i])) for i in changed]

    def _edge(self, before: int, seen: int, rise: bool) -> Trigger:
        """An edge between two samples: anywhere from the one to the other."""
        return Trigger(
            stream=self.stream.name,
            epoch=0,
            sample_index=(before + seen) / 2,
            line=self._config.trigger.line,
            edge="rise" if rise else "fall",
            uncertainty_s=(seen - before) / 2 / self.stream.rate_hz,
        )


def _ranges(suspect: npt.NDArray[np.bool_], start: int) -> tuple[tuple[int, int], ...]:
    """Half-open index ranges of the marked samples."""
    edges = np.flatnonzero(np.diff(suspect, prepend=False, append=False)) + start
    return tuple((int(first), int(end)) for first, end in edges.reshape(-1, 2))
