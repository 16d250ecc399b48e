"""All needles of one patient."""

from __future__ import annotations

from collections.abc import Mapping

from simulators.patient.drawing import Traces
from simulators.patient.front_end import Grid
from simulators.patient.muscle import Muscle
from simulators.patient.truth import Json, TruthLog

from .electrode import KINDS
from .lead import PREFIX
from .needle import ACTIONS, Needle
from .view import Fired


class NeedleTray:
    """Needles by muscle. A needle records whether or not a lead shows it."""

    def __init__(
        self, muscles: Mapping[str, Muscle], grid: Grid, truth: TruthLog, seed: int
    ) -> None:
        self._muscles, self._grid, self._truth, self._seed = muscles, grid, truth, seed
        self._needles: dict[str, Needle] = {}

    def move(
        self,
        muscle: str,
        action: str,
        mm: float | None,
        kind: str,
        now_s: float,
        along_mm: float | None = None,
    ) -> dict[str, Json]:
        """`Needle.move` of the needle in one muscle; `insert` takes a new one of this kind
        (`concentric`, `monopolar`). Returns where it now is.

        Raises ValueError as `Needle.move`, or for an unknown muscle or kind.
        """
        if muscle not in self._muscles:
            known = ", ".join(self._muscles)
            raise ValueError(f"no muscle '{muscle}'; there are {known}")
        if kind not in KINDS:
            raise ValueError(f"electrode '{kind}' is unknown; use {' or '.join(KINDS)}")
        if action not in ACTIONS:
            raise ValueError(f"needle action '{action}' is unknown; use {', '.join(ACTIONS)}")
        needle = self._needles.get(muscle)
        if action == "insert" and (needle is None or needle.electrode.kind != kind):
            needle = Needle(self._muscles[muscle], self._grid, seed=self._seed, kind=kind)
        if needle is None:
            raise ValueError(f"no needle is in {muscle}; insert it first")
        needle.move(action, mm, now_s, along_mm)
        self._needles[muscle] = needle
        return needle.describe()

    def step(self, muscle: str, fired: Fired, end_s: float, traces: Traces) -> None:
        """What one muscle's discharges of a time step that ends at `end_s` bring to its needle."""
        needle = self._needles.get(muscle)
        if needle is None:
            return
        signal = needle.step(fired, end_s)
        rate = self._grid.front_end.rate_hz
        for event in signal.events:
            self._truth.event(
                "needle_events",
                event.at_s * rate,
                muscle=muscle,
                activity=event.kind,
                source=event.source,
            )
        if signal.values_uv is not None:
            traces.lay_on(PREFIX + muscle, signal.begin, signal.values_uv)

    def templates(self) -> list[Json]:
        """`Needle.templates` of every needle that is in."""
        return [needle.templates() for needle in self._needles.values() if needle.place is not None]

    def describe(self) -> list[Json]:
        """Where every needle is."""
        return [{"muscle": key, **needle.describe()} for key, needle in self._needles.items()]
