"""One contract over every registered driver: hardware that is simulated on a real port, and files.

A new driver does not pass unless it is added here.
"""

import re
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from drivers.config import config_names, load_config
from drivers.errors import ConfigError, DeviceError, DeviceLost, PortError
from drivers.hackeeg.frame import stream_info
from drivers.registry import driver, driver_names, open_device
from drivers.types import Device, DeviceInfo, Epoch, SampleBlock
from service.recording.recorder import Recorder
from tests.simulators.process import simulator, until

HARDWARE = ("cyton", "daisy", "hackeeg")
EVERY = (*HARDWARE, "file")


class Setup:
    """Something to open: its URL, and the simulator behind it if it is hardware."""

    def __init__(self, url, running=None):
        self.url = url
        self.running = running


def recording(path):
    """A file with ten seconds of one channel-silent HackEEG."""
    config = load_config("hackeeg-emg-4k")
    stream = stream_info(config)
    info = DeviceInfo("hackeeg", "HackEEG", "", "v0.3.0", (stream,), config.capability)
    recorder = Recorder(path, header={})
    opened_s = time.monotonic()
    recorder.epoch(
        "hackeeg", Epoch(0, info, {"GPIO": "0x07"}, datetime.now(UTC), opened_s, 0, "opened")
    )
    data = np.zeros((10, 400), np.int32)
    for n in range(100):
        block = SampleBlock("emg", 0, 400 * n, data, opened_s + n / 10)
        recorder.block("hackeeg", replace(block, data=data + n))
    recorder.close()


@pytest.fixture(scope="module")
def setups(tmp_path_factory):
    """Started when first asked for; ended with the module."""
    made, running = {}, []

    def get(name):
        folder = tmp_path_factory.mktemp(name)
        if name == "file" and name not in made:
            recording(folder / "study.mcap")
            made[name] = Setup(f"file:{folder / 'study.mcap'}")
        elif name not in made:
            context = simulator(name, "--link", str(folder / "port"))
            started = context.__enter__()
            running.append(context)
            made[name] = Setup(f"{name}:{started.ports['port']}", started)
        return made[name]

    yield get
    for context in running:
        context.__exit__(None, None, None)


@pytest.fixture
def opened(setups, request):
    """(setup, open device) of the driver that the test is run for."""
    setup = setups(request.param)
    device = open_device(setup.url)
    yield setup, device
    device.close()


def read_block(device, seconds=5.0):
    """The next block, with a deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        block = device.read(0.1)
        if block is not None:
            return block
    raise AssertionError(f"no block within {seconds} s")


def test_every_registered_driver_is_held_to_the_contract():
    """Adding a driver means adding it here."""
    assert sorted(EVERY) == driver_names()


@pytest.mark.parametrize("opened", EVERY, indirect=True)
def test_a_device_says_who_it_is_and_gives_consecutive_blocks(opened):
    """Identity before the start, None before the start, then blocks as promised."""
    _, device = opened
    assert isinstance(device, Device)
    assert re.search(r"\w", device.info.model)
    assert device.info.capability.rate_hz > 0
    streams = {stream.name: stream for stream in device.info.streams}
    for stream in streams.values():
        labels = [channel.label for channel in stream.channels]
        assert len(set(labels)) == len(labels) > 0
        assert stream.rate_hz > 0
        assert stream.group_delay_s >= 0
    settings = device.settings_read_back
    assert settings
    assert all(isinstance(part, str) for pair in settings.items() for part in pair)
    began = time.monotonic()
    assert device.read(0.05) is None
    assert time.monotonic() - began < 1.0
    device.start()
    first = read_block(device)
    assert device.counter_at_zero is None or device.counter_at_zero >= 0
    blocks = [first, read_block(device), read_block(device)]
    for block in blocks:
        stream = streams[block.stream]
        assert block.epoch == 0
        assert block.data.shape[0] == len(stream.channels)
        assert block.data.dtype == stream.dtype
        assert abs(time.monotonic() - block.received_s) < 5
    of_first = [block for block in blocks if block.stream == first.stream]
    for before, after in pairwise(of_first):
        assert after.start_index >= before.end_index


@pytest.mark.timed
@pytest.mark.parametrize("opened", EVERY, indirect=True)
def test_stop_and_close_from_another_thread_end_a_read_within_100_ms(opened):
    """While the device is silent, so that the read really waits."""
    setup, device = opened
    device.start()
    read_block(device)
    if setup.running:
        setup.running.ask(do="fault", name="stall", seconds=1.5)
    ended = []

    def read():
        try:
            while device.read(5.0) is not None:
                pass
        except DeviceError:
            pass  # a closed device may say that it is gone
        ended.append(time.monotonic())

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.3)
    assert not ended
    began = time.monotonic()
    stopper = threading.Thread(target=device.stop)
    stopper.start()
    reader.join(5)
    assert ended[0] - began < 0.1
    stopper.join(10)
    device.close()
    device.close()


@pytest.mark.parametrize("opened", HARDWARE, indirect=True)
def test_unplugging_raises_device_lost(opened):
    """Not silence: within two seconds."""
    setup, device = opened
    device.start()
    read_block(device)
    setup.running.ask(do="fault", name="unplug", seconds=1.0)
    deadline = time.monotonic() + 2

    def until_lost():
        while time.monotonic() < deadline:
            device.read(0.1)

    with pytest.raises(DeviceLost):
        until_lost()
    device.close()
    until(Path(setup.url.partition(":")[2]).exists, what="the plug for the fixture's next user")


@pytest.mark.parametrize("name", EVERY)
def test_a_missing_port_or_file_is_told_with_its_path(name):
    """PortError, and the path in the sentence."""
    with pytest.raises(PortError, match="/nonexistent/thing"):
        open_device(f"{name}:/nonexistent/thing")


@pytest.mark.parametrize("name", HARDWARE)
def test_a_wrong_option_or_configuration_is_told_before_the_port_is_touched(name):
    """ConfigError, the known names in it; another device's configuration too."""
    assert driver(name).default_config in config_names()
    with pytest.raises(ConfigError, match="hackeeg-ncs-16k"):
        open_device(f"{name}:/nonexistent?config=nonesuch")
    with pytest.raises(ConfigError, match="colour"):
        open_device(f"{name}:/nonexistent?colour=blue")
    other = "openbci-cyton-emg" if name == "hackeeg" else "hackeeg-ncs-16k"
    with pytest.raises(ConfigError, match=other):
        open_device(f"{name}:/nonexistent?config={other}")


@pytest.mark.parametrize("opened", HARDWARE, indirect=True)
def test_a_second_opening_is_refused_while_the_first_lives(opened):
    """Two readers would each get half of the samples."""
    setup, _ = opened
    with pytest.raises(PortError, match=r"is in use|is open"):
        open_device(setup.url)
