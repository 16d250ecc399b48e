"""One bedside around a synthetic device: what pages get, from the hello to the sweep."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from drivers.config import load_config
from drivers.types import (
    Channel,
    DeviceInfo,
    Epoch,
    LinkState,
    Pulse,
    SampleBlock,
    StimulatorState,
    StreamInfo,
    Trigger,
)
from service.acquisition.types import DeviceState
from service.api.hub import Viewer
from service.api.viewing import Wanted
from service.bedside.interlock import Phase, RefusedError
from service.bedside.placement import Placement
from service.bedside.plan import DevicePlan, Plan
from service.bedside.session import Session
from service.evidence.limits import Subject
from service.model import Task
from service.recording.reader import read_recording
from service.recording.verify import verify
from tests.service.api.fake_wire import FakeWire

RATE_HZ = 16_000.0
LABELS = ("left FDI", "left APB")
BLOCK = 160


class ObedientStimulator:
    """Does what it is told and counts."""

    def __init__(self) -> None:
        self.pulses = 0

    def _state(self) -> StimulatorState:
        return StimulatorState(True, 0.0, 0.0, self.pulses)

    def configure(self, pulse: Pulse) -> StimulatorState:
        """Accept."""
        return self._state()

    def arm(self) -> StimulatorState:
        """Accept."""
        return self._state()

    def fire(self, nonce: str) -> StimulatorState:
        """Count."""
        self.pulses += 1
        return self._state()

    def heartbeat(self) -> StimulatorState:
        """Accept."""
        return self._state()

    def disarm(self) -> None:
        """Accept."""

    def close(self) -> None:
        """Accept."""


def epoch(number: int = 1) -> Epoch:
    """Two muscles at 16 kHz, 0.1 µV a count."""
    channels = tuple(Channel(label, "emg", "µV", 0.1) for label in LABELS)
    stream = StreamInfo("emg", RATE_HZ, "int32", channels, 94e-6)
    capability = load_config("hackeeg-ncs-16k").capability
    info = DeviceInfo("hackeeg", "synthetic", "1", "1", (stream,), capability)
    return Epoch(number, info, {}, datetime.now(UTC), time.monotonic(), 0, "test")


class Bedside:
    """A session whose one device is fed by the test, as its supervisor's thread would."""

    def __init__(self, tmp_path) -> None:
        plan = Plan(
            mode="simulated",
            devices=(DevicePlan("synthetic", "none:"),),
            patient="nobody",
            study="s1",
            version="test",
            recording=tmp_path / "s1.mcap",
            open_stimulator=ObedientStimulator,
        )
        self.path = tmp_path / "s1.mcap"
        self.session = Session(plan, now=time.monotonic)
        self.session._supervisors.clear()
        self.pipeline = self.session.pipelines["synthetic"]
        self.index = 0
        self.epoch = 1

    async def feed(self, blocks: int, *, trigger_at: float | None = None, skip: int = 0) -> None:
        """Some blocks of an 80 Hz sine, in a thread; `skip` samples are lost before them."""
        await asyncio.to_thread(self._feed, blocks, trigger_at, skip)

    def _feed(self, blocks: int, trigger_at: float | None, skip: int) -> None:
        self.index += skip
        for _ in range(blocks):
            t = (self.index + np.arange(BLOCK)) / RATE_HZ
            data = np.tile(np.round(1000 * np.sin(2 * np.pi * 80 * t)), (2, 1)).astype(np.int32)
            triggers = ()
            if trigger_at is not None and self.index <= trigger_at < self.index + BLOCK:
                triggers = (
                    Trigger("emg", self.epoch, trigger_at, "stimulator", "rise", 0.5 / RATE_HZ),
                )
            self.pipeline.accept(
                SampleBlock("emg", self.epoch, self.index, data, time.monotonic(), triggers)
            )
            self.index += BLOCK

    async def open(self, number: int = 1) -> None:
        """A new epoch, and the device is live."""
        self.epoch, self.index = number, 0
        await asyncio.to_thread(self.pipeline.open, epoch(number))
        await self.state(LinkState.LIVE)

    async def state(self, state: LinkState) -> None:
        """What the supervisor would say."""
        now = time.monotonic()
        told = DeviceState("synthetic", state, "", RATE_HZ, 0, 0, 0, 0.0, now, self.epoch)
        await asyncio.to_thread(self.pipeline.state, told)

    async def page(self, client: str = "a") -> tuple[Viewer, FakeWire]:
        """A page that has joined."""
        wire = FakeWire()
        viewer = Viewer(client, wire)
        await self.session.join(viewer)
        return viewer, wire


