"""HackEEG samples: bytes → SampleBlocks. Pure: no port, no clock; host times are passed in.

A sample is a 44-byte MessagePack map {"C": 200, "D": bin8}: the fixed header, then u32 LE micros(),
u32 LE sample number, 24 status bits (1100, LOFF_STATP, LOFF_STATN, GPIO4..1), 8 x int24 BE.
Source: hackeeg_driver.ino v0.3.0 (starcat-io); ADS1299 data sheet SBAS499.

What is accepted. While frames follow at the stride, one is good if its header and status prefix are
right, its number is the next one and micros() is one period on (± 45 %). After anything else, a
frame is taken if number and micros() agree on how many samples are missing and one of the next four
frames agrees with it; where they do not, only if three frames in a row agree. No frame is taken
before the header after it was seen in its place, so one that lost a byte is refused. A frame has no
checksum: a flipped bit in the channels' bytes, or one that moves micros() by less than the jitter
allowed, cannot be seen; nor one that moves it, beside skipped conversions, by just as many periods.

The account. The index counts the conversions of the device, from the first sample accepted.
Between two accepted samples `start_index` may jump; of the missing ones, `rejected` arrived and
were refused (as many as the refused bytes amount to, never more than are missing), the rest are
lost:
    received + lost + rejected = end_index of the last block, exactly.
What arrives before the first accepted sample belongs to no epoch and counts nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from drivers.config import DeviceConfig
from drivers.errors import DeviceLost
from drivers.framing import FrameBuffer, FramingCounts
from drivers.types import LossCount, SampleBlock, Trigger

from .frame import FRAME_BYTES, HEADER, Frame, decode, levels, stream_info
from .timeline import JITTER, WRAP, Timeline, Words

_HEADER_TYPE: Final = f"S{len(HEADER)}"
_STATUS: Final = 17  # its place in the frame
_STATUS_GOOD = bytes(0xC0 <= byte <= 0xCF for byte in range(256))
_FOLLOWED: Final = 5  # frames within which an intact header must stand in its place
_WITNESSES: Final = 4  # frames after one that is taken alone, of which one must agree with it
_CONFIRM: Final = 3  # frames in a row that must agree where a single one is not believed
_NEAR: Final = 64  # samples within which the nominal period is exact enough to compare stamps
_MOST: Final = 2048  # frames judged in one piece
_YES: Final = b"\x01" * _MOST
_HEADERS: Final = HEADER * _MOST


@dataclass(slots=True)
class _Run:
    """Frames without a gap between them; `missing` samples before the first."""

    start: int
    missing: int
    rejected: int
    pieces: list[bytes]


class HackEEGProtocol:
    """The decoder of one streaming run. After DeviceLost it is used up: make a new one."""

    def __init__(self, config: DeviceConfig) -> None:
        self.stream = stream_info(config)
        self.counter_at_zero: int | None = None
        self._trigger = config.trigger
        self._period_us = 1e6 / config.rate_hz
        least_us, range_us = (round(self._period_us * part) for part in (1 - JITTER, 2 * JITTER))
        self._least_step = np.uint64(1 << 32 | least_us)
        self._step_range = np.uint64(range_us)
        self._buffer = FrameBuffer(HEADER, FRAME_BYTES)
        self._time: Timeline | None = None
        self._ended = ""
        self._fed_s = 0.0
        self._level: int | None = None
        self._received = self._rejected = 0

    @property
    def counts(self) -> LossCount:
        """The account so far; the three add up to the index after the last sample."""
        sent = self._time.index + 1 if self._time else 0
        lost = sent - self._received - self._rejected
        return LossCount(self._received, lost, self._rejected)

    @property
    def framing(self) -> FramingCounts:
        """Bytes that belonged to no accepted frame, and strides lost, since the start."""
        return self._buffer.counts

    def feed(self, data: bytes, received_s: float) -> list[SampleBlock]:
        """The samples that these bytes complete, one block per run without a gap.

        received_s: host monotonic time of the read. Raises DeviceLost once the frames show that the
        device restarted or that a loss cannot be counted; blocks before that are returned first.
        """
        self._check()
        if not data:
            return []  # time passed: a frame that waits for its successor came when it came
        self._buffer.append(data)
        before_s, self._fed_s = self._fed_s, received_s
        runs: list[_Run] = []
        while self._buffer.whole and (found := self._regular() or self._irregular(received_s)):
            self._accept(*found, before_s, runs)
        if not runs:
            self._check()
        return [self._block(run, received_s) for run in runs]

    def _check(self) -> None:
        if self._ended:
            raise DeviceLost(self._ended)

    def _regular(self) -> tuple[int, Words] | None:
        """(1, micros of the frames at the cursor that follow the last sample as they should)."""
        time, data = self._time, self._buffer.bytes
        count = min(self._buffer.whole, _MOST)
        if time is None:
            return None
        # number and micros in one word: from frame to frame both must step together
        words = np.empty(count + 1, np.uint64)
        words[0] = time.number << 32 | time.micros
        words[1:] = np.ndarray((count,), "<u8", data, len(HEADER), (FRAME_BYTES,))
        steps = words[1:] - words[:-1]
        steps -= self._least_step
        good = steps <= self._step_range  # not where micros() wraps: that one is judged alone
        size = FRAME_BYTES * count
        status = data[_STATUS:size:FRAME_BYTES].translate(_STATUS_GOOD)
        headers = np.ndarray((count,), _HEADER_TYPE, data, 0, (FRAME_BYTES,))
        regular = good.tobytes() == status == _YES[:count]
        regular = regular and headers.tobytes() == _HEADERS[: len(HEADER) * count]
        if not regular or not data.startswith(HEADER, size):
            verdicts = (good.tobytes(), (headers == HEADER).tobytes(), status)
            count = min(verdict.find(0) % (count + 1) for verdict in verdicts)
            if not data.startswith(HEADER, FRAME_BYTES * count):
                count = max(0, count - 1)  # nothing right follows the last one
        return (1, words[1 : count + 1].astype(np.uint32)) if count else None

    def _irregular(self, received_s: float) -> tuple[int, Words] | None:
        """(step of the index, micros) of the next single frame that can be believed, cursor moved
        to it; None if more bytes are needed."""
        while not self._ended and self._buffer.seek() and self._buffer.whole:
            step = self._judge(received_s)
            if step is None:
                return None
            if step:
                stamp = Frame.at(self._buffer.bytes, 0).micros
                return step, np.array([stamp], np.uint32)
            self._buffer.refuse()
        return None

    def _judge(self, received_s: float) -> int | None:
        """Step of the index to the frame at the cursor; 0 to refuse it, None if more must come."""
        data, time = self._buffer.bytes, self._time
        frame = Frame.at(data, 0)
        followed = self._buffer.followed(_FOLLOWED)
        if not frame.whole or not followed:
            return None if frame.whole and followed is None else 0
        if time is not None:
            numbers, late_us = time.place(frame.number, frame.micros, received_s)
            sure = numbers > 0 and numbers * time.doubt < 0.5
            if sure and abs(late_us) <= time.slack_us(numbers):
                return self._witnessed(frame, numbers)
        if self._buffer.whole < _CONFIRM:
            return None
        frames = [Frame.at(data, n) for n in range(_CONFIRM)]
        if not all(self._follows(a, b) for a, b in pairwise(frames)):
            return 0
        return 1 if time is None else self._jump(time, frames, received_s)

    def _witnessed(self, frame: Frame, step: int) -> int | None:
        """`step` if a frame soon after agrees: a flipped bit can weigh as much as a lost sample."""
        slots = min(self._buffer.whole, _WITNESSES + 1)
        for slot in range(1, slots):
            other = Frame.at(self._buffer.bytes, slot)
            passed = (other.number - frame.number) % WRAP
            passed_us = (other.micros - frame.micros) % WRAP
            near = abs(passed_us - passed * self._period_us) <= JITTER * self._period_us
            if other.whole and 0 < passed < _NEAR and near:
                return step
        return 0 if slots > _WITNESSES else None

    def _follows(self, before: Frame, after: Frame) -> bool:
        step_us = (after.micros - before.micros) % WRAP
        near = abs(step_us - self._period_us) <= JITTER * self._period_us
        return after.whole and near and after.number == (before.number + 1) % WRAP

    def _jump(self, time: Timeline, frames: list[Frame], received_s: float) -> int | None:
        """Step to the first of three frames that agree with each other, not with those before."""
        places = [time.place(frame.number, frame.micros, received_s) for frame in frames]
        numbers = places[0][0]
        late_us = sorted(late for _, late in places)[1]
        slack_us = time.slack_us(numbers)
        silent_us = (received_s - time.host_s) * 1e6
        if numbers <= 0 or late_us < -slack_us or late_us > 1.02 * silent_us + 2e6:
            self._ended = (
                f"the device restarted: its sample number went from {time.number} to "
                f"{frames[0].number} and its clock from {time.micros} to {frames[0].micros} µs"
            )
            return None
        skipped = 0 if abs(late_us) <= slack_us else round(late_us / time.period_us)
        if skipped * time.doubt > 0.5:
            self._ended = (
                f"about {skipped} samples are missing, too many to count exactly with a clock "
                f"known to {time.doubt * 1e6:.0f} ppm: samples go on in a new epoch"
            )
            return None
        own_us = places[0][1] - skipped * time.period_us
        return numbers + skipped if abs(own_us) <= slack_us else 0

    def _accept(self, step: int, micros: Words, before_s: float, runs: list[_Run]) -> None:
        """before_s: time of the read before this one, when a frame that waited had come already."""
        buffer, count = self._buffer, len(micros)
        if self._time is None:
            first = Frame.at(buffer.bytes, 0)
            self._time = Timeline(self._period_us, first.number, first.micros, self._fed_s)
            self.counter_at_zero = first.number
            buffer.skipped = 0
        time, missing = self._time, step - 1
        frames = buffer.bytes[: FRAME_BYTES * count]
        if missing or not runs:
            rejected = min(missing, (buffer.skipped + FRAME_BYTES // 2) // FRAME_BYTES)
            runs.append(_Run(time.index + step, missing, rejected, [frames]))
            self._rejected += rejected
        else:
            runs[-1].pieces.append(frames)
        number = Frame.at(frames, count - 1).number
        heard_s = self._fed_s if step > 1 else max(time.host_s, before_s)
        time.advance(step, number, micros, heard_s)
        self._received += count
        buffer.take(count)

    def _block(self, run: _Run, received_s: float) -> SampleBlock:
        frames = run.pieces[0] if len(run.pieces) == 1 else b"".join(run.pieces)
        return SampleBlock(
            stream=self.stream.name,
            epoch=0,
            start_index=run.start,
            data=decode(frames),
            received_s=received_s,
            triggers=self._edges(run, levels(frames, self._trigger)),
            rejected=run.rejected,
        )

    def _edges(self, run: _Run, level: bytes) -> tuple[Trigger, ...]:
        """Edges of the trigger line; one inside a gap is as uncertain as the gap is wide."""
        before = level[0] if self._level is None else self._level
        self._level = level[-1]
        if before == level[0] and level.count(before) == len(level):
            return ()
        padded = np.frombuffer(bytes([before]) + level, np.int8)
        changes = np.flatnonzero(padded[1:] != padded[:-1]).tolist()
        edges = []
        for k in changes:
            half = (run.missing + 1) / 2 if k == 0 else 0.5
            edges.append(
                Trigger(
                    stream=self.stream.name,
                    epoch=0,
                    sample_index=run.start + k - half,
                    line=self._trigger.line,
                    edge="rise" if level[k] else "fall",
                    uncertainty_s=half / self.stream.rate_hz,
                )
            )
        return tuple(edges)
