"""The converter chip of HackEEG and Cyton: register file, input multiplexer, gain, int24 counts.

Source: TI ADS1299 data sheet SBAS499 (register map, noise table, test signal and temperature
sensor). The patient gives each lead's bipolar voltage, so SRB switches change nothing here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

GAINS = (1, 2, 4, 6, 8, 12, 24)
REFERENCE_V = 4.5
FULL_SCALE = 2**23 - 1
CONFIG1, CONFIG2, CONFIG3, CH1SET, GPIO = 0x01, 0x02, 0x03, 0x05, 0x14
LOFF_STATP, LOFF_STATN = 0x12, 0x13
READ_ONLY = frozenset({0x00, LOFF_STATP, LOFF_STATN})
REGISTER_COUNT = 0x18
RESET_VALUES = {0x00: 0x3E, CONFIG1: 0x96, CONFIG2: 0xC0, CONFIG3: 0x60, GPIO: 0x0F} | {
    CH1SET + channel: 0x61 for channel in range(8)
}
NORMAL, SHORTED, TEMPERATURE, TEST = 0, 1, 4, 5
POWER_DOWN = 0x80
TEMPERATURE_UV = 145_300.0  # sensor output at 25 °C
CLOCK_HZ = 2.048e6
NOISE_GAIN_1_UV = {
    16000: 21.7,
    8000: 6.93,
    4000: 4.33,
    2000: 3.06,
    1000: 2.16,
    500: 1.53,
    250: 1.08,
}


def step_uv(gain: int) -> float:
    """Microvolts of one count at a gain."""
    return REFERENCE_V / FULL_SCALE / gain * 1e6


def int24_bytes(counts: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """(n, channels) counts as (n, 3 * channels) big-endian two's complement bytes."""
    wide = np.ascontiguousarray(counts.astype(">i4")).view(np.uint8)
    return wide.reshape(*counts.shape, 4)[..., 1:].reshape(len(counts), 3 * counts.shape[1])


class Ads1299:
    """One 8-channel converter. Registers as bytes; writes to read-only ones are ignored."""

    def __init__(self, seed: int) -> None:
        self._noise = [np.random.default_rng([seed, channel]) for channel in range(8)]
        self.registers = bytearray(REGISTER_COUNT)
        self.reset()

    def reset(self) -> None:
        """Every register back to its reset value."""
        self.registers[:] = bytes(RESET_VALUES.get(address, 0) for address in range(REGISTER_COUNT))

    def read(self, address: int) -> int:
        """One register; 0 where the chip has none."""
        return self.registers[address] if address < REGISTER_COUNT else 0

    def write(self, address: int, value: int) -> None:
        """One register; without effect where the chip cannot be written."""
        if address < REGISTER_COUNT and address not in READ_ONLY:
            self.registers[address] = value

    @property
    def rate_hz(self) -> float:
        """Conversions per second by CONFIG1; the reserved code runs as the slowest."""
        return 16000.0 / float(1 << min(self.registers[CONFIG1] & 7, 6))

    def gain(self, channel: int) -> int:
        """Gain of a 0-based channel; the reserved code acts as 24."""
        return GAINS[min(self.registers[CH1SET + channel] >> 4 & 7, 6)]

    def set_gain_code(self, channel: int, code: int) -> None:
        """Gain bits of a 0-based channel."""
        setting = self.registers[CH1SET + channel]
        self.registers[CH1SET + channel] = setting & 0x8F | code << 4

    def gpio_nibble(self, inputs: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
        """GPIO4..1 as the status word shows them: lines where GPIO says input, else what was
        written. inputs: (n,) level of the line on GPIO1; GPIO2-4 hang low."""
        register = self.registers[GPIO]
        directions, written = register & 0x0F, register >> 4
        line = inputs.astype(np.uint8) & np.uint8(directions & 1)
        return line | np.uint8(written & ~directions & 0x0F)

    def convert(self, uv: npt.NDArray[np.float64], first: int) -> npt.NDArray[np.int32]:
        """Counts of 8 leads, (8, n) µV at the filter's output -> (n, 8) int32, saturated.

        first: conversion index of the first sample, the phase of the internal test signal.
        """
        uv = uv.copy()
        steps = np.empty(8)
        for channel in range(8):
            setting = self.registers[CH1SET + channel]
            steps[channel] = 1.0 / step_uv(self.gain(channel))
            if setting & POWER_DOWN:
                uv[channel] = 0.0
            elif setting & 7 != NORMAL:
                uv[channel] = self._internal(setting & 7, channel, first, uv.shape[1])
        counts = np.rint(uv * steps[:, None])
        np.clip(counts, -FULL_SCALE - 1, FULL_SCALE, out=counts)
        return np.ascontiguousarray(counts.T.astype(np.int32))

    def _internal(self, mux: int, channel: int, first: int, n: int) -> npt.NDArray[np.float64]:
        """What the multiplexer's inner sources give: noise around 0, the test signal, or the
        temperature sensor."""
        noise_uv = NOISE_GAIN_1_UV[int(self.rate_hz)] / self.gain(channel)
        noise = self._noise[channel].standard_normal(n) * noise_uv
        if mux == TEMPERATURE:
            return noise + TEMPERATURE_UV
        if mux == TEST:
            return noise + self._test_signal(first, n)
        return noise

    def _test_signal(self, first: int, n: int) -> npt.NDArray[np.float64]:
        config = self.registers[CONFIG2]
        if not config & 0x10:
            return np.zeros(n)
        amplitude_uv = REFERENCE_V / 2400 * 1e6 * (2 if config & 4 else 1)
        if config & 3 == 3:
            return np.full(n, amplitude_uv)
        frequency_hz = CLOCK_HZ / (2**20 if config & 1 else 2**21)
        phase = (first + np.arange(n)) * (frequency_hz / self.rate_hz)
        return np.where(phase % 1.0 < 0.5, amplitude_uv, -amplitude_uv)
