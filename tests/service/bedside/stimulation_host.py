"""`python -m tests.service.bedside.stimulation_host PORT`: rules and driver as a process of their
own, told what to do by JSON lines, so that a test can stop it, kill it and set its clock.

Requests: `{"do": "arm", …}`, one answer line each: `{"cause": "", "state": "armed"}`; `cause` is
that of a refusal.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from concurrent.futures import Future

import structlog

from drivers.config import load_stimulator_limits
from drivers.link import SerialLink
from drivers.stimulator import SerialStimulator
from drivers.types import Pulse
from service.bedside.interlock import RefusedError
from service.bedside.placement import Placement
from service.bedside.stimulation import Stimulation
from service.bedside.stimulator_status import StimulationPorts

BEAT_S = 0.05
ANSWER_S = 3.0


class Host:
    """One page `a`; its pings and the event loop's beat come from a thread."""

    def __init__(self, port: str) -> None:
        self.skew_s = 0.0
        self.there = True
        self.beaten_s = self.now()
        limits = load_stimulator_limits()
        self.unit = Stimulation(
            lambda: SerialStimulator(SerialLink(port, 115200), limits, self.now),
            limits,
            StimulationPorts(lambda _: None, lambda _: None, lambda _: None, lambda: self.beaten_s),
            self.now,
        )
        self.unit.start()
        threading.Thread(target=self._beat, daemon=True).start()

    def now(self) -> float:
        """The clock that a test may set."""
        return time.monotonic() + self.skew_s

    def _beat(self) -> None:
        while True:
            self.beaten_s = self.now()
            if self.there:
                self.unit.heard("a")
            time.sleep(BEAT_S)

    def answer(self, asked: dict) -> dict:
        """Do one thing and wait for what becomes of it."""
        future = self._do(asked)
        cause = ""
        if future is not None:
            try:
                future.result(ANSWER_S)
            except RefusedError as refusal:
                cause = refusal.cause
            except TimeoutError:
                cause = "no_answer"
        return {"cause": cause, "state": self.unit.status.state.value}

    def _do(self, asked: dict) -> Future | None:
        unit = self.unit
        requests = {
            "fire": lambda: unit.fire("a", asked["nonce"]),
            "arm": lambda: unit.arm("a", "AB"),
            "configure": lambda: unit.configure(Pulse(asked["current_ma"], 200.0)),
            "place": lambda: unit.place(Placement("ulnar", "wrist", asked["side"], "FDI")),
            "ask": lambda: unit.ask("none", "AB"),
            "disarm": unit.disarm,
            "amplifier": lambda: unit.amplifier(asked["live"], 1),
            "stop": unit.stop,
            "clock": lambda: setattr(self, "skew_s", self.skew_s + asked["by_s"]),
            "there": lambda: setattr(self, "there", asked["there"]),
        }
        return requests[asked["do"]]()


def main() -> None:
    """Until the input ends."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    host = Host(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(host.answer(json.loads(line))), flush=True)
    host.unit.close()


if __name__ == "__main__":
    main()
