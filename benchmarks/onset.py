"""The onset of a motor response: our detector's errors and time next to the closest open peer's.

The peer is mep-cmap-analyser (1.4.7), which is under the GPL and never imported here: it runs in a
process of its own, with the Python named by MYOTOME_PEER_PYTHON (an environment in which it is
installed: `python -m venv PEER && PEER/bin/pip install mep-cmap-analyser`). Without it only our
column is printed. Its search starts at 1.5 ms instead of its own 5 ms, since a distal response
begins at 3 ms; all else is its default.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from service.analysis.motor import motor_response
from tests.service.analysis.traces import PRE_MS, shapes, sweep

COUNT = 200
METHODS = ("bigoni", "peak_fraction", "rms_envelope", "cusum", "boyles", "bootstrap")
PEER = """
import json, sys, time
import numpy as np
from mep_cmap.detection.dispatch import dispatch_onset
data = np.load(sys.argv[1])
out = {}
for method in sys.argv[2].split(","):
    found, began = [], time.process_time()
    for trace, pre in zip(data["mv"], data["pre_ms"]):
        try:
            got = dispatch_onset(trace, float(data["rate_hz"]), pre_ms=float(pre),
                                 search_start_ms=1.5, search_end_ms=40.0, method=method)
        except Exception as error:
            got = None
        found.append(None if got is None else float(got))
    out[method] = [found, (time.process_time() - began) / len(found) * 1e3]
print(json.dumps(out))
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One condition: sizes of the response in mV (none: no response), noise, and our bars in ms."""

    name: str
    sizes_mv: tuple[float, ...]
    noise_uv: float
    median_ms: float = np.inf
    p95_ms: float = np.inf


CELLS = (
    Cell("1-20 mV, noise 5 µV", (1.0, 3.0, 8.0, 20.0), 5.0, 0.05, 0.10),
    Cell("0.1 mV, noise 10 µV", (0.1,), 10.0, 0.5, 1.0),
    Cell("no response, noise 10 µV", (), 10.0),
)


def made(cell: Cell, rate_hz: float, seed: int):
    """Sweeps of one condition, their zero indices, and the true onsets (None: no response)."""
    rng = np.random.default_rng([seed, round(rate_hz)])
    sweeps, zeros, truth = [], [], []
    for number in range(COUNT):
        shape = shapes()[rng.integers(len(shapes()))] if cell.sizes_mv else None
        size = cell.sizes_mv[number % len(cell.sizes_mv)] if cell.sizes_mv else 1.0
        trace, zero = sweep(rng, shape, rate_hz=rate_hz, amplitude_mv=size, noise_uv=cell.noise_uv)
        sweeps.append(trace)
        zeros.append(zero)
        truth.append(None if shape is None else shape.onset_ms)
    return sweeps, zeros, truth


def ours(sweeps, zeros, rate_hz):
    """Latencies (None: no response) and CPU ms per trace, the best of three passes."""
    found, spent_ms = [], np.inf
    for _ in range(3):
        began = time.process_time()
        found = [
            motor_response(trace, rate_hz, zero) for trace, zero in zip(sweeps, zeros, strict=True)
        ]
        spent_ms = min(spent_ms, (time.process_time() - began) / len(sweeps) * 1e3)
    return [one.values.get("onset_latency_ms") for one in found], spent_ms


def peers(python: str, sweeps, zeros, rate_hz):
    """The peer's latencies and times per method, from its own process."""
    length = min(trace.size for trace in sweeps)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sweeps.npz"
        np.savez(
            path,
            mv=np.stack([trace[:length] for trace in sweeps]) / 1000.0,
            pre_ms=np.array(zeros) / rate_hz * 1e3,
            rate_hz=rate_hz,
        )
        told = subprocess.run(
            [python, "-c", PEER, str(path), ",".join(METHODS)],
            capture_output=True, text=True, check=True, timeout=600,
        )  # fmt: skip
    return json.loads(told.stdout.splitlines()[-1])


def line(name: str, found, truth, spent_ms: float) -> tuple[float, float, int, int]:
    """Print one row; median, p95, missed, invented."""
    pairs = [(got, true) for got, true in zip(found, truth, strict=True)]
    error = np.array([got - true for got, true in pairs if got is not None and true is not None])
    missed = sum(got is None and true is not None for got, true in pairs)
    invented = sum(got is not None and true is None for got, true in pairs)
    middle, far = np.inf, np.inf
    if error.size:
        middle, far = np.median(np.abs(error)), np.percentile(np.abs(error), 95)
    print(
        f"  {name:22} median {middle:7.3f}  p95 {far:7.3f} ms  missed {missed:3d}  "
        f"invented {invented:3d}  {spent_ms:7.2f} ms a trace"
    )
    return float(middle), float(far), missed, invented


def slowness() -> float:
    """How many times slower than 60 ms this machine now adds up a million numbers; at least 1."""
    began = time.process_time()
    total = 0
    for number in range(1_000_000):
        total += number
    spent_s = time.process_time() - began
    print(f"a million additions in Python: {spent_s * 1e3:.0f} ms; 1 ms a trace holds for 60 ms")
    return max(spent_s / 0.060, 1.0)


def first_fibre() -> bool:
    """How late the onset is against the first fibre's arrival, by size; whether it is stable."""
    rng = np.random.default_rng(77)
    bias = []
    for size_mv in (0.5, 1.0, 3.0, 8.0, 15.0):
        late = []
        for shape in shapes():
            trace, zero = sweep(rng, shape, rate_hz=20_000.0, amplitude_mv=size_mv, noise_uv=5.0)
            got = motor_response(trace, 20_000.0, zero).values["onset_latency_ms"]
            late.append(got - shape.first_fibre_ms)
        bias.append(float(np.median(late)))
        print(f"  {size_mv:4.1f} mV: onset {bias[-1]:.2f} ms after the first fibre (median)")
    return max(bias) - min(bias) <= 0.2


def main() -> int:
    """Print both columns; 1 if one of our bars is missed or the peer does better."""
    python = os.environ.get("MYOTOME_PEER_PYTHON", "")
    print(f"onset errors over {COUNT} sweeps each, {PRE_MS:g} ms before the stimulus")
    if not python:
        print("  MYOTOME_PEER_PYTHON is not set: the peer is not run")
    failed = 0
    most_ms = slowness()
    for rate_hz in (16_000.0, 20_000.0):
        for number, cell in enumerate(CELLS):
            print(f"{rate_hz / 1000:g} kHz, {cell.name}")
            sweeps, zeros, truth = made(cell, rate_hz, 900 + number)
            found, spent_ms = ours(sweeps, zeros, rate_hz)
            middle, far, missed, invented = line("myotome", found, truth, spent_ms)
            if cell.sizes_mv:
                failed |= middle > cell.median_ms or far > cell.p95_ms or missed > 0
            failed |= invented > COUNT // 100 or spent_ms > most_ms
            rivals = peers(python, sweeps, zeros, rate_hz) if python else {}
            for method, (theirs, ms) in rivals.items():
                their_middle, their_far, their_missed, _ = line(f"peer {method}", theirs, truth, ms)
                failed |= their_missed <= missed and their_far < far and their_middle < middle
    failed |= not first_fibre()
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
