"""HackEEG: an ADS1299 on an Arduino Due, as its firmware v0.3.0 behaves.

It boots in text mode, speaks JSON Lines after `jsonlines`, and sends samples in the mode set. As in
the firmware, the START pin is high after boot and `reset`, so `rdatac` alone streams, `stop` halts
the conversions and `start` runs them again and zeroes the sample number. While in `rdatac` the chip
ignores register access: `wreg` still answers Ok and `rreg` reads 0.
Source: starcat-io/hackeeg-driver-arduino (hackeeg_driver.ino, JsonCommand.cpp, SerialCommand.cpp).
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from .ads1299 import CH1SET, CONFIG3, GPIO, LOFF_STATN, LOFF_STATP, SHORTED, Ads1299
from .firmware import Mask, PatientAt, PatientSource, TriggerLine
from .hackeeg_packet import (
    PAYLOAD_LENGTH,
    json_lines,
    message_pack,
    payloads,
    status_words,
    text_lines,
)

BOOT_S, RESET_S = 2.6, 1.1  # delays in setup() and in adsSetup()
LINE_LIMIT = 1024
FIRST_RATE_HZ = 16000.0  # what the patient is prepared for before a rate is set
VERSION = "v0.3.0"
TEXT, JSON_LINES, MESSAGE_PACK = "text", "jsonlines", "messagepack"
NOT_IN_JSON = frozenset({"wakeup", "standby", "base64", "hex", "help"})


class HackEEGFirmware:
    """The firmware's command state machine and packet encoder.

    patient_at: gives the patient at a sampling rate (CONFIG1 decides which).
    micros_start: value of micros() at the first power-on; it wraps at 2**32.
    """

    def __init__(self, patient_at: PatientAt, *, seed: int = 0, micros_start: int = 0) -> None:
        self._patient_at = patient_at
        self._patient = patient_at(FIRST_RATE_HZ)
        self._chip = Ads1299(seed)
        self._micros_start = micros_start
        self.trigger = TriggerLine()
        self._ppm = 0.0
        self.boot()

    # -- power and clock

    def boot(self) -> bytes:
        """Power on: text mode, registers and clocks at their start."""
        self._mode = TEXT
        self._line = bytearray()
        self._rdatac = False
        self._hex = False
        self._hung = False
        self._elapsed_us = float(self._micros_start)
        self._counter = 0
        self._conversion = 0
        self._set_up_chip()
        self._restart_clock()
        self.busy_s = BOOT_S
        return b"Ready\r\n"

    def _set_up_chip(self) -> None:
        """adsSetup(): all GPIO become outputs, the START pin is high."""
        self._chip.reset()
        self._chip.write(GPIO, 0x00)
        self._chip.write(CONFIG3, 0xE0)
        self._converting = True

    def _use_rate(self) -> None:
        """The patient at the rate of CONFIG1; only when conversions are about to be read."""
        patient = self._patient_at(self._chip.rate_hz)
        if patient is not self._patient:
            self._patient = patient
            self._restart_clock()

    def _restart_clock(self) -> None:
        self._counter = 0
        self._patient.reset_clock()
        self.trigger.clear()

    @property
    def rate_hz(self) -> float:
        """Conversions per second by CONFIG1."""
        return self._chip.rate_hz * (1.0 + self._ppm * 1e-6)

    @property
    def streaming(self) -> bool:
        """In rdatac with conversions running."""
        return self._rdatac and self._converting and not self._hung

    @property
    def sample_counter(self) -> int:
        """Sample number of the next frame."""
        return self._counter

    @property
    def frame_length(self) -> int:
        """Bytes of one sample in the mode now set."""
        return len(self._encode(np.zeros((1, PAYLOAD_LENGTH), dtype=np.uint8)))

    @property
    def patient(self) -> PatientSource:
        """The patient at the rate now set."""
        return self._patient

    def set_gain_code(self, channel: int, code: int) -> None:
        """Silently change the gain of a 1-based channel."""
        self._chip.set_gain_code(channel - 1, code)

    def set_drift(self, ppm: float) -> None:
        """Converter clock fast by ppm; micros() keeps the true time."""
        self._ppm = ppm

    # -- samples

    def tick(self, elapsed_s: float) -> bytes:  # noqa: ARG002 - no timeouts in this firmware
        """Nothing in this firmware times out."""
        return b""

    def produce(self, n_samples: int, keep: Mask | None = None) -> bytes:
        """Convert n samples. One that is not kept leaves the sample number contiguous and shows in
        micros alone, as when a blocked USB write makes the firmware miss DRDY."""
        period_us = 1e6 / self.rate_hz
        micros = self._elapsed_us + period_us * np.arange(n_samples)
        self._elapsed_us += period_us * n_samples
        if not self.streaming or n_samples == 0:
            return b""
        first = self._patient.sample_index
        gpio = self._chip.gpio_nibble(self.trigger.levels(first, n_samples))
        counts = self._chip.convert(self._patient.advance(n_samples), self._conversion)
        self._conversion += n_samples
        if keep is not None:
            micros, gpio, counts = micros[keep], gpio[keep], counts[keep]
        numbers = self._counter + np.arange(len(counts))
        self._counter = (self._counter + len(counts)) & 0xFFFFFFFF
        off = self._chip.read(LOFF_STATP), self._chip.read(LOFF_STATN)
        return self._encode(
            payloads(micros.astype(np.int64), numbers, status_words(*off, gpio), counts)
        )

    def _encode(self, payload: npt.NDArray[np.uint8]) -> bytes:
        if self._mode == MESSAGE_PACK:
            return message_pack(payload)
        if self._mode == JSON_LINES:
            return json_lines(payload)
        return text_lines(payload, as_hex=self._hex)

    # -- commands

    def receive(self, data: bytes) -> bytes:
        """Command lines in, answers out; an unfinished line waits for its end."""
        self.busy_s = 0.0
        replies = bytearray()
        for byte in data:
            if byte != 0x0A:
                if len(self._line) < LINE_LIMIT:
                    self._line.append(byte)
                continue
            line = bytes(self._line).strip()
            self._line.clear()
            if not self._hung:
                replies += self._text(line) if self._mode == TEXT else self._json(line)
        return bytes(replies)

    def _text(self, line: bytes) -> bytes:
        words = line.decode("ascii", "replace").split()
        if not words:
            return b""
        name, arguments = words[0], words[1:]
        if name in ("rreg", "wreg"):
            return self._text_register(name, arguments)
        if name == "help":
            return b"200 Ok\r\nAvailable commands: \r\n\r\n"
        answer = self._run(name, [])
        if answer is None:
            return b"406 Error: Unrecognized command.\r\n\r\n"
        return self._answer(name, answer)

    def _answer(self, name: str, answer: dict[str, Any]) -> bytes:
        """An answer in the mode that holds now; a change of mode is answered in the new one."""
        if name == "rdata":
            return (b"200 Ok\r\n" if self._mode == TEXT else b"") + self._single_sample()
        if self._mode != TEXT:
            return _line(answer)
        text = f"{answer['STATUS_CODE']} {answer['STATUS_TEXT']}\r\n"
        data = answer.get("DATA")
        if isinstance(data, dict):
            text += "".join(f"{key}: {value}\r\n" for key, value in data.items()) + "\r\n"
        elif data is not None:
            text += f"{data}\r\n"
        return text.encode()

    def _text_register(self, name: str, arguments: list[str]) -> bytes:
        if len(arguments) < (2 if name == "wreg" else 1):
            missing = "404 Error: value" if arguments else "403 Error: register"
            return f"{missing} argument missing.\r\n\r\n".encode()
        try:
            numbers = [int(argument, 16) for argument in arguments[:2]]
        except ValueError:
            return b"402 Error: expected hexidecimal digits.\r\n\r\n"
        if name == "rreg":
            value = self._read_register(numbers[0])
            text = f"200 Ok (Read Register {numbers[0] & 255:02X}) \r\n{value:02X}\r\n\r\n"
            return text.encode()
        self._write_register(numbers[0], numbers[1])
        return (
            f"200 Ok (Write Register {numbers[0] & 255:02X} {numbers[1] & 255:02X}) \r\n\r\n"
        ).encode()

    def _json(self, line: bytes) -> bytes:
        try:
            request = json.loads(line)
        except ValueError:
            return _line({"STATUS_CODE": 400, "STATUS_TEXT": "Bad Request"})
        name = request.get("COMMAND") if isinstance(request, dict) else None
        if not isinstance(name, str) or name in NOT_IN_JSON:
            return _line({"STATUS_CODE": 406, "STATUS_TEXT": "Unrecognized command"})
        parameters = request.get("PARAMETERS")
        answer = self._run(name, parameters if isinstance(parameters, list) else [])
        if answer is None:
            return _line({"STATUS_CODE": 406, "STATUS_TEXT": "Unrecognized command"})
        return self._answer(name, answer)

    def _run(self, name: str, parameters: list[Any]) -> dict[str, Any] | None:
        """One command of either mode. None = the firmware does not know it."""
        registers = [value & 255 if isinstance(value, int) else 0 for value in parameters]
        registers += [0, 0]
        match name:
            case "nop" | "ledon" | "ledoff" | "wakeup" | "rdata":
                pass
            case "boardledon":
                self._write_register(GPIO, self._read_register(GPIO) & 0xF7 | 0x80)
            case "boardledoff":
                self._write_register(GPIO, self._read_register(GPIO) & 0x77)
            case "micros":
                return _ok(DATA=int(self._elapsed_us) & 0xFFFFFFFF)
            case "rreg":
                return _ok(DATA=self._read_register(registers[0]))
            case "wreg":
                self._write_register(registers[0], registers[1])
            case "version" | "status" | "serialnumber":
                return self._identity(name)
            case "text" | "jsonlines" | "messagepack":
                self._mode = name
            case "base64" | "hex":
                self._hex = name == "hex"
            case _:
                return self._conversions(name)
        return _ok()

    def _identity(self, name: str) -> dict[str, Any]:
        if name == "version":
            return {"STATUS_CODE": 200, "STATUS_TEXT": VERSION}
        if name == "serialnumber":
            return {"STATUS_CODE": 501, "STATUS_TEXT": "Not Implemented"}
        return _ok(DATA=self._status())

    def _conversions(self, name: str) -> dict[str, Any] | None:
        match name:
            case "reset":
                self._rdatac = False
                self._set_up_chip()
                self.busy_s = RESET_S
            case "start":
                self._converting = True
                self._restart_clock()
            case "stop" | "standby":
                self._converting = False
            case "sdatac":
                self._rdatac = False
            case "rdatac":
                if not self._active_channels():
                    return {"STATUS_CODE": 502, "STATUS_TEXT": "No Active Channels"}
                self._use_rate()
                self._rdatac = True
            case _:
                return None
        return _ok()

    def _single_sample(self) -> bytes:
        """rdata waits for DRDY without end, so it never answers while conversions are halted."""
        if not self._converting:
            self._hung = True
            return b""
        self._use_rate()
        was, self._rdatac = self._rdatac, True
        sample = self.produce(1)
        self._rdatac = was
        return sample

    def _active_channels(self) -> int:
        return sum(self._chip.read(CH1SET + channel) & 7 != SHORTED for channel in range(8))

    def _status(self) -> dict[str, Any]:
        return {
            "driver_version": VERSION,
            "board_name": "HackEEG",
            "maker_name": "Starcat LLC",
            "hardware_type": "ADS1299",
            "max_channels": 8,
            "active_channels": self._active_channels(),
        }

    def _read_register(self, address: int) -> int:
        return 0 if self._rdatac else self._chip.read(address)

    def _write_register(self, address: int, value: int) -> None:
        if not self._rdatac:
            self._chip.write(address, value & 255)


def _ok(**more: Any) -> dict[str, Any]:
    return {"STATUS_CODE": 200, "STATUS_TEXT": "Ok", **more}


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode() + b"\r\n"
