"""What really happened, as JSON lines in a file: one line a second, and the rest at the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from .firmware import Firmware

INTERVAL_S = 1.0


class TruthFile:
    """Each line: `simulated`, always true; `run` (counts up whenever the device's counter began
    again at 0), `first`, `last` and the truth of samples [first, last). Without a path it does
    nothing."""

    def __init__(self, path: Path | None, firmware: Firmware, now: Callable[[], float]) -> None:
        self._firmware = firmware
        self._now = now
        self._next_s = now() + INTERVAL_S
        self._run = 0
        self._written = 0
        self._file = None if path is None else path.open("w", encoding="utf-8")

    def step(self) -> None:
        """Write what is new, if a second has passed."""
        if self._file is not None and self._now() >= self._next_s:
            self._next_s = self._now() + INTERVAL_S
            self._write()

    def _write(self) -> None:
        if self._file is None:
            return
        patient = self._firmware.patient
        if patient.sample_index < self._written:
            self._run += 1
            self._written = 0
        if patient.sample_index == self._written:
            return
        first, self._written = self._written, patient.sample_index
        truth = patient.truth(first, self._written)
        line = {"simulated": True, "run": self._run, "first": first, "last": self._written, **truth}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def close(self) -> None:
        """The rest."""
        self._write()
        if self._file is not None:
            self._file.close()
