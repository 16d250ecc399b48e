"""OpenBCI Cyton, with or without Daisy, behind its USB dongle, as firmware v3.1.2 behaves.

33-byte frames at 250 per second; one-character commands, and commands of several bytes that must be
complete within one second. `b` and `s` are silent, settings are answered only while idle, and
changing one while streaming restarts the stream and its counter. Of the radio's own commands only
the status query is answered.
Source: OpenBCI/OpenBCI_Cyton_Library (OpenBCI_32bit_Library.cpp) and the Cyton data format page.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .ads1299 import CH1SET, CONFIG2, CONFIG3, POWER_DOWN, SHORTED, TEST, Ads1299
from .cyton_packet import FRAME_LENGTH, blank_frames, put_acceleration, put_time, put_words
from .firmware import Mask, PatientAt, PatientSource, TriggerLine

RATE_HZ = 250.0
END = b"$$$"
TIMEOUT_ANSWER = (
    b"Timeout processing multi byte message - please send all commands at once as of v2"
)
VERSION = "v3.1.2"
RESET_S, BOOT_S, MULTI_BYTE_S = 0.5, 1.0, 1.0
TRIGGER_STRETCH_S = 0.005  # a trigger box in front of D11: 1 ms would fall between two samples
DEFAULT_CHANNEL = (0, 6, 0, 1, 1, 0)  # power, gain code, input, bias, SRB2, SRB1
OFF, ON = "12345678qwertyui", "!@#$%^&*QWERTYUI"
CHANNEL_NAMES = "12345678QWERTYUI"
RATES = ("16000", "8000", "4000", "2000", "1000", "500", "250")
MODES = ("default", "debug", "analog", "digital", "marker", "BLE")
DEFAULT, ANALOG, DIGITAL, MARKER = 0, 2, 3, 4
# input code and CONFIG2 of the six test-signal commands
TEST_SIGNALS = {
    "0": (SHORTED, 0xC0),
    "-": (TEST, 0xD0),
    "=": (TEST, 0xD1),
    "p": (TEST, 0xD7),
    "[": (TEST, 0xD4),
    "]": (TEST, 0xD5),
}
REGISTER_NAMES = (
    *("ID", "CONFIG1", "CONFIG2", "CONFIG3", "LOFF"),
    *(f"CH{channel}SET" for channel in range(1, 9)),
    *("BIAS_SENSP", "BIAS_SENSN", "LOFF_SENSP", "LOFF_SENSN", "LOFF_FLIP"),
    *("LOFF_STATP", "LOFF_STATN", "GPIO", "MISC1", "MISC2", "CONFIG4"),
)
MULTI_BYTE = "x/~`z\xf0"


class CytonFirmware:
    """The board's command state machine and packet encoder.

    patient_at: gives the patient at 250 Hz, with 16 leads if `daisy` (9-16 on the Daisy).
    """

    def __init__(self, patient_at: PatientAt, *, seed: int = 0, daisy: bool = False) -> None:
        self._has_daisy = daisy
        self._patient = patient_at(RATE_HZ)
        self._chips = [Ads1299(seed), Ads1299(seed + 1)]
        self.trigger = TriggerLine(TRIGGER_STRETCH_S * RATE_HZ)
        self._ppm = 0.0
        self.boot()

    # -- power and state

    def boot(self) -> bytes:
        """Power on: default board mode, no time stamps, every channel at its default."""
        self._mode = DEFAULT
        self._accelerating = True
        self._time_stamps = self._announce_time = False
        self._command = ""
        self._waited_s = 0.0
        self._elapsed_s = 0.0
        self._last = np.zeros((1, 16), dtype=np.int32)
        self._marker = 0
        banner = self._reset()
        self._begin_counting()
        self.busy_s = BOOT_S
        return banner

    def _reset(self) -> bytes:
        """Soft reset: converters and channel settings, not the board mode."""
        self._streaming = False
        self._initialise_converters()
        self.busy_s = RESET_S
        lines = ["OpenBCI V3 8-16 channel", "On Board ADS1299 Device ID: 0x3E"]
        if self._daisy:
            lines.append("On Daisy ADS1299 Device ID: 0x3E")
        lines += ["LIS3DH Device ID: 0x33", f"Firmware: {VERSION}"]
        return "".join(line + "\r\n" for line in lines).encode() + END

    def _initialise_converters(self) -> None:
        self._daisy = self._has_daisy
        self._rate_code = 6
        for chip in self._chips:
            chip.reset()
            chip.write(CONFIG3, 0xEC)
        self._settings: list[tuple[int, ...]] = [DEFAULT_CHANNEL] * 16
        self._write_all()

    def _begin_counting(self) -> None:
        self._counter = 0
        self._conversion = 0
        self._patient.reset_clock()
        self.trigger.clear()

    @property
    def rate_hz(self) -> float:
        """Frames per second: the radio carries no more than 250."""
        return RATE_HZ * (1.0 + self._ppm * 1e-6)

    @property
    def streaming(self) -> bool:
        """Between `b` and `s`."""
        return self._streaming

    @property
    def sample_counter(self) -> int:
        """Sample number of the next frame, 0 to 255."""
        return self._counter

    @property
    def frame_length(self) -> int:
        """Always 33 bytes."""
        return FRAME_LENGTH

    @property
    def patient(self) -> PatientSource:
        """The patient at 250 Hz."""
        return self._patient

    def set_gain_code(self, channel: int, code: int) -> None:
        """Silently change the gain of a 1-based channel."""
        self._chips[(channel - 1) // 8].set_gain_code((channel - 1) % 8, code)

    def set_drift(self, ppm: float) -> None:
        """The board's clock fast by ppm."""
        self._ppm = ppm

    # -- samples

    def produce(self, n_samples: int, keep: Mask | None = None) -> bytes:
        """Convert n samples. One that is not kept was lost on the radio: its number is missing."""
        started_s = self._elapsed_s
        self._elapsed_s += n_samples / self.rate_hz
        if not self._streaming or n_samples == 0:
            return b""
        first = self._patient.sample_index
        numbers = self._counter + np.arange(n_samples)
        frames = blank_frames(numbers, self._channels(n_samples, numbers))
        times_ms = (started_s + np.arange(n_samples) / self.rate_hz) * 1000.0
        self._auxiliary(frames, self.trigger.levels(first, n_samples), times_ms)
        self._counter = int(numbers[-1] + 1) & 0xFF
        return frames.tobytes() if keep is None else frames[keep].tobytes()

    def _channels(self, n: int, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """(n, 8) counts of each frame. With Daisy: each the mean of this and the sample before, the
        board's on odd sample numbers and the Daisy's on even ones. The very first is invalid."""
        uv = self._patient.advance(n)
        board = self._chips[0].convert(uv[:8], self._conversion)
        if not self._daisy:
            self._conversion += n
            return board
        counts = np.hstack([board, self._chips[1].convert(uv[8:16], self._conversion)])
        self._conversion += n
        sums = counts + np.vstack([self._last, counts[:-1]])
        self._last = counts[-1:]
        means = (sums + (sums < 0)) >> 1  # C's division: towards zero
        return np.where((numbers & 1)[:, None] == 1, means[:, :8], means[:, 8:]).astype(np.int32)

    def _auxiliary(
        self, frames: npt.NDArray[np.uint8], line: Mask, times_ms: npt.NDArray[np.float64]
    ) -> None:
        """Bytes 27 to 33, by board mode and time stamps."""
        if self._accelerating:
            put_acceleration(frames)
        elif self._mode == DIGITAL:
            put_words(frames, line.astype(np.int64) << 8)
        else:
            words = np.zeros(len(frames), dtype=np.int64)
            if self._mode == MARKER:
                words[0], self._marker = self._marker, 0
            put_words(frames, words)
        if self._time_stamps:
            put_time(frames, times_ms, announce=self._announce_time)
            self._announce_time = False

    # -- commands

    def tick(self, elapsed_s: float) -> bytes:
        """An unfinished command of several bytes ends after one second."""
        if not self._command:
            return b""
        self._waited_s += elapsed_s
        if self._waited_s < MULTI_BYTE_S:
            return b""
        self._command = ""
        return TIMEOUT_ANSWER + END

    def receive(self, data: bytes) -> bytes:
        """Command characters in, answers out."""
        self.busy_s = 0.0
        return b"".join(self._character(chr(byte)) for byte in data)

    def _character(self, character: str) -> bytes:
        if self._command:
            self._command += character
            return self._multi_byte(self._command)
        if character in MULTI_BYTE:
            self._command = character
            self._waited_s = 0.0
            return b""
        if character in OFF or character in ON:
            self._switch(character)
            return b""
        if character in TEST_SIGNALS:
            return self._test_signal(*TEST_SIGNALS[character])
        return self._single(character)

    def _single(self, character: str) -> bytes:
        match character:
            case "b":
                if self._rate_code != 6:
                    self._initialise_converters()
                self._begin_counting()
                self._streaming = True
            case "s":
                self._streaming = False
            case "v":
                return self._reset()
            case "d":
                self._settings = [DEFAULT_CHANNEL] * 16
                self._restarting(self._write_all)
                return self._when_idle("updating channel settings to default")
            case "c" | "C":
                return self._attach() if character == "C" else self._detach()
            case "<" | ">":
                self._time_stamps = self._announce_time = character == "<"
                return self._when_idle(f"Time stamp {'ON' if self._time_stamps else 'OFF'}")
            case _:
                return self._query(character)
        return b""

    def _query(self, character: str) -> bytes:
        if character == "D":
            return "".join(map(str, DEFAULT_CHANNEL)).encode() + END
        if character == "V":
            return VERSION.encode() + END
        return self._registers() if character == "?" and not self._streaming else b""

    def _multi_byte(self, command: str) -> bytes:
        match command[0]:
            case "x":
                return self._channel_settings(command)
            case "z":
                return self._lead_off(command)
        self._command = ""
        match command[0]:
            case "/":
                return self._board_mode(command[1])
            case "~":
                return self._sample_rate(command[1])
            case "`":
                self._marker = ord(command[1])
            case "\xf0" if command[1] == "\x07":
                return b"Success: System is Up$$$"
        return b""

    def _channel_settings(self, command: str) -> bytes:
        if command[-1] == "X" and len(command) < 9:
            self._command = ""
            return self._when_idle("Failure: too few chars")
        if len(command) < 9:
            return b""
        self._command = ""
        if command[-1] != "X":
            return self._when_idle("Failure: Err: 9th char not X")
        channel = max(0, CHANNEL_NAMES.find(command[1]))
        digits = [int(digit) if digit in "0123456789" else 0 for digit in command[2:8]]
        gain = int(command[3]) if command[3] in "0123456" else 6
        self._settings[channel] = (digits[0], gain, *digits[2:6])
        self._restarting(lambda: self._write_channel(channel))
        return self._when_idle(f"Success: Channel set for {channel + 1}")

    def _lead_off(self, command: str) -> bytes:
        """The test current itself is not simulated: the patient's electrodes stay as they are."""
        if command[-1] == "Z" and len(command) < 5:
            self._command = ""
            return self._when_idle("Failure: too few chars")
        if len(command) < 5:
            return b""
        self._command = ""
        if command[-1] != "Z":
            return self._when_idle("Failure: Err: 5th char not Z")
        self._restarting(lambda: None)
        return self._when_idle(
            f"Success: Lead off set for {max(0, CHANNEL_NAMES.find(command[1])) + 1}"
        )

    def _board_mode(self, code: str) -> bytes:
        if code == "/":
            return f"Success: {MODES[self._mode]}".encode() + END
        if code not in "0123456789":
            return b"Failure: invalid board mode value.$$$"
        if int(code) >= len(MODES):
            return b"Failure: board mode value out of bounds.$$$"
        self._mode = int(code)
        if self._mode in (DEFAULT, ANALOG, DIGITAL, MARKER):
            self._accelerating = self._mode == DEFAULT
        return f"Success: {MODES[self._mode]}".encode() + END

    def _sample_rate(self, code: str) -> bytes:
        if code == "~":
            return f"Success: Sample rate is {RATES[self._rate_code]}Hz".encode() + END
        if code not in "0123456789":
            return self._when_idle("Failure: invalid sample value")
        if int(code) >= len(RATES):
            return self._when_idle("Failure: sample value out of bounds")
        self._restarting(self._initialise_converters)
        self._rate_code = int(code)
        return self._when_idle(f"Success: Sample rate is {RATES[self._rate_code]}Hz")

    def _detach(self) -> bytes:
        if not self._daisy:
            return b""
        self._daisy = False
        return self._when_idle("daisy removed")

    def _attach(self) -> bytes:
        said = ""
        if not self._daisy:
            self._daisy = self._has_daisy
            said = "daisy attached" if self._daisy else "no daisy to attach!"
        if self._streaming:
            said = ""
        return f"{said}{16 if self._daisy else 8}".encode() + END

    def _test_signal(self, source: int, config2: int) -> bytes:
        def connect() -> None:
            for chip in self._chips:
                chip.write(CONFIG2, config2)
            self._settings = [(s[0], s[1], source, *s[3:]) for s in self._settings]
            self._write_all()

        self._restarting(connect)
        return self._when_idle("Success: Configured internal test signal.")

    def _switch(self, character: str) -> None:
        off = character in OFF
        channel = (OFF if off else ON).index(character)
        chip, address = self._chips[channel // 8], CH1SET + channel % 8

        def write() -> None:
            setting = chip.read(address)
            chip.write(address, setting | POWER_DOWN if off else setting & ~POWER_DOWN)

        self._restarting(write)

    def _restarting(self, change: Callable[[], None]) -> None:
        """Apply a change; a running stream stops for it and starts again from number 0."""
        streaming = self._streaming
        change()
        if streaming:
            self._begin_counting()

    def _when_idle(self, text: str) -> bytes:
        return b"" if self._streaming else text.encode() + END

    def _write_all(self) -> None:
        for channel in range(16):
            self._write_channel(channel)

    def _write_channel(self, channel: int) -> None:
        power, gain, source, _, srb2, _ = self._settings[channel]
        value = (power & 1) << 7 | gain << 4 | (srb2 & 1) << 3 | source & 7
        self._chips[channel // 8].write(CH1SET + channel % 8, value)

    def _registers(self) -> bytes:
        boards = ["Board ADS Registers", "Daisy ADS Registers"][: 2 if self._daisy else 1]
        text = ""
        for title, chip in zip(boards, self._chips, strict=False):
            text += title + "\r\n"
            for address in range(0x18):
                value = chip.read(address)
                bits = ", ".join(f"{value:08b}")
                text += f"{REGISTER_NAMES[address]}, {address:02X}, {value:02X}, {bits}\r\n"
        return text.encode() + END
