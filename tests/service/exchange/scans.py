"""MEM files made here, in the layout of QTrac, and the genuine ones where they are present."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.service.analysis.real import RECORDINGS

FOLDER = RECORDINGS / "cmapscan_visit1" if RECORDINGS is not None else None
GENUINE: tuple[Path, ...] = tuple(sorted(FOLDER.glob("*.MEM"))) if FOLDER is not None else ()
needs_genuine = pytest.mark.skipif(not GENUINE, reason="the genuine CMAP scans are not here")


def mem_text(current_ma: Sequence[float], response_mv: Sequence[float]) -> str:
    """A MEM file with a head, the rows, one stated result and a model of two units."""
    rows = [
        f"MS.{number}\t{current:g}\t{response:.6g}"
        for number, (current, response) in enumerate(
            zip(current_ma, response_mv, strict=True), start=1
        )
    ]
    head = [
        "File:              \tC:\\Data\\SØ1.QZD", "Name:              \tsomebody",
        "Protocol:          \tMSCAN-R2", "Age:               \t43", "Sex:               \tM",
        "Temperature:       \t30.7", "S/R sites:         \tMedian Wr-APB",
        "Scanpts: 1, 2, 10, 20", "Stim. (mA)     \tAmp. (mV)",
    ]  # fmt: skip
    tail = [
        "EXTRA VARIABLES", "", "MScS50(mA) = 8.94", "MSFNUnits = 2", "", "!MScan Model", "!2",
        "\t1\t5.12\t40\t2", "\t2\t5.41\t60\t2", "",
    ]  # fmt: skip
    return "\r\n".join([*head, *rows, *tail])


def ramp(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Falling currents and responses."""
    return np.linspace(14.0, 5.0, count), np.linspace(6.0, 0.0, count)
