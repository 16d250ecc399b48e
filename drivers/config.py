"""firmware_configs/*.toml → checked DeviceConfig and StimulatorLimits, for drivers and simulators.

A file states each setting twice, in human words and as the device takes it; one whose halves
disagree is refused, because a wrong gain is a silently wrong microvolt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from . import ads1299
from .errors import ConfigError
from .table import Table
from .types import Capability

LIMITS_NAME: Final = "stimulator-limits"
DRIVERS: Final = ("hackeeg", "cyton", "daisy")


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """One analogue input. `register` (CHnSET) or `command` (`x…X`) is its setting as the device
    takes it, None where the device takes the other form."""

    index: int
    label: str
    gain: int
    input: str
    bias: bool
    srb1: bool
    srb2: bool
    powered: bool
    uv_per_count: float
    register: int | None
    command: str | None


@dataclass(frozen=True, slots=True)
class TriggerConfig:
    """Where the stimulator's line shows in the samples.

    source `gpio`: `bit` of the status word's low nibble. source `digital`: `byte` of the frame,
    counted from 1, after the board was told `command`.
    """

    source: Literal["gpio", "digital"]
    line: str
    active: Literal["high", "low"]
    bit: int | None = None
    byte: int | None = None
    command: str = ""


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """One device set up for one purpose. `registers` is empty for devices without them, `digital`
    maps pin names to frame bytes (counted from 1), `raw` is the file as TOML gave it."""

    id: str
    title: str
    driver: str
    model: str
    path: Path
    baud: int
    stream: str
    rate_hz: float
    frame_rate_hz: float
    bandwidth_hz: float
    group_delay_s: float
    loss_rule: str
    channels: tuple[ChannelConfig, ...]
    registers: Mapping[str, int]
    gpio_inputs: tuple[int, ...]
    trigger: TriggerConfig
    digital: Mapping[str, int]
    needle_input: bool
    isolation_note: str
    raw: Mapping[str, Any]

    @property
    def capability(self) -> Capability:
        """What the device can honestly measure when set up like this."""
        powered = [c.uv_per_count for c in self.channels if c.powered]
        return Capability(
            rate_hz=self.rate_hz,
            bandwidth_hz=self.bandwidth_hz,
            lsb_uv=max(powered, default=None),
            loss_rule=self.loss_rule,
            trigger="sample",
            needle_input=self.needle_input,
            isolation_note=self.isolation_note,
        )


@dataclass(frozen=True, slots=True)
class TrainLimit:
    """What a declared train of one kind may have at most."""

    max_count: int
    max_rate_hz: float


@dataclass(frozen=True, slots=True)
class StimulatorLimits:
    """What no pulse may exceed, and how long arming lasts. Fixed for the life of the process."""

    max_ma: float
    max_us: float
    max_charge_uc: float
    max_energy_mj: float
    load_ohm: float
    max_rate_hz: float
    max_train: int
    train_gap_s: float
    max_avg_ma: float
    arm_timeout_s: float
    dead_man_s: float
    command_life_s: float
    start_ma: float
    max_step_ma: float
    max_step_fraction: float
    declared: Mapping[str, TrainLimit]


# kind of train, pulses, rate: F-waves, H-reflex curve, repetitive stimulation, CMAP scan
DECLARED_CEILINGS = (("f", 100, 1.0), ("h", 150, 1.0), ("rns", 10, 5.0), ("scan", 600, 2.0))


def config_folder() -> Path:
    """The shipped configurations: beside this file in a wheel, beside `drivers` in a checkout."""
    inside = Path(__file__).parent / "firmware_configs"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "firmware_configs"


def config_names() -> list[str]:
    """Names of the shipped device configurations, sorted."""
    return sorted(p.stem for p in config_folder().glob("*.toml") if p.stem != LIMITS_NAME)


def load_config(name_or_path: str | Path) -> DeviceConfig:
    """A configuration by shipped name, or from a file. Raises ConfigError."""
    text = str(name_or_path)
    if text.endswith(".toml") or "/" in text:
        path = Path(text)
    else:
        path = config_folder() / f"{text}.toml"
        if text not in config_names():
            raise ConfigError(
                f"no configuration is called {text!r}: there are {', '.join(config_names())}, "
                "or give the path of a .toml file"
            )
    return _device_config(Table.load(path), path)


def with_labels(config: DeviceConfig, labels: str | None) -> DeviceConfig:
    """The configuration with labels of its channels, channel 1 first, commas between; channels not
    named and empty names keep theirs, None changes nothing. Raises ConfigError for too many, or
    for a label that two channels would have."""
    if labels is None:
        return config
    given = [label.strip() for label in labels.split(",")]
    if len(given) > len(config.channels):
        raise ConfigError(f"{config.id} has {len(config.channels)} channels, not {len(given)}")
    given += [""] * (len(config.channels) - len(given))
    channels = tuple(
        replace(channel, label=new or channel.label)
        for channel, new in zip(config.channels, given, strict=True)
    )
    names = [channel.label for channel in channels]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"two channels of {config.id} would be called {', '.join(twice)}")
    return replace(config, channels=channels)


def load_stimulator_limits(path: Path | None = None) -> StimulatorLimits:
    """The limits file. The ranges here are ceilings: a file cannot raise a limit above them."""
    file = path or config_folder() / f"{LIMITS_NAME}.toml"
    table = Table.load(file)
    table.whole("schema", 1, 1)
    table.text("id", [LIMITS_NAME])
    pulse, train = table.table("pulse"), table.table("train")
    arming, step = table.table("arming"), table.table("step")
    declared = table.table("declared")
    limits = StimulatorLimits(
        max_ma=pulse.number("max_ma", 0, 100),
        max_us=pulse.number("max_us", 0, 1000),
        max_charge_uc=pulse.number("max_charge_uc", 0, 50),
        max_energy_mj=pulse.number("max_energy_mj", 0, 50),
        load_ohm=pulse.number("load_ohm", 1000, 1000),
        max_rate_hz=train.number("max_rate_hz", 0.01, 5),
        max_train=train.whole("max_train", 1, 10),
        train_gap_s=train.number("train_gap_s", 0.45, 60),
        max_avg_ma=train.number("max_avg_ma", 0, 10),
        arm_timeout_s=arming.number("arm_timeout_s", 1, 60),
        dead_man_s=arming.number("dead_man_s", 0.1, 0.3),
        command_life_s=arming.number("command_life_s", 0.02, 0.2),
        start_ma=step.number("start_ma", 0, 0),
        max_step_ma=step.number("max_step_ma", 0.1, 5),
        max_step_fraction=step.number("max_step_fraction", 0, 0.2),
        declared={
            kind: TrainLimit(
                declared.whole(f"{kind}_count", 1, count),
                declared.number(f"{kind}_rate_hz", 0.01, rate_hz),
            )
            for kind, count, rate_hz in DECLARED_CEILINGS
        },
    )
    for part in (pulse, train, arming, step, declared, table):
        part.finish()
    return limits


def _device_config(table: Table, path: Path) -> DeviceConfig:
    table.whole("schema", 1, 1)
    table.text("chip", ["ads1299"])
    driver = table.text("driver", DRIVERS)
    link, stream, capability = table.table("link"), table.table("stream"), table.table("capability")
    link.text("kind", ["serial"])
    stream.whole("counter_modulus", 256, 256, 256)
    rate_hz = stream.number("rate_hz", 1, 16000)
    frame_rate_hz = stream.number("frame_rate_hz", rate_hz, 16000, rate_hz)
    if int(frame_rate_hz) not in ads1299.RATE_CODES:
        rates = ", ".join(str(rate) for rate in ads1299.RATE_CODES)
        raise stream.wrong("rate_hz", frame_rate_hz, f"a rate of the ADS1299: {rates}")
    channels = _channels(table, driver)
    registers, gpio_inputs = _registers(table, driver, int(frame_rate_hz), channels)
    digital = table.table("digital", optional=True)
    config = DeviceConfig(
        id=table.text("id", [path.stem]),
        title=table.text("title"),
        driver=driver,
        model=table.text("model"),
        path=path,
        baud=link.whole("baud", 9600, 3_000_000),
        stream=stream.text("name"),
        rate_hz=rate_hz,
        frame_rate_hz=frame_rate_hz,
        bandwidth_hz=stream.number("bandwidth_hz", 1, frame_rate_hz / 2),
        group_delay_s=stream.number("group_delay_s", 0, 0.1),
        loss_rule=stream.text("loss", ["micros", "counter-mod-256"]),
        channels=channels,
        registers=MappingProxyType(registers),
        gpio_inputs=gpio_inputs,
        trigger=_trigger(table.table("trigger"), driver),
        digital=MappingProxyType(digital.whole_numbers(27, 32)),
        needle_input=capability.flag("needle_input"),
        isolation_note=capability.text("isolation_note"),
        raw=MappingProxyType(dict(table.raw)),
    )
    for part in (link, stream, capability, table):
        part.finish()
    return config


def _channels(table: Table, driver: str) -> tuple[ChannelConfig, ...]:
    parts = table.tables("channels")
    expected_count = 16 if driver == "daisy" else 8
    if len(parts) != expected_count:
        raise table.wrong("channels", f"{len(parts)} of them", f"{expected_count} for {driver}")
    channels = tuple(_channel(part, n, driver) for n, part in enumerate(parts, 1))
    labels = [channel.label for channel in channels]
    for part, label in zip(parts, labels, strict=True):
        if labels.count(label) > 1:
            raise part.wrong("label", label, "a label that no other channel has")
    return channels


def _channel(table: Table, index: int, driver: str) -> ChannelConfig:
    gain = table.whole("gain", 1, 24)
    if gain not in ads1299.GAIN_CODES:
        raise table.wrong("gain", gain, f"one of {', '.join(map(str, ads1299.GAIN_CODES))}")
    by_register = driver == "hackeeg"
    channel = ChannelConfig(
        index=table.whole("index", index, index),
        label=table.text("label"),
        gain=gain,
        input=table.text("input", ads1299.INPUT_CODES),
        bias=table.flag("bias"),
        srb1=table.flag("srb1"),
        srb2=table.flag("srb2"),
        powered=table.flag("powered"),
        uv_per_count=table.number("uv_per_count", 1e-6, 1e3),
        register=table.whole("register", 0, 255) if by_register else None,
        command=None if by_register else table.text("command"),
    )
    table.finish()
    exact = ads1299.uv_per_count(gain)
    if abs(channel.uv_per_count - exact) > 1e-6 * exact:
        raise table.wrong("uv_per_count", channel.uv_per_count, f"{exact:.10f} at gain {gain}")
    if by_register and channel.register != ads1299.channel_register(channel):
        wanted = f"0x{ads1299.channel_register(channel):02X}, which is what the other fields say"
        raise table.wrong("register", channel.register, wanted)
    if not by_register and channel.command != ads1299.cyton_command(channel):
        wanted = f"{ads1299.cyton_command(channel)!r}, which is what the other fields say"
        raise table.wrong("command", channel.command, wanted)
    return channel


def _registers(
    table: Table, driver: str, rate_hz: int, channels: tuple[ChannelConfig, ...]
) -> tuple[dict[str, int], tuple[int, ...]]:
    if driver != "hackeeg":
        return {}, ()
    front_end = table.table("front_end")
    front_end.text("test_signal", ["off"])
    front_end.text("lead_off", ["off"])
    pins = front_end.value("gpio_inputs", "a list of pins 1 to 4")
    if not isinstance(pins, list) or any(pin not in (1, 2, 3, 4) for pin in pins):
        raise front_end.wrong("gpio_inputs", pins, "a list of pins 1 to 4")
    exact = ads1299.registers(
        rate_hz, channels, bias_drive=front_end.flag("bias_drive"), gpio_inputs=pins
    )
    front_end.finish()
    part = table.table("registers")
    for name, value in exact.items():
        if part.whole(name, 0, 255) != value:
            wanted = f"0x{value:02X}, which is what the human fields say"
            raise part.wrong(name, part.whole(name, 0, 255), wanted)
    part.finish()
    return exact, tuple(pins)


def _trigger(table: Table, driver: str) -> TriggerConfig:
    by_gpio = driver == "hackeeg"
    table.text("source", ["gpio" if by_gpio else "digital"])
    trigger = TriggerConfig(
        source="gpio" if by_gpio else "digital",
        line=table.text("line"),
        active=cast(Literal["high", "low"], table.text("active", ["high", "low"])),
        bit=table.whole("bit", 0, 3) if by_gpio else None,
        byte=None if by_gpio else table.whole("byte", 27, 32),
        command="" if by_gpio else table.text("command", ["/3"]),
    )
    table.finish()
    return trigger
