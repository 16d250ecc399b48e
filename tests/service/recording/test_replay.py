"""A recording as a device, and through the pipeline again: equal to the original, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drivers.errors import ConfigError, DeviceLost, HandshakeError, PortError
from drivers.types import Device, LinkState, Pulse, Stimulus, WorkerReport
from service.acquisition.pipeline import Pipeline
from service.recording.capture import capture
from service.recording.layout import RecordingError
from service.recording.playback import play
from service.recording.reader import EpochOpened, StateChanged, TriggerSeen, read_recording
from service.recording.recorder import Recorder
from service.recording.replay import Replay
from service.recording.verify import verify

from . import making


@pytest.fixture
def recorded(tmp_path):
    """Two epochs; the first with a gap of 40 samples and a trigger: (path, blocks)."""
    blocks = [
        making.block(0, triggers=(making.trigger(99.5),)),
        making.block(200),
        making.block(360),
        making.block(0, epoch=2, at_s=1003.0),
        making.block(160, epoch=2, at_s=1003.01),
    ]
    path = tmp_path / "study.mcap"
    making.write(path, blocks, epochs=[making.epoch(1), making.epoch(2, counter=99)])
    return path, blocks


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self):
        self.s = 50.0

    def now(self):
        """Seconds."""
        return self.s

    def wait(self, seconds):
        """Let time pass."""
        self.s += seconds


def blocks_until_lost(device):
    """All blocks of one opening, and the sentence it ended with."""
    device.start()
    got = []
    while True:
        try:
            block = device.read(1.0)
        except DeviceLost as lost:
            return got, str(lost)
        if block is not None:
            got.append(block)


def as_recorded(block, original):
    """The replayed block with the recorded epoch number and host time put back."""
    triggers = tuple(replace(t, epoch=original.epoch) for t in block.triggers)
    return replace(block, epoch=original.epoch, received_s=original.received_s, triggers=triggers)


def test_a_replay_gives_the_same_blocks_epoch_by_epoch(recorded):
    """Counts, index jumps, triggers and epoch facts are equal; each epoch is one opening."""
    path, blocks = recorded
    for position, (number, counter) in enumerate([(1, 17), (2, 99)]):
        device = Replay(path, speed=0, position=position)
        assert isinstance(device, Device)
        assert device.info == making.device_info()
        assert device.counter_at_zero == counter
        assert device.settings_read_back == {"CONFIG1": "0x90"}
        got, _ = blocks_until_lost(device)
        expected = [b for b in blocks if b.epoch == number]
        assert all(b.epoch == 0 for b in got)
        assert all(making.same(as_recorded(a, b), b) for a, b in zip(got, expected, strict=True))
        device.close()


def test_opening_again_continues_with_the_next_epoch_and_ends_after_the_last(recorded):
    """As the worker does after DeviceLost; at last the port says why there is no more."""
    path, _ = recorded
    url = (str(path), {"speed": "0"})
    first, sentence = blocks_until_lost(Replay.open(*url))
    assert (len(first), "epoch 1 of the recording ends" in sentence) == (3, True)
    second, sentence = blocks_until_lost(Replay.open(*url))
    assert (len(second), "ends here" in sentence) == (2, True)
    with pytest.raises(PortError, match="played to its end"):
        Replay.open(*url)


@pytest.mark.parametrize("speed", [1.0, 4.0])
def test_blocks_come_at_the_pace_of_their_recording(recorded, speed):
    """The gaps in host time are kept, divided by the speed."""
    path, blocks = recorded
    clock = Clock()
    device = Replay(path, speed=speed, now=clock.now, wait=clock.wait)
    got, _ = blocks_until_lost(device)
    paced = np.diff([b.received_s for b in got]) * speed
    assert paced == pytest.approx(np.diff([b.received_s for b in blocks[:3]]), abs=1e-9)


def test_a_read_times_out_with_none_and_stop_ends_it(tmp_path):
    """A block that is not due yet is not given; after stop nothing is."""
    path = tmp_path / "slow.mcap"
    making.write(path, [making.block(0, at_s=1001.0), making.block(160, at_s=1011.0)])
    clock = Clock()
    device = Replay(path, now=clock.now, wait=clock.wait)
    device.start()
    assert device.read(0.1).start_index == 0
    assert device.read(0.5) is None
    assert clock.s == pytest.approx(50.5)
    assert device.read(20.0).start_index == 160
    device.stop()
    assert device.read(0.1) is None
    device.close()
    device.close()


def test_what_cannot_be_replayed_is_refused_in_a_sentence(recorded, tmp_path):
    """A missing file, an unknown device, an empty record, wrong options."""
    path, _ = recorded
    empty = tmp_path / "empty.mcap"
    Recorder(empty, header={}).close()
    with pytest.raises(PortError, match="cannot be opened"):
        Replay.open(str(tmp_path / "none.mcap"), {})
    with pytest.raises(HandshakeError, match="holds no samples of other"):
        Replay.open(str(path), {"device": "other"})
    with pytest.raises(HandshakeError, match="holds no samples"):
        Replay.open(str(empty), {})
    for options in ({"speed": "fast"}, {"speed": "-1"}, {"gain": "8"}):
        with pytest.raises(ConfigError):
            Replay.open(str(path), options)


class Outlets:
    """Everything a pipeline tells, as plain comparable values."""

    def __init__(self):
        self.told = []

    def epoch(self, device, epoch):
        """As drivers told."""
        self.told.append(("epoch", device, epoch))

    def block(self, device, block):
        """Recorded live; nothing to compare."""

    def gap(self, device, stream, *, epoch, first_missing, count, at_s):
        """An index jump."""
        self.told.append(("gap", device, stream, epoch, first_missing, count, at_s))

    def trigger(self, device, trigger):
        """An edge."""
        self.told.append(("trigger", device, trigger))

    def frame(self, frame):
        """No viewers here."""

    def sweep(self, sweep):
        """A sweep with all its samples."""
        facts = (sweep.recording, sweep.zero_index, sweep.start_index, sweep.gap, sweep.stimulus)
        self.told.append(("sweep", *facts, sweep.samples_uv.tobytes()))

    def unseen(self, device, stimulus):
        """A stimulus without an edge."""
        self.told.append(("unseen", device, stimulus))

    def signal(self, device, signal):
        """The microvolts the assessment gets."""
        data = (signal.epoch, signal.start_index, signal.received_s, signal.data_uv.tobytes())
        self.told.append(("signal", device, *data))

    def state(self, device, state):
        """Not part of the data."""


class RecordingOutlets(Outlets):
    """Outlets that also record, as the service does."""

    def __init__(self, recorder):
        super().__init__()
        self.recorder = recorder

    def epoch(self, device, epoch):
        """Tell and record."""
        super().epoch(device, epoch)
        self.recorder.epoch(device, epoch)

    def block(self, device, block):
        """Record."""
        self.recorder.block(device, block)

    def gap(self, device, stream, *, epoch, first_missing, count, at_s):
        """Tell and record."""
        where = {"epoch": epoch, "first_missing": first_missing, "count": count, "at_s": at_s}
        super().gap(device, stream, **where)
        self.recorder.gap(device, stream, **where)

    def trigger(self, device, trigger):
        """Tell and record."""
        super().trigger(device, trigger)
        self.recorder.trigger(device, trigger)


def test_a_recording_through_the_pipeline_gives_the_same_sweeps_signals_and_gaps(tmp_path):
    """Live and played: every outlet call but host-only ones is equal, in order, to the bit."""
    path = tmp_path / "study.mcap"
    recorder = Recorder(path, header={"patient": "P1"})
    live = RecordingOutlets(recorder)
    pipeline = Pipeline("dev", outlets=live, recording="study")
    pipeline.open(making.epoch())
    at = 0
    for i in range(60):
        at += 37 if i == 30 else 0
        edges = (making.trigger(at + 20.5),) if i in (12, 41) else ()
        block = making.block(at, 160 + i % 7, triggers=edges, at_s=1000.5 + (at + 160) / 16000)
        if i == 12:
            sent_s = block.received_s - 0.005
            stimulus = Stimulus(
                "s1", Pulse(20.0, 200.0), "ulnar", "wrist", "left", sent_s - 0.01, sent_s, None
            )
            recorder.stimulus(stimulus)
            pipeline.expect(stimulus)
        if i == 20:
            recorder.setting("task", "hold", block.received_s)
            live.told.append(("setting", "task", "hold", block.received_s))
        pipeline.accept(block)
        at = block.end_index
    pipeline.open(making.epoch(2))
    pipeline.accept(making.block(0, 500, epoch=2, at_s=1010.0))
    assert recorder.close().state == "off"
    kinds = [told[0] for told in live.told]
    assert (kinds.count("sweep"), kinds.count("gap"), kinds.count("setting")) == (2, 1, 1)
    assert any(told[0] == "sweep" and told[5] is not None for told in live.told)

    again = Outlets()
    with read_recording(path) as recording:
        header = play(
            recording,
            again,
            lambda key, value, at_s: again.told.append(("setting", key, value, at_s)),
        )
    assert header.study == {"patient": "P1"}
    assert again.told == live.told


def test_a_capture_of_a_replay_through_the_worker_equals_the_original(recorded, tmp_path):
    """Real child process, `file:` URL, both epochs: the same samples, jumps and epoch facts."""
    path, blocks = recorded
    seconds = sum(b.data.shape[-1] for b in blocks) / 16000
    out = tmp_path / "copy.mcap"
    done = capture(f"file:{path}?speed=0", seconds, out)
    assert (done.epochs, done.gaps, done.lost) == (2, 1, 40)
    copied = making.read_blocks(out)
    assert all(
        making.same(replace(a, received_s=0.0), replace(b, received_s=0.0))
        for a, b in zip(copied, blocks, strict=True)
    )
    with read_recording(out) as recording:
        opened = [e.epoch for e in recording.events() if isinstance(e, EpochOpened)]
    assert [e.device_counter_at_zero for e in opened] == [17, 99]
    assert all(e.info == making.device_info() for e in opened)


class Scripted:
    """A worker's parent side that says what it was given, then nothing."""

    def __init__(self, items, clock):
        self.items = list(items)
        self.clock = clock
        self.stopped = False

    def poll(self, timeout_s):
        """The next item; time passes when there is none."""
        if self.items:
            return self.items.pop(0)
        self.clock.wait(timeout_s)
        return None

    def stop(self):
        """End."""
        self.stopped = True


