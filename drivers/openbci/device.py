"""OpenBCI Cyton and Cyton with Daisy behind their dongle. The only importer of brainflow.

BrainFlow hides an unplugged dongle, keeps one session for all equal parameters, believes any reply
and holds one lock for all boards. So: one board per process (the worker's), settings before the
start and read back from the board's own registers, a watchdog here, gaps from the packet number.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from brainflow.board_shim import BoardIds, BoardShim, BrainFlowInputParams
from brainflow.exit_codes import BrainFlowError, BrainFlowExitCodes

from drivers.config import DeviceConfig, load_config, with_labels
from drivers.errors import ConfigError, DeviceLost, HandshakeError, PortError
from drivers.link import serial_ports
from drivers.types import DeviceInfo, Found, SampleBlock

from . import replies
from .decoder import RowDecoder
from .port import HeldPort
from .rows import CYTON, DAISY, Layout

_POLL_S: Final = 0.02
_BUFFER_S: Final = 60
_SILENT_S: Final = 30.0  # up to here the packet number and time count what is lost
_TELL: Final = "V?"  # version, registers
_FTDI_DONGLE: Final = (0x0403, 0x6015)
_CAUSES: Final = (
    "check that the dongle's switch is on GPIO 6, that the board is switched to PC and its battery "
    "is charged, that both are on the same radio channel, and reset the board"
)


class Cyton:
    """A Cyton: 8 channels at 250 Hz. Opened, identified, configured and read back when made.

    Raises PortError, HandshakeError or SettingsMismatch. `close` may take a second: BrainFlow's
    thread waits that long for a byte.
    """

    scheme: ClassVar[str] = "cyton"
    default_config: ClassVar[str] = "openbci-cyton-emg"
    _board: ClassVar[BoardIds] = BoardIds.CYTON_BOARD
    _layout: ClassVar[Layout] = CYTON
    _held: ClassVar[set[str]] = set()  # ports with a session: equal parameters share one

    def __init__(
        self, port: str, config: DeviceConfig, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        if config.driver != self.scheme:
            raise ConfigError(
                f"{config.id} is a configuration for {config.driver}, not for {self.scheme}: "
                f"expected one such as {self.default_config}"
            )
        if port in Cyton._held:
            raise PortError(f"{port} is open in this process already: close that device first")
        self._config = config
        self._now = now
        self._decoder = RowDecoder(config, self._layout)
        self._blocks: deque[SampleBlock] = deque()
        self._stopped = threading.Event()
        self._streaming = False
        self._heard_s = 0.0
        self._closing = threading.Lock()
        self._port = HeldPort(port, config.baud)
        Cyton._held.add(port)
        self._shim: BoardShim | None = None
        try:
            self._shim = self._connect(port)
            firmware = self._configure(self._shim)
        except BaseException:
            self.close()
            raise
        self._info = DeviceInfo(
            driver=self.scheme,
            model=config.model,
            serial_number="",
            firmware=firmware,
            streams=(self._decoder.stream,),
            capability=config.capability,
        )

    @classmethod
    def open(cls, address: str, options: Mapping[str, str]) -> Cyton:
        """The board behind the serial port `address`; options `config`, `labels`."""
        unknown = set(options) - {"config", "labels"}
        if unknown:
            names = ", ".join(sorted(unknown))
            raise ConfigError(f"{cls.scheme} takes the options config and labels, not {names}")
        config = load_config(options.get("config", cls.default_config))
        return cls(address, with_labels(config, options.get("labels")))

    @classmethod
    def find(cls) -> list[Found]:
        """Dongles with the FTDI chip that OpenBCI uses; other things use it too."""
        return [
            Found(
                f"{cls.scheme}:{port.path}", f"{port.label} (OpenBCI dongle?)", cls.default_config
            )
            for port in serial_ports()
            if (port.vendor_id, port.product_id) == _FTDI_DONGLE
        ]

    @property
    def info(self) -> DeviceInfo:
        """Identity and the one stream."""
        return self._info

    @property
    def settings_read_back(self) -> Mapping[str, str]:
        """CHnSET of every channel as the board told it, and the board mode."""
        return self._read_back

    @property
    def counter_at_zero(self) -> int | None:
        """The board's frame counter at sample index 0, None before the first sample."""
        return self._decoder.counter_at_zero

    def start(self) -> None:
        """Begin streaming. Raises DeviceLost."""
        shim = self._shim
        if shim is None:
            raise DeviceLost(f"{self._port.path} was closed")
        self._decoder = RowDecoder(self._config, self._layout)
        self._blocks.clear()
        self._stopped.clear()
        try:
            shim.start_stream(_BUFFER_S * int(self._config.rate_hz))
        except BrainFlowError as error:
            raise DeviceLost(f"{self._port.path} did not start streaming: {error}") from error
        self._heard_s = self._now()
        self._streaming = True

    def read(self, timeout_s: float) -> SampleBlock | None:
        """The next block, None after `timeout_s`. Raises DeviceLost: unplugged, or silent for 30 s
        (a shorter silence is a gap that is counted)."""
        deadline_s = self._now() + timeout_s
        while not self._blocks:
            if self._streaming:
                self._poll()
            left_s = deadline_s - self._now()
            if self._blocks or left_s <= 0 or self._stopped.is_set():
                break
            self._stopped.wait(min(_POLL_S, left_s))
        return self._blocks.popleft() if self._blocks else None

    def _poll(self) -> None:
        """Take what BrainFlow has; when it has nothing, find out why."""
        shim = self._shim
        if shim is None:
            raise DeviceLost(f"{self._port.path} was closed")
        rows = shim.get_board_data()
        at_s = self._now()
        if rows.shape[1]:
            self._heard_s = at_s
        elif self._port.gone:
            raise DeviceLost(f"{self._port.path} is gone: the dongle was unplugged")
        elif at_s - self._heard_s > _SILENT_S:
            raise DeviceLost(f"no sample on {self._port.path} for {_SILENT_S:.0f} s: {_CAUSES}")
        self._blocks.extend(self._decoder.feed(rows, at_s))

    def stop(self) -> None:
        """End streaming; silent when it was not streaming or the board is gone."""
        self._stopped.set()
        if self._streaming and self._shim is not None:
            self._streaming = False
            with contextlib.suppress(BrainFlowError):
                self._shim.stop_stream()

    def close(self) -> None:
        """Release session and port; idempotent, from any thread."""
        self._stopped.set()
        self._streaming = False
        with self._closing:
            shim, self._shim = self._shim, None
            if shim is not None:
                with contextlib.suppress(BrainFlowError):
                    shim.release_session()
                # The object must be gone before an equal one is made: its end releases the session.
                del shim
            self._port.release()
            Cyton._held.discard(self._port.path)

    def _connect(self, port: str) -> BoardShim:
        """A prepared session. BrainFlow resets the board (`v`) and restores its defaults (`d`)."""
        BoardShim.disable_board_logger()
        parameters = BrainFlowInputParams()
        parameters.serial_port = port
        shim = BoardShim(self._board.value, parameters)
        try:
            shim.prepare_session()
        except BrainFlowError as error:
            if error.exit_code == BrainFlowExitCodes.UNABLE_TO_OPEN_PORT_ERROR.value:
                raise PortError(f"{port} could not be opened by BrainFlow: {error}") from error
            raise HandshakeError(
                f"the port {port} is open, but no {self._config.model} answers: {_CAUSES}"
            ) from error
        return shim

    def _configure(self, shim: BoardShim) -> str:
        """Set, confirm and read back everything; the firmware's version.

        All goes in one write, as each write costs a second of BrainFlow's waiting; what the board
        does not confirm goes again, one command at a time.
        """
        reply = self._ask(shim, "".join([*replies.settings(self._config), _TELL]))
        again = replies.missing(self._config, reply)
        if again:
            reply = "".join([reply, *(self._ask(shim, command) for command in again)])
            unconfirmed = replies.missing(self._config, reply)
            if unconfirmed:
                names = ", ".join(unconfirmed)
                raise HandshakeError(f"the board did not confirm {names}: {_CAUSES}")
            reply = self._ask(shim, _TELL)
        registers = replies.channel_registers(reply)
        replies.check_registers(self._config, registers)
        self._read_back = {f"CH{n}SET": f"0x{value:02X}" for n, value in registers.items()}
        self._read_back["board_mode"] = "digital"
        return replies.version(reply)

    def _ask(self, shim: BoardShim, commands: str) -> str:
        """Send while idle; the reply. Raises HandshakeError."""
        try:
            return str(shim.config_board(commands))
        except (BrainFlowError, UnicodeDecodeError) as error:
            raise HandshakeError(
                f"{self._config.model} gave no readable answer to {commands!r}: {_CAUSES}"
            ) from error


class Daisy(Cyton):
    """A Cyton with Daisy: 16 channels at 125 Hz, each the mean of two conversions."""

    scheme: ClassVar[str] = "daisy"
    default_config: ClassVar[str] = "openbci-cyton-daisy-emg"
    _board: ClassVar[BoardIds] = BoardIds.CYTON_DAISY_BOARD
    _layout: ClassVar[Layout] = DAISY
