"""CSV, NPZ and MEM files as sources of what a measure takes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from service.analysis.graded import scan_responses
from service.exchange.errors import ExchangeError
from service.exchange.qtrac import read_qtrac_scan
from service.exchange.sweeps_file import SweepsFile

from .shapes import Array, Scan, SweepSet, Traces, strongest


class Swept:
    """Traces or a scan of a file. The channel is what the caller calls it, else the title."""

    def __init__(self, file: SweepsFile, *, title: str = "") -> None:
        self._file = file
        self._title = title or file.name

    def traces(self, measure: str, channels: Sequence[str], count: int) -> Traces:
        """The traces, one per channel."""
        rows = self._file.samples_uv
        if len(rows) != count:
            raise ExchangeError(
                f"{measure} takes {count} trace(s) of one stretch, {self._file.name} holds "
                f"{len(rows)}; give a file with these alone"
            )
        names = tuple(channels) or tuple(f"trace {at + 1}" for at in range(count))
        inputs = tuple(f"{self._file.digest}:{at}" for at in range(count))
        return Traces(rows, self._file.need_rate(), " + ".join(names), inputs)

    def sweeps(self, measure: str, channels: Sequence[str]) -> SweepSet:
        """Every trace is a sweep of one channel."""
        file = self._file
        if not file.samples_uv.size:
            raise ExchangeError(f"{measure} takes sweeps, {file.name} holds a scan of responses")
        rate_hz, zero = file.need_rate(), file.need_stimulus()
        return SweepSet(
            samples_uv=file.samples_uv,
            rate_hz=rate_hz,
            zero_index=zero,
            target=" + ".join(channels) or self._title,
            inputs=tuple(f"{file.digest}:{at}" for at in range(len(file.samples_uv))),
            current_ma=file.current_ma,
            site=file.site,
            stimulus_s=file.stimulus_s,
        )

    def scan(self, measure: str, channels: Sequence[str]) -> Scan:
        """The stated responses, or those measured on the sweeps."""
        file = self._file
        target = " + ".join(channels) or self._title
        if file.current_ma is None:
            raise ExchangeError(
                f"{measure} needs the current of every stimulus: state `# current_ma: …` in a CSV, "
                "an array current_ma in an NPZ"
            )
        if file.response_uv is not None:
            return Scan(file.current_ma, file.response_uv, target, (file.digest,))
        found = self.sweeps(measure, channels)
        responses = scan_responses(
            found.samples_uv, found.rate_hz, found.zero_index, file.current_ma
        )
        return Scan(file.current_ma, responses, target, found.inputs)

    def epochs(
        self, measure: str, channels: Sequence[str], epoch_ms: float
    ) -> tuple[SweepSet, Array]:
        """The samples are the CMAP, the array `epochs` the effort, each row one epoch."""
        if self._file.epochs_uv is None:
            raise ExchangeError(
                f"{measure} takes CMAP sweeps and epochs of {epoch_ms:g} ms of effort: give an NPZ "
                f"with the arrays samples and epochs, or a recording; {self._file.name} holds none"
            )
        return strongest(self.sweeps(measure, channels)), self._file.epochs_uv


def qtrac_source(path: Path) -> Swept:
    """A CMAP scan of QTrac, named by the file's site."""
    read = read_qtrac_scan(path)
    data = read.current_ma.tobytes() + read.response_mv.tobytes()
    scan = SweepsFile(
        name=path.name,
        digest=hashlib.sha256(data).hexdigest()[:16],
        rate_hz=None,
        stimulus_index=None,
        samples_uv=np.zeros((0, 0)),
        current_ma=read.current_ma,
        response_uv=1000.0 * read.response_mv,
    )
    return Swept(scan, title=read.site)
