"""A needle in one muscle: moved by the examiner, it shows the muscle's units and what rests not."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from simulators.patient.drawing import drawn_potentials
from simulators.patient.front_end import FloatArray, Grid
from simulators.patient.muscle import Muscle
from simulators.patient.streams import random_stream
from simulators.patient.truth import Json

from .electrode import ELECTRODES, NeedlePlace
from .fibre_map import FibreMap, Innervation
from .muap import unit_parts
from .site import Site, visited
from .view import Fired, View, prepared

ACTIONS = ("insert", "advance", "withdraw")
PHASES = 8
BESIDE_MM = 4.0
FROM_ZONE_MM = (10.0, 16.0)
DEEPEST_MM = 40.0


@dataclass(frozen=True, slots=True)
class NeedleEvent:
    """One spontaneous discharge at the needle, or a movement: its time, and where it came from."""

    kind: str
    at_s: float
    source: int


@dataclass(frozen=True, slots=True, eq=False)
class NeedleSignal:
    """What one time step put under the needle. values_uv: (n,) from output sample `begin` on, None
    for silence."""

    begin: int
    values_uv: FloatArray | None
    events: tuple[NeedleEvent, ...]


class _Here:
    """All that belongs to one place of the tip."""

    def __init__(self, place: NeedlePlace, view: View, site: Site, grid: Grid) -> None:
        self.place, self.view, self.site = place, view, site
        self._grid, self._table = grid, prepared(site.waveform_uv, grid)
        self._hit_s, self._hit_rows = site.hits

    def by_itself(
        self, end_s: float, rng: np.random.Generator
    ) -> tuple[tuple[FloatArray, int] | None, list[NeedleEvent]]:
        """What the tip shows before `end_s` without any motor unit, and its events."""
        now = self._hit_s < end_s
        rows, times = [self._hit_rows[now]], [self._hit_s[now]]
        self._hit_s, self._hit_rows = self._hit_s[~now], self._hit_rows[~now]
        events: list[NeedleEvent] = []
        for train in self.site.trains:
            at = train.times(end_s, rng)
            if at.size:
                rows.append(np.tile(np.array(train.rows), at.size))
                times.append(np.repeat(at, len(train.rows)))
                if train.kind != "end_plate_noise":
                    events += [NeedleEvent(train.kind, t, train.source) for t in at.tolist()]
        every, samples = np.concatenate(rows), np.concatenate(times)
        if not every.size:
            return None, events
        samples = samples * self._grid.front_end.rate_hz
        return drawn_potentials(self._table, self._grid, every, samples), events

    def sources(self) -> list[Json]:
        """Every source at the tip, at the electrode."""
        shown = self.site.waveform_uv
        return [
            {
                "source": train.source,
                "activity": train.kind,
                "waveform_uv": [round(x, 2) for x in shown[list(train.rows)].sum(axis=0).tolist()],
            }
            for train in self.site.trains
        ]


class Needle:
    """See `Needle.move`. Times are the patient's seconds; samples those of the front end."""

    def __init__(self, muscle: Muscle, grid: Grid, *, seed: int, kind: str = "concentric") -> None:
        self.key, self.electrode = muscle.key, ELECTRODES[kind]
        self._muscle = muscle
        self._grid = replace(grid, decimation=1, phases=PHASES)
        self._chart = FibreMap.draw(
            muscle.body, muscle.anatomy, random_stream(seed, self.key, "needle fibres")
        )
        self._hand = random_stream(seed, self.key, "needle hand")
        self._rng = random_stream(seed, self.key, "needle")
        self._state = muscle.units.state
        self._now: Innervation | None = None
        self._pending: list[NeedleEvent] = []
        self._here: _Here | None = None

    # --- the examiner ----------------------------------------------------------------------------

    @property
    def place(self) -> NeedlePlace | None:
        """Where the tip lies; None while it is not in."""
        return None if self._here is None else self._here.place

    def move(
        self, action: str, mm: float | None, now_s: float, along_mm: float | None = None
    ) -> None:
        """`insert`: through the skin at a new place, `mm` deep (absent: the middle of the muscle),
        `along_mm` from E1 along the fibres (absent: somewhere away from the end-plates);
        `advance` and `withdraw` by `mm` along the shaft, out of the skin when that brings the tip
        above it.

        Raises ValueError for an unknown action, a missing or senseless distance, or a needle that
        is not in; nothing is then changed.
        """
        if action not in ACTIONS:
            raise ValueError(f"needle action '{action}' is unknown; use {', '.join(ACTIONS)}")
        if mm is not None and not 0.0 < mm <= DEEPEST_MM:
            raise ValueError(
                f"a needle moves by more than 0 and at most {DEEPEST_MM:g} mm, not {mm}"
            )
        place = self._inserted(mm, along_mm) if action == "insert" else self._shifted(action, mm)
        if place is None:
            self._here = None
            self._pending.append(NeedleEvent("withdrawal", now_s, 0))
        else:
            self._here = _Here(place, self._seen(place), self._visited(place, now_s), self._grid)
            self._pending.append(NeedleEvent("insertion", now_s, 0))

    def _inserted(self, mm: float | None, along_mm: float | None) -> NeedlePlace:
        low, high = self._muscle.anatomy.depth_mm
        side, along, sign = self._hand.random(3).tolist()
        near, far = FROM_ZONE_MM
        return NeedlePlace(
            depth_mm=0.5 * (low + high) if mm is None else mm,
            side_mm=BESIDE_MM * (2.0 * side - 1.0),
            along_mm=(near + (far - near) * along) * (1.0 if sign < 0.5 else -1.0)
            if along_mm is None
            else along_mm,
        )

    def _shifted(self, action: str, mm: float | None) -> NeedlePlace | None:
        if self.place is None:
            raise ValueError(f"no needle is in {self.key}; insert it first")
        if mm is None:
            raise ValueError(f"{action} needs mm")
        depth = self.place.depth_mm + (mm if action == "advance" else -mm)
        if depth > DEEPEST_MM:
            raise ValueError(f"a needle goes in {DEEPEST_MM:g} mm at most, not {depth:g}")
        return replace(self.place, depth_mm=depth) if depth > 0.0 else None

    def _seen(self, place: NeedlePlace) -> View:
        """What the units show there, for the dials as they are."""
        units = self._muscle.units
        if self._now is None or self._state is not units.state:
            self._now = self._chart.innervated(units.state, units.myopathy)
            self._state = units.state
        rate = self._grid.source_rate_hz
        parts = unit_parts(self._chart, self._now, self.electrode, place, rate)
        return View(parts, self._grid)

    def _visited(self, place: NeedlePlace, now_s: float) -> Site:
        """What begins at the tip by itself."""
        healthy = np.zeros(self._chart.unit.size, dtype=np.bool_)
        return visited(
            self._chart,
            self._chart.diseased(healthy, 0.0),
            self.electrode,
            place,
            denervation=self._muscle.denervation,
            now_s=now_s,
            rate_hz=self._grid.source_rate_hz,
            rng=self._hand,
        )

    # --- the signal ------------------------------------------------------------------------------

    def step(self, fired: Fired, end_s: float) -> NeedleSignal:
        """What the discharges of one time step, and the tip itself up to `end_s`, show."""
        events, self._pending = self._pending, []
        here = self._here
        if here is None:
            return NeedleSignal(0, None, tuple(events))
        if self._muscle.units.state is not self._state and self._muscle.settled:
            here.view = self._seen(here.place)
        alone, happened = here.by_itself(end_s, self._rng)
        lines = [here.view.answers(fired, self._rng), alone]
        found = [line for line in lines if line is not None]
        return _together(found, (*events, *happened))

    # --- truth -----------------------------------------------------------------------------------

    def templates(self) -> dict[str, Json]:
        """Units and sources at this place, noise-free at the electrode."""
        answer: dict[str, Json] = {"muscle": self.key, **self.describe()}
        if self._here is None:
            return {**answer, "units": [], "sources": []}
        return {
            **answer,
            "rate_hz": self._grid.source_rate_hz,
            "insertion_ms": 1e3 * self._here.site.insertion_s,
            "units": self._here.view.templates(),
            "sources": self._here.sources(),
        }

    def describe(self) -> dict[str, Json]:
        """Which needle this is and where its tip lies."""
        place = self.place
        return {
            "electrode": self.electrode.kind,
            "inserted": place is not None,
            "depth_mm": None if place is None else place.depth_mm,
            "side_mm": None if place is None else place.side_mm,
            "along_mm": None if place is None else place.along_mm,
        }


def _together(lines: list[tuple[FloatArray, int]], events: tuple[NeedleEvent, ...]) -> NeedleSignal:
    """Several stretches as one."""
    if not lines:
        return NeedleSignal(0, None, events)
    begin = min(start for _, start in lines)
    end = max(start + line.size for line, start in lines)
    values = np.zeros(math.ceil(end - begin))
    for line, start in lines:
        values[start - begin : start - begin + line.size] += line
    return NeedleSignal(begin, values, events)
