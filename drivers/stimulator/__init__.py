"""Stimulators: configure, arm and fire apart; limits here and again in the stimulator itself."""

from __future__ import annotations

from drivers.config import load_stimulator_limits
from drivers.errors import ConfigError
from drivers.link import SerialLink
from drivers.registry import parse_url

from .device import SerialStimulator

__all__ = ["SerialStimulator", "open_stimulator"]


def open_stimulator(url: str) -> SerialStimulator:
    """`sim:PORT`: the simulated stimulator on its pseudo-terminal. Opens disarmed, at 0 mA.

    Raises ConfigError, PortError or HandshakeError.
    """
    scheme, address, _ = parse_url(url)
    if scheme != "sim":
        raise ConfigError(f"no stimulator is called {scheme!r}: expected sim:PORT")
    limits = load_stimulator_limits()
    link = SerialLink(address, 115200)
    try:
        return SerialStimulator(link, limits)
    except BaseException:
        link.close()
        raise
