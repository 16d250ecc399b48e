"""The whole service as a process: frozen, it disarms; STOP is in time with 200 viewers."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed

from .served import ROOT, Served, served

DEAD_MAN_S = 0.3
LOOK_S = 0.02  # the simulator looks every 4 ms, and the test asks it over a socket
STOP_S = 0.1
VIEWERS = 200
STOPS = 100


@pytest.fixture(scope="module")
def bedside(tmp_path_factory):
    """One service and its simulator."""
    with served(tmp_path_factory.mktemp("data")) as made:
        made.state_current(10)
        yield made


def frozen(bedside: Served, seconds: float, number: int) -> float:
    """SIGSTOP while armed, a press meanwhile, SIGCONT: seconds until the stimulator was off."""
    bedside.be_armed()
    assert bedside.hardware_armed()
    before = bedside.emitted()
    os.kill(bedside.process.pid, signal.SIGSTOP)
    begun = time.monotonic()
    press = threading.Thread(target=bedside.fire, args=(f"frozen{number}",))
    press.start()
    while bedside.hardware_armed():
        assert time.monotonic() - begun < 5, "the dead-man did nothing"
        time.sleep(0.001)
    took_s = time.monotonic() - begun
    time.sleep(max(0.0, begun + seconds - time.monotonic()))
    os.kill(bedside.process.pid, signal.SIGCONT)
    press.join(10)
    time.sleep(0.3)
    assert bedside.emitted() == before, "a pulse from before the freeze"
    assert not bedside.hardware_armed()
    return took_s


def test_a_service_that_was_frozen_gives_no_pulse_afterwards(bedside: Served) -> None:
    """A press made while it was stopped is not carried out late."""
    frozen(bedside, 0.5, 0)
    bedside.be_armed()
    assert bedside.fire("well again")["status"] == 200


@pytest.mark.timed
def test_a_frozen_service_is_disarmed_within_300_ms(bedside: Served) -> None:
    """By the stimulator itself; median of five freezes of 0.3 to 1.5 s."""
    took = [frozen(bedside, 0.3 + 0.3 * n, 10 + n) for n in range(5)]
    assert sorted(took)[2] <= DEAD_MAN_S + LOOK_S, took


@pytest.mark.soak
def test_a_hundred_freezes(bedside: Served) -> None:
    """0.3 to 5 s each: off in time, and never a late pulse."""
    took = sorted(frozen(bedside, 0.3 + 4.7 * n / 99, 100 + n) for n in range(100))
    assert took[94] <= DEAD_MAN_S + LOOK_S, took[-10:]


def read_on(viewer) -> None:
    """Take what comes, until the socket is closed."""
    with contextlib.suppress(ConnectionClosed):
        for _ in viewer:
            pass


def stop_times(bedside: Served, other) -> list[float]:
    """Seconds from STOP to the stimulator's own "off": by turns the address, without login, and
    the socket of a viewer who has armed nothing."""
    took = []
    for number in range(STOPS):
        bedside.be_armed()
        begun = time.monotonic()
        if number % 2:
            other.send('{"type": "stop"}')
        else:
            assert bedside.ask("/api/stop", {}, login=False)["stopped"]
        while bedside.hardware_armed():
            assert time.monotonic() - begun < 5
            time.sleep(0.001)
        took.append(time.monotonic() - begun)
    return took


@pytest.mark.timed
def test_stop_is_carried_out_within_100_ms_with_200_viewers(bedside: Served) -> None:
    """p99 of a hundred; 200 viewers read the live traces all the while."""
    path = f"/api/live?token={bedside.token}"
    command = [sys.executable, "-m", "benchmarks.crowd", str(bedside.port), str(VIEWERS), "600"]
    crowd = subprocess.Popen([*command, "0", path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert crowd.stdout.readline() == "ready\n"
        with bedside.socket() as other:
            threading.Thread(target=read_on, args=(other,), daemon=True).start()
            took = sorted(stop_times(bedside, other))
    finally:
        crowd.kill()
        crowd.wait()
        crowd.stdout.close()
    assert took[98] <= STOP_S, took[-10:]
