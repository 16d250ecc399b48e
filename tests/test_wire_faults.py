"""Under random faults on the wire: received + lost + rejected = sent, exactly, and no sample that
was not sent under its index. In virtual time, and through real processes on real terminals."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from drivers.config import load_config
from drivers.errors import DeviceError
from drivers.hackeeg.protocol import HackEEGProtocol
from drivers.types import Epoch, SampleBlock
from drivers.worker import Worker
from simulators.cyton import CytonFirmware
from simulators.faults import Fault, Wire, parse_fault
from simulators.hackeeg import HackEEGFirmware
from tests.faulty_wire import (
    DAMAGE,
    LOSSES,
    Account,
    Converter,
    HashPatient,
    Trouble,
    offset_of,
)
from tests.simulators.process import Running, simulator, until
from tests.virtual_bench import CytonSource, HackEEGSource

pytestmark = pytest.mark.uncounted
FIRMWARE = {"hackeeg": HackEEGFirmware, "cyton": CytonFirmware}
SOURCES = {
    "hackeeg": (HackEEGSource, "hackeeg-ncs-16k", 0.03),
    "cyton": (CytonSource, "openbci-cyton-emg", 0.04),
}


@dataclass
class Told:
    """One epoch: the host's account of it, and what its converter did since the start."""

    account: Account
    offset: int
    sent: np.ndarray

    @property
    def dropped(self) -> int:
        """Conversions between the first and the last sample received that never left the device."""
        return int((~self.sent[self.offset : self.offset + self.account.end]).sum())

    def check(self, corrupted: int, *, wrong: int = 0) -> None:
        """The promise. corrupted: frames the wire has bent; one bent where nothing can show it is
        received, with at most the bits that were flipped."""
        account = self.account
        sent = int(self.sent[self.offset : self.offset + account.end].sum())
        assert len(account.wrong) <= wrong, account.wrong[:10]
        assert len(account.never_sent(self.sent, self.offset)) <= wrong
        assert account.bent <= corrupted
        assert account.lost >= 0
        assert account.received + account.lost + account.rejected == sent + self.dropped


class VirtualWire:
    """A device of known samples on a faulty wire, read by its driver in virtual time; a driver that
    gives up is opened again, and that is another epoch."""

    def __init__(self, device: str, faults: tuple[str, ...], *, seed: int, ppm: float) -> None:
        patient = HashPatient()
        self.firmware = FIRMWARE[device](lambda _: patient)
        self.converter = Converter(self.firmware)
        self.wire = Wire(self.firmware, seed=seed)
        self.trouble = Trouble(self._fault, faults, seed=seed)
        self._source, self._config, self._longest_s = SOURCES[device]
        self._chance = np.random.default_rng(seed)
        self._ppm = ppm
        self.epochs: list[Told] = []
        self.ended: list[str] = []
        self.seconds = 0.0

    def _fault(self, fault: Fault) -> None:
        self.wire.set(fault)
        self.firmware.set_drift(self._ppm)  # a converter's clock is off as long as it lives

    def run(self, seconds: float) -> VirtualWire:
        """Device seconds under faults."""
        while self.seconds < seconds:
            self.trouble.rest()
            self._epoch(seconds)
        return self

    def _epoch(self, until_s: float) -> None:
        source = self._source(self.wire, self._config, 0.02)
        account, offset, last_s = Account(), None, source.link.now_s
        try:
            while self.seconds < until_s:
                self.trouble.step(self.seconds)
                source.link.block_s = self._chance.uniform(0.001, self._longest_s)
                for block in source.read():
                    if offset is None:
                        offset = offset_of(block, source.counter_at_zero)
                    account.take(block, offset)
                self.seconds += source.link.now_s - last_s
                last_s = source.link.now_s
        except DeviceError as error:
            self.ended.append(str(error))
        if offset is not None:
            self.epochs.append(Told(account, offset, self.converter.sent))


@pytest.mark.parametrize(("seed", "ppm"), [(1, 100.0), (2, -5000.0), (3, 5000.0)])
def test_every_lost_sample_of_a_hackeeg_is_declared_to_the_last_one(seed, ppm):
    """Drops, stalls and split reads, on a clock up to 0.5 % off: lost is what was dropped."""
    line = VirtualWire("hackeeg", LOSSES, seed=seed, ppm=ppm).run(10.0)
    assert line.ended == []
    (epoch,) = line.epochs
    epoch.check(corrupted=0)
    assert epoch.account.bent == 0
    assert epoch.account.lost == epoch.dropped > 1000


