"""Genuine recordings that nobody here made; where they are absent, tests say so and skip."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

_ROOT = Path(__file__).resolve().parents[3]
_FOLDER = Path(os.environ.get("MYOTOME_REAL_DATA", _ROOT.parent / "shared" / "data"))
RECORDINGS = _FOLDER if _FOLDER.is_dir() else None


def biosppy(name: str) -> tuple[np.ndarray, float]:
    """OpenSignals-like text, 12-bit counts at 1 kHz, their median taken off."""
    assert RECORDINGS is not None
    counts = np.loadtxt(RECORDINGS / "biosppy" / name, comments="#", ndmin=2)[:, -1]
    return counts - np.median(counts), 1000.0


def emgdb(name: str) -> tuple[np.ndarray, float]:
    """WFDB format 16, 10000 counts/mV at 4 kHz; µV."""
    assert RECORDINGS is not None
    counts = np.fromfile(RECORDINGS / "emgdb" / f"{name}.dat", dtype="<i2")
    return counts.astype(float) / 10.0, 4000.0
