"""What can go wrong between a device's converter and the host, seeded and counted exactly.

A conversion that never reaches the wire is *dropped* and goes through the firmware, so that its
counters show it the way the real device's would. Corrupted, cut and split bytes and garbage happen
to frames that left the device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from .firmware import Firmware, Mask

Value = float | int

# fault name -> its keys; a key in REQUIRED must be given
KEYS: Mapping[str, frozenset[str]] = {
    "split": frozenset(),
    "drop": frozenset({"p", "count"}),
    "corrupt": frozenset({"p"}),
    "cut": frozenset({"p"}),
    "garbage": frozenset({"p"}),
    "stall": frozenset({"seconds"}),
    "unplug": frozenset({"seconds"}),
    "reboot": frozenset(),
    "drift": frozenset({"ppm"}),
    "burst": frozenset({"ms"}),
    "gain": frozenset({"channel", "code"}),
    "clear": frozenset(),
}
REQUIRED: Mapping[str, frozenset[str]] = {
    name: KEYS[name] for name in ("corrupt", "cut", "garbage", "stall", "drift", "burst", "gain")
}
RANGES: Mapping[str, tuple[float, float]] = {
    "p": (0.0, 1.0),
    "count": (1, 10**9),
    "seconds": (0.0, 86400.0),
    "ppm": (-100_000.0, 100_000.0),
    "ms": (0.0, 10_000.0),
    "channel": (1, 16),
    "code": (0, 6),
}
WHOLE = frozenset({"count", "channel", "code"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault as it was asked for."""

    name: str
    values: Mapping[str, Value]


def checked_fault(name: object, values: Mapping[str, object]) -> Fault:
    """A fault whose name, keys and ranges are sound. Raises ValueError with one sentence."""
    if not isinstance(name, str) or name not in KEYS:
        raise ValueError(f"expected a fault out of {', '.join(sorted(KEYS))}; got {name!r}.")
    unknown = set(values) - KEYS[name]
    missing = REQUIRED.get(name, frozenset()) - set(values)
    if name == "drop" and len(values) != 1:
        raise ValueError("fault drop takes either p or count.")
    if unknown or missing:
        keys = ", ".join(sorted(KEYS[name])) or "nothing"
        raise ValueError(
            f"fault {name} takes {keys}; got {', '.join(sorted(values)) or 'nothing'}."
        )
    return Fault(name, {key: _number(name, key, value) for key, value in values.items()})


def _number(name: str, key: str, value: object) -> Value:
    low, high = RANGES[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"fault {name}: {key} must lie in {low:g} to {high:g}; got {value!r}.")
    if key in WHOLE and value != int(value):
        raise ValueError(f"fault {name}: {key} must be a whole number; got {value!r}.")
    return int(value) if key in WHOLE else float(value)


def parse_fault(spec: str) -> Fault:
    """`name[:key=value[,key=value]]`. Raises ValueError with one sentence."""
    name, _, rest = spec.partition(":")
    values: dict[str, object] = {}
    for item in rest.split(",") if rest else []:
        key, _, text = item.partition("=")
        try:
            values[key.strip()] = float(text)
        except ValueError:
            raise ValueError(f"fault {spec!r}: expected key=number, got {item!r}.") from None
    return checked_fault(name.strip(), values)


@dataclass(slots=True)
class Counts:
    """Account of the wire. sent: samples converted while streaming; dropped: of these, never on the
    wire; corrupted: frames with flipped bits or a lost byte; garbage_bytes: bytes of no frame."""

    sent: int = 0
    dropped: int = 0
    corrupted: int = 0
    garbage_bytes: int = 0
    boots: int = 0

    def as_dict(self) -> dict[str, int]:
        """For JSON."""
        return asdict(self)


class Tally:
    """Counts in total and since the last boot."""

    def __init__(self) -> None:
        self.total = Counts()
        self.since_boot = Counts()

    def add(self, **more: int) -> None:
        """Add to both."""
        for counts in (self.total, self.since_boot):
            for name, n in more.items():
                setattr(counts, name, getattr(counts, name) + n)

    def booted(self) -> None:
        """A new boot begins."""
        self.since_boot = Counts()
        self.add(boots=1)


