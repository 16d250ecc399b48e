"""How an analysis writes down what it found: one Measurement with a name that equal work shares."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import scipy

from service.model import Json, Marker, Measurement, MeasurementState

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=64)
def settings_json(settings: Any) -> Mapping[str, Json]:
    """A frozen settings dataclass as plain JSON values."""
    return {
        field.name: _plain(getattr(settings, field.name)) for field in dataclasses.fields(settings)
    }


def identity(
    measure: str,
    version: str,
    *,
    target: str,
    inputs: Sequence[str],
    settings: Mapping[str, Json],
    markers: Sequence[Marker] = (),
) -> str:
    """Hash of all that decides a result: measure, version, target, inputs, settings, markers.

    Markers enter rounded to 1e-6 sample, so that a last-bit difference between machines does not
    rename the same work.
    """
    placed = [[marker.name, round(marker.index, 6), marker.by] for marker in markers]
    told = [measure, version, target, list(inputs), dict(settings), placed]
    text = _ENCODER.encode(told)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def build(
    measure: str,
    version: str,
    *,
    target: str,
    inputs: Sequence[str],
    settings: Any,
    state: MeasurementState,
    values: Mapping[str, float] | None = None,
    reasons: Sequence[str] = (),
    markers: Sequence[Marker] = (),
    items: Sequence[Mapping[str, Json]] = (),
) -> Measurement:
    """A Measurement whose id follows from what went in.

    Errors: ValueError for a NaN or an infinity, because a quantity that could not be had is left
    out, never written as a number.
    """
    numbers = {key: float(value) for key, value in (values or {}).items()}
    for key, value in numbers.items():
        if not math.isfinite(value):
            raise ValueError(f"{measure}: {key} is {value}, expected a finite number; leave it out")
    plain = settings_json(settings)
    return Measurement(
        id=identity(
            measure, version, target=target, inputs=inputs, settings=plain, markers=markers
        ),
        measure=measure,
        version=version,
        target=target,
        inputs=tuple(inputs),
        settings=dict(plain),
        state=state,
        reasons=tuple(dict.fromkeys(reasons)),
        values=numbers,
        markers=tuple(markers),
        items=tuple(items),
        provenance={"numpy": np.__version__, "scipy": str(scipy.__version__)},
    )


def _plain(value: Any) -> Json:
    """Tuples as lists, numpy scalars as Python numbers."""
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a setting must be plain JSON, got {type(value).__name__}")