def test_a_capture_records_the_seconds_asked_for_and_all_that_happened(tmp_path):
    """Epoch, blocks, gap, trigger and state; it ends by itself, stops the worker, closes whole."""
    path, clock = tmp_path / "c.mcap", Clock()
    blocks = [making.block(i * 160 + (100 if i >= 5 else 0)) for i in range(400)]
    blocks[3] = replace(blocks[3], triggers=(making.trigger(490.5),))
    report = WorkerReport(LinkState.LIVE, "streaming", 5.0)
    worker = Scripted([report, report, making.epoch(), *blocks], clock)
    done = capture("hackeeg:/dev/x", 2.0, path, now=clock.now, source=lambda _: worker)
    assert worker.stopped
    assert (done.seconds, done.epochs, done.gaps, done.lost) == (2.0, 1, 1, 100)
    assert done.status.state == "off"
    result = verify(path)
    assert (result.whole, result.samples, result.gaps, result.lost) == (True, 32000, 1, 100)
    assert result.devices[0].device == "hackeeg"
    with read_recording(path) as recording:
        events = list(recording.events())
    assert [e.sentence for e in events if isinstance(e, StateChanged)] == ["streaming"]
    assert [e.trigger for e in events if isinstance(e, TriggerSeen)] == [making.trigger(490.5)]


