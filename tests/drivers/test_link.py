"""Links: what a person is told when a port will not open, and how soon a hang-up is noticed."""

import contextlib
import os
import pty
import socket
import subprocess
import sys
import threading
import time
import tty

import pytest

from drivers.errors import DeviceLost, PortError
from drivers.link import SerialLink, TcpLink


class Terminal:
    """A pseudo-terminal; its own slave is held open, as a device would."""

    def __init__(self):
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        self._open = [self.master, slave]

    def hang_up(self):
        """Close both ends; once."""
        while self._open:
            os.close(self._open.pop())


@pytest.fixture
def terminal():
    """One, hung up at the end."""
    made = Terminal()
    yield made
    made.hang_up()


@pytest.fixture
def link(terminal):
    """A link on it."""
    opened = SerialLink(terminal.port, 115200)
    yield opened
    opened.close()


def test_bytes_pass_both_ways_untouched(terminal, link):
    """All 256 values, control characters among them."""
    every = bytes(range(256))
    os.write(terminal.master, every)
    heard = b""
    while len(heard) < 256:
        heard += link.read_available(1.0)
    assert heard == every
    link.write(every)
    assert os.read(terminal.master, 4096) == every


def test_a_timeout_is_no_bytes(link):
    """Not an error."""
    began = time.monotonic()
    assert link.read_available(0.05) == b""
    assert time.monotonic() - began >= 0.045


@pytest.mark.timed
@pytest.mark.parametrize("name", ["interrupt", "close"])
def test_another_thread_ends_a_waiting_read_at_once(link, name):
    """Within 100 ms."""
    ended = []

    def read():
        with contextlib.suppress(DeviceLost):
            link.read_available(5.0)
        ended.append(time.monotonic())

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.05)
    began = time.monotonic()
    getattr(link, name)()
    reader.join(5)
    assert ended[0] - began < 0.1


@pytest.mark.timed
def test_a_hang_up_is_noticed_within_100_ms(terminal, link):
    """The other end goes while a read waits."""
    timer = threading.Timer(0.1, terminal.hang_up)
    timer.start()
    began = time.monotonic()
    with pytest.raises(DeviceLost, match="gone"):
        link.read_available(5.0)
    assert time.monotonic() - began < 0.2
    timer.join()
    with pytest.raises(DeviceLost):
        link.write(b"x")


def test_a_closed_link_says_so_and_closes_again(link):
    """Idempotent."""
    link.close()
    link.close()
    with pytest.raises(DeviceLost, match="closed"):
        link.read_available(0.0)
    with pytest.raises(DeviceLost, match="closed"):
        link.write(b"x")


def test_a_device_that_takes_no_bytes_is_lost_within_a_second_or_so(link):
    """A full buffer does not hang the writer for ever."""
    with pytest.raises(DeviceLost, match="took no bytes"):
        link.write(bytes(1_000_000))


def test_a_missing_port_is_told_with_its_path():
    """And the first thing to check."""
    with pytest.raises(PortError, match="/dev/nonesuch does not exist: is the device plugged in"):
        SerialLink("/dev/nonesuch", 115200)


def test_a_file_is_not_a_serial_port(tmp_path):
    """Said in words, not as an ioctl."""
    file = tmp_path / "notes.txt"
    file.write_text("")
    with pytest.raises(PortError, match="cannot be opened as a serial port"):
        SerialLink(str(file), 115200)


def test_a_busy_port_is_told_with_the_program_that_has_it(terminal):
    """Name and pid of the holder."""
    code = (
        "import serial, sys; p = serial.Serial(sys.argv[1], exclusive=True);"
        "print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, terminal.port],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        # the terminal's other descriptor is ours; any holder that is named must be a real one
        with pytest.raises(PortError, match=r"is in use by \S+ \(pid \d+\): close it there first"):
            SerialLink(terminal.port, 115200)
    finally:
        holder.communicate()


def test_a_denied_port_names_the_group(monkeypatch, terminal):
    """The commonest trouble on Linux."""

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("drivers.link.serial.Serial", denied)
    with pytest.raises(PortError, match="dialout"):
        SerialLink(terminal.port, 115200)


def test_tcp_carries_bytes_and_notices_the_end():
    """The same link for devices on the network."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        link = TcpLink("127.0.0.1", port)
        peer, _ = server.accept()
        link.write(b"hello")
        assert peer.recv(10) == b"hello"
        peer.sendall(b"back")
        assert link.read_available(1.0) == b"back"
        peer.close()
        with pytest.raises(DeviceLost, match="hung up"):
            link.read_available(1.0)
        link.close()
    with pytest.raises(PortError, match=f"127.0.0.1:{port} cannot be reached"):
        TcpLink("127.0.0.1", port, 0.5)


def test_one_read_takes_all_that_a_terminal_holds(terminal, link):
    """The kernel gives 4095 bytes a call; a device that sends more in between must be drained."""
    sent = bytes(range(256)) * 40
    os.write(terminal.master, sent)
    assert link.read_available(1.0) == sent


def test_a_paced_link_reads_no_more_often_but_waits_for_no_company(terminal, link):
    """Reads lie `pace_s` apart in the mean; after a pause or a late byte one is made at once."""
    link.pace_s = 0.2
    os.write(terminal.master, b"first")
    begun = time.monotonic()
    assert link.read_available(1.0) == b"first"
    assert time.monotonic() - begun < 0.15
    for turn in (0, 1, 2):
        os.write(terminal.master, b"next")
        assert link.read_available(2.0) == b"next"
        assert time.monotonic() - begun >= 0.2 * turn


def test_a_link_that_paces_itself_is_interrupted_at_once(terminal, link):
    """`stop` must not wait for the next turn."""
    link.pace_s = 5.0
    for turn in (b"first", b"second"):
        os.write(terminal.master, turn)
        assert link.read_available(1.0) == turn
    begun = time.monotonic()
    link.interrupt()
    assert link.read_available(1.0) == b""
    assert time.monotonic() - begun < 1.0