class Wire:
    """A firmware's output with faults on it; pure, so that a test can run it in virtual time."""

    def __init__(self, firmware: Firmware, *, seed: int) -> None:
        self.firmware = firmware
        self.tally = Tally()
        self.tally.booted()
        self._rng = np.random.default_rng([seed, 0xFA])
        self._held = b""
        self._clear()

    def _clear(self) -> None:
        self._p = {"drop": 0.0, "corrupt": 0.0, "cut": 0.0, "garbage": 0.0}
        self._split = False
        self._drop_left = 0
        self._stall_left = 0
        self.burst_s = 0.0

    @property
    def stalled(self) -> bool:
        """The firmware hangs: it neither converts for the host nor answers."""
        return self._stall_left > 0

    def set(self, fault: Fault) -> None:
        """Begin (or change) a fault; `unplug` and `reboot` belong to whoever owns the port."""
        values = fault.values
        match fault.name:
            case "clear":
                self._clear()
                self.firmware.set_drift(0.0)
            case "split":
                self._split = True
            case "drop" if "count" in values:
                self._drop_left += int(values["count"])
            case "drop" | "corrupt" | "cut" | "garbage":
                self._p[fault.name] = float(values.get("p", 0.0))
            case "stall":
                self._stall_left = round(values["seconds"] * self.firmware.rate_hz)
            case "drift":
                self.firmware.set_drift(values["ppm"])
            case "burst":
                self.burst_s = values["ms"] / 1000.0
            case "gain":
                self.firmware.set_gain_code(int(values["channel"]), int(values["code"]))
            case _:
                raise ValueError(f"fault {fault.name} needs a port to act on.")

    def reboot(self) -> bytes:
        """Power-cycle the device; what it says."""
        self._held = b""
        self._stall_left = 0
        self.tally.booted()
        return self.firmware.boot()

    def transfer(self, n: int, *, blocked: bool = False) -> bytes:
        """Bytes that reach the host while the next n samples are converted.

        blocked: the host does not read, so that none of them can be sent.
        """
        streaming = self.firmware.streaming
        keep = self._keep(n, blocked)
        frames = self.firmware.produce(n, None if keep.all() else keep)
        if streaming:
            self.tally.add(sent=n, dropped=int(n - keep.sum()))
            frames = self._damage(frames)
        return self.pass_on(frames)

    def pass_on(self, data: bytes) -> bytes:
        """Bytes now on the wire; under `split` some wait for the next call."""
        data = self._held + data
        end = int(self._rng.integers(len(data) + 1)) if self._split and data else len(data)
        self._held = data[end:]
        return data[:end]

    def _keep(self, n: int, blocked: bool) -> Mask:
        keep = np.full(n, not blocked)
        if self._stall_left:
            stalled = min(n, self._stall_left)
            keep[:stalled] = False
            self._stall_left -= stalled
        if not self.firmware.streaming:
            return keep
        if self._drop_left:
            run = min(n, self._drop_left)
            keep[:run] = False
            self._drop_left -= run
        if self._p["drop"]:
            keep &= self._rng.random(n) >= self._p["drop"]
        return keep

    def _damage(self, frames: bytes) -> bytes:
        if not frames or not any(self._p[name] for name in ("corrupt", "cut", "garbage")):
            return frames
        length = self.firmware.frame_length
        n = len(frames) // length
        flipped = self._rng.random(n) < self._p["corrupt"]
        cut = self._rng.random(n) < self._p["cut"]
        garbage = self._rng.random(n) < self._p["garbage"]
        pieces: list[bytes] = []
        done = 0
        for k in np.flatnonzero(flipped | cut | garbage):
            pieces.append(frames[done * length : k * length])
            frame = bytearray(frames[k * length : (k + 1) * length])
            if flipped[k]:
                for bit in self._rng.choice(8 * length, int(self._rng.integers(1, 4)), False):
                    frame[bit >> 3] ^= 1 << (bit & 7)
            if cut[k]:
                del frame[int(self._rng.integers(length))]
            pieces.append(bytes(frame))
            if garbage[k]:
                pieces.append(self._rng.bytes(int(self._rng.integers(1, 21))))
                self.tally.add(garbage_bytes=len(pieces[-1]))
            done = int(k) + 1
        self.tally.add(corrupted=int((flipped | cut).sum()))
        return b"".join([*pieces, frames[done * length :]])