async def until(condition: Callable[[], object], deadline_s: float = 5.0) -> None:
    """Wait for something with a deadline."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.005)


def of(wire: FakeWire, kind: str) -> list[dict]:
    """Texts of one type."""
    return [text for text in wire.texts if text["type"] == kind]


@pytest.fixture
async def bedside(tmp_path):
    """A running session; closed after the test."""
    made = Bedside(tmp_path)
    await made.session.start()
    yield made
    await made.session.close()


async def test_hello_then_the_default_view_then_frames(bedside: Bedside) -> None:
    """With nothing sent by the page: muscles, steps, view 500 columns/s, and every sample once."""
    await bedside.open()
    await bedside.feed(1)
    _, wire = await bedside.page()
    hello = wire.texts[0]
    assert hello["type"] == "hello"
    assert [m["key"] for m in hello["muscles"]] == list(LABELS)
    assert hello["study"]["step"]["nerve"] == "ulnar"
    (view,) = of(wire, "view")
    assert (view["preset"], view["columns_per_s"], view["decimation"]) == ("surface", 500.0, 32)
    assert view["channels"] == list(LABELS)
    await bedside.feed(40)
    await until(lambda: len(wire.headers) >= 18)
    headers = wire.headers
    assert {h.view for h in headers} == {view["view"]}
    for one, after in itertools.pairwise(headers):
        assert after.first_index == one.first_index + one.count * one.decimation
    assert [t["seq"] for t in wire.texts] == list(range(1, len(wire.texts) + 1))


async def test_before_the_device_answers_hello_comes_anyway_and_again_after(
    bedside: Bedside,
) -> None:
    """A page is never left waiting; it starts again when channels are known."""
    _, wire = await bedside.page()
    assert wire.texts[0]["devices"][0]["state"] == "connecting"
    assert wire.texts[0]["muscles"] == []
    await bedside.open()
    await until(lambda: of(wire, "view"))
    assert len(of(wire, "hello")) == 2
    assert of(wire, "epoch")[0]["epoch"] == 1


async def test_a_gap_is_told_and_stays_a_gap_in_the_frames(bedside: Bedside) -> None:
    """320 samples that never came are neither drawn nor called dropped."""
    await bedside.open()
    await bedside.feed(1)
    _, wire = await bedside.page()
    await bedside.feed(10)
    await bedside.feed(10, skip=320)
    await until(lambda: of(wire, "gap"))
    gap = of(wire, "gap")[0]
    assert (gap["first_missing"], gap["count"]) == (11 * BLOCK, 320)
    await until(lambda: wire.headers[-1].first_index >= 13 * BLOCK)
    jumps = [
        (b.first_index - (a.first_index + a.count * a.decimation), b.dropped_before)
        for a, b in zip(wire.headers, wire.headers[1:], strict=False)
    ]
    assert [jump for jump in jumps if jump != (0, 0)] == [(320, 0)]


async def test_resume_gives_back_what_was_missed(bedside: Bedside) -> None:
    """From (epoch, index) on, out of the ring, without a hole and without a double."""
    await bedside.open()
    await bedside.feed(1)
    viewer, wire = await bedside.page()
    number = of(wire, "view")[0]["view"]
    await bedside.feed(50)
    await until(lambda: len(wire.headers) >= 20)
    end = wire.headers[-1].first_index + wire.headers[-1].count * 32
    wire.sent.clear()
    await bedside.session.viewing.resume(viewer, number, 1, 1600)
    index = 1600
    for header in wire.headers:
        assert header.first_index == index
        index += header.count * header.decimation
    assert index == end


async def test_one_view_is_shared_and_ends_with_its_last_viewer(bedside: Bedside) -> None:
    """The same request gives the same number to both pages; unknown channels are refused."""
    await bedside.open()
    await bedside.feed(1)
    viewers = [(await bedside.page(name))[0] for name in ("a", "b")]
    wanted = Wanted("synthetic", "emg", ("left FDI",), "raw", 0.0)
    for viewer in viewers:
        await bedside.session.viewing.subscribe(viewer, wanted, 1)
    views = [of(v.wire, "view")[-1]["view"] for v in viewers]
    assert views[0] == views[1]
    with pytest.raises(ValueError, match="nobody"):
        await bedside.session.viewing.subscribe(
            viewers[0], Wanted("synthetic", "emg", ("nobody",), "raw", 0.0), 2
        )
    for viewer in viewers:
        bedside.session.hub.leave(viewer)
    await until(lambda: not bedside.session.viewing._views)


async def test_a_pulse_becomes_a_sweep_with_its_current(bedside: Bedside) -> None:
    """Armed by this page, fired, seen: text, then the samples under the same number."""
    await bedside.open()
    await bedside.feed(20)
    session = bedside.session
    _, wire = await bedside.page()
    await until(lambda: session.stimulation.status.state is Phase.SAFE)
    session.stimulation.heard("a")
    await asyncio.wrap_future(session.stimulation.ask("none", "AB"))
    await asyncio.wrap_future(session.stimulation.configure(Pulse(5.0, 200.0)))
    await asyncio.wrap_future(session.stimulation.arm("a", "AB"))
    await asyncio.wrap_future(session.stimulation.fire("a", "n1"))
    await bedside.feed(1, trigger_at=bedside.index + 10.5)
    deadline = time.monotonic() + 5
    while not any(h.kind == 3 for h in wire.headers):
        assert time.monotonic() < deadline, "the sweep did not come"
        await bedside.feed(1)
        await asyncio.sleep(0.01)
    (sweep,) = of(wire, "sweep")
    assert (sweep["nerve"], sweep["site"], sweep["side"]) == ("ulnar", "wrist", "left")
    assert sweep["current_ma"] == 5.0
    assert (sweep["muscle"], sweep["channel"]) == ("left FDI", "left FDI")
    assert sweep["measurement"]["measure"] == "motor_response"
    binary = next(h for h in wire.headers if h.kind == 3)
    assert (binary.view, binary.count, binary.channels) == (sweep["number"], sweep["count"], 2)
    before = len(of(wire, "sweep"))
    entry = await session.workflow.include(sweep["id"], False)
    assert not entry.included
    assert of(wire, "sweep")[before]["included"] is False


async def test_loss_of_the_amplifier_or_a_new_epoch_disarms(bedside: Bedside) -> None:
    """No pulse without a recording to see it."""
    await bedside.open()
    session = bedside.session
    await bedside.page()
    await until(lambda: session.stimulation.status.state is Phase.SAFE)
    await asyncio.wrap_future(session.stimulation.ask("none", "AB"))
    for event in (
        lambda: bedside.state(LinkState.STALLED),
        lambda: bedside.open(2),
        lambda: session.workflow.place(Placement("median", "elbow", "left", "left APB")),
    ):
        await bedside.state(LinkState.LIVE)
        session.stimulation.heard("a")
        await asyncio.wrap_future(session.stimulation.configure(Pulse(5.0, 200.0)))
        status = await asyncio.wrap_future(session.stimulation.arm("a", "AB"))
        assert status.state is Phase.ARMED
        await event()
        await until(lambda: session.stimulation.status.state is Phase.SAFE)
        with pytest.raises(RefusedError):
            await asyncio.wrap_future(session.stimulation.fire("a", str(event)))


async def test_a_subject_known_before_the_device_decides_the_limit_and_is_recorded(
    tmp_path,
) -> None:
    """Age, sex and height entered before the first epoch reach the assessment, page and record."""
    bedside = Bedside(tmp_path)
    await bedside.session.start()
    await bedside.session.workflow.set_subject(Subject(58.0, "M", None))
    await bedside.open()
    _, wire = await bedside.page()
    seen: list[Subject] = []
    await bedside.session._assess(lambda assessment: seen.append(assessment.subject))
    assert seen == [Subject(58.0, "M", None)]
    known = {"age_years": 58.0, "sex": "M", "height_cm": None}
    assert of(wire, "hello")[-1]["study"]["subject"] == known
    await bedside.session.workflow.set_subject(Subject())
    await until(lambda: of(wire, "study")[-1]["subject"]["age_years"] is None)
    await bedside.session.close()
    with read_recording(bedside.path) as recording:
        told = [e.value for e in recording.events() if getattr(e, "key", "") == "subject"]
    # as it was entered, as the assessment began, as it was taken back
    assert told == [known, known, {"age_years": None, "sex": None, "height_cm": None}]


async def test_the_end_of_a_session_leaves_a_whole_record(tmp_path) -> None:
    """Every sample fed is in the file, with its footer; sockets are closed with 1001."""
    bedside = Bedside(tmp_path)
    await bedside.session.start()
    await bedside.open()
    _, wire = await bedside.page()
    await bedside.session.workflow.set_task(Task.HOLD, 0.15)
    await bedside.session.workflow.set_temperature(32.5)
    await bedside.feed(30)
    await bedside.session.close()
    report = verify(bedside.path)
    assert report.whole
    assert report.samples == 30 * BLOCK
    assert wire.closed == [1001]
    assert of(wire, "study")[-1]["temperature_c"] == 32.5
