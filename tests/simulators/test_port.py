"""Pacing against absolute time, and a pty that never blocks its device."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.port import Pacer, PtyPort


class Clock:
    """A clock that a test moves."""

    def __init__(self, at=0.0):
        self.at = at

    def __call__(self):
        """Now."""
        return self.at


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.floats(0.0, 0.5), max_size=60), rate=st.sampled_from([250.0, 16000.0]))
def test_what_is_due_is_floor_of_elapsed_times_rate(steps, rate):
    """However irregular the calls, the sum never drifts from absolute time."""
    clock = Clock()
    pacer = Pacer(clock, rate)
    total = 0
    for step in steps:
        clock.at += step
        total += pacer.take()
        assert total == int(clock.at * rate)
        assert 0.0 <= pacer.position() < 1.0


def test_a_clock_that_stands_still_makes_nothing_due():
    """No time, no samples; a clock that steps back gives none either."""
    clock = Clock(10.0)
    pacer = Pacer(clock, 16000.0)
    assert pacer.take() == 0
    clock.at = 9.0
    assert pacer.take() == 0


def test_speed_and_a_change_of_rate():
    """Twice the speed is twice the samples; a new rate loses nothing that is due."""
    clock = Clock()
    pacer = Pacer(clock, 250.0, speed=2.0)
    clock.at = 1.001
    assert pacer.take() == 500
    clock.at += 0.02
    assert pacer.position() == pytest.approx(10.5)
    pacer.set_rate(1000.0)
    assert pacer.position() == pytest.approx(10.5)
    clock.at += 0.0004
    assert pacer.take() == 11


def test_the_link_moves_to_a_new_terminal(tmp_path):
    """Unplugged, the link is gone; replugged, it leads to the new terminal."""
    link = tmp_path / "ttyTEST"
    port = PtyPort(link)
    assert port.name == str(link)
    first = link.readlink()
    assert first.exists()
    port.close()
    assert not link.is_symlink()
    assert port.fileno is None
    assert port.read() == b""
    port.write(b"into the void")
    assert not port.blocked
    port.open()
    assert link.is_symlink()
    port.close()


def test_bytes_pass_both_ways_untouched():
    """The terminal is raw: every byte value arrives."""
    port = PtyPort()
    client = os.open(port.name, os.O_RDWR | os.O_NOCTTY)
    everything = bytes(range(256))
    port.write(everything)
    assert os.read(client, 1000) == everything
    os.write(client, everything)
    assert port.read() == everything
    os.close(client)
    port.close()


def test_a_full_terminal_blocks_without_losing_what_was_written():
    """What the reader has not taken waits; nothing is lost or repeated."""
    port = PtyPort()
    client = os.open(port.name, os.O_RDWR | os.O_NOCTTY)
    data = bytes(k % 251 for k in range(100_000))
    port.write(data)
    assert port.blocked
    received = bytearray()
    while len(received) < len(data):
        received += os.read(client, 65536)
        if port.blocked:
            continue
    assert bytes(received) == data
    os.close(client)
    port.close()


def test_a_port_with_a_buffer_blocks_only_when_it_is_full():
    """What a late reader may leave waiting before conversions are lost."""
    port = PtyPort(buffer_bytes=50_000)
    port.write(bytes(60_000))
    assert not port.blocked
    port.write(bytes(20_000))
    assert port.blocked
    port.close()


def test_a_port_that_is_not_held_tells_when_its_client_leaves():
    """Connected from the client's open to its close."""
    port = PtyPort(hold=False)
    assert not port.connected
    client = os.open(port.name, os.O_RDWR | os.O_NOCTTY)
    assert port.connected
    os.close(client)
    assert not port.connected
    again = os.open(port.name, os.O_RDWR | os.O_NOCTTY)
    assert port.connected
    os.write(again, b"hello")
    assert port.read() == b"hello"
    os.close(again)
    port.close()
