"""Name → driver, imported when first used. Other packages add drivers by entry points.

A device is named by a URL, `scheme:address?config=NAME&key=value`; the scheme is the driver's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Final, Protocol, cast
from urllib.parse import parse_qsl

from .errors import ConfigError
from .types import Device, Found

ENTRY_POINTS: Final = "myotome.drivers"
BUILT_IN: Final = {
    "hackeeg": "drivers.hackeeg.device:HackEEG",
    "cyton": "drivers.openbci.device:Cyton",
    "daisy": "drivers.openbci.device:Daisy",
}


class Driver(Protocol):
    """What a driver module offers: how to open a device, and what could be opened here."""

    default_config: str

    @classmethod
    def open(cls, address: str, options: Mapping[str, str]) -> Device:
        """Open, identify and configure. Raises PortError, HandshakeError or ConfigError."""
        ...

    @classmethod
    def find(cls) -> list[Found]:
        """What is connected to this machine that this driver believes it can open."""
        ...


def driver_names() -> list[str]:
    """Every scheme that `open_device` knows, sorted."""
    return sorted({*BUILT_IN, *(point.name for point in entry_points(group=ENTRY_POINTS))})


def driver(name: str) -> type[Driver]:
    """The driver of a scheme. Raises ConfigError if there is none, or if it cannot be loaded."""
    target = BUILT_IN.get(name)
    try:
        if target is not None:
            module, _, attribute = target.partition(":")
            return cast(type[Driver], getattr(import_module(module), attribute))
        return cast(type[Driver], _entry_point(name).load())
    except ImportError as error:
        raise ConfigError(
            f"the driver {name} needs a module that is not installed here: {error}"
        ) from error


def parse_url(url: str) -> tuple[str, str, dict[str, str]]:
    """(scheme, address, options). Raises ConfigError."""
    scheme, colon, rest = url.partition(":")
    if not colon or not scheme or not rest:
        raise ConfigError(
            f"{url!r} is no device URL: expected scheme:address, such as hackeeg:/dev/ttyACM0"
        )
    address, _, query = rest.partition("?")
    return scheme, address, dict(parse_qsl(query, keep_blank_values=True))


def open_device(url: str) -> Device:
    """Open the device that a URL names. Raises ConfigError, PortError or HandshakeError."""
    scheme, address, options = parse_url(url)
    return driver(scheme).open(address, options)


def find_all() -> list[Found]:
    """What every driver that can be loaded sees on this machine."""
    found: list[Found] = []
    for name in driver_names():
        try:
            found.extend(driver(name).find())
        except ConfigError:
            continue  # a driver whose library is not installed here sees nothing
    return found


def _entry_point(name: str) -> EntryPoint:
    points = entry_points(group=ENTRY_POINTS, name=name)
    if not points:
        raise ConfigError(
            f"no driver is called {name!r}: expected one of {', '.join(driver_names())}"
        )
    return next(iter(points))
