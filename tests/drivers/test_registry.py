"""URLs, names, and drivers that are loaded when they are first used."""

import subprocess
import sys

import pytest

from drivers.errors import ConfigError
from drivers.registry import BUILT_IN, driver, driver_names, find_all, open_device, parse_url


def test_a_url_has_a_scheme_an_address_and_options():
    """The address is left as it is."""
    assert parse_url("hackeeg:/dev/ttyACM0") == ("hackeeg", "/dev/ttyACM0", {})
    assert parse_url("file:/a b?speed=0&device=x") == (
        "file",
        "/a b",
        {"speed": "0", "device": "x"},
    )
    assert parse_url("intan:host:5000")[1] == "host:5000"


@pytest.mark.parametrize("url", ["/dev/ttyACM0", "hackeeg:", ":x", ""])
def test_what_is_no_url_is_told_with_an_example(url):
    """One sentence."""
    with pytest.raises(ConfigError, match="expected scheme:address, such as hackeeg:"):
        open_device(url)


def test_an_unknown_driver_is_told_with_the_known_ones():
    """Built-in ones and those of other packages."""
    with pytest.raises(ConfigError, match="expected one of cyton, daisy, file, hackeeg"):
        open_device("nonesuch:/dev/null")


def test_every_driver_loads_and_offers_the_contract():
    """open, find and a default configuration."""
    for name in driver_names():
        loaded = driver(name)
        assert callable(loaded.open)
        assert isinstance(loaded.find(), list)
        assert isinstance(loaded.default_config, str)
    assert set(BUILT_IN) < set(driver_names())
    assert isinstance(find_all(), list)


def test_naming_drivers_imports_none_of_them():
    """brainflow costs 0.4 s and 30 MB; a HackEEG user does not pay it."""
    code = (
        "import sys; from drivers.registry import driver_names; driver_names();"
        "print([m for m in sys.modules if m.startswith(('brainflow', 'serial', 'drivers.open'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
