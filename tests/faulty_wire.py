"""A wire on which faults come and go at random, and the oracle that knows what was sent on it.

The oracle stands at the converter: it sees every conversion since the device's last start, and
which of them the device could send. It shares nothing with the drivers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from drivers.types import SampleBlock
from simulators.faults import Fault, parse_fault
from simulators.firmware import Firmware
from tests.simulators.ramp_patient import RampPatient

MOST_BITS = 3  # that a corrupted frame has flipped
LOSSES = ("split", "drop:p={p:.4f}", "drop:count={count}", "stall:seconds={seconds:.2f}")
DAMAGE = ("corrupt:p={p:.4f}", "cut:p={p:.4f}", "garbage:p={p:.4f}")


def known_counts(first: int, n: int) -> np.ndarray:
    """(8, n) counts of samples [first, first + n): a hash of the index, within ±2 mV at gain 8, so
    that no sample can be taken for another."""
    index = (np.arange(first, first + n, dtype=np.uint64) * np.uint64(8))[None, :]
    mixed = (index + np.arange(8, dtype=np.uint64)[:, None]) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return ((mixed >> np.uint64(40)) % np.uint64(60_000)).astype(np.int64) - 30_000


class HashPatient(RampPatient):
    """Stands in for a patient: every sample known, none like another."""

    def advance(self, n):
        """Whole counts as microvolts."""
        counts = known_counts(self.sample_index, n)
        self.sample_index += n
        return counts * self.step_uv


class Converter:
    """A firmware's converter, watched: `sent[i]` tells whether conversion i since the last start
    left the device."""

    def __init__(self, firmware: Firmware) -> None:
        self._firmware = firmware
        self._produce = firmware.produce
        firmware.produce = self.produce
        self._parts: list[np.ndarray] = []

    def produce(self, n: int, keep: np.ndarray | None = None) -> bytes:
        """As the firmware's, with notes taken."""
        first = self._firmware.patient.sample_index
        if self._firmware.streaming:
            if first == 0:
                self._parts = []
            self._parts.append(np.ones(n, bool) if keep is None else keep.copy())
        return self._produce(n, keep)

    @property
    def sent(self) -> np.ndarray:
        """(conversions since the last start,) bool."""
        return np.concatenate([np.zeros(0, bool), *self._parts])


@dataclass
class Account:
    """One epoch as the host saw it. wrong: samples that are not what was sent under their index,
    where no more than three bits of a corrupted frame explain it; suspect ones apart."""

    received: int = 0
    rejected: int = 0
    end: int = 0
    bent: int = 0
    suspect: int = 0
    wrong: list[int] = field(default_factory=list)
    indices: list[np.ndarray] = field(default_factory=list)

    def take(self, block: SampleBlock, offset: int) -> None:
        """A block whose index 0 is conversion `offset`."""
        assert block.start_index >= self.end, "a block must begin at or after the end of the last"
        n = block.data.shape[-1]
        index = np.arange(block.start_index, block.end_index)
        doubtful = np.zeros(n, bool)
        for first, end in block.suspect:
            doubtful[first - block.start_index : end - block.start_index] = True
        truth = known_counts(offset + block.start_index, n)
        bits = np.bitwise_count((block.data[:8] ^ truth) & 0xFFFFFF).sum(axis=0)
        self.bent += int(((bits > 0) & (bits <= MOST_BITS) & ~doubtful).sum())
        self.wrong += index[(bits > MOST_BITS) & ~doubtful].tolist()
        self.suspect += int(doubtful.sum())
        self.indices.append(index[~doubtful])
        self.received += n
        self.rejected += block.rejected
        self.end = block.end_index

    @property
    def lost(self) -> int:
        """What the jumps of the index declare, less what was refused."""
        return self.end - self.received - self.rejected

    def never_sent(self, sent: np.ndarray, offset: int) -> list[int]:
        """Indices received although the device never sent them."""
        index = np.concatenate([np.zeros(0, np.int64), *self.indices])
        return index[~sent[offset + index]].tolist()


def offset_of(block: SampleBlock, counter: int, within: int = 400_000) -> int:
    """The conversion since the device's start that the block's first sample is, by its values: at
    or after `counter`, since what a device drops before its first frame no counter shows."""
    known = known_counts(counter, within)
    for place in range(min(8, block.data.shape[-1])):
        same = (known == block.data[:8, place : place + 1]).all(axis=0)
        if same.any():
            return counter + int(np.argmax(same)) - place
    raise AssertionError(f"the first samples after number {counter} were never sent")


class Trouble:
    """Changes faults at random moments of device time: `set_fault(name, values)`.

    A byte lost and another put in within one frame leave its length as it was, and no frame has a
    checksum; as they never come together here, no such frame is among those sent.
    """

    def __init__(
        self,
        set_fault: Callable[[Fault], None],
        faults: Sequence[str],
        *,
        seed: int,
        worst_p: float = 0.03,
    ) -> None:
        self._set = set_fault
        self._faults = faults
        self._chance = np.random.default_rng([seed, 0xFA17])
        self._worst_p = worst_p
        self._next_s = 1.0  # a device is left alone until its first samples have come
        self.seen: set[str] = set()

    def step(self, now_s: float) -> None:
        """Change what is due."""
        while now_s >= self._next_s:
            self._next_s = now_s + float(self._chance.uniform(0.1, 1.2))
            for spec in self._specs():
                self._set(parse_fault(spec))

    def rest(self) -> None:
        """Everything put right."""
        self._set(parse_fault("clear"))

    def _specs(self) -> list[str]:
        if self._chance.random() < 0.3:
            return ["clear"]
        chosen = str(self._chance.choice(self._faults))
        self.seen.add(chosen)
        name = chosen.partition(":")[0]
        other = {"cut": "garbage", "garbage": "cut"}.get(name)
        return [
            *([] if other is None else [f"{other}:p=0"]),
            chosen.format(
                p=self._worst_p * self._chance.random(),
                count=int(10 ** self._chance.uniform(0, 3.2)),
                seconds=self._chance.uniform(0.05, 2.5),
            ),
        ]
