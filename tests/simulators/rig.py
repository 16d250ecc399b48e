"""Amplifier, stimulator and patient on one bench, with a clock of the test's own."""

import json
import os
import select

from drivers.config import load_stimulator_limits
from simulators.assembly import Subject, make_firmware
from simulators.bench import Bench
from simulators.control import Control
from simulators.port import PtyPort

from .ramp_patient import RampPatient
from .test_port import Clock

LIMITS = load_stimulator_limits()
HANDED_OVER_S = 0.1
"""A terminal hands bytes over in a work queue of the kernel's: soon, not at once."""


class Rig:
    """A bench with clients on its two ports."""

    def __init__(self, device="hackeeg", link=None, **options):
        self.clock = Clock(1000.0)
        self.patient = RampPatient(8, 8 if device == "hackeeg" else 24)
        subject = Subject(lambda _: self.patient, 0.0)
        firmware = make_firmware(device, subject, 1)
        self.bench = Bench(
            firmware,
            subject,
            PtyPort(link),
            PtyPort(hold=False),
            LIMITS,
            seed=1,
            now=self.clock,
            self_powered=device != "hackeeg",
            **options,
        )
        self.bench.power_on()
        self.control = Control(self.bench, {"device": device})
        self.client = None
        self.plug_in()
        self.panel = os.open(self.bench.stimulator_port.name, os.O_RDWR | os.O_NOCTTY)
        os.set_blocking(self.panel, False)
        self.sequence = 0

    def plug_in(self):
        """(Re)open the amplifier's port."""
        if self.client is not None:
            os.close(self.client)
        self.read_bytes = self.bench.port.taken_bytes if self.client is not None else 0
        self.client = os.open(self.bench.port.name, os.O_RDWR | os.O_NOCTTY)
        os.set_blocking(self.client, False)

    def wait(self, seconds, step_s=0.004):
        """Let time pass, reading the amplifier; its bytes."""
        data = bytearray()
        for _ in range(round(seconds / step_s)):
            self.clock.at += step_s
            self.bench.step()
            data += self.read()
        return bytes(data)

    def read(self):
        """Everything that the amplifier's port has taken."""
        data = bytearray()
        while True:
            try:
                part = os.read(self.client, 65536)
            except BlockingIOError:
                if self.read_bytes >= self.bench.port.taken_bytes:
                    return bytes(data)
                if not select.select([self.client], [], [], HANDED_OVER_S)[0]:
                    self.read_bytes = self.bench.port.taken_bytes  # lost with a terminal
                continue
            assert part, "the terminal hung up"
            self.read_bytes += len(part)
            data += part

    def write(self, data, client=None):
        """Bytes to the amplifier, or to whoever `client` is wired to; one step with them there."""
        port = self.bench.port if client is None else self.bench.stimulator_port
        os.write(self.client if client is None else client, data)
        select.select([port.fileno], [], [], HANDED_OVER_S)
        self.bench.step()

    def read_to_the_end(self):
        """Read until the terminal hangs up: an end of file, not silence."""
        while os.read(self.client, 65536):
            continue

    def tell(self, *commands):
        """HackEEG JSON commands."""
        for name, *parameters in commands:
            line = json.dumps({"COMMAND": name, "PARAMETERS": parameters}).encode() + b"\n"
            self.write(line)

    def stream(self):
        """HackEEG at 16 kSPS, trigger input on."""
        self.write(b"jsonlines\n")
        self.tell(("wreg", 1, 0x90), ("wreg", 0x14, 7), *(("wreg", 5 + c, 0x40) for c in range(8)))
        self.tell(("messagepack",), ("rdatac",), ("start",))
        self.read()

    def order(self, do, **fields):
        """One stimulator command; its answer."""
        self.sequence += 1
        paper = {
            "nonce": f"n{self.sequence}",
            "seq": self.sequence,
            "expires_s": self.clock.at + 0.1,
        }
        self.write(json.dumps({"do": do, **paper, **fields}).encode() + b"\n", self.panel)
        select.select([self.panel], [], [], HANDED_OVER_S)
        return json.loads(os.read(self.panel, 65536))

    def ask(self, **request):
        """One control request."""
        return json.loads(self.control.answer(json.dumps(request).encode()))

    def counts(self):
        """Totals of the wire."""
        return self.ask(do="counts")["total"]
