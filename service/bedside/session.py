"""One bedside: devices, record, assessment, stimulator and viewers, and the study they serve.

    supervisor ─▶ pipeline ─▶ outlets ─┬▶ recorder
      (a thread per device)            ├▶ assessor (one thread) ─▶ results ─┐
                                       └▶ handover ─────────────────────────┴▶ event loop ─▶ hub

Everything here runs on the event loop, but for what `outlets` and the two threads call.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Literal

from drivers.config import load_stimulator_limits
from drivers.types import Epoch, LinkState, Stimulus, Trigger
from service.acquisition.pipeline import Pipeline
from service.acquisition.supervisor import Supervisor
from service.acquisition.types import DeviceState, GapNotice, LiveFrame
from service.api.hub import Hub, Viewer
from service.api.viewing import Viewing, Wanted
from service.api.wire import PROTOCOL, Header, Kind, binary_parcel, text_body
from service.model import Json, Measurement, MuscleStatus, Sweep
from service.recording.recorder import Recorder
from service.store.types import StoreStatus

from .assessment import Assessment
from .assessor import Assessor, Findings, montage_of
from .directing import Director, Words
from .edits import RESAYS
from .handover import Handover
from .journal import Journal
from .messages import (
    epoch_json,
    gap_json,
    plain_fields,
    recording_json,
    state_json,
    stimulator_json,
    store_json,
    trigger_json,
)
from .outlets import BedsideOutlets, OnLoop
from .placement import NO_STEP
from .plan import DevicePlan, Plan
from .rows import SweepResult
from .stimulation import Stimulation
from .stimulator_status import Record, StimulationPorts, StimulatorStatus
from .study import Study
from .workflow import Workflow, WorkflowPorts

BEAT_S = 0.05
HOUSEKEEPING_S = 1.0
FIRST_EPOCH_S = 2.0
DEFAULT_PRESET = "surface"
DEFAULT_COLUMNS_PER_S = 500.0

AlarmLevel = Literal["lost", "not_on_disk", "armed", "stopped", "note"]


class Session:
    """`now` is the monotonic clock of every `*_s`; `utc_now` is only shown and recorded."""

    def __init__(
        self,
        plan: Plan,
        *,
        now: Callable[[], float],
        utc_now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.plan = plan
        self.now = now
        self.utc_now = utc_now
        self.study = Study(plan, now())
        self.hub = Hub(now, self._left)
        self.store = StoreStatus("off" if plan.keeper is None else plan.keeper.status.state)
        self.lag_s = 0.0
        self._beat_s = now()
        self._recording_state = ""
        self._tasks: set[asyncio.Task[object]] = set()
        self._first_epoch = asyncio.Event()
        self._recorder = self._open_record()
        self._handover = Handover(self._frame, self._skipped)
        self._assessor = self._make_assessor()
        self.stimulation = self._make_stimulation()
        self.pipelines: dict[str, Pipeline] = {}
        self._director = Director(self.pipelines, self._recorder, self._assessor, now)
        self.workflow = self._make_workflow()
        self.pipelines.update((device.id, self._make_pipeline(device)) for device in plan.devices)
        self._supervisors = [
            Supervisor(device.id, device.url, self.pipelines[device.id], now)
            for device in plan.devices
        ]
        self.viewing = Viewing(self.hub, self.pipelines)

    # ── life ─────────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Begin; the running loop is the one that everything is handed over to."""
        self._handover.attach(asyncio.get_running_loop())
        self._assessor.start()
        if self.plan.content is not None:
            await self.workflow.resume(self.plan.content)
        self.stimulation.start()
        for supervisor in self._supervisors:
            supervisor.start()
        self._spawn(self._beat())
        self._spawn(self._keep_house())
        self._spawn(self.workflow.voluntary.meter())

    async def close(self, code: int = 1001, reason: str = "the service is stopping") -> None:
        """Stimulator off, devices stopped, record closed with its footer, sockets closed."""
        await asyncio.gather(
            asyncio.to_thread(self.stimulation.close),
            *(asyncio.to_thread(supervisor.stop) for supervisor in self._supervisors),
        )
        await asyncio.to_thread(self._assessor.close)
        if self._recorder is not None:
            await asyncio.to_thread(self._recorder.close)
        self.hub.close(code, reason)
        for task in tuple(self._tasks):
            task.cancel()
        self._handover.detach()

    # ── what pages ask ───────────────────────────────────────────────────────────────────────────

    async def join(self, viewer: Viewer) -> None:
        """A page has connected: hello, how things stand, and the default view."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._first_epoch.wait(), FIRST_EPOCH_S)
        viewer.tell(text_body(self.hello(viewer.client)))
        self.hub.join(viewer)
        for state in self.study.states.values():
            viewer.tell(text_body(state_json(state)))
        for entry in self.study.book.entries:
            viewer.tell(text_body(self.study.book.message(entry)))
        await self._show_default(viewer)

    def hello(self, client: str) -> dict[str, Json]:
        """`hello`."""
        return {
            "type": "hello",
            "protocol": PROTOCOL,
            "version": self.plan.version,
            "server_s": self.now(),
            "utc": self.utc_now().isoformat(),
            "client": client,
            **self.describe(),
        }

    def describe(self) -> dict[str, Json]:
        """`hello` without its transport fields."""
        return {
            "mode": self.plan.mode,
            **self.study.describe(),
            "stimulator": stimulator_json(self.stimulation.status),
            "recording": self._recording(),
            "store": store_json(self.store),
        }

    def stop_stimulation(self, who: str) -> None:
        """STOP: first of all things, waits for nothing."""
        self.stimulation.stop()
        self.alarm("stopped", f"STOP by {who}: {self.stimulation.stop_words}")

    def tell_store(self, status: StoreStatus) -> None:
        """Whether what was done is on the disk."""
        self.store = status
        self.hub.tell(store_json(status))
        if status.state == "failed":
            self.alarm("not_on_disk", status.sentence)

    def alarm(self, level: AlarmLevel, sentence: str) -> None:
        """Something everybody must see."""
        self.hub.tell(
            {
                "type": "alarm",
                "level": level,
                "sentence": sentence,
                "at_utc": self.utc_now().isoformat(),
            }
        )

    async def on_surface(self, muscle: str) -> list[Measurement]:
        """What the surface EMG of a muscle (key) has shown so far, pairs with it included."""
        told: list[Measurement] = []
        await self._assess(lambda assessment: told.extend(assessment.on_surface(muscle)))
        return told

    async def _assess(self, change: Callable[[Assessment], None]) -> None:
        await asyncio.wrap_future(self._assessor.ask(change))

    def _show(self, words: Words) -> None:
        """In a replay: what was directed then."""
        match words:
            case ("sweep_included", {"sweep": str(sweep), "included": bool(included)}):
                self.study.book.include(sweep, included)
                self._spawn(self.workflow.refresh(sweep))
            case ("edit", {"what": "correction", "to": {"sweeps": list(moved)}}):
                for one in moved:
                    self._spawn(self.workflow.refresh(str(one)))
            case ("edit", {"what": "correction" | "kept", "target": str(sweep)}):
                self._spawn(self.workflow.refresh(sweep))
            case ("edit", {"what": str(what), "target": str(row)}) if what in RESAYS:
                self._spawn(self.workflow.refresh_row(row))
            case _:
                self.study.note(words)
                self.hub.tell(self.study.message())

    # ── from the threads, on the loop ────────────────────────────────────────────────────────────

    def _epoch(self, device: str, epoch: Epoch) -> None:
        known = self.study.epochs.get(device)
        self.study.epochs[device] = epoch
        montage = montage_of(epoch.info.streams)
        if not self.study.montage.leads and montage.leads:
            placement = self.study.begin(montage)
            step = self.study.step()
            self.stimulation.place(placement, NO_STEP if step is None else step.pulse)
            if self.plan.directions is None:
                # an assessment begins with the first epoch; what was said before holds from then
                self._director.at_once(*self.study.words())
                self.workflow.begun()
        self._first_epoch.set()
        if known is None or known.info.streams != epoch.info.streams:
            # what a page may ask for has changed: it starts again from a new hello
            for viewer in self.hub.viewers:
                viewer.tell(text_body(self.hello(viewer.client)))
                if not viewer.watches:
                    self._spawn(self._show_default(viewer))
        self.hub.tell(epoch_json(device, epoch))

    def _gap(self, gap: GapNotice) -> None:
        self.hub.tell(gap_json(gap))

    def _trigger(self, device: str, trigger: Trigger) -> None:
        self.hub.tell(trigger_json(device, trigger, self.now()))

    def _state(self, device: str, state: DeviceState) -> None:
        before = self.study.states[device].state
        self.study.states[device] = state
        self.hub.tell(state_json(state))
        if state.state is LinkState.LOST and before is not LinkState.LOST:
            self.alarm("lost", f"{device} is lost: {state.sentence}")

    def _swept(self, sweep: Sweep, result: SweepResult) -> None:
        entry = self.workflow.swept(sweep, result)
        self.hub.tell(self.study.book.message(entry))
        header = Header(
            Kind.SWEEP, entry.number & 0xFFFF, sweep.epoch, max(0, sweep.start_index),
            sweep.samples_uv.shape[-1], sweep.samples_uv.shape[0], 1, self.now(),
        )  # fmt: skip
        self.hub.deliver([binary_parcel(header, sweep.samples_uv.astype("f4"))])

    def _carded(self, card: MuscleStatus) -> None:
        self.hub.tell(self.study.hold_card(card))

    def _stimulator(self, status: StimulatorStatus) -> None:
        self.hub.tell(stimulator_json(status))

    def _stimulated(self, record: Record) -> None:
        if record.what == "arm":
            self.alarm("armed", record.sentence)
        elif record.what.endswith("refused"):
            self.alarm("note", f"{record.what}: {record.sentence}")

    def _frame(self, device: str, frame: LiveFrame) -> None:
        self.viewing.frame(device, frame)

    def _skipped(self, device: str, view: int, samples: int) -> None:
        self.viewing.skipped(device, view, samples)

    def _left(self, viewer: Viewer) -> None:
        self.stimulation.gone(viewer.client)
        self._spawn(self.viewing.leave(viewer))

    # ── on the stimulator's thread ───────────────────────────────────────────────────────────────

    def _expect(self, stimulus: Stimulus) -> None:
        leading = self.study.leading_device
        if leading is not None:
            self.pipelines[leading].expect(stimulus)
        if self._recorder is not None:
            self._recorder.stimulus(stimulus)

    def _say(self, stimulus: Stimulus | None) -> None:
        leading = self.study.leading_device
        if leading is not None:
            self.pipelines[leading].say(stimulus)

    def _record_stimulation(self, record: Record) -> None:
        if self._recorder is not None:
            self._recorder.setting("stimulation", plain_fields(record), record.at_s)
        self._handover.post(self._stimulated, record)

    # ── parts ────────────────────────────────────────────────────────────────────────────────────

    def _open_record(self) -> Recorder | None:
        if self.plan.recording is None:
            return None
        header = self.study.header(self.plan.mode, self.utc_now())
        return Recorder(self.plan.recording, header=header, now=self.now)

    def _make_assessor(self) -> Assessor:
        def trouble(sentence: str) -> None:
            self._handover.post(self.alarm, "note", sentence)

        return Assessor(
            Findings(
                sweep=lambda *a: self._handover.post(self._swept, *a),
                card=lambda *a: self._handover.post(self._carded, *a),
                row=lambda *a: self._handover.post(self.workflow.row, *a),
                trouble=trouble,
            ),
            self.now,
            self.plan.circumstances,
        )

    def _make_workflow(self) -> Workflow:
        file = None if self.plan.recording is None else self.plan.recording.name
        return Workflow(
            self.study,
            self._assessor,
            self._director,
            Journal(self.plan.keeper, self.plan.study, file),
            WorkflowPorts(self.stimulation.place, self.utc_now, self.hub.tell),
        )

    def _make_stimulation(self) -> Stimulation:
        ports = StimulationPorts(
            expect=self._expect,
            status=lambda *a: self._handover.post(self._stimulator, *a),
            record=self._record_stimulation,
            beat_s=lambda: self._beat_s,
            say=self._say,
        )
        plan, limits = self.plan, load_stimulator_limits()
        return Stimulation(plan.open_stimulator, limits, ports, self.now, plan.stimulator_kind)

    def _make_pipeline(self, device: DevicePlan) -> Pipeline:
        leads = device.id == self.study.leading_device
        show = partial(self._handover.post, self._show)
        directions = self.plan.directions if leads else None
        outlets = BedsideOutlets(
            device.id,
            recorder=self._recorder,
            assessor=self._assessor,
            stimulation=self.stimulation,
            handover=self._handover,
            on_loop=OnLoop(self._epoch, self._gap, self._trigger, self._state),
            leads=leads,
            now=self.now,
            before_block=self._director.again(directions, device.id, show),
        )
        return Pipeline(device.id, outlets=outlets, recording=self.plan.run_name)

    # ── beside ───────────────────────────────────────────────────────────────────────────────────

    async def _show_default(self, viewer: Viewer) -> None:
        found = self.study.default_view()
        if found is None:
            return
        wanted = Wanted(*found, DEFAULT_PRESET, DEFAULT_COLUMNS_PER_S)
        try:
            await self.viewing.subscribe(viewer, wanted, None)
        except ValueError as error:
            viewer.tell(text_body({"type": "error", "request": None, "sentence": str(error)}))

    async def _beat(self) -> None:
        """Show the stimulator's thread that the loop runs, and measure how late it is."""
        while True:
            asked_s = self.now() + BEAT_S
            await asyncio.sleep(BEAT_S)
            self._beat_s = self.now()
            self.lag_s = max(0.0, self._beat_s - asked_s)

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            self.hub.check()
            told = self._recording()
            self.hub.tell(told)
            state = str(told["state"])
            if state != self._recording_state and state == "failed":
                self.alarm("not_on_disk", str(told["sentence"]))
            self._recording_state = state

    def _recording(self) -> dict[str, Json]:
        if self._recorder is None:
            return recording_json(None, "")
        return recording_json(self._recorder.status, self._recorder.path.name)

    def _spawn(self, work: Coroutine[None, None, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
