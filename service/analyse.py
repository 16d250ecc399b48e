"""`myotome analyse`: one measure on a file, through the same functions as live."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import numpy as np

from service.analysis.registry import MEASURES, TAKES, Takes
from service.exchange.sweeps_file import Stated, read_sweeps_file
from service.inputs.files import Swept, qtrac_source
from service.inputs.recorded import Recorded
from service.inputs.shapes import Source
from service.model import Json, Measurement

_EXPECTED = {float: "a number", int: "a whole number", bool: "true or false", str: "a word"} | {
    tuple: "a list"
}
OF_THE_FILE = tuple(one.name for one in fields(Stated))


def analyse_record(
    path: Path, measure: str, channels: Sequence[str], given: Sequence[str]
) -> Measurement:
    """The measure on the named channels (the first ones, if none is named).

    path: a recording, a CSV or NPZ file of sweeps or of a scan (docs/files.md), or a MEM file.
    given: `key=value` settings of the measure, and `rate_hz`, `unit`, `stimulus_index`, `sweeps_in`
    of a CSV or NPZ file. Raises ValueError (one sentence) or RecordingError.
    """
    if measure not in MEASURES:
        raise ValueError(f"there is no measure {measure!r}; there are {', '.join(MEASURES)}")
    if TAKES[measure] is Takes.MEASUREMENTS:
        raise ValueError(f"{measure} is made of other measurements, not of a file")
    of_file = [word for word in given if word.partition("=")[0] in OF_THE_FILE]
    settings = read_settings(measure, [word for word in given if word not in of_file])
    return _measured(_open(path, of_file), measure, channels, settings)


def _open(path: Path, of_file: Sequence[str]) -> Source:
    """The source that the file's ending names; anything else is read as a recording."""
    suffix = path.suffix.lower()
    if suffix in {".csv", ".npz"}:
        return Swept(read_sweeps_file(path, _stated(of_file)))
    if of_file:
        raise ValueError(f"--set {of_file[0]}: {path.name} states that itself; leave it out")
    return qtrac_source(path) if suffix == ".mem" else Recorded(path)


def _measured(source: Source, measure: str, channels: Sequence[str], settings: Any) -> Measurement:
    """The one place that decides what of a file a measure is called with."""
    call = MEASURES[measure]
    takes = TAKES[measure]
    if takes in {Takes.STRETCH, Takes.PAIR}:
        traces = source.traces(measure, channels, 2 if takes is Takes.PAIR else 1)
        rows = traces.rows_uv if takes is Takes.PAIR else traces.rows_uv[0]
        told = {"settings": settings, "target": traces.target, "inputs": traces.inputs}
        return call(rows, traces.rate_hz, **told)
    if takes is Takes.SCAN:
        scan = source.scan(measure, channels)
        told = {"settings": settings, "target": scan.target, "inputs": scan.inputs}
        return call(scan.current_ma, scan.response_uv, **told)
    if takes is Takes.EPOCHS:
        chosen = settings if settings is not None else settings_class(measure)()
        sweeps, effort = source.epochs(measure, channels, chosen.epoch_ms)
        told = {"settings": settings, "target": sweeps.target, "inputs": sweeps.inputs}
        return call(sweeps.samples_uv, sweeps.rate_hz, sweeps.zero_index, effort, **told)
    if takes is Takes.SIDES and len(channels) == 2:
        first, other = (source.sweeps(measure, [channel]) for channel in channels)
        if np.array_equal(first.samples_uv, other.samples_uv):
            raise ValueError(
                f"{measure} was asked of {' and '.join(channels)}, which are one and the same "
                "channel here; name one, or give a recording of both sides"
            )
        sides = np.stack([first.samples_uv, other.samples_uv])
        told = {"settings": settings, "target": " + ".join(channels), "inputs": first.inputs}
        told["time_zero_known"] = first.time_zero_known
        return call(sides, first.rate_hz, first.zero_index, **told)
    sweeps = source.sweeps(measure, channels)
    told = {"settings": settings, "target": sweeps.target, "inputs": sweeps.inputs}
    parameters = inspect.signature(call).parameters
    for name in ("current_ma", "site", "stimulus_s", "time_zero_known"):
        if name in parameters and getattr(sweeps, name) is not None:
            told[name] = getattr(sweeps, name)
    for name, what in (("current_ma", "current"), ("stimulus_s", "time")):
        needed = name in parameters and parameters[name].default is inspect.Parameter.empty
        if needed and name not in told:
            raise ValueError(
                f"{measure} needs the {what} of every stimulus: record with the stimulator "
                f"connected, or state {name} in the file"
            )
    return call(sweeps.samples_uv, sweeps.rate_hz, sweeps.zero_index, **told)


def settings_class(measure: str) -> Any:
    """The dataclass of a measure's settings."""
    hint = get_type_hints(MEASURES[measure])["settings"]
    kinds: tuple[Any, ...] = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    return next(one for one in kinds if is_dataclass(one))


def read_settings(measure: str, given: Sequence[str]) -> Any:
    """The measure's settings from `key=value` words; None when nothing is given."""
    if not given:
        return None
    kind = settings_class(measure)
    known = {one.name for one in fields(kind)}
    values = _values(given, known, f"{measure} has the settings")
    for key, value in values.items():
        usual = getattr(kind(), key)
        if usual is not None and not _alike(value, usual):
            raise ValueError(
                f"--set {key}: expected {_EXPECTED[type(usual)]} as in {key}="
                f"{json.dumps(usual)}, got {value!r}"
            )
    return kind(**values)


def _alike(value: Any, usual: Any) -> bool:
    """Whether a value is of the kind of a setting's usual one; whole numbers are numbers too."""
    if isinstance(usual, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, type(usual))


def measurement_line(measurement: Measurement) -> Mapping[str, Json]:
    """What `analyse --json` prints."""
    return {
        "measure": measurement.measure,
        "version": measurement.version,
        "target": measurement.target,
        "state": measurement.state,
        "reasons": list(measurement.reasons),
        "values": dict(measurement.values),
        "items": [dict(item) for item in measurement.items],
        "provenance": {**measurement.provenance, "inputs": list(measurement.inputs)},
    }


def _stated(given: Sequence[str]) -> Stated:
    """What the caller states of the file; that it is a number is checked with the file's own."""
    return Stated(**_values(given, set(OF_THE_FILE), "a file has"))


def _values(given: Sequence[str], known: set[str], these: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for word in given:
        key, sign, text = word.partition("=")
        if not sign or key not in known:
            raise ValueError(f"--set {word}: {these} {', '.join(sorted(known))}")
        value: Any = json.loads(text) if _is_json(text) else text
        values[key] = tuple(value) if isinstance(value, list) else value
    return values


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