@pytest.mark.parametrize(("seed", "ppm"), [(1, -100.0), (2, 5000.0), (3, -5000.0)])
def test_the_account_of_a_hackeeg_is_exact_under_all_faults(seed, ppm):
    """20 s of everything at once: the sum is what the converter did, and no sample is another's.

    A driver may give up and open a new epoch where it cannot count; it seldom does."""
    line = VirtualWire("hackeeg", LOSSES + DAMAGE, seed=seed, ppm=ppm).run(20.0)
    assert len(line.trouble.seen) >= 6
    for epoch in line.epochs:
        epoch.check(line.wire.tally.total.corrupted)
        assert abs(epoch.account.lost - epoch.dropped) <= 10  # rejected, by the bytes of garbage
    assert sum(epoch.account.received for epoch in line.epochs) > 100_000
    assert sum(epoch.account.rejected for epoch in line.epochs) > 100
    assert len(line.ended) <= 1


@pytest.mark.parametrize(("seed", "ppm"), [(1, 50.0), (2, -50.0)])
def test_every_lost_sample_of_a_cyton_is_declared_although_its_counter_has_8_bits(seed, ppm):
    """Outages of up to 6 s, many in a row: time counts the turns that the number cannot show."""
    line = VirtualWire("cyton", LOSSES, seed=seed, ppm=ppm).run(60.0)
    (epoch,) = line.epochs
    epoch.check(corrupted=0)
    assert epoch.account.bent == 0
    assert epoch.account.lost == epoch.dropped > 500


@pytest.mark.parametrize("seed", [1, 2])
def test_damaged_frames_of_a_cyton_cost_themselves_and_shift_nothing(seed):
    """Bits flipped, bytes lost or put in: what is wrong is marked suspect, the index stays."""
    line = VirtualWire("cyton", ("split", *DAMAGE), seed=seed, ppm=20.0).run(60.0)
    (epoch,) = line.epochs
    epoch.check(line.wire.tally.total.corrupted)
    assert epoch.account.received + epoch.account.lost + epoch.account.rejected > 14_500


@pytest.mark.parametrize("seed", [1, 2])
def test_a_cyton_under_all_faults_finds_its_index_again(seed):
    """A bent number in the middle of an outage can misplace the packets up to the next good one:
    the limit of 8 bits. The account at the end is exact all the same."""
    line = VirtualWire("cyton", LOSSES + DAMAGE, seed=seed, ppm=20.0).run(60.0)
    (epoch,) = line.epochs
    epoch.check(line.wire.tally.total.corrupted, wrong=60)
    assert not epoch.account.wrong or epoch.account.wrong[-1] < epoch.account.end - 500


def test_no_frame_of_garbage_is_accepted_between_good_ones():
    """A million frames of noise, a second of it at a time between stretches of good samples: none
    is taken for a sample, and every conversion that the noise replaced is counted."""
    patient = HashPatient()
    firmware = HackEEGFirmware(lambda _: patient)
    wire = Wire(firmware, seed=1)
    HackEEGSource(wire, "hackeeg-ncs-16k", 0.02)
    protocol = HackEEGProtocol(load_config("hackeeg-ncs-16k"))
    account, rng = Account(), np.random.default_rng(11)
    now_s = 10.0
    for _ in range(23):
        for _ in range(30):
            now_s += 0.01
            for block in protocol.feed(wire.transfer(160), now_s):
                account.take(block, 0)
        firmware.produce(16_000, np.zeros(16_000, bool))
        received = account.received
        noise = rng.bytes(2_000_000)
        for at in range(0, len(noise), 65_536):
            now_s += 1.0 / 31
            assert protocol.feed(noise[at : at + 65_536], now_s) == []
        assert account.received == received
    assert account.wrong == []
    assert account.received + account.lost + account.rejected == 23 * 4800 + 22 * 16_000 - 1
    assert (
        account.received >= 23 * 4800 - 2 * 23
    )  # the last before the noise has no header behind it


@dataclass
class Heard:
    """Everything a worker's parent was told, epoch by epoch."""

    epochs: list[Epoch] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def received(self) -> int:
        """Samples of all epochs."""
        return sum(account.received for account in self.accounts)

    def take(self, message: object) -> None:
        """One message of the worker."""
        match message:
            case Epoch():
                self.epochs.append(message)
                self.accounts.append(Account())
            case SampleBlock():
                if len(self.offsets) < len(self.accounts):
                    counter = self.epochs[-1].device_counter_at_zero
                    self.offsets.append(offset_of(message, counter))
                self.accounts[-1].take(message, self.offsets[-1])


