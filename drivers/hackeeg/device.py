"""A HackEEG on a serial port: handshake, registers written and read back, samples."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from drivers.ads1299 import REGISTERS, WRITABLE
from drivers.config import DeviceConfig, load_config, with_labels
from drivers.errors import ConfigError, DeviceLost, HandshakeError, SettingsMismatch
from drivers.link import Link, SerialLink, serial_ports
from drivers.types import DeviceInfo, Found, SampleBlock

from .commands import OK, QUIET, READY, TO_JSON_LINES, VERSION, Answer, command, find_answer
from .protocol import HackEEGProtocol

USB_IDS: Final = ((0x2341, 0x003E), (0x2A03, 0x003E))  # Arduino Due, native port
_ANSWER_S: Final = 3.0
_RESET_S: Final = 4.0  # the firmware waits 1.1 s in it, 2.6 s after power-on
_SILENT_S: Final = 10.0  # a shorter silence is a gap that micros() counts
_PACE_S: Final = 0.0095  # 152 samples at 16 kHz; a pseudo-terminal holds 25 ms of them


class HackEEG:
    """One board, configured. Open it with `HackEEG.open`."""

    default_config = "hackeeg-ncs-16k"

    def __init__(
        self, link: Link, config: DeviceConfig, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._link = link
        self._config = config
        self._now = now
        self._lock = threading.Lock()  # one thread at a time talks to the board
        self._streaming = threading.Event()
        self._protocol = HackEEGProtocol(config)
        self._blocks: deque[SampleBlock] = deque()
        self._unread = b""
        self._owed = 0  # answers to commands that were not waited for
        self._ending: DeviceLost | None = None
        self._heard_s = 0.0
        self._settings: dict[str, str] = {}
        self._info = self._identify()
        self._configure()

    @classmethod
    def open(cls, address: str, options: Mapping[str, str]) -> HackEEG:
        """Open a port and set the board up. Raises ConfigError, PortError, HandshakeError."""
        unknown = set(options) - {"config", "labels"}
        if unknown:
            names = ", ".join(sorted(unknown))
            raise ConfigError(f"hackeeg takes the options config and labels, not {names}")
        config = load_config(options.get("config", cls.default_config))
        if config.driver != "hackeeg":
            raise ConfigError(
                f"{config.id} is a configuration for {config.driver}, not for hackeeg: expected "
                f"one such as {cls.default_config}"
            )
        config = with_labels(config, options.get("labels"))
        link = SerialLink(address, config.baud)
        try:
            return cls(link, config)
        except BaseException:
            link.close()
            raise

    @classmethod
    def find(cls) -> list[Found]:
        """Arduino Due boards on their native port; which of them are HackEEGs shows on opening."""
        return [
            Found(f"hackeeg:{port.path}", f"HackEEG? {port.label}", cls.default_config)
            for port in serial_ports()
            if (port.vendor_id, port.product_id) in USB_IDS
        ]

    @property
    def info(self) -> DeviceInfo:
        """Identity and streams."""
        return self._info

    @property
    def settings_read_back(self) -> Mapping[str, str]:
        """ADS1299 register → value in hex, as the chip said it."""
        return self._settings

    @property
    def counter_at_zero(self) -> int | None:
        """The board's sample number at index 0."""
        return self._protocol.counter_at_zero

    def start(self) -> None:
        """Check the registers once more, then stream. Raises HandshakeError or DeviceLost."""
        with self._lock:
            self._read_back()
            self._protocol = HackEEGProtocol(self._config)
            self._blocks.clear()
            self._ending = None
            self._expect("messagepack")
            self._expect("rdatac")
            self._expect("start")  # numbers samples from 0; frames before its answer are older
            self._heard_s = self._now()
            self._streaming.set()
            self._link.pace_s = _PACE_S
            first, self._unread = self._unread, b""
            self._decode(first)

    def read(self, timeout_s: float) -> SampleBlock | None:
        """The next block, or None when nothing came in time. Raises DeviceLost."""
        if not self._streaming.wait(timeout_s):
            return None
        deadline = self._now() + timeout_s
        while not self._blocks:
            if self._ending is not None:
                raise self._ending
            left_s = deadline - self._now()
            with self._lock:
                data = self._link.read_available(max(0.0, left_s))
                if not self._streaming.is_set():
                    return None
                self._decode(data)
            if not self._blocks and left_s <= 0:
                return None
        return self._blocks.popleft()

    def stop(self) -> None:
        """End streaming; silent when it was not streaming or the board is gone."""
        if not self._streaming.is_set():
            return
        self._streaming.clear()
        self._link.pace_s = 0.0
        self._link.interrupt()
        with self._lock, contextlib.suppress(DeviceLost, HandshakeError):
            self._send("stop")
            self._send("sdatac")
            self._answer("sdatac", _ANSWER_S)

    def close(self) -> None:
        """Stop and release the port; idempotent."""
        self.stop()
        self._link.close()

    def _decode(self, data: bytes) -> None:
        """Queue what the bytes hold; what ends the run is raised after the samples before it."""
        restarted = READY in self._unread + data
        self._unread = data[-len(READY) :]
        if restarted:
            data = data.partition(READY)[0]
        try:
            blocks = self._protocol.feed(data, self._now())
        except DeviceLost as error:
            self._ending = error
            return
        if blocks:
            self._heard_s = self._now()
            self._blocks.extend(blocks)
        elif self._now() - self._heard_s > _SILENT_S:
            self._ending = DeviceLost(
                f"no sample from {self._link.name} for {_SILENT_S:g} s although the port is open: "
                "is the board powered?"
            )
        if restarted:
            self._ending = DeviceLost(
                f"the board on {self._link.name} restarted and lost its settings"
            )

    def _say_hello(self) -> str:
        """Quiet, in JSON Lines, and every older answer read: the firmware's version.

        What the board was doing is not known, nor how many of the lines it understands; but it
        answers in order, and only `version` is answered with a version.
        """
        self._link.write(QUIET + TO_JSON_LINES + command("version"))
        deadline = self._now() + _RESET_S
        while True:
            answer = self._next_answer("version", deadline)
            if answer.code == OK and VERSION.match(answer.text):
                self._owed = 0
                return answer.text

    def _identify(self) -> DeviceInfo:
        firmware = self._say_hello()
        status = self._expect("status").data
        chip = status.get("hardware_type") if isinstance(status, dict) else None
        if chip != "ADS1299":
            raise HandshakeError(
                f"{self._link.name} has a {chip or 'chip that it does not name'}, expected an "
                "ADS1299: is this a HackEEG?"
            )
        serial = self._ask("serialnumber")
        return DeviceInfo(
            driver="hackeeg",
            model=f"{status.get('board_name', 'HackEEG')} ({chip})",
            serial_number=serial.text if serial.code == OK else "",
            firmware=firmware,
            streams=(self._protocol.stream,),
            capability=self._config.capability,
        )

    def _configure(self) -> None:
        self._expect("sdatac")
        self._expect("reset", timeout_s=_RESET_S)
        for name, value in self._config.registers.items():
            self._expect("wreg", REGISTERS[name], value)
        self._read_back()

    def _read_back(self) -> None:
        """Every register as the chip says it. Raises SettingsMismatch on the first that differs."""
        settings = {}
        for name, written in self._config.registers.items():
            read = self._expect("rreg", REGISTERS[name]).data
            if not isinstance(read, int) or (read ^ written) & WRITABLE.get(name, 0xFF):
                seen = f"0x{read:02X}" if isinstance(read, int) else repr(read)
                raise SettingsMismatch(
                    f"register {name} of {self._link.name}: 0x{written:02X} was written, {seen} "
                    "was read back; no samples are taken with settings that are not known"
                )
            settings[name] = f"0x{read:02X}"
        self._settings = settings

    def _expect(self, name: str, *parameters: int, timeout_s: float = _ANSWER_S) -> Answer:
        answer = self._ask(name, *parameters, timeout_s=timeout_s)
        if answer.code != OK:
            raise HandshakeError(
                f"{self._link.name} refused {name!r}: {answer.code} {answer.text}, expected {OK}"
            )
        return answer

    def _ask(self, name: str, *parameters: int, timeout_s: float = _ANSWER_S) -> Answer:
        self._send(name, *parameters)
        return self._answer(name, timeout_s)

    def _send(self, name: str, *parameters: int) -> None:
        self._link.write(command(name, *parameters))
        self._owed += 1

    def _answer(self, name: str, timeout_s: float) -> Answer:
        """The answer to the last command; those still owed to earlier ones are passed over."""
        deadline = self._now() + timeout_s
        while True:
            answer = self._next_answer(name, deadline)
            self._owed -= 1
            if self._owed <= 0:
                return answer

    def _next_answer(self, name: str, deadline: float) -> Answer:
        while (found := find_answer(self._unread)) is None:
            left_s = deadline - self._now()
            if left_s <= 0:
                raise HandshakeError(
                    f"{self._link.name} did not answer {name!r} in time: is this a HackEEG, on the "
                    "Arduino's native USB port, with driver v0.3.0?"
                )
            self._unread += self._link.read_available(left_s)
        answer, self._unread = found
        return answer