def test_a_silent_device_ends_a_capture_with_its_own_words_and_a_whole_file(tmp_path):
    """No sample for 15 s: what the device's process said last, and what came is kept."""
    path, clock = tmp_path / "c.mcap", Clock()
    report = WorkerReport(LinkState.LOST, "/dev/x is gone: plug it in", 5.0)
    worker = Scripted([making.epoch(), making.block(0), report], clock)
    with pytest.raises(DeviceLost, match="for 15 s: /dev/x is gone: plug it in"):
        capture("hackeeg:/dev/x", 60.0, path, now=clock.now, source=lambda _: worker)
    assert worker.stopped
    report = verify(path)
    assert (report.whole, report.samples) == (True, 160)


def test_a_capture_can_be_ended_early(tmp_path):
    """SIGINT is an ordinary end."""
    path, clock = tmp_path / "c.mcap", Clock()
    worker = Scripted([making.epoch(), making.block(0)], clock)
    done = capture(
        "hackeeg:/dev/x", 60.0, path, now=clock.now, source=lambda _: worker,
        stopping=lambda: not worker.items,
    )  # fmt: skip
    assert (done.blocks, done.status.state) == (1, "off")
    with pytest.raises(RecordingError, match="never overwritten"):
        capture("hackeeg:/dev/x", 1.0, path, source=lambda _: worker)
