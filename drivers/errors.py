"""Every error a driver raises, in one tree.

    DeviceError                  anything a device, its link or its configuration did wrong
    ├── ConfigError              a firmware_configs file says something impossible
    ├── PortError                the port cannot be opened: missing, denied, busy
    ├── HandshakeError           the port is open, but the device did not answer as it must
    ├── SettingsMismatch         the settings read back differ from the settings written
    ├── DeviceLost               the link is gone: unplugged, powered off, closed by the peer
    └── StimulatorRefused        the stimulator would not do it; nothing was delivered

A timeout, an absent sample and a gap are data, not errors: `Device.read` returns None, and a jump
of `SampleBlock.start_index` is the gap. Every message is one sentence: what was expected, what
came, where, and what to do.
"""

from __future__ import annotations


class DeviceError(Exception):
    """Anything a device, its link or its configuration did wrong."""


class ConfigError(DeviceError):
    """A configuration says something impossible; the message names file, key and value."""


class PortError(DeviceError):
    """The port cannot be opened: missing, denied (dialout) or busy, and by whom."""


class HandshakeError(DeviceError):
    """The port is open, but the device did not answer as it must."""


class SettingsMismatch(HandshakeError):
    """Settings read back differ from those written, so the meaning of a count is not known."""


class DeviceLost(DeviceError):
    """The link is gone: unplugged, powered off, or closed by the peer."""


class StimulatorRefused(DeviceError):
    """The stimulator would not do it; nothing was delivered. `cause` is one of the words in
    docs/protocols/stimulator.md."""

    def __init__(self, cause: str, sentence: str) -> None:
        super().__init__(sentence)
        self.cause = cause
