"""A patient, an amplifier, our driver, the pipeline and the assessment in one process and virtual
time: simulator bytes in, cards out, as fast as it runs. Nothing sleeps and no clock is read.

HackEEG runs through the real driver, handshake and registers read back included, on a link that is
only bytes. For the Cyton, BrainFlow is the byte decoder in real life; here the frames are decoded a
second time, by the maker's format and BrainFlow's own rules, and go on through our row decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from drivers.config import DeviceConfig, load_config, with_labels
from drivers.hackeeg.device import HackEEG
from drivers.openbci import replies
from drivers.openbci.decoder import RowDecoder
from drivers.openbci.rows import CYTON
from drivers.types import DeviceInfo, Epoch, Pulse, SampleBlock, Stimulus, StreamInfo
from service.acquisition.pipeline import Pipeline
from service.bedside.assessment import Assessment
from service.bedside.montage import Montage, default_montage
from service.bedside.rows import SweepResult
from service.model import Item, Json, MuscleStatus, Sweep, Task
from service.recording.recorder import Recorder
from simulators.assembly import FIRST_RATE_HZ, Subject, make_firmware
from simulators.faults import Wire
from simulators.firmware import Firmware
from simulators.patient import FrontEnd, Lead, Patient
from simulators.patient.cases import read_case

UTC0 = datetime(2026, 1, 1, tzinfo=UTC)
BLOCK_S = 0.1  # of one read; longer ones cost less, and give the same
START_S = 1000.0


class VirtualLink:
    """The two ends of a wire and the time on it; what `drivers.link.Link` is to the driver."""

    name = "virtual wire"
    pace_s = 0.0

    def __init__(self, wire: Wire, block_s: float) -> None:
        self.wire = wire
        self.now_s = START_S
        self.block_s = block_s
        self._answers = b""

    def write(self, data: bytes) -> None:
        """To the firmware, which answers at once."""
        self._answers += self.wire.pass_on(self.wire.firmware.receive(data))

    def read_available(self, timeout_s: float) -> bytes:
        """Answers that wait, else what the device sends while time passes."""
        if self._answers:
            data, self._answers = self._answers, b""
            return data
        if not self.wire.firmware.streaming:
            self.now_s += timeout_s
            return self.wire.pass_on(self.wire.firmware.tick(timeout_s))
        rate_hz = self.wire.firmware.rate_hz
        n = max(1, round(min(timeout_s, self.block_s) * rate_hz))
        self.now_s += n / rate_hz
        return self.wire.transfer(n)

    def interrupt(self) -> None:
        """One thread: nobody waits."""

    def close(self) -> None:
        """Nothing is held."""


class HackEEGSource:
    """The HackEEG driver itself. `read`: blocks of epoch 0, as the driver gives them."""

    def __init__(self, wire: Wire, config: str, block_s: float, labels: str | None = None) -> None:
        self.link = VirtualLink(wire, block_s)
        called = with_labels(load_config(config), labels)
        self._device = HackEEG(self.link, called, now=lambda: self.link.now_s)
        self.info = self._device.info
        self.settings = dict(self._device.settings_read_back)
        self._device.start()

    @property
    def counter_at_zero(self) -> int | None:
        """The board's number at index 0."""
        return self._device.counter_at_zero

    def read(self) -> list[SampleBlock]:
        """What one stretch of time brings."""
        block = self._device.read(self.link.block_s)
        return [] if block is None else [block]


class CytonFrames:
    """Frames as BrainFlow's Cyton board takes them: from each A0 on 33 bytes, dropped unless the
    last lies in C0..C6. Source: OpenBCI Cyton data format; brainflow openbci_cyton.cpp."""

    def __init__(self, config: DeviceConfig) -> None:
        self._gains = np.array([[channel.gain] for channel in config.channels])
        self._bytes = b""

    def rows(self, data: bytes) -> np.ndarray:
        """(24, n) of the frames that these bytes complete: number, 8 x µV, footer, aux bytes."""
        self._bytes += data
        found = []
        at = self._bytes.find(b"\xa0")
        while at >= 0 and at + 33 <= len(self._bytes):
            if 0xC0 <= self._bytes[at + 32] <= 0xC6:
                found.append(self._bytes[at : at + 33])
            at = self._bytes.find(b"\xa0", at + 33)
        self._bytes = self._bytes[at:] if at >= 0 else b""
        frames = np.frombuffer(b"".join(found), np.uint8).reshape(-1, 33).astype(np.int64)
        rows = np.zeros((24, len(frames)))
        rows[0] = frames[:, 1]
        high, middle, low = (frames[:, 2 + byte : 26 : 3] for byte in range(3))
        counts = (high << 16 | middle << 8 | low).T
        counts = np.where(counts >= 1 << 23, counts - (1 << 24), counts)
        rows[1:9] = counts * (4.5 / (2**23 - 1) / self._gains * 1e6)
        rows[12] = frames[:, 32]
        rows[13:19] = frames[:, 26:32].T
        return rows


