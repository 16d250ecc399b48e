"""The text layout of sweeps and scans.

Numbers separated by comma, semicolon or tab; one column per trace (or one row each, with
`sweeps_in=rows`); one line of names may stand above, where `time_s` or `time_ms` is the time of the
rows and no trace. Lines that begin with `#` may state `# rate_hz: 20000`, `# unit: uV`,
`# stimulus_index: 200`, and per trace `# current_ma: 5, 5.1` and `# site: wrist, elbow`. A scan has
the two columns `current_ma` and `response_mv` (or `response_uv`) instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import ExchangeError

Array = npt.NDArray[np.float64]

ONE_VALUE = ("rate_hz", "unit", "stimulus_index")
PER_TRACE = ("current_ma", "site", "stimulus_s")


def read_csv(data: bytes, sweeps_in: str, name: str) -> dict[str, Any]:
    """What the comments state, and the table below them; ExchangeError for anything else."""
    if sweeps_in not in {"columns", "rows"}:
        raise ExchangeError(f"{name}: expected sweeps_in columns or rows, got {sweeps_in!r}")
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ExchangeError(f"{name} is no text in UTF-8: {error.reason}") from error
    found: dict[str, Any] = {}
    body: list[tuple[int, list[str]]] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text.startswith("#"):
            key, sign, value = text[1:].partition(":")
            if sign and key.strip() in ONE_VALUE:
                found[key.strip()] = value.strip()
            elif sign and key.strip() in PER_TRACE:
                found[key.strip()] = [part.strip() for part in value.split(",")]
        elif text:
            body.append((number, _fields(text)))
    names: list[str] = []
    if body and not any(_is_number(part) for part in body[0][1]):
        names = [part.strip('"').lower() for part in body.pop(0)[1]]
    table = _table(body, name)
    return found | _columns(table, names, found, sweeps_in, name)


def _columns(
    table: Array, names: list[str], found: Mapping[str, Any], sweeps_in: str, name: str
) -> dict[str, Any]:
    """Traces, or a scan where the columns are named as one."""
    if names and len(names) != table.shape[1]:
        raise ExchangeError(f"{name}: {len(names)} names stand above {table.shape[1]} columns")
    for unit in ("mV", "uV"):
        if {"current_ma", f"response_{unit.lower()}"} <= set(names):
            response = table[:, names.index(f"response_{unit.lower()}")]
            return {
                "current_ma": table[:, names.index("current_ma")],
                "response": response,
                "unit": found.get("unit", unit),
            }
    if sweeps_in == "rows":
        return {"samples": table}
    if names and names[0] in {"time_s", "time_ms"}:
        step = float(np.median(np.diff(table[:, 0]))) if len(table) > 1 else 0.0
        step_s = step if names[0] == "time_s" else step / 1000.0
        if step_s <= 0:
            raise ExchangeError(f"{name}: the column {names[0]} does not rise")
        rate = float(f"{1 / step_s:.6g}")
        return {"samples": table[:, 1:].T, "rate_hz": found.get("rate_hz", rate)}
    return {"samples": table.T}


def _table(body: Sequence[tuple[int, list[str]]], name: str) -> Array:
    """Rows of equal length, all of them numbers."""
    if not body:
        raise ExchangeError(f"{name} holds no rows of numbers")
    width = len(body[0][1])
    rows = []
    for number, parts in body:
        if len(parts) != width:
            raise ExchangeError(
                f"{name} line {number}: expected {width} values as in the line before, got "
                f"{len(parts)}; decimals need a point, not a comma"
            )
        try:
            rows.append([float(part) for part in parts])
        except ValueError:
            wrong = next(part for part in parts if not _is_number(part))
            raise ExchangeError(
                f"{name} line {number}: expected a number, got {wrong[:40]!r}"
            ) from None
    return np.array(rows)


def _fields(text: str) -> list[str]:
    mark = next((one for one in "\t;," if one in text), ",")
    return [part.strip() for part in text.split(mark)]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
