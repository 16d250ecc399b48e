"""Sweeps: the signal around each stimulus, cut when complete.

Time zero is the edge the stream itself showed, moved by the front end's group delay to where the
analogue samples of that moment lie; never a host time. Host time only tells which stimulus an edge
belongs to: the nearest one unclaimed, in order, within half a second. In a replay the record tells.
A sweep is as long as was asked for when its edge came; the next stimulus ends it sooner.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from drivers.types import Stimulus, StreamInfo, Trigger
from service.model import Sweep

from .ring import Ring
from .scale import Scale

JOIN_WINDOW_S = 0.5
CERTAIN_S = 0.1  # nearer than this no other stimulus can be meant: the fastest answer of a fire
HOLD_S = 0.25  # how long a complete sweep waits for word of its stimulus
RESPONSE_S = 0.1  # what a stimulus brings with it: responses, and the silence after them
LEAST_SWEEP_S = RESPONSE_S  # after the stimulus; one so short is not ended by the next stimulus
MOST_SWEEP_S = 1.0  # far below the ring's minute; nothing that follows a stimulus comes later
STIMULATOR_LINE = "stimulator"


@dataclass(slots=True)
class _Pending:
    """An edge whose sweep is not out yet."""

    trigger: Trigger
    at_s: float
    start_index: int
    count: int
    said: Stimulus | None = None
    stimulus: Stimulus | None = None


class SweepCutter:
    """Joins edges and stimuli of one stream and cuts its sweeps out of the ring.

    pre_s, post_s: the window, from `pre_s` before the edge to `post_s` after it, or to the next
    stimulus if that comes sooner but not within LEAST_SWEEP_S. Channels: the stream's emg channels.
    Only rising edges of the stimulator's line make sweeps.
    """

    def __init__(
        self,
        stream: StreamInfo,
        ring: Ring,
        *,
        pre_s: float,
        post_s: float,
        device: str,
        recording: str,
    ) -> None:
        self.stream = stream
        self.ring = ring
        self.device = device
        self.recording = recording
        self._before = round(pre_s * stream.rate_hz)
        self._after = 0
        self.reach(post_s)
        self._scale = Scale.of_emg(stream)
        self._pending: list[_Pending] = []
        self._stimuli: list[Stimulus] = []
        self._joined: deque[str] = deque(maxlen=100)  # ids of the stimuli last claimed
        self._edges: deque[tuple[int, float]] = deque(maxlen=1000)  # epoch and index, newest last

    def reach(self, post_s: float) -> None:
        """Sweeps of the edges to come end so long after the stimulus."""
        self._after = round(min(max(post_s, LEAST_SWEEP_S), MOST_SWEEP_S) * self.stream.rate_hz)

    def expect(self, stimulus: Stimulus) -> None:
        """A pulse was sent; again with the same id: corrected, or withdrawn (`sent_s` None)."""
        self._stimuli = [s for s in self._stimuli if s.id != stimulus.id]
        if stimulus.sent_s is not None and stimulus.id not in self._joined:
            self._stimuli.append(stimulus)
            self._stimuli.sort(key=lambda s: s.sent_s or 0.0)

    def trigger(self, trigger: Trigger, at_s: float, said: Stimulus | None = None) -> None:
        """An edge the stream showed, at host time `at_s` by the epoch's clock mapping. said: what
        the operator of a stimulator fired at its own front panel has stated; an edge that no pulse
        of ours explains is taken for that one."""
        if trigger.line == STIMULATOR_LINE and trigger.edge == "rise":
            self._edges.append((trigger.epoch, trigger.sample_index))
            self._end_before(trigger)
            start = math.floor(trigger.sample_index) - self._before
            count = self._before + self._after
            self._pending.append(_Pending(trigger, at_s, start, count, said))

    def _end_before(self, trigger: Trigger) -> None:
        """What follows a stimulus is not the response to the one before."""
        least = round(LEAST_SWEEP_S * self.stream.rate_hz)
        for one in self._pending:
            if one.trigger.epoch == trigger.epoch:
                here = math.floor(trigger.sample_index) - one.start_index
                one.count = min(one.count, max(here, self._before + least))

    def ready(self, now_s: float) -> list[Sweep]:
        """Sweeps now complete, in order. now_s: host time of the newest block."""
        done = []
        for pending in list(self._pending):
            if pending.stimulus is None:
                self._claim(pending, now_s)
            known = pending.stimulus is not None or now_s >= pending.at_s + HOLD_S
            if known and self._complete(pending):
                self._pending.remove(pending)
                done.append(self._cut(pending, now_s))
        return done

    def close(self, now_s: float) -> list[Sweep]:
        """The epoch is over: every sweep under way, as far as it came."""
        pending, self._pending = self._pending, []
        for one in pending:
            self._claim(one, math.inf)
        return [self._cut(one, now_s) for one in pending]

    def effort(self, channel: str, epoch: int, start_index: int, count: int) -> Sweep:
        """One channel of [start_index, start_index + count): a sweep without stimulus or time zero.

        Raises ValueError if a stimulus, or the response to one, lies inside; RingError where
        samples are missing.
        """
        reach = round(RESPONSE_S * self.stream.rate_hz)
        if any(e == epoch and start_index - reach < at < start_index + count
               for e, at in self._edges):  # fmt: skip
            raise ValueError(
                f"a stimulus lies in the last {count / self.stream.rate_hz * 1000:g} ms or just "
                "before: what follows it is no voluntary effort; wait, then mark again"
            )
        # no copy: the writer waits for the pipeline's lock, and scaling makes a new array
        window = self.ring.window(epoch, start_index, count)
        where = f"{self.recording or self.device}:{self.stream.name}:{epoch}"
        return Sweep(
            id=f"{where}:effort:{start_index}",
            recording=self.recording,
            device=self.device,
            stream=self.stream.name,
            epoch=epoch,
            trigger=None,
            stimulus=None,
            channels=(channel,),
            start_index=start_index,
            rate_hz=self.stream.rate_hz,
            zero_index=0.0,
            samples_uv=Scale.of(self.stream, [channel]).physical(window.data),
            gap=False,
            time_zero_known=False,
            received_s=0.0,
        )

    def unseen(self, now_s: float) -> list[Stimulus]:
        """Stimuli whose edge did not come within the join window; each is told once."""
        timed = [s for s in self._stimuli if s.seen is None]
        late = [s for s in timed if now_s > (s.sent_s or 0.0) + JOIN_WINDOW_S + HOLD_S]
        self._stimuli = [s for s in self._stimuli if s not in late]
        return late

    def _claim(self, pending: _Pending, now_s: float) -> None:
        for told in self._stimuli:
            if told.seen == pending.trigger:
                self._stimuli.remove(told)
                pending.stimulus = told
                return
        timed = [s for s in self._stimuli if s.seen is None]
        nearest = min(timed, key=lambda s: abs((s.sent_s or 0.0) - pending.at_s), default=None)
        apart_s = math.inf if nearest is None else abs((nearest.sent_s or 0.0) - pending.at_s)
        settled = now_s >= pending.at_s + HOLD_S
        if nearest is not None and (apart_s <= CERTAIN_S or (settled and apart_s <= JOIN_WINDOW_S)):
            self._stimuli.remove(nearest)
            self._joined.append(nearest.id)
            pending.stimulus = replace(nearest, seen=pending.trigger)
        elif pending.said is not None and settled:
            pending.stimulus = self._as_said(pending, pending.said)

    def _as_said(self, pending: _Pending, said: Stimulus) -> Stimulus:
        trigger = pending.trigger
        where = f"{self.recording or self.device}:{self.stream.name}:{trigger.epoch}"
        return replace(
            said, id=f"said:{where}:{trigger.sample_index:.12g}", requested_s=pending.at_s,
            sent_s=pending.at_s, seen=trigger, stated=True,
        )  # fmt: skip

    def _complete(self, pending: _Pending) -> bool:
        newest = self.ring.newest()
        end = (pending.trigger.epoch, pending.start_index + pending.count)
        return newest is not None and newest >= end

    def _cut(self, pending: _Pending, received_s: float) -> Sweep:
        trigger, start = pending.trigger, pending.start_index
        samples_uv = np.full((len(self._scale.labels), pending.count), np.nan)
        for window in self.ring.pieces(trigger.epoch, start, pending.count):
            at = window.first_index - start
            samples_uv[:, at : at + window.data.shape[-1]] = self._scale.physical(window.data)
        delay = self.stream.group_delay_s * self.stream.rate_hz
        return Sweep(
            id=f"{self.recording or self.device}:{self.stream.name}:{trigger.epoch}"
            f":{trigger.sample_index:.12g}",
            recording=self.recording,
            device=self.device,
            stream=self.stream.name,
            epoch=trigger.epoch,
            trigger=trigger,
            stimulus=pending.stimulus,
            channels=self._scale.labels,
            start_index=start,
            rate_hz=self.stream.rate_hz,
            zero_index=trigger.sample_index - start + delay,
            samples_uv=samples_uv,
            gap=bool(np.isnan(samples_uv).any()),
            time_zero_known=True,
            received_s=received_s,
        )
