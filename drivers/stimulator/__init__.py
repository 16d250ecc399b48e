"""Stimulators: configure, arm and fire apart; limits here and again in the stimulator itself."""

from __future__ import annotations

from drivers.config import StimulatorLimits, load_stimulator_limits
from drivers.errors import ConfigError
from drivers.link import SerialLink
from drivers.registry import parse_url
from drivers.types import Stimulator, StimulatorKind

from .device import SerialStimulator
from .manual import ManualStimulator
from .ttl import TtlStimulator, open_ttl

__all__ = [
    "ManualStimulator",
    "SerialStimulator",
    "TtlStimulator",
    "open_stimulator",
    "stimulator_kind",
]
MANUAL = "manual"
_KINDS = {"sim": StimulatorKind.CONTROLLED, "ttl": StimulatorKind.TRIGGERED}


def stimulator_kind(url: str) -> StimulatorKind:
    """Who sets and who fires the stimulator that a URL names. Raises ConfigError."""
    if url == MANUAL:
        return StimulatorKind.MANUAL
    scheme = url.partition(":")[0]
    if scheme not in _KINDS or not url.partition(":")[2]:
        raise ConfigError(
            f"no stimulator is called {url!r}: expected sim:PORT, ttl:PORT (such as "
            "ttl:/dev/ttyUSB0) or manual"
        )
    return _KINDS[scheme]


def open_stimulator(url: str) -> Stimulator:
    """`sim:PORT`: the simulated stimulator on its pseudo-terminal; `ttl:PORT?line=1`: a stimulator
    behind a serial trigger box; `manual`. Opens disarmed, at 0 mA.

    Raises ConfigError, PortError, HandshakeError or DeviceLost.
    """
    kind = stimulator_kind(url)
    limits = load_stimulator_limits()
    if kind is StimulatorKind.MANUAL:
        return ManualStimulator(limits)
    _, address, options = parse_url(url)
    if kind is StimulatorKind.TRIGGERED:
        return open_ttl(address, options, limits)
    return _open_simulated(address, limits)


def _open_simulated(port: str, limits: StimulatorLimits) -> SerialStimulator:
    link = SerialLink(port, 115200)
    try:
        return SerialStimulator(link, limits)
    except BaseException:
        link.close()
        raise
