"""The words that drivers, service and simulators share: channels, streams, epochs, blocks.

Conventions: time lies on the last axis; the sample index is the clock; microvolts and seconds
inside; `received_s` and every other host time is `CLOCK_MONOTONIC` seconds of this machine. Types
that hold arrays compare by identity (`eq=False`) and never become JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

ChannelKind = Literal["emg", "force", "angle", "accel", "digital", "counter", "aux"]
SampleArray = npt.NDArray[np.int32] | npt.NDArray[np.float64]


class Study(StrEnum):
    """A kind of examination, as the capability table asks about it (clinical reference 0.1)."""

    MOTOR_NCS = "motor_ncs"
    SENSORY_NCS = "sensory_ncs"
    F_WAVE = "f_wave"
    H_REFLEX = "h_reflex"
    RNS = "rns"
    CMAP_SCAN = "cmap_scan"
    MUNIX = "munix"
    NEEDLE = "needle"
    SURFACE_FASCICULATION = "surface_fasciculation"
    COHERENCE = "coherence"
    SURFACE_ENVELOPE = "surface_envelope"
    CLONUS = "clonus"
    FATIGUE = "fatigue"


class Allowance(StrEnum):
    """What a device may be used for: fully, with a stated restriction, or not at all."""

    YES = "yes"
    LIMITED = "limited"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Permission:
    """The answer to "may this device do this study?". `reason` is one sentence, empty for yes."""

    study: Study
    allowance: Allowance
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """One column of a stream. physical = (count - offset) * per_count, in `unit`.

    `calibrated` false means that `per_count` is not known well enough to quote a voltage.
    """

    label: str
    kind: ChannelKind
    unit: str
    per_count: float
    offset: float = 0.0
    calibrated: bool = True


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """Channels that share one rate. `group_delay_s` is the analogue front end's delay: it is taken
    off responses, never off digital lines."""

    name: str
    rate_hz: float
    dtype: Literal["int32", "float64"]
    channels: tuple[Channel, ...]
    group_delay_s: float


@dataclass(frozen=True, slots=True)
class Capability:
    """What the hardware can honestly measure; `drivers.capability` turns it into permissions.

    bandwidth_hz: -3 dB of the front end. lsb_uv: one count in microvolts, None if uncalibrated.
    loss_rule: how loss is found (`micros`, `counter-mod-256`, `timestamp`, `none`).
    trigger: `sample` = a digital line in every sample, `event` = a message in the stream, `none`.
    isolation_note: one sentence for the technician about patient isolation.
    """

    rate_hz: float
    bandwidth_hz: float
    lsb_uv: float | None
    loss_rule: str
    trigger: Literal["sample", "event", "none"]
    needle_input: bool
    isolation_note: str


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """Who the device says it is, and what it streams. `serial_number` is empty if it has none."""

    driver: str
    model: str
    serial_number: str
    firmware: str
    streams: tuple[StreamInfo, ...]
    capability: Capability


@dataclass(frozen=True, slots=True)
class Epoch:
    """A run of samples with one meaning and one clock; the only place with wall time.

    Reconnect, reboot, unknown loss and any change that alters what a count means open a new one.
    Sample index 0 of every stream is the first sample of the epoch; `device_counter_at_zero` is the
    device's own sample counter there (None where the device has none worth keeping).
    """

    number: int
    info: DeviceInfo
    settings_read_back: Mapping[str, str]
    opened_utc: datetime
    opened_monotonic_s: float
    device_counter_at_zero: int | None
    cause: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """An edge the stream showed. An edge first seen at sample k lies at k - 0.5 ± 0.5 samples:
    `sample_index` is k - 0.5 and `uncertainty_s` half a sample period."""

    stream: str
    epoch: int
    sample_index: float
    line: str
    edge: Literal["rise", "fall"]
    uncertainty_s: float


@dataclass(frozen=True, slots=True, eq=False)
class SampleBlock:
    """Consecutive samples of one stream, as they came from the device.

    data: shape (n_channels, n_samples), int32 counts, or float64 physical values where the source
    gives no counts. A jump of `start_index` against the end of the block before is a gap, and the
    only sign of one. `rejected`: frames that were received but refused since the block before.
    `suspect`: half-open index ranges [first, end) of samples that arrived but may be wrong.
    `received_s`: host monotonic time at which the last byte of the block was read.
    """

    stream: str
    epoch: int
    start_index: int
    data: SampleArray
    received_s: float
    triggers: tuple[Trigger, ...] = ()
    rejected: int = 0
    suspect: tuple[tuple[int, int], ...] = ()

    @property
    def end_index(self) -> int:
        """Index just past the last sample."""
        return self.start_index + int(self.data.shape[-1])

    def __reduce__(self) -> tuple[type[SampleBlock], tuple[object, ...]]:
        """Between processes: a hundred times a second, so without dataclasses' slower way."""
        return SampleBlock, (
            self.stream, self.epoch, self.start_index, self.data, self.received_s, self.triggers,
            self.rejected, self.suspect,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is asked of a stimulator: one pulse. Charge is current_ma * width_us / 1000 in µC."""

    current_ma: float
    width_us: float


@dataclass(frozen=True, slots=True)
class Stimulus:
    """One requested pulse and what became of it; joined to its trigger in `sweeps.py`, never by a
    driver. `sent_s` None: refused or not sent. `seen` None: no edge in the stream (yet). stated:
    the pulse is what an operator read off the stimulator's front panel; nothing measured it.
    hunting: given to find the place, so its sweep is shown but in no row."""

    id: str
    pulse: Pulse
    nerve: str
    site: str
    side: str
    requested_s: float
    sent_s: float | None
    seen: Trigger | None
    stated: bool = False
    hunting: bool = False


class LinkState(StrEnum):
    """State of a device, derived from the age of its data and from what its driver reports."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALLED = "stalled"
    LOST = "lost"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Found:
    """Something connected to this machine that a driver believes it can open."""

    url: str
    label: str
    config: str


@dataclass(frozen=True, slots=True)
class LossCount:
    """Account of one stream in one epoch: received + lost + rejected = sent, up to the last sample
    received."""

    received: int = 0
    lost: int = 0
    rejected: int = 0


@runtime_checkable
class Device(Protocol):
    """An amplifier. One thread reads; `stop` and `close` may come from any thread and end a read
    within 100 ms. A timeout is None; only broken promises raise (`drivers.errors`)."""

    @property
    def info(self) -> DeviceInfo:
        """Identity and streams; complete once the device is open."""
        ...

    @property
    def settings_read_back(self) -> Mapping[str, str]:
        """Register or channel settings as the device itself reported them."""
        ...

    @property
    def counter_at_zero(self) -> int | None:
        """The device's own counter at sample index 0; None before that, or if it has none."""
        ...

    def start(self) -> None:
        """Begin streaming. Raises HandshakeError or DeviceLost."""
        ...

    def read(self, timeout_s: float) -> SampleBlock | None:
        """The next block, or None when nothing came within `timeout_s`. Raises DeviceLost.

        Blocks carry epoch 0: the worker that owns the device numbers epochs.
        """
        ...

    def stop(self) -> None:
        """End streaming; silent when it was not streaming."""
        ...

    def close(self) -> None:
        """Release the port; idempotent."""
        ...


class StimulatorKind(StrEnum):
    """Who sets a stimulator's current and who fires it.

    controlled: software does both. triggered: software only fires; the current is set on the front
    panel, and the operator types what it says. manual: set and fired at the device; its edges come
    in by the amplifier.
    """

    CONTROLLED = "controlled"
    TRIGGERED = "triggered"
    MANUAL = "manual"

    @property
    def stated(self) -> bool:
        """Whether the pulse is what an operator says, not what was set or measured."""
        return self is not StimulatorKind.CONTROLLED


@dataclass(frozen=True, slots=True)
class StimulatorState:
    """What the stimulator itself last said."""

    armed: bool
    current_ma: float
    width_us: float
    delivered_count: int
    cause: str = ""


@runtime_checkable
class Stimulator(Protocol):
    """A stimulator: configure, arm and fire are apart; `disarm` needs no state and never raises."""

    def configure(self, pulse: Pulse) -> StimulatorState:
        """Set the next pulse. Disarms. Raises StimulatorRefused above a limit."""
        ...

    def arm(self) -> StimulatorState:
        """Allow pulses until disarmed, silent for the dead-man time, or expired."""
        ...

    def fire(self, nonce: str) -> StimulatorState:
        """One pulse. A nonce is used once; nothing is ever retried. Raises StimulatorRefused."""
        ...

    def heartbeat(self) -> StimulatorState:
        """Keep an armed stimulator armed; it disarms itself after 300 ms without."""
        ...

    def disarm(self) -> None:
        """Off, at once, from any state and any thread."""
        ...

    def close(self) -> None:
        """Disarm and release."""
        ...


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What a device's child process tells its parent besides blocks and epochs."""

    state: LinkState
    sentence: str = ""
    at_s: float = 0.0
    counts: Mapping[str, LossCount] = field(default_factory=dict)
