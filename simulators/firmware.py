"""What every simulated device is: a command state machine that turns a patient into wire bytes.

A firmware does no I/O and reads no clock. `receive` answers host bytes, `produce` converts the next
samples; a port paces it in real time, a test drives it in virtual time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


class PatientSource(Protocol):
    """The electrodes, as a front end samples them; `simulators.patient.Patient` is the real one."""

    @property
    def sample_index(self) -> int:
        """Index of the next sample."""
        ...

    def advance(self, n: int) -> npt.NDArray[np.float64]:
        """The next n samples, (n_channels, n) µV; any split gives the same samples."""
        ...

    def reset_clock(self) -> None:
        """Count samples from 0 again."""
        ...

    def stimulate(self, at_sample: float, *, current_ma: float, width_us: float) -> None:
        """One pulse at a fractional sample index not before `sample_index`."""
        ...

    def place(self, nerve: str, site: str, side: str) -> None:
        """Where the stimulating electrodes lie."""
        ...

    def set_dial(
        self,
        muscle: str,
        *,
        umn: float | None = None,
        lmn: float | None = None,
        **parts: float | None,
    ) -> None:
        """Move the dials (0-1) of one muscle, or of `all`; parts of the UMN dial, None: follows."""
        ...

    def set_task(
        self,
        name: str,
        level: float = 0.0,
        *,
        muscle: str | None = None,
        velocity_deg_s: float | None = None,
        seconds: float | None = None,
    ) -> None:
        """What the patient does."""
        ...

    def tap(self, muscle: str, force_n: float, at_sample: float | None = None) -> float:
        """A blow on a tendon; when it lands."""
        ...

    def magnetic(
        self, muscle: str | None, intensity: float, at_sample: float | None = None
    ) -> float:
        """A magnetic pulse over the cortex; when it lands."""
        ...

    def set_technique(self, name: str, value: float, channel: int | None = None) -> None:
        """Make or mend an error of electrodes or operator, on one channel or on all."""
        ...

    def needle(
        self,
        muscle: str,
        action: str,
        mm: float | None = None,
        kind: str = "concentric",
        along_mm: float | None = None,
    ) -> Mapping[str, Any]:
        """Move a needle; where its tip then is."""
        ...

    def set_montage(self, montage: Mapping[int, str | None]) -> None:
        """Move the leads of these channels; None: an unused input."""
        ...

    def truth(self, first: int, last: int, *, brief: bool = False) -> dict[str, Any]:
        """What really happened in samples [first, last)."""
        ...

    def templates(self, only: str | None = None) -> dict[str, Any]:
        """Noise-free responses for the dials now set."""
        ...

    def describe(self) -> dict[str, Any]:
        """Muscles, dials, task."""
        ...


PatientAt = Callable[[float], PatientSource]


class Firmware(Protocol):
    """One simulated device. `busy_s` is how long the device is deaf after the last `receive` or
    `boot`; a port holds replies back for that long, an in-process test may ignore it."""

    @property
    def rate_hz(self) -> float:
        """Samples per second now set."""
        ...

    @property
    def streaming(self) -> bool:
        """Whether `produce` gives frames."""
        ...

    @property
    def sample_counter(self) -> int:
        """The device's own counter at the next frame."""
        ...

    @property
    def frame_length(self) -> int:
        """Bytes of one sample frame in the mode now set."""
        ...

    @property
    def busy_s(self) -> float:
        """Seconds of deafness caused by the last call."""
        ...

    @property
    def patient(self) -> PatientSource:
        """The patient at the rate now set."""
        ...

    @property
    def trigger(self) -> TriggerLine:
        """The digital input wired to the stimulator."""
        ...

    def boot(self) -> bytes:
        """Power on, or power-cycle: everything back to its first state; what the device says."""
        ...

    def receive(self, data: bytes) -> bytes:
        """Host bytes in, immediate reply bytes out."""
        ...

    def tick(self, elapsed_s: float) -> bytes:
        """Let device time pass without samples: replies that come from timeouts."""
        ...

    def produce(self, n_samples: int, keep: Mask | None = None) -> bytes:
        """Convert the next n samples; frames of those that the device could send.

        keep: (n_samples,) bool, None = all. A conversion that is not kept is lost before the wire,
        as the device would lose it.
        """
        ...

    def set_gain_code(self, channel: int, code: int) -> None:
        """Silently change one channel's gain (1-based channel, ADS1299 gain code 0-6)."""
        ...

    def set_drift(self, ppm: float) -> None:
        """Run the converter's clock fast by ppm."""
        ...


@dataclass(slots=True)
class TriggerLine:
    """A TTL line on the sample clock: pulses as [rise, fall) in fractional samples.

    stretch_samples: shortest pulse the line shows. A trigger box in front of a slow amplifier
    stretches pulses, or a 1 ms pulse would fall between two samples.
    """

    stretch_samples: float = 0.0
    _pulses: list[tuple[float, float]] = field(default_factory=list)

    def raise_at(self, at_sample: float, width_samples: float) -> None:
        """One pulse."""
        self._pulses.append((at_sample, at_sample + max(width_samples, self.stretch_samples)))

    def levels(self, first: int, n: int) -> Mask:
        """Level at samples [first, first + n); older pulses are forgotten."""
        level = np.zeros(n, dtype=np.bool_)
        if self._pulses:
            index = first + np.arange(n)
            for rise, fall in self._pulses:
                level |= (index >= rise) & (index < fall)
            self._pulses = [pulse for pulse in self._pulses if pulse[1] > first + n]
        return level

    def clear(self) -> None:
        """Forget every pulse."""
        self._pulses.clear()
