"""A recording as a device: `file:PATH?speed=1`. The same blocks, gaps, triggers and epochs again.

Each recorded epoch is one opening of the device. Where it ends, `read` raises DeviceLost, as the
device did then; the worker opens again and the next recorded epoch follows as its new epoch. Within
one process the place in the file is therefore remembered between openings.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from drivers.errors import ConfigError, DeviceLost, HandshakeError, PortError
from drivers.types import DeviceInfo, Epoch, Found, SampleBlock

from .layout import RecordingError
from .reader import BlockReceived, EpochOpened, Event, Recording, read_recording

_LONGEST_WAIT_S = 0.05


class Replay:
    """One recorded epoch of one device, played as it came.

    speed: 1 as fast as it was recorded, 2 twice, 0 without waiting. position: how many epochs of
    the device are skipped; `ended` is told the position of the next opening. Blocks carry host
    times of now, as any device's do; everything else is as recorded, to the bit.
    """

    default_config: ClassVar[str] = ""
    _positions: ClassVar[dict[tuple[Path, str], int]] = {}

    def __init__(
        self,
        path: Path,
        *,
        device: str = "",
        speed: float = 1.0,
        position: int = 0,
        now: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
        ended: Callable[[int], None] | None = None,
    ) -> None:
        """Raises PortError (no such file, played to its end) or HandshakeError (no such device)."""
        self._recording = _open(path)
        self._device = device
        self._speed = speed
        self._now = now
        self._stopped = threading.Event()
        self._wait = wait or self._stopped.wait
        self._ended = ended
        self._lock = threading.Lock()
        self._events: Iterator[Event] = self._recording.events()
        self.position = position
        self._pending: SampleBlock | None = None
        self._anchor: tuple[float, float] | None = None  # recorded time, time of now
        self._streaming = False
        try:
            self._epoch = self._find_epoch(position)
        except Exception:
            self.close()
            raise

    @classmethod
    def open(cls, address: str, options: Mapping[str, str]) -> Replay:
        """The file at `address`; options `speed` (0: no waiting), `device` (the first)."""
        unknown = set(options) - {"speed", "device", "config"}
        if unknown:
            names = ", ".join(sorted(unknown))
            raise ConfigError(f"a recording takes the options speed and device, not {names}")
        try:
            speed = float(options.get("speed", "1"))
        except ValueError as error:
            raise ConfigError(f"speed must be a number, got {options['speed']!r}") from error
        if not 0 <= speed < float("inf"):
            raise ConfigError(f"speed must be 0 (no waiting) or positive, got {speed}")
        path, device = Path(address).resolve(), options.get("device", "")
        key = (path, device)

        def ended(position: int) -> None:
            cls._positions[key] = position

        at = cls._positions.get(key, 0)
        return cls(path, device=device, speed=speed, position=at, ended=ended)

    @staticmethod
    def find() -> list[Found]:
        """Recordings are opened by name; none is looked for."""
        return []

    @property
    def info(self) -> DeviceInfo:
        """As recorded."""
        return self._epoch.info

    @property
    def settings_read_back(self) -> Mapping[str, str]:
        """As recorded."""
        return self._epoch.settings_read_back

    @property
    def counter_at_zero(self) -> int | None:
        """As recorded."""
        return self._epoch.device_counter_at_zero

    def start(self) -> None:
        """Begin playing."""
        self._streaming = True

    def read(self, timeout_s: float) -> SampleBlock | None:
        """The next block when it is due. Raises DeviceLost where the recorded epoch ends."""
        if not self._streaming:
            self._wait(timeout_s)
            return None
        block = self._next_block() if self._pending is None else self._pending
        if not self._is_due(block, timeout_s):
            self._pending = block
            return None
        self._pending = None
        triggers = tuple(replace(trigger, epoch=0) for trigger in block.triggers)
        return replace(block, epoch=0, triggers=triggers, received_s=self._now())

    def stop(self) -> None:
        """End playing; a read that waits returns at once."""
        self._streaming = False
        self._stopped.set()

    def close(self) -> None:
        """Release the file; idempotent."""
        self.stop()
        with self._lock:
            self._events = iter(())
            self._recording.close()

    def _is_due(self, block: SampleBlock, timeout_s: float) -> bool:
        """Wait at most `timeout_s` for the block's time; whether it has come."""
        if self._speed == 0:
            return True
        if self._anchor is None:
            self._anchor = (block.received_s, self._now())
        recorded_s, begun_s = self._anchor
        due_s = begun_s + (block.received_s - recorded_s) / self._speed
        give_up_s = self._now() + timeout_s
        while self._streaming and (left_s := due_s - self._now()) > 0:
            patience_s = give_up_s - self._now()
            if patience_s <= 0:
                return False
            self._wait(min(left_s, patience_s, _LONGEST_WAIT_S))
        return self._streaming

    def _find_epoch(self, position: int) -> Epoch:
        """Advance to the epoch at `position` of the device."""
        seen = 0
        for event in self._events:
            if isinstance(event, EpochOpened) and event.device == (self._device or event.device):
                self._device = event.device
                if seen == position:
                    return event.epoch
                seen += 1
        name = self._recording.path.name
        if seen:
            raise PortError(f"{name} has been played to its end; open it anew to see it again")
        wanted = f"of {self._device} " if self._device else ""
        raise HandshakeError(f"{name} holds no samples {wanted}that could be played")

    def _next_block(self) -> SampleBlock:
        """The next recorded block of this epoch. Raises DeviceLost at its end."""
        with self._lock:
            for event in self._events:
                match event:
                    case BlockReceived(device, block) if device == self._device:
                        return block
                    case EpochOpened(device, epoch) if device == self._device:
                        self._end()
                        raise DeviceLost(
                            f"epoch {self._epoch.number} of the recording ends here "
                            f"({epoch.cause}); the next one follows"
                        )
            self._end()
            raise DeviceLost(f"the recording {self._recording.path.name} ends here")

    def _end(self) -> None:
        if self._ended is not None:
            self._ended(self.position + 1)


def _open(path: Path) -> Recording:
    try:
        return read_recording(path)
    except RecordingError as error:
        raise PortError(str(error)) from error
