"""Surface EMG of one stream, routed by task: rest, hold and stretch each feed what they answer."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.acquisition.types import Signal
from service.analysis.clonus import (
    SETTLING_S,
    ClonusSettings,
    Envelope,
    clonus_in_envelope,
)
from service.analysis.coherence import CoherenceSettings, CoherenceWatch
from service.analysis.fasciculation import FasciculationSettings, FasciculationWatch
from service.analysis.quality import QualityWatch, SecondsLevel
from service.analysis.streaming import Decimator, Windows
from service.model import Measurement, Muscle, Task

Pair = tuple[Muscle, Muscle]

SLOW_HZ = 900.0  # below, filters end at 110 Hz
CHANGE_S = 1.0  # after a change of task: the patient is still moving
TRIAL_S = 20.0  # of a stretch looked at for clonus
LEAST_TRIAL_S = 2.0
HALF_S = 0.5  # the envelope is looked at twice a second
TOGETHER_S = 0.1  # blocks are filtered together: a call costs more than its samples
LEVELS_KEPT = 600
ENOUGH_WINDOWS = 200
_PASSIVE = frozenset({Task.REST, Task.STRETCH})


@dataclass(frozen=True, slots=True)
class CoherenceResult:
    """A pair's coherence and how far each muscle's level in the hold stands above rest (None: no
    rest recorded)."""

    pair: Pair
    measurement: Measurement
    times_rest: float | None


@dataclass(slots=True)
class _Range:
    """Consecutive samples of one epoch, end exclusive."""

    epoch: int
    first: int
    end: int


class SurfaceWatch:
    """One epoch-spanning watch over the leads of one stream. `signal` in stream order.

    A jump of the index or a new epoch resets every filter and drops every window under way; what
    was accumulated before stays.
    """

    def __init__(
        self,
        name: str,
        leads: Sequence[tuple[str, Muscle]],
        pairs: Sequence[Pair],
        rate_hz: float,
    ) -> None:
        self._name = name
        self._ranges: dict[Task, list[_Range]] = {}
        self.labels = [label for label, _ in leads]
        self._row = {muscle: row for row, (_, muscle) in enumerate(leads)}
        self.rate_hz = rate_hz
        count = len(leads)
        self._decimator = Decimator(rate_hz)
        rate = self._decimator.rate_hz
        slow = rate < SLOW_HZ
        self._coherence_settings = (
            CoherenceSettings(high_pass_hz=20.0, low_pass_hz=110.0) if slow else CoherenceSettings()
        )
        band = (20.0, 110.0) if slow else (20.0, 450.0)
        self._pairs = {pair: self._new_pair() for pair in pairs}
        self._fasciculation = FasciculationWatch(count, rate, FasciculationSettings(band_hz=band))
        self._quality = QualityWatch(count, rate)
        self._envelope = Envelope(rate)
        self._levels: dict[Task, deque[npt.NDArray[np.float64]]] = {}
        self._rest_envelope: deque[npt.NDArray[np.float64]] = deque(maxlen=LEVELS_KEPT)
        self._halves = Windows(count, round(HALF_S * self._envelope.rate_hz))
        self._trial: deque[npt.NDArray[np.float64]] = deque(maxlen=round(TRIAL_S / HALF_S))
        self._waiting: list[npt.NDArray[np.float64]] = []
        self._waiting_count = 0
        self._clonus: dict[Muscle, Measurement] = {}
        self._stretch_s = np.zeros(count)
        self._seconds: SecondsLevel | None = None
        self._faults: dict[Muscle, str] = {}
        self._task = Task.UNKNOWN
        self._expected: tuple[int, int] | None = None
        self._away: list[int] = []
        self._skip = 0
        self._settle = 0
        self._rest_origin: int | None = None
        self._archive: list[Measurement] = []
        self._coherence: list[CoherenceResult] = []
        self._coherence_at: tuple[int, ...] = ()

    def signal(self, signal: Signal) -> None:
        """The next block of the stream."""
        if self._expected != (signal.epoch, signal.start_index):
            self._flush()
            self._seam()
        end = signal.start_index + signal.data_uv.shape[1]
        self._expected = (signal.epoch, end)
        self._note(signal.epoch, signal.start_index, end)
        rows = [signal.channels.index(label) for label in self.labels]
        self._waiting.append(signal.data_uv[rows])
        self._waiting_count += signal.data_uv.shape[1]
        if self._waiting_count >= TOGETHER_S * self.rate_hz:
            self._flush()

    def _flush(self) -> None:
        """Take what has gathered; all of it belongs to one task and one uninterrupted stretch."""
        if not self._waiting_count or self._expected is None:
            return
        raw = np.concatenate(self._waiting, axis=1)
        raw[self._away] = 0.0  # nothing of another place is read as this muscle's
        data = self._decimator.push(raw)
        self._waiting.clear()
        self._waiting_count = 0
        if not data.shape[1]:
            return
        self._watch_envelope(self._envelope.push(data))
        skipped = min(self._skip, data.shape[1])
        self._skip -= skipped
        settled = data[:, skipped:]
        if not settled.shape[1]:
            return
        for level in self._quality.push(settled):
            self._judge(level)
        if self._task is Task.REST:
            if self._rest_origin is None:
                self._rest_origin = self._expected[1] - settled.shape[1] * self._decimator.factor
            self._fasciculation.push(settled)
        elif self._task is Task.HOLD:
            for pair, watch in self._pairs.items():
                rows = [self._row[muscle] for muscle in pair]
                unfit = self._seconds is not None and self._seconds.unfit[rows].any()
                if unfit or not set(rows).isdisjoint(self._away):
                    watch.reset()
                else:
                    watch.push(settled[rows])

    def _judge(self, level: SecondsLevel) -> None:
        """One more second: how strong each lead is, and which of them cannot be read."""
        self._seconds = level
        kept = self._levels.setdefault(self._task, deque(maxlen=LEVELS_KEPT))
        kept.append(np.where(level.unfit, np.nan, level.rms_uv))
        if self._task is Task.STRETCH:
            self._stretch_s += ~level.unfit
            for muscle in self._row:
                for fault in self.faults(muscle):
                    self._faults[muscle] = fault

    def set_task(self, task: Task) -> None:
        """Another task from here on. A hold after a complete one is a new examination."""
        if task is self._task:
            return
        self._flush()
        if task is Task.HOLD and any(
            watch.window_count >= ENOUGH_WINDOWS for watch in self._pairs.values()
        ):
            inputs = self._inputs(Task.HOLD)
            self._ranges.pop(Task.HOLD, None)
            for pair, watch in self._pairs.items():
                self._archive.append(watch.result(target=_pair_name(pair), inputs=inputs))
                self._pairs[pair] = self._new_pair()
        self._task = task
        self._between()

    def set_elsewhere(self, labels: frozenset[str]) -> None:
        """Leads whose electrodes now lie on something else: they show nothing of their muscle until
        they are back."""
        away = [row for row, label in enumerate(self.labels) if label in labels]
        if away != self._away:
            self._flush()
            self._seam()
            self._away = away
            self._fasciculation.leave_out(frozenset(away))

    def stimulus(self, epoch: int, index: float) -> None:
        """A shock at this sample of the stream: what it evoked is no clonus, no fasciculation."""
        self._flush()
        self._trial.clear()
        self._halves.reset()
        if self._rest_origin is not None and self._expected and self._expected[0] == epoch:
            behind = (index - self._rest_origin) / self._decimator.factor
            self._fasciculation.exclude(round(behind))

    @property
    def muscles(self) -> tuple[Muscle, ...]:
        """Those recorded here."""
        return tuple(self._row)

    def fasciculation(self, muscle: Muscle, *, listed: bool = False) -> Measurement:
        """Events of one muscle over all rest so far; `listed` with the events themselves."""
        return self._fasciculation.result(
            self._row[muscle], target=muscle.key, inputs=self._inputs(Task.REST), listed=listed
        )

    def clonus(self, muscle: Muscle) -> Measurement | None:
        """The longest clonus seen in any passive task, None before two seconds of one."""
        return self._clonus.get(muscle)

    def stretch_s(self, muscle: Muscle) -> float:
        """Whole seconds of stretch in which this lead could be read."""
        return float(self._stretch_s[self._row[muscle]])

    def stretch_fault(self, muscle: Muscle) -> str:
        """What this lead last suffered from in a stretch, "" if nothing."""
        return self._faults.get(muscle, "")

    def faults(self, muscle: Muscle) -> tuple[str, ...]:
        """What this lead suffered from in its newest whole second."""
        row = self._row[muscle]
        if row in self._away:
            return ("elsewhere",)
        return () if self._seconds is None else self._seconds.faults(row)

    def coherence(self) -> list[CoherenceResult]:
        """Every pair of this stream, as far as it has got."""
        progress = tuple(watch.window_count for watch in self._pairs.values())
        if progress != self._coherence_at:
            self._coherence_at = progress
            self._coherence = [
                CoherenceResult(
                    pair,
                    watch.result(target=_pair_name(pair), inputs=self._inputs(Task.HOLD)),
                    self._times_rest(pair),
                )
                for pair, watch in self._pairs.items()
            ]
        return self._coherence

    def measurements(self) -> list[Measurement]:
        """Everything measured on this stream."""
        pairs = [result.measurement for result in self.coherence()]
        own = [self.fasciculation(muscle, listed=True) for muscle in self._row]
        return [*self._archive, *pairs, *own, *self._clonus.values()]

    def _note(self, epoch: int, first: int, end: int) -> None:
        """Remember which samples were taken under the task."""
        ranges = self._ranges.setdefault(self._task, [])
        if ranges and (ranges[-1].epoch, ranges[-1].end) == (epoch, first):
            ranges[-1].end = end
        else:
            ranges.append(_Range(epoch, first, end))

    def _inputs(self, task: Task) -> list[str]:
        """`device/stream/epoch:first-end` of every stretch taken under a task."""
        kept = self._ranges.get(task, ())
        return [f"{self._name}/{part.epoch}:{part.first}-{part.end}" for part in kept]

    def _new_pair(self) -> CoherenceWatch:
        return CoherenceWatch(self._decimator.rate_hz, self._coherence_settings)

    def _seam(self) -> None:
        """A gap or a new epoch: nothing reaches across."""
        self._decimator.reset()
        self._envelope.reset()
        self._settle = round(SETTLING_S * self._envelope.rate_hz)
        self._between()
        self._skip = max(self._skip, round(SETTLING_S * self._decimator.rate_hz))

    def _between(self) -> None:
        """Drop what is under way in every task."""
        self._quality.reset()
        self._fasciculation.reset()
        self._rest_origin = None
        for watch in self._pairs.values():
            watch.reset()
        self._trial.clear()
        self._halves.reset()
        self._skip = round(CHANGE_S * self._decimator.rate_hz)

    def _times_rest(self, pair: Pair) -> float | None:
        """The smaller of the two muscles' level in the hold over its level at rest."""
        rows = [self._row[muscle] for muscle in pair]
        quiet, loud = (self._usual(task, rows) for task in (Task.REST, Task.HOLD))
        if quiet is None or loud is None:
            return None
        return min(b / max(a, 1e-9) for a, b in zip(quiet, loud, strict=True))

    def _usual(self, task: Task, rows: Sequence[int]) -> list[float] | None:
        """Median level of some leads in a task, over the seconds in which each could be read; None
        if one of them never could."""
        seconds = self._levels.get(task)
        if not seconds:
            return None
        each = [level[np.isfinite(level)] for level in np.array(seconds).T[list(rows)]]
        return [float(np.median(level)) for level in each] if all(map(len, each)) else None

    def _watch_envelope(self, envelope: npt.NDArray[np.float64]) -> None:
        """Gather the envelope of a passive task in half seconds and look for clonus after each."""
        skipped = min(self._settle, envelope.shape[1])
        self._settle -= skipped
        if self._task not in _PASSIVE:
            return
        for half in self._halves.push(envelope[:, skipped:]):
            self._trial.append(half)
            if self._task is Task.REST and not self._away:
                self._rest_envelope.append(np.median(half, axis=1))
            if len(self._trial) * HALF_S >= LEAST_TRIAL_S:
                trial = np.concatenate(self._trial, axis=1)
                self._evaluate_clonus(trial, self._envelope.rate_hz)

    def _evaluate_clonus(self, trial: npt.NDArray[np.float64], rate: float) -> None:
        rest = np.median(self._rest_envelope, axis=0) if self._rest_envelope else None
        epoch, end = self._expected or (0, 0)
        first = end - round(trial.shape[1] / rate * self.rate_hz)
        inputs = [f"{self._name}/{epoch}:{first}-{end}"]
        for muscle, row in self._row.items():
            settings = ClonusSettings(passive=True, rest_uv=None if rest is None else rest[row])
            seen = clonus_in_envelope(
                trial[row], rate, settings=settings, target=muscle.key, inputs=inputs
            )
            before = self._clonus.get(muscle)
            most = -1.0 if before is None else before.values.get("burst_count", 0.0)
            if seen.values.get("burst_count", 0.0) > most:
                self._clonus[muscle] = seen


def _pair_name(pair: Pair) -> str:
    return f"{pair[0].key} + {pair[1].key}"
