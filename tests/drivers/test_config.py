"""Configurations: every shipped one is consistent, every wrong one is told precisely."""

import tomllib

import pytest

from drivers import ads1299
from drivers.config import (
    LIMITS_NAME,
    config_folder,
    config_names,
    load_config,
    load_stimulator_limits,
    with_labels,
)
from drivers.errors import ConfigError

NAMES = config_names()


@pytest.mark.parametrize("name", NAMES)
def test_what_the_device_takes_follows_from_the_human_fields(name):
    """Registers, commands and microvolts regenerated from the raw file, not by the loader."""
    raw = tomllib.loads((config_folder() / f"{name}.toml").read_text())
    gains = {1: 0, 2: 1, 4: 2, 6: 3, 8: 4, 12: 5, 24: 6}
    for channel in raw["channels"]:
        exact = 4.5 / (2**23 - 1) / channel["gain"] * 1e6
        assert channel["uv_per_count"] == pytest.approx(exact, rel=1e-6)
        gain, off = gains[channel["gain"]], int(not channel["powered"])
        if raw["driver"] == "hackeeg":
            assert channel["register"] == off << 7 | gain << 4 | channel["srb2"] << 3
            assert channel["register"] == raw["registers"][f"CH{channel['index']}SET"]
        else:
            pin = "12345678QWERTYUI"[channel["index"] - 1]
            tail = f"{int(channel['bias'])}{int(channel['srb2'])}{int(channel['srb1'])}"
            assert channel["command"] == f"x{pin}{off}{gain}0{tail}X"
    if raw["driver"] == "hackeeg":
        rate = {16000: 0x90, 8000: 0x91, 4000: 0x92, 2000: 0x93, 1000: 0x94, 500: 0x95, 250: 0x96}
        assert raw["registers"]["CONFIG1"] == rate[raw["stream"]["rate_hz"]]
        assert raw["registers"]["GPIO"] == 0x07
        assert raw["stream"]["group_delay_s"] == pytest.approx(1.5 / raw["stream"]["rate_hz"])


def test_register_addresses_are_the_data_sheets():
    """The ends and the middle of the map."""
    expected = {"ID": 0, "CONFIG1": 1, "CH1SET": 5, "CH8SET": 0x0C, "BIAS_SENSP": 0x0D}
    expected |= {"LOFF_STATN": 0x13, "GPIO": 0x14, "MISC1": 0x15, "CONFIG4": 0x17}
    assert {name: ads1299.REGISTERS[name] for name in expected} == expected


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_configuration_loads(name):
    """And names muscles of the demo montage; a trigger line called stimulator."""
    config = load_config(name)
    assert config.id == name
    assert [c.label for c in config.channels[:2]] == ["left APB", "left FDI"]
    assert config.trigger.line == "stimulator"
    assert config.capability.lsb_uv == pytest.approx(0.0670552, rel=1e-6)
    assert load_config(config_folder() / f"{name}.toml") == config


WRONG = [
    ("gain = 8", "gain = 7", r"channels\[1\]\.gain = 7, expected one of 1, 2, 4, 6, 8, 12, 24"),
    ("gain = 8", "gain = 12", r"uv_per_count = 0\.067\d+, expected 0\.0447\d+ at gain 12"),
    ("register = 0x40", "register = 0x50", r"channels\[1\]\.register = 80, expected 0x40"),
    ("CONFIG1 = 0x90", "CONFIG1 = 0x91", r"registers\.CONFIG1 = 145, expected 0x90"),
    ("rate_hz = 16000", "rate_hz = 15000", r"expected a rate of the ADS1299: 16000, 8000"),
    ("rate_hz = 16000", 'rate_hz = "fast"', r"stream\.rate_hz = 'fast', expected a number"),
    ('label = "left FDI"', 'label = "left APB"', r"expected a label that no other channel has"),
    ("bias = true", "bais = true", r"channels\[1\]\.bias is missing, expected true or false"),
    ("[trigger]", "[trigger]\ndelay = 1", r"trigger\.delay = 1, expected only active, bit, line"),
    ("bit = 0 ", "bit = 4 ", r"trigger\.bit = 4, expected a whole number from 0 to 3"),
    ("schema = 1", "schema = 2", r"schema = 2, expected a whole number from 1 to 1"),
    ("schema = 1", "schema = ", r"is not TOML"),
    ('input = "normal"', 'input = "wet"', r"input = 'wet', expected one of normal, shorted"),
    ('id = "hackeeg-ncs-16k"', 'id = "other"', r"id = 'other', expected one of hackeeg-ncs-16k"),
    ("gpio_inputs = [1, 2, 3]", "gpio_inputs = [5]", r"gpio_inputs = \[5\], expected a list of"),
]


@pytest.mark.parametrize(("old", "new", "message"), WRONG)
def test_a_wrong_entry_is_told_with_file_key_value_and_what_was_expected(
    tmp_path, old, new, message
):
    """A silently wrong setting is a silently wrong microvolt."""
    text = (config_folder() / "hackeeg-ncs-16k.toml").read_text()
    assert old in text
    file = tmp_path / "hackeeg-ncs-16k.toml"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(file)
    assert "hackeeg-ncs-16k.toml" in str(caught.value)


def test_a_wrong_cyton_command_is_refused(tmp_path):
    """Gain 12 in human words, gain 8 in the command."""
    text = (config_folder() / "openbci-cyton-emg.toml").read_text()
    file = tmp_path / "openbci-cyton-emg.toml"
    file.write_text(text.replace('"x1040100X"', '"x1050100X"'))
    with pytest.raises(ConfigError, match=r"command = 'x1050100X', expected 'x1040100X'"):
        load_config(file)


def test_an_unknown_name_is_told_with_the_known_ones():
    """And a missing file with its path."""
    with pytest.raises(ConfigError, match="hackeeg-ncs-16k"):
        load_config("nonesuch")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config("/nonexistent/x.toml")


def test_stimulator_limits_can_be_lowered_but_never_raised(tmp_path):
    """The ceilings are in the code."""
    text = (config_folder() / f"{LIMITS_NAME}.toml").read_text()
    file = tmp_path / "site.toml"
    file.write_text(text.replace("max_ma = 100.0", "max_ma = 30.0"))
    assert load_stimulator_limits(file).max_ma == 30
    shipped = tomllib.loads(text)
    for table in ("pulse", "train", "arming", "step"):
        for key, value in shipped[table].items():
            # a shorter pause lets more through; of everything else, more is more
            beyond = value / 2 if key == "train_gap_s" else value * 2 + 1
            file.write_text(text.replace(f"{key} = {value}", f"{key} = {beyond}", 1))
            with pytest.raises(ConfigError, match=key):
                load_stimulator_limits(file)


def test_channels_can_be_called_otherwise():
    """In channel order; an empty name and channels not named keep theirs, no labels change none."""
    config = load_config(NAMES[0])
    usual = [channel.label for channel in config.channels]
    other = with_labels(config, "left TA,, left EDB")
    assert [channel.label for channel in other.channels] == [
        "left TA", usual[1], "left EDB", *usual[3:]
    ]  # fmt: skip
    assert other.channels[0].gain == config.channels[0].gain
    assert with_labels(config, None) is config


@pytest.mark.parametrize(
    ("labels", "told"), [(",".join("abcdefghijklmnopqr"), "channels, not 18"), ("a,a", "called a")]
)
def test_labels_that_cannot_be_are_refused(labels, told):
    """Too many, or one for two channels."""
    with pytest.raises(ConfigError, match=told):
        with_labels(load_config(NAMES[0]), labels)