class RealWire:
    """The same device as a process on a terminal, its driver in a worker, its faults set through
    the control socket; read in a thread of its own."""

    def __init__(self, device: str, running: Running, *, seed: int) -> None:
        self._running = running
        self._device = device
        self._chance = np.random.default_rng([seed, 1])
        faults = LOSSES + (DAMAGE if device == "hackeeg" else ())
        self.trouble = Trouble(self._fault, faults, seed=seed, worst_p=0.01)
        self.heard = Heard()
        self.replugs = 0
        self._worker = Worker(f"{device}:{running.ports['port']}", first_epoch=1)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            while not self._ending.is_set():
                self.heard.take(self._worker.poll(0.1))
        except Exception as error:
            self.heard.failures.append(repr(error))

    def _fault(self, fault: Fault) -> None:
        answer = self._running.ask(do="fault", name=fault.name, **fault.values)
        assert answer["ok"], answer

    def run(self, seconds: float) -> None:
        """Faults for so long; a third of the way the cable comes out for a second."""
        until(lambda: self.heard.received > 0, 30.0, f"the first sample of the {self._device}")
        began = time.monotonic()
        unplug_s = [seconds / 3] if self._device == "hackeeg" else []
        while (passed_s := time.monotonic() - began) < seconds:
            self.trouble.step(passed_s)
            if unplug_s and passed_s > unplug_s[0]:
                del unplug_s[0]
                self._replug()
            time.sleep(0.01)
        self.trouble.rest()
        now = self.heard.received
        until(lambda: self.heard.received > now + 100, 15.0, "a sample after the last fault")

    def _replug(self) -> None:
        """The handshake itself is spared: what a fault does to it is another test's."""
        self.trouble.rest()
        epochs = len(self.heard.offsets)
        self.replugs += 1
        self._fault(parse_fault("unplug:seconds=1"))
        until(lambda: len(self.heard.offsets) > epochs, 30.0, "a new epoch after the replug")

    def counts(self) -> dict[str, int]:
        """What the wire has done since the simulator began."""
        return self._running.ask(do="counts")["total"]

    def close(self) -> None:
        """End thread and worker."""
        self._ending.set()
        self._thread.join(5.0)
        self._worker.stop()
        self._worker.close()


def under_faults(device: str, seconds: float, folder, *, seed: int) -> tuple[RealWire, dict]:
    """A device for so many real seconds under random faults, and what its wire counted."""
    link = folder / device
    arguments = (device, "--link", str(link), "--seed", str(seed))
    with simulator(*arguments, module="tests.hash_simulator") as running:
        wire = RealWire(device, running, seed=seed)
        try:
            wire.run(seconds)
        finally:
            wire.close()
        return wire, wire.counts()


def check_real(wire: RealWire, counts: dict[str, int]) -> None:
    """Every epoch's index is the converter's, so what it declares is what was sent; together they
    hold no more than the wire has carried or lost."""
    heard = wire.heard
    assert heard.failures == []
    assert len(heard.offsets) == len(heard.accounts) > wire.replugs
    for account in heard.accounts:
        assert account.wrong == []
        assert account.bent <= counts["corrupted"]
        assert account.lost >= 0
    received = sum(account.received for account in heard.accounts)
    lost = sum(account.lost for account in heard.accounts)
    rejected = sum(account.rejected for account in heard.accounts)
    assert received + lost + rejected <= counts["sent"]
    assert lost <= counts["dropped"]
    if len(heard.accounts) == 1:
        # one epoch: what is not in it is what was sent before its first sample or is on its way
        beside = counts["sent"] - (received + lost + rejected)
        assert beside < 1.5 * RATES[heard.epochs[0].info.driver]
        assert counts["dropped"] - lost < beside
    assert lost > 50


RATES = {"hackeeg": 16_000, "cyton": 250}


def both_under_faults(seconds: float, folder, *, seed: int) -> dict[str, tuple[RealWire, dict]]:
    """Both devices at the same time."""
    found = {}

    def work(device: str) -> None:
        found[device] = under_faults(device, seconds, folder, seed=seed)

    threads = [threading.Thread(target=work, args=(device,)) for device in RATES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_the_account_is_exact_through_terminals_and_processes(tmp_path):
    """Fifteen real seconds of random faults on a HackEEG and a Cyton behind BrainFlow at once."""
    found = both_under_faults(15.0, tmp_path, seed=5)
    for device in RATES:
        check_real(*found[device])


@pytest.mark.soak
def test_ten_minutes_of_faults_through_terminals_and_processes(tmp_path):
    """The same for ten minutes."""
    found = both_under_faults(600.0, tmp_path, seed=6)
    for device in RATES:
        check_real(*found[device])


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 40))
def test_ten_minutes_of_faults_in_virtual_time(seed):
    """Thirty more lines of 20 s, each with another clock.

    Two flipped bits can move number and micros() of one frame by as much as each other: nothing in
    the frames tells it from a later one, and a new epoch follows. Garbage beside a lost run can be
    taken for refused frames: lost and rejected are exact together.
    """
    ppm = float(np.random.default_rng(seed).uniform(-5000, 5000))
    line = VirtualWire("hackeeg", LOSSES + DAMAGE, seed=seed, ppm=ppm).run(20.0)
    for epoch in line.epochs:
        epoch.check(line.wire.tally.total.corrupted, wrong=1)
        assert abs(epoch.account.lost - epoch.dropped) <= 10
    assert len(line.ended) <= 2
