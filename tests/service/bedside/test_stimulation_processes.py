"""Rules, driver and stimulator as real processes: stopped, killed, unplugged, replayed, clocks set.

Every pulse in the simulator's own log must answer to a press that the rules allowed.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import random
import select
import signal
import subprocess
import sys
import threading
import time
import tty
from pathlib import Path

import pytest

from drivers.config import load_stimulator_limits
from service.bedside.interlock import SILENT_S
from tests.simulators.process import simulator

ROOT = Path(__file__).resolve().parents[3]
LIMITS = load_stimulator_limits()
PRESS_LIFE_S = LIMITS.dead_man_s + LIMITS.command_life_s
STEPS = 220
SLACK_S = 0.1


class Cable:
    """Between driver and simulator: can be pulled out, and says old lines again."""

    def __init__(self, far: str, folder: Path) -> None:
        self.far_name = far
        self.name = str(folder / "stimulator")
        self.lines: list[bytes] = []
        self._ours = -1
        self._ended = threading.Event()
        self._orders: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._plug()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def order(self, what: str) -> None:
        """`unplug` (and in again), or `replay`: done by the thread that carries."""
        self._orders.put(what)

    def _plug(self) -> None:
        self._ours, slave = os.openpty()
        tty.setraw(slave)
        self._held = slave
        Path(self.name).unlink(missing_ok=True)
        Path(self.name).symlink_to(os.ttyname(slave))
        self._far = os.open(self.far_name, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._far)
        self._told: list[bool] = []
        self._up = self._down = b""

    def _unplug(self) -> None:
        for end in (self._ours, self._held, self._far):
            os.close(end)

    def _carry(self) -> None:
        while not self._ended.is_set():
            ready, _, _ = select.select([self._ours, self._far], [], [], 0.005)
            if self._ours in ready:
                *whole, self._up = (self._up + os.read(self._ours, 4096)).split(b"\n")
                for line in whole:
                    self.lines.append(line)
                    self._send(line, ours=True)
            if self._far in ready:
                *whole, self._down = (self._down + os.read(self._far, 65536)).split(b"\n")
                for line in whole:
                    if self._told.pop(0):  # answers to what was replayed are nobody's
                        os.write(self._ours, line + b"\n")
            while not self._orders.empty():
                if self._orders.get() == "unplug":
                    self._unplug()
                    time.sleep(0.05)
                    self._plug()
                else:
                    for line in self.lines[-6:]:
                        self._send(line, ours=False)

    def _send(self, line: bytes, *, ours: bool) -> None:
        self._told.append(ours)
        os.write(self._far, line + b"\n")

    def close(self) -> None:
        """Out for good."""
        self._ended.set()
        self._thread.join(5)
        self._unplug()


class Bedside:
    """The host process and what the rules allow of it: `may_s` is None from the moment on at which
    something that must disarm was asked for or done."""

    def __init__(self, port: str) -> None:
        self.port = port
        self.may = False
        self.silent_s: float | None = None
        self.nonces = 0
        self.presses: list[tuple[float, float, bool]] = []  # from, to, allowed
        self.begin()

    def begin(self) -> None:
        """A new process, and all that arming needs."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.service.bedside.stimulation_host", self.port],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.may, self.current_ma, self.side, self.silent_s = False, 0.0, "", None
        self.ask(do="amplifier", live=True)
        self.ask(do="ask")

    def ask(self, **request) -> str:
        """One request; the cause of a refusal."""
        self.tell(**request)
        return self.told()

    def tell(self, **request) -> None:
        """Without waiting for the answer."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def told(self) -> str:
        """The answer."""
        return json.loads(self.process.stdout.readline())["cause"]

    def allowed(self) -> bool:
        """Whether a press now may become a pulse."""
        silent = self.silent_s is not None and time.monotonic() - self.silent_s > SILENT_S + SLACK_S
        return self.may and not silent

    def press(self, nonce: str | None = None, pause_s: float = 0.0) -> None:
        """FIRE; with a pause the whole process is stopped right after it was asked."""
        self.nonces += nonce is None
        allowed = self.allowed() and nonce is None
        begun = time.monotonic()
        if pause_s:
            os.kill(self.process.pid, signal.SIGSTOP)
        self.tell(do="fire", nonce=nonce or f"n{self.nonces}")
        if pause_s:
            time.sleep(pause_s)
            os.kill(self.process.pid, signal.SIGCONT)
            self.may &= pause_s < LIMITS.dead_man_s
        self.told()
        self.presses.append((begun, time.monotonic(), allowed))

    def arm(self) -> None:
        """In order; after it a press may be a pulse."""
        if self.side == "":
            self.place("left")
        if self.current_ma == 0 and not self.ask(do="configure", current_ma=4.0):
            self.current_ma = 4.0
        self.may = not self.ask(do="arm")

    def place(self, side: str) -> None:
        """Another side starts from 0 mA."""
        self.ask(do="place", side=side)
        if side != self.side:
            self.may, self.current_ma, self.side = False, 0.0, side

    def kill(self) -> None:
        """SIGKILL and a new one."""
        self.end()
        self.begin()

    def end(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def step(bed: Bedside, cable: Cable, board, chance: random.Random) -> None:
    """One thing that happens: at the page, or to a process and its cable."""
    what = chance.choices(
        ["shock", "press", "again", "frozen", "slow", "stop", "place", "up", "silent", "data",
         "clock", "replay", "unplug", "kill"],
        [45, 15, 8, 4, 4, 5, 5, 6, 2, 3, 5, 8, 2, 1],
    )[0]  # fmt: skip
    if what in ("frozen", "slow", "clock", "replay", "unplug", "kill"):
        disturb(what, bed, cable, board, chance)
    else:
        ask(what, bed, chance)


def ask(what: str, bed: Bedside, chance: random.Random) -> None:
    """What is done at the page."""
    match what:
        case "shock":
            if not bed.may:
                bed.arm()
            time.sleep(chance.choice([0.02, 0.21]))
            bed.press()
        case "press":
            bed.press()
        case "again":
            bed.press(f"n{bed.nonces}")
        case "stop":
            bed.may = False
            bed.ask(do=chance.choice(["stop", "disarm"]))
        case "place":
            bed.place(chance.choice(["left", "right"]))
        case "up":
            if not bed.ask(do="configure", current_ma=bed.current_ma + 1):
                bed.current_ma += 1
                bed.may = False
        case "silent":
            bed.silent_s = None if bed.silent_s else time.monotonic()
            bed.ask(do="there", there=bed.silent_s is None)
            time.sleep(0 if bed.silent_s is None else 1.15)
        case "data":
            bed.may = False
            bed.ask(do="amplifier", live=False)
            bed.press()
            bed.ask(do="amplifier", live=True)


def disturb(what: str, bed: Bedside, cable: Cable, board, chance: random.Random) -> None:
    """What goes wrong with processes, cable and clock."""
    match what:
        case "frozen":
            bed.press(pause_s=chance.choice([0.1, 0.32, 0.6]))
        case "slow":
            os.kill(board.process.pid, signal.SIGSTOP)
            late = threading.Timer(
                chance.choice([0.1, 0.25, 0.5]), os.kill, (board.process.pid, signal.SIGCONT)
            )
            late.start()
            bed.press()
            late.join()
            time.sleep(0.02)
        case "clock":
            bed.ask(do="clock", by_s=chance.choice([-60.0, -0.3, 0.15, 0.4, 60.0]))
        case "replay":
            cable.order("replay")
        case "unplug":
            bed.may = False
            cable.order("unplug")
            time.sleep(0.2)
        case "kill":
            bed.kill()


def judged(bed: Bedside, log: list[dict]) -> int:
    """The number of pulses in the simulator's log; each has a press of its own that was allowed."""
    pulses = [entry["at_s"] for entry in log if entry["emitted"]]
    free = [press for press in bed.presses if press[2]]
    for at_s in pulses:
        mine = [p for p in free if p[0] <= at_s <= min(p[1] + SLACK_S, p[0] + PRESS_LIFE_S)]
        assert mine, f"a pulse at {at_s} that no press explains"
        free.remove(mine[0])
    gaps = [b - a for a, b in itertools.pairwise(pulses)]
    assert min(gaps, default=1.0) >= 1 / LIMITS.max_rate_hz
    assert all(entry["current_ma"] <= LIMITS.max_ma for entry in log if entry["emitted"])
    return len(pulses)


def walk(seed: int, steps: int, folder: Path) -> int:
    """A random walk; pulses that were given, all of them allowed."""
    chance = random.Random(seed)
    with simulator("hackeeg", "--patient", "healthy") as board:
        cable = Cable(board.ports["stimulator"], folder)
        bed = Bedside(cable.name)
        try:
            for _ in range(steps):
                step(bed, cable, board, chance)
            return judged(bed, board.ask(do="stimulator")["log"])
        finally:
            bed.end()
            cable.close()


def test_no_pulse_that_the_rules_forbid_leaves_the_stimulator(tmp_path) -> None:
    """220 steps on real processes; a walk in which hardly any pulse was given proves nothing."""
    assert walk(1, STEPS, tmp_path) >= 15


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 8))
def test_nor_in_a_long_walk(seed: int, tmp_path) -> None:
    """1,500 steps each."""
    assert walk(seed, 1500, tmp_path) >= 100
