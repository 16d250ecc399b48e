"""What one device's pipeline tells, sent where it belongs: record first, then the rest.

Runs on the device's thread; every call only queues.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.types import Epoch, LinkState, SampleBlock, Stimulus, Trigger
from service.acquisition.types import DeviceState, GapNotice, LiveFrame, Signal
from service.model import Sweep
from service.recording.recorder import Recorder

from .assessor import Assessor
from .handover import Handover
from .stimulation import Stimulation


@dataclass(frozen=True, slots=True)
class OnLoop:
    """The session's side of it, called on the event loop."""

    epoch: Callable[[str, Epoch], None]
    gap: Callable[[GapNotice], None]
    trigger: Callable[[str, Trigger], None]
    state: Callable[[str, DeviceState], None]


class BedsideOutlets:
    """Outlets of one device. `leads`: it is the one whose data a pulse needs. before_block: of a
    replay, see `Director.again`."""

    def __init__(
        self,
        device: str,
        *,
        recorder: Recorder | None,
        assessor: Assessor,
        stimulation: Stimulation,
        handover: Handover,
        on_loop: OnLoop,
        leads: bool,
        now: Callable[[], float],
        before_block: Callable[[SampleBlock], None] | None = None,
    ) -> None:
        self._recorder = recorder
        self._assessor = assessor
        self._stimulation = stimulation
        self._handover = handover
        self._on_loop = on_loop
        self._leads = leads
        self._now = now
        self._device = device
        self._before_block = before_block
        self._state: LinkState | None = None

    def epoch(self, device: str, epoch: Epoch) -> None:
        """A new epoch: recorded, then everybody is told."""
        if self._recorder is not None:
            self._recorder.epoch(device, epoch)
        self._assessor.open(device, epoch)
        self._handover.post(self._on_loop.epoch, device, epoch)

    def block(self, device: str, block: SampleBlock) -> None:
        """To the record, before anything else is done with it. In a replay: first what was done
        before it then."""
        if self._before_block is not None:
            self._before_block(block)
        if self._recorder is not None:
            self._recorder.block(device, block)

    def gap(
        self, device: str, stream: str, *, epoch: int, first_missing: int, count: int, at_s: float
    ) -> None:
        """Samples that never came."""
        if self._recorder is not None:
            self._recorder.gap(
                device, stream, epoch=epoch, first_missing=first_missing, count=count, at_s=at_s
            )
        notice = GapNotice(device, stream, epoch, first_missing, count, at_s, "gap")
        self._handover.post(self._on_loop.gap, notice)

    def trigger(self, device: str, trigger: Trigger) -> None:
        """An edge."""
        if self._recorder is not None:
            self._recorder.trigger(device, trigger)
        self._handover.post(self._on_loop.trigger, device, trigger)

    def frame(self, frame: LiveFrame) -> None:
        """A trace frame, for who watches."""
        self._handover.frame(self._device, frame)

    def sweep(self, sweep: Sweep) -> None:
        """A sweep: its pulse was seen; then it is measured."""
        if sweep.stimulus is not None:
            self._stimulation.seen(sweep.stimulus.id)
            if self._recorder is not None:
                self._recorder.stimulus(sweep.stimulus)
        self._assessor.sweep(sweep)

    def unseen(self, device: str, stimulus: Stimulus) -> None:  # noqa: ARG002 - Outlets' signature
        """A pulse whose edge did not come."""
        self._stimulation.unseen(stimulus.id)

    def signal(self, device: str, signal: Signal) -> None:
        """Samples for the assessment."""
        self._assessor.signal(device, signal)

    def state(self, device: str, state: DeviceState) -> None:
        """The link's state; a device that is not live disarms the stimulator."""
        if self._state != state.state:
            self._state = state.state
            if self._recorder is not None:
                self._recorder.state(device, state.state, state.sentence, self._now())
        if self._leads:
            self._stimulation.amplifier(state.state is LinkState.LIVE, state.epoch)
        self._handover.post(self._on_loop.state, device, state)
