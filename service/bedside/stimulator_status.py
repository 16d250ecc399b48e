"""What stimulation tells the rest of the service: its state, and one line per pulse or refusal."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from drivers.errors import StimulatorRefused
from drivers.types import Pulse, Stimulator, StimulatorKind, Stimulus

from .interlock import Interlock, Phase
from .placement import Placement
from .stimulator_words import STATED


@dataclass(frozen=True, slots=True)
class StimulatorStatus:
    """What the page shows; `expires_in_s` is None when not armed. implant: the answer about
    implanted devices, empty if nobody was asked. train: a declared train and how far it is. kind:
    whether current and width are what was set here, or what the operator stated. hunting: sweeps
    are shown and not kept. longest_us: the widest pulse that the limits allow."""

    state: Phase
    sentence: str
    current_ma: float
    width_us: float
    expires_in_s: float | None
    ceiling_ma: float
    placement: Placement
    delivered_count: int
    implant: str = ""
    train: str = ""
    kind: StimulatorKind = StimulatorKind.CONTROLLED
    hunting: bool = False
    longest_us: float = 1000.0

    @property
    def said(self) -> Stimulus | None:
        """The pulse that the operator stated, at the present place; None at 0 mA: not stated."""
        if self.current_ma <= 0:
            return None
        where = self.placement
        pulse = Pulse(self.current_ma, self.width_us)
        return Stimulus(
            "said", pulse, where.nerve, where.site, where.side, 0.0, None, None, True, self.hunting
        )


def status_of(lock: Interlock, delivered_count: int, now_s: float) -> StimulatorStatus:
    """As the rules see it now."""
    expires = lock.expires_in_s(now_s)
    return StimulatorStatus(
        lock.phase, lock.sentence, lock.pulse.current_ma, lock.pulse.width_us,
        None if expires is None else round(expires), lock.limits.max_ma, lock.placement,
        delivered_count, lock.implant, "" if lock.train is None else lock.train.words, lock.kind,
        lock.hunting, lock.limits.max_us,
    )  # fmt: skip


def stimulus_of(lock: Interlock, pulse: Pulse, requested_s: float, sent_s: float) -> Stimulus:
    """A pulse about to be sent where the electrodes lie."""
    where = lock.placement
    return Stimulus(
        uuid.uuid4().hex, pulse, where.nerve, where.site, where.side,
        requested_s, sent_s, None, lock.kind.stated, lock.hunting,
    )  # fmt: skip


def pulse_words(pulse: Pulse, kind: StimulatorKind) -> str:
    """Of a pulse in the record: whether its current was set, or only stated."""
    words = f"{pulse.current_ma:g} mA {pulse.width_us:g} µs"
    return f"{words}, {STATED}" if kind.stated else words


@dataclass(frozen=True, slots=True)
class Record:
    """One line for the record and the log: a pulse, a refusal, or a change of state (N9)."""

    what: str
    cause: str
    sentence: str
    client: str
    at_s: float


@dataclass(frozen=True, slots=True)
class StimulationPorts:
    """What stimulation tells. All of them are called on its thread and must not block.

    expect: a pulse is about to be sent, so the edge that follows is its. status: the state changed.
    record: see `Record`. beat_s: when the event loop last showed that it runs. say: of a manual
    stimulator, what its next edges are by the operator's word; None: nothing was said.
    """

    expect: Callable[[Stimulus], None]
    status: Callable[[StimulatorStatus], None]
    record: Callable[[Record], None]
    beat_s: Callable[[], float]
    say: Callable[[Stimulus | None], None] = lambda _: None


@dataclass(slots=True)
class Request:
    """What the stimulator's thread is asked to do, by which page, and where the answer goes."""

    run: Callable[[], None]
    answer: Future[StimulatorStatus]
    what: str
    client: str


def keep_armed(device: Stimulator) -> None:
    """A heartbeat. Raises StimulatorRefused if the stimulator has disarmed itself."""
    try:
        state = device.heartbeat()
    except StimulatorRefused as refusal:
        armed, cause = False, refusal.cause
    else:
        armed, cause = state.armed, state.cause
    if not armed:
        raise StimulatorRefused(cause, f"the stimulator disarmed itself ({cause}); arm again")
