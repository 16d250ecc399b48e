"""What is sent to a Cyton to set it up, and what it must answer. Pure text.

Source: OpenBCI/Documentation 04-OpenBCI_Cyton_SDK; OpenBCI_32bit_Library.cpp 3.1.2. Replies come
only while the board is idle and end with `$$$`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from drivers.ads1299 import channel_register
from drivers.config import DeviceConfig
from drivers.errors import HandshakeError, SettingsMismatch

END: Final = "$$$"
_VERSION = re.compile(r"\bv\d+\.\d+\.\d+\b")
_CHANNEL_SET = re.compile(r"Success: Channel set for (\d+)")
_REGISTER = re.compile(r"CH(\d)SET, *([0-9A-Fa-f]{2}), *([0-9A-Fa-f]{2})\b")
_BOARDS: Final = ("Board ADS Registers", "Daisy ADS Registers")


def settings(config: DeviceConfig) -> list[str]:
    """The commands that make the board what the configuration says: mode, then every channel."""
    return [config.trigger.command, *(c.command for c in config.channels if c.command)]


def missing(config: DeviceConfig, reply: str) -> list[str]:
    """The commands of `settings` that the reply does not confirm. Raises HandshakeError when the
    board says that it refused one."""
    for part in reply.split(END):
        if "Failure" in part:
            raise HandshakeError(
                f"the board refused a setting of {config.id}: {part.strip()!r}; reset it and "
                "connect again"
            )
    confirmed = {int(number) for number in _CHANNEL_SET.findall(reply)}
    mode = [] if "Success: digital" in reply else [config.trigger.command]
    return mode + [c.command for c in config.channels if c.command and c.index not in confirmed]


def version(reply: str) -> str:
    """Firmware version in a reply to `V`, empty if there is none."""
    found = _VERSION.search(reply)
    return found[0] if found else ""


def channel_registers(reply: str) -> dict[int, int]:
    """Channel (1-16) → CHnSET, from a reply to `?`. Empty if it holds no register list."""
    found: dict[int, int] = {}
    for offset, title in zip((0, 8), _BOARDS, strict=True):
        _, _, rest = reply.partition(title)
        text = rest.partition("ADS Registers")[0]
        for channel, _, value in _REGISTER.findall(text):
            found[int(channel) + offset] = int(value, 16)
    return found


def check_registers(config: DeviceConfig, registers: Mapping[int, int]) -> None:
    """Raises HandshakeError if a channel is not told, SettingsMismatch if one differs from what was
    written: the meaning of its counts is then not known."""
    for channel in config.channels:
        told = registers.get(channel.index)
        wanted = channel_register(channel)
        if told is None:
            raise HandshakeError(
                f"the board does not tell the setting of channel {channel.index}: expected "
                f"{len(config.channels)} channels of {config.model}, got {_listed(registers)}; is "
                "the Daisy plugged on, and is it the board of this configuration?"
            )
        if told != wanted:
            raise SettingsMismatch(
                f"channel {channel.index} reads back CH{(channel.index - 1) % 8 + 1}SET = "
                f"0x{told:02X}, written was 0x{wanted:02X}; reset the board and connect again"
            )


def _listed(channels: Iterable[int]) -> str:
    return ", ".join(map(str, channels)) or "none"