class CytonSource:
    """A Cyton as `openbci.device` sets it up, without BrainFlow."""

    def __init__(self, wire: Wire, config: str, block_s: float, labels: str | None = None) -> None:
        self._config = with_labels(load_config(config), labels)
        self.link = VirtualLink(wire, block_s)
        self._frames = CytonFrames(self._config)
        self._rows = RowDecoder(self._config, CYTON)
        said = self._ask("v") + self._ask("".join(replies.settings(self._config))) + self._ask("?")
        assert replies.missing(self._config, said) == []
        registers = replies.channel_registers(said)
        replies.check_registers(self._config, registers)
        self.settings = {f"CH{n}SET": f"0x{value:02X}" for n, value in registers.items()}
        self.info = DeviceInfo(
            "cyton", self._config.model, "", replies.version(said), (self._rows.stream,),
            self._config.capability,
        )  # fmt: skip
        self.link.write(b"b")

    def _ask(self, commands: str) -> str:
        self.link.write(commands.encode())
        return self.link.read_available(0.0).decode()

    @property
    def counter_at_zero(self) -> int | None:
        """The board's number at index 0."""
        return self._rows.counter_at_zero

    def read(self) -> list[SampleBlock]:
        """What one stretch of time brings."""
        rows = self._frames.rows(self.link.read_available(self.link.block_s))
        return self._rows.feed(rows, self.link.now_s)


SOURCES = {"hackeeg": HackEEGSource, "cyton": CytonSource}


def few_muscles(device: str, seed: int, muscles: Sequence[str]) -> Firmware:
    """A healthy arm of which only some muscles are simulated, each under its own channel of the
    usual montage: the same muscles as in the whole arm, for less time."""
    whole = read_case("healthy")
    case = replace(whole, montage=tuple(key for key in whole.montage if key in muscles))
    leads = tuple(
        Lead(number, key if key in muscles else None)
        for number, key in enumerate(whole.montage, start=1)
    )

    def load(rate_hz: float) -> Patient:
        return Patient(case, seed=seed, front_end=FrontEnd(rate_hz, "sinc3"), leads=leads)

    return make_firmware(device, Subject(load, FIRST_RATE_HZ[device]), seed)


class StudyOutlets:
    """What a bedside does with what its pipeline tells: record first, then measure."""

    def __init__(self, assessment: Assessment, recorder: Recorder | None = None) -> None:
        self.assessment = assessment
        self.recorder = recorder
        self.sweeps: list[tuple[Sweep, SweepResult]] = []
        self.samples = self.lost = self.rejected = 0
        self.unseen_ids: list[str] = []

    def epoch(self, device, epoch) -> None:
        """A new epoch."""
        if self.recorder is not None:
            self.recorder.epoch(device, epoch)
        self.assessment.open(device, epoch)

    def block(self, device, block) -> None:
        """To the record; a virtual device can wait for the disk."""
        self.samples += block.data.shape[-1]
        self.rejected += block.rejected
        if self.recorder is not None:
            self.recorder.block(device, block)
            if self.recorder.behind_s > 20.0:
                assert self.recorder.flush()

    def gap(self, device, stream, *, epoch, first_missing, count, at_s) -> None:
        """Samples that never came."""
        self.lost += count
        if self.recorder is not None:
            self.recorder.gap(
                device, stream, epoch=epoch, first_missing=first_missing, count=count, at_s=at_s
            )

    def trigger(self, device, trigger) -> None:
        """An edge."""
        if self.recorder is not None:
            self.recorder.trigger(device, trigger, 0.0)

    def frame(self, frame) -> None:
        """Nobody watches."""

    def sweep(self, sweep) -> None:
        """Measured at once."""
        if self.recorder is not None and sweep.stimulus is not None:
            self.recorder.stimulus(sweep.stimulus)
        self.sweeps.append((sweep, self.assessment.sweep(sweep)))

    def unseen(self, device, stimulus) -> None:
        """A pulse without an edge."""
        self.unseen_ids.append(stimulus.id)

    def signal(self, device, signal) -> None:
        """To the assessment."""
        self.assessment.signal(device, signal)

    def state(self, device, state) -> None:
        """The link is always up."""


