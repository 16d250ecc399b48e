"""What a configuration's human words mean to an ADS1299: registers, Cyton commands, microvolts.

Source: Texas Instruments SBAS499 (register map); OpenBCI/Documentation 04-OpenBCI_Cyton_SDK (x…X).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .config import ChannelConfig

GAIN_CODES: Final = {1: 0, 2: 1, 4: 2, 6: 3, 8: 4, 12: 5, 24: 6}
RATE_CODES: Final = {16000: 0, 8000: 1, 4000: 2, 2000: 3, 1000: 4, 500: 5, 250: 6}
INPUT_CODES: Final = {
    "normal": 0,
    "shorted": 1,
    "bias_measure": 2,
    "supply": 3,
    "temperature": 4,
    "test": 5,
    "bias_drive_p": 6,
    "bias_drive_n": 7,
}
_REGISTER_ORDER: Final = (
    *("ID", "CONFIG1", "CONFIG2", "CONFIG3", "LOFF"),
    *(f"CH{n}SET" for n in range(1, 9)),
    *("BIAS_SENSP", "BIAS_SENSN", "LOFF_SENSP", "LOFF_SENSN", "LOFF_FLIP"),
    *("LOFF_STATP", "LOFF_STATN", "GPIO", "MISC1", "MISC2", "CONFIG4"),
)
REGISTERS: Final = {name: address for address, name in enumerate(_REGISTER_ORDER)}
# bits that a write decides: GPIO's high nibble is the level of the pins, CONFIG3's bit 0 the state
# of the bias electrode; both read back whatever the world does
WRITABLE: Final = {"GPIO": 0x0F, "CONFIG3": 0xFE}
REFERENCE_V: Final = 4.5
FULL_SCALE_COUNTS: Final = 2**23 - 1
CYTON_CHANNEL_NAMES: Final = "12345678QWERTYUI"
_POWER_DOWN, _SRB2, _SRB1 = 0x80, 0x08, 0x20


def uv_per_count(gain: int) -> float:
    """One count of the converter in microvolts at the electrode: 4.5 V / (2^23 - 1) / gain."""
    return REFERENCE_V / FULL_SCALE_COUNTS / gain * 1e6


def channel_register(channel: ChannelConfig) -> int:
    """CHnSET: power-down bit 7, gain code bits 6-4, SRB2 bit 3, input multiplexer bits 2-0."""
    return (
        (0 if channel.powered else _POWER_DOWN)
        | GAIN_CODES[channel.gain] << 4
        | (_SRB2 if channel.srb2 else 0)
        | INPUT_CODES[channel.input]
    )


def registers(
    rate_hz: int,
    channels: Iterable[ChannelConfig],
    *,
    bias_drive: bool,
    gpio_inputs: Iterable[int],
) -> dict[str, int]:
    """Every register an EMG recording sets, test signal and lead-off current off.

    gpio_inputs: pins 1-4 read as inputs (direction bit 1); the others are outputs.
    """
    channels = tuple(channels)
    biased = sum(1 << (c.index - 1) for c in channels if c.bias and c.powered)
    return {
        "CONFIG1": 0x90 | RATE_CODES[rate_hz],
        "CONFIG2": 0xC0,
        "CONFIG3": 0xE0 | (0x0C if bias_drive else 0),
        "LOFF": 0,
        **{f"CH{c.index}SET": channel_register(c) for c in channels},
        "BIAS_SENSP": biased,
        "BIAS_SENSN": biased,
        "LOFF_SENSP": 0,
        "LOFF_SENSN": 0,
        "LOFF_FLIP": 0,
        "GPIO": sum(1 << (pin - 1) for pin in set(gpio_inputs)),
        "MISC1": _SRB1 if any(c.srb1 for c in channels) else 0,
        "MISC2": 0,
        "CONFIG4": 0,
    }


def cyton_command(channel: ChannelConfig) -> str:
    """The Cyton's `x CH PWR GAIN TYPE BIAS SRB2 SRB1 X` for one channel."""
    digits = (
        not channel.powered,
        GAIN_CODES[channel.gain],
        INPUT_CODES[channel.input],
        channel.bias,
        channel.srb2,
        channel.srb1,
    )
    name = CYTON_CHANNEL_NAMES[channel.index - 1]
    return f"x{name}{''.join(str(int(digit)) for digit in digits)}X"
