"""CMAP scans as QTrac writes them (`.MEM`): text in latin-1, a head, `MS.n` rows, own results."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .errors import ExchangeError

MOST_BYTES = 4_000_000
LEAST_STIMULI = 20

_HEAD = re.compile(r"([A-Z][A-Za-z/ ]*):\s*(.*)")
_ROW = re.compile(r"MS\.(\d+)\s+(\S+)\s+(\S+)\s*")
_COLUMNS = re.compile(r"Stim\.\s*\((\w+)\)\s+Amp\.\s*\((\w+)\)\s*")
_STATED = re.compile(r"(MS[A-Za-z]\w*(?:\([^)]*\))?)\s*=\s*(\S+)\s*")
_UNIT = re.compile(r"\t\d+\t(\S+)\t(\S+)\t(\S+)\s*")


@dataclass(frozen=True, slots=True, eq=False)
class QtracScan:
    """One CMAP scan, in the order in which it was recorded.

    current_ma, response_mv: shape (n_stimuli,). site: the file's words (`Median Wr-APB`), empty if
    there are none. limits: the four stimulus numbers, from 1, between which the program's operator
    let it fit (None: not stated). stated: the program's own results under the file's names
    (`MScS50(mA)`). stated_units: (n_units, 3) threshold mA, amplitude in % of the maximum, relative
    spread %, of the program's own model; no rows if there is none. temperature_c, age_years, sex:
    None where the file does not say. The name of the person is not read.
    """

    site: str
    protocol: str
    temperature_c: float | None
    age_years: float | None
    sex: str | None
    current_ma: npt.NDArray[np.float64]
    response_mv: npt.NDArray[np.float64]
    limits: tuple[int, ...] | None
    stated: Mapping[str, float]
    stated_units: npt.NDArray[np.float64]


def read_qtrac_scan(path: Path) -> QtracScan:
    """Read a `.MEM` file. Errors: ExchangeError, also where the file cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ExchangeError(f"{path} cannot be read: {error.strerror}; check the path") from error
    return parse_qtrac_scan(data, name=path.name)


def parse_qtrac_scan(data: bytes, *, name: str = "MEM") -> QtracScan:
    """The scan in the bytes of a `.MEM` file; name is for messages.

    Errors: ExchangeError for anything but one scan in mA and mV with finite numbers, currents above
    zero and stimuli numbered 1, 2, 3 ….
    """
    if len(data) > MOST_BYTES:
        raise ExchangeError(f"{name} is larger than {MOST_BYTES} bytes, which no CMAP scan is")
    lines = data.decode("latin-1").replace("\r\n", "\n").split("\n")
    if not lines[0].startswith("File:"):
        raise ExchangeError(
            f"{name} is no QTrac MEM file: expected 'File:' on line 1, got "
            f"{_short(lines[0])!r}; export the scan from QTrac as MEM"
        )
    begin = _columns(lines, name)
    current, response, end = _rows(lines, begin, name)
    head = {key: value.strip() for key, value in _matches(_HEAD, lines[:begin])}
    return QtracScan(
        site=head.get("S/R sites", ""),
        protocol=head.get("Protocol", ""),
        temperature_c=_number(head.get("Temperature")),
        age_years=_number(head.get("Age")),
        sex=head["Sex"] if head.get("Sex") in {"F", "M"} else None,
        current_ma=current,
        response_mv=response,
        limits=_limits(head.get("Scanpts"), current.size),
        stated=_stated(lines[end:]),
        stated_units=_units(lines[end:]),
    )


def _columns(lines: Sequence[str], name: str) -> int:
    """Index of the line that names the two columns."""
    for at, line in enumerate(lines):
        if found := _COLUMNS.fullmatch(line):
            if found.groups() != ("mA", "mV"):
                raise ExchangeError(
                    f"{name} line {at + 1}: expected stimuli in mA and responses in mV, got "
                    f"{found[1]} and {found[2]}; export the scan with these units"
                )
            return at
    raise ExchangeError(
        f"{name} holds no CMAP scan: there is no line 'Stim. (mA) Amp. (mV)'; export the MScan part"
    )


def _rows(
    lines: Sequence[str], begin: int, name: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], int]:
    """Currents, responses, and the index of the first line after them."""
    pairs: list[tuple[float, float]] = []
    at = begin + 1
    while at < len(lines) and lines[at].startswith("MS."):
        found = _ROW.fullmatch(lines[at])
        values = (_number(found[2]), _number(found[3])) if found else (None, None)
        current, response = values
        if found is None or current is None or response is None or current <= 0:
            raise ExchangeError(
                f"{name} line {at + 1}: expected 'MS.n current response' with a current above "
                f"zero, got {_short(lines[at])!r}; the file is damaged, export it again"
            )
        if found[1] != str(len(pairs) + 1):
            raise ExchangeError(
                f"{name} line {at + 1}: expected stimulus MS.{len(pairs) + 1}, got "
                f"MS.{_short(found[1])}; rows are missing or out of order, export it again"
            )
        pairs.append((current, response))
        at += 1
    if len(pairs) < LEAST_STIMULI:
        raise ExchangeError(
            f"{name}: expected at least {LEAST_STIMULI} stimuli from line {begin + 2} on, got "
            f"{len(pairs)}; the file is cut short, export it again"
        )
    both = np.array(pairs).T
    return both[0], both[1], at


def _matches(pattern: re.Pattern[str], lines: Sequence[str]) -> list[tuple[str, str]]:
    return [(found[1], found[2]) for line in lines if (found := pattern.fullmatch(line))]


def _number(text: str | None) -> float | None:
    """A finite number, None for anything else. Python's `1_0` is no number of a file."""
    if text is None or "_" in text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _limits(text: str | None, count: int) -> tuple[int, ...] | None:
    parts = [part.strip() for part in (text or "").split(",")]
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    found = tuple(int(part[:9]) for part in parts)
    return found if list(found) == sorted(found) and found[0] >= 1 and found[-1] <= count else None


def _stated(lines: Sequence[str]) -> dict[str, float]:
    pairs = [(key, _number(value)) for key, value in _matches(_STATED, lines)]
    return {key: value for key, value in pairs if value is not None}


def _units(lines: Sequence[str]) -> npt.NDArray[np.float64]:
    """The rows below `!MScan Model`; none if any of them is no number."""
    if "!MScan Model" not in lines:
        return np.zeros((0, 3))
    below = lines[lines.index("!MScan Model") + 1 :]
    found = [row for line in below if (row := _UNIT.fullmatch(line))]
    values = [[_number(part) for part in row.groups()] for row in found]
    whole = [row for row in values if None not in row]
    return np.array(whole, dtype=np.float64).reshape(len(whole), 3)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "…"