class VirtualStudy:
    """One study: what a technician does, and what the cards then say. muscles: the leads that are
    looked at, all if empty. labels: of the channels, commas between, None: as configured."""

    def __init__(
        self,
        firmware: Firmware,
        config: str,
        *,
        seed: int,
        muscles: Sequence[str] = (),
        block_s: float = BLOCK_S,
        labels: str | None = None,
        open_recorder: Callable[[], Recorder] | None = None,
    ) -> None:
        self.firmware = firmware
        self.config = load_config(config)
        self.wire = Wire(firmware, seed=seed)
        self.source = SOURCES[self.config.driver](self.wire, config, block_s, labels)
        self.stream: StreamInfo = self.source.info.streams[0]
        leads = default_montage(self.stream).leads
        self.montage = Montage(
            tuple(one for one in leads if not muscles or one.muscle.key in muscles)
        )
        self.assessment = Assessment(self.montage)
        self.recorder = None if open_recorder is None else open_recorder()
        self.outlets = StudyOutlets(self.assessment, self.recorder)
        self.pipeline = Pipeline("dev", outlets=self.outlets, recording="study")
        self._chance = np.random.default_rng([seed, 77])
        self._shocks = 0
        self._opened = False

    @property
    def now_s(self) -> float:
        """Host time: the link's."""
        return self.source.link.now_s

    @property
    def patient(self) -> Patient:
        """The patient at the device's rate."""
        return self.firmware.patient

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until_s = self.now_s + seconds - 1e-9
        while self.now_s < until_s:
            for block in self.source.read():
                self._open(block)
                triggers = tuple(replace(trigger, epoch=1) for trigger in block.triggers)
                self.pipeline.accept(replace(block, epoch=1, triggers=triggers))

    def _open(self, block: SampleBlock) -> None:
        if not self._opened:
            self._opened = True
            at_zero = self.source.counter_at_zero
            info, settings = self.source.info, self.source.settings
            self.pipeline.open(Epoch(1, info, settings, UTC0, self.now_s, at_zero, "opened"))

    def task(self, task: Task, level: float = 0.0) -> None:
        """Ask something of the patient, and note it."""
        self.patient.set_task(task.value, level)
        if self.recorder is not None:
            told: Json = {"task": task.value, "level": level}
            self.recorder.setting("task", told, self.now_s)
        self.assessment.set_task(task, self.now_s)

    def shock(
        self, current_ma: float, nerve: str, site: str, side: str = "left", width_us: float = 200.0
    ) -> None:
        """One pulse at some place between two samples, and the time that its sweep takes."""
        self.patient.place(nerve, site, side)
        ahead = 0.05 * self.firmware.rate_hz + float(self._chance.random())
        at = self.patient.sample_index + ahead
        self.patient.stimulate(at, current_ma=current_ma, width_us=width_us)
        self.firmware.trigger.raise_at(at, 0.001 * self.firmware.rate_hz)
        self._shocks += 1
        sent_s = self.now_s + ahead / self.firmware.rate_hz
        pulse = Pulse(current_ma, width_us)
        stimulus = Stimulus(f"p{self._shocks}", pulse, nerve, site, side, sent_s, sent_s, None)
        self.pipeline.expect(stimulus)
        if self.recorder is not None:
            self.recorder.stimulus(stimulus)
        self.run(0.7)

    def forget_sweep(self, number: int) -> None:
        """Take one sweep (from 0) out of its average."""
        sweep, _ = self.outlets.sweeps[number]
        if self.recorder is not None:
            told: Json = {"sweep": sweep.id, "included": False}
            self.recorder.setting("sweep_included", told, self.now_s)
        self.assessment.exclude(sweep.id, False)

    def card(self, muscle: str) -> MuscleStatus:
        """One card as it now stands."""
        return next(card for card in self.assessment.cards() if card.muscle.key == muscle)

    def items(self, muscle: str, axis: str) -> list[Item]:
        """Every line of one side of a card."""
        side = getattr(self.card(muscle), axis)
        return [*side.items_for, *side.items_against, *side.missing]

    def item(self, muscle: str, axis: str, family: str) -> Item:
        """The line of one family."""
        return next(item for item in self.items(muscle, axis) if item.family == family)

    def states(self, muscle: str, axis: str) -> set[tuple[str, str]]:
        """(family, state) of every line of one side."""
        return {(item.family, item.state) for item in self.items(muscle, axis)}

    def counted_truth(self, kind: str, muscle: str, first: int, last: int) -> int:
        """Events of a muscle that really happened in device samples [first, last)."""
        return sum(event["muscle"] == muscle for event in self.patient.truth(first, last)[kind])
