"""Sweeps and scans in CSV and NPZ files, with rate, unit and stimulus stated (docs/files.md)."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from service.model import Sweep

from .errors import ExchangeError
from .sweeps_csv import ONE_VALUE, PER_TRACE, read_csv

Array = npt.NDArray[np.float64]

MOST_BYTES = 1 << 30
PER_UV = {"uV": 1.0, "µV": 1.0, "μV": 1.0, "mV": 1e3, "V": 1e6}

# what zipfile, zlib and numpy raise for damaged archives
_DAMAGED = (
    ValueError, OSError, EOFError, KeyError, RuntimeError, MemoryError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stated:
    """What the caller states of a file; None where the file is to say it itself."""

    rate_hz: float | None = None
    unit: str | None = None
    stimulus_index: float | None = None
    sweeps_in: Literal["columns", "rows"] = "columns"


@dataclass(frozen=True, slots=True, eq=False)
class SweepsFile:
    """Traces of one file. Not stated in the file: None (no trace: shape (0, 0)).

    samples_uv: (n_traces, n_samples). stimulus_index: column of the stimulus, may lie between two.
    current_ma, site, stimulus_s: one per trace. epochs_uv: (n_epochs, n) of voluntary activity.
    response_uv: (n,) a scan's responses, with current_ma of the same length. digest: of the file's
    bytes.
    """

    name: str
    digest: str
    rate_hz: float | None
    stimulus_index: float | None
    samples_uv: Array
    current_ma: Array | None = None
    site: tuple[str, ...] | None = None
    epochs_uv: Array | None = None
    response_uv: Array | None = None
    stimulus_s: Array | None = None

    def sweeps(self, channel: str = "") -> list[Sweep]:
        """The traces as sweeps of one channel. Errors: ExchangeError without rate or stimulus."""
        rate_hz, zero = self.need_rate(), self.need_stimulus()
        return [
            Sweep(
                id=f"{self.digest}:{number}", recording=self.name, device="file", stream="file",
                epoch=1, trigger=None, stimulus=None, channels=(channel or self.name,),
                start_index=0, rate_hz=rate_hz, zero_index=zero, samples_uv=row[None, :],
                gap=False, time_zero_known=True, received_s=0.0,
            )
            for number, row in enumerate(self.samples_uv)
        ]  # fmt: skip

    def need_rate(self) -> float:
        """The rate; ExchangeError if nobody stated it."""
        if self.rate_hz is None:
            raise ExchangeError(f"{self.name} does not state its rate: add --set rate_hz=…")
        return self.rate_hz

    def need_stimulus(self) -> float:
        """The column of the stimulus; ExchangeError if nobody stated it."""
        if self.stimulus_index is None:
            raise ExchangeError(
                f"{self.name} does not state its stimulus: add --set stimulus_index=…, the sample "
                "of the stimulus counted from 0"
            )
        return self.stimulus_index


def read_sweeps_file(path: Path, stated: Stated | None = None) -> SweepsFile:
    """Read a `.csv` or `.npz` file. Errors: ExchangeError, one sentence."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ExchangeError(f"{path} is larger than {MOST_BYTES >> 20} MiB; cut it into parts")
        data = path.read_bytes()
    except OSError as error:
        raise ExchangeError(f"{path} cannot be read: {error.strerror}; check the path") from error
    return parse_sweeps(data, path.suffix.lower(), stated or Stated(), name=path.name)


def parse_sweeps(data: bytes, suffix: str, stated: Stated, *, name: str = "sweeps") -> SweepsFile:
    """The traces in the bytes of a file; suffix `.csv` or `.npz`. Errors: ExchangeError."""
    if suffix == ".npz":
        found = _from_npz(data, name)
    elif suffix == ".csv":
        found = read_csv(data, stated.sweeps_in, name)
    else:
        raise ExchangeError(f"{name}: expected .csv or .npz, got {suffix or 'no ending'!r}")
    digest = hashlib.sha256(data).hexdigest()[:16]
    return _checked(found, stated, name, digest)


def _checked(found: Mapping[str, Any], stated: Stated, name: str, digest: str) -> SweepsFile:
    """Numbers that are numbers, shapes that agree, µV."""
    one = {key: _agreed(key, found.get(key), getattr(stated, key), name) for key in ONE_VALUE}
    if one["unit"] not in PER_UV:
        raise ExchangeError(
            f"{name}: expected the unit uV, mV or V, got {one['unit'] or 'none'}; "
            "add --set unit=uV (or mV, V)"
        )
    rate = _finite(one["rate_hz"], "rate_hz", name)
    if rate is not None and rate <= 0:
        raise ExchangeError(f"{name}: expected a rate_hz above zero, got {rate:g}")
    per_uv = PER_UV[one["unit"]]
    samples = _array(found.get("samples"), "samples", name, dims=2)
    epochs = _array(found.get("epochs"), "epochs", name, dims=2)
    response = _array(found.get("response"), "response", name, dims=1)
    current = _array(found.get("current_ma"), "current_ma", name, dims=1)
    if samples is None and response is None:
        raise ExchangeError(f"{name} holds neither samples nor a scan; see docs/files.md")
    count = response.size if response is not None else len(samples if samples is not None else ())
    stimulus = _finite(one["stimulus_index"], "stimulus_index", name)
    if stimulus is not None and samples is not None and not 0 <= stimulus < samples.shape[1]:
        raise ExchangeError(
            f"{name}: stimulus_index {stimulus:g} lies outside the {samples.shape[1]} samples of "
            "a sweep; count from 0"
        )
    site = found.get("site")
    times = _array(found.get("stimulus_s"), "stimulus_s", name, dims=1)
    for key, each in (("current_ma", current), ("site", site), ("stimulus_s", times)):
        if each is not None and len(each) != count:
            raise ExchangeError(f"{name}: expected {count} values of {key}, got {len(each)}")
    return SweepsFile(
        name=name,
        digest=digest,
        rate_hz=rate,
        stimulus_index=stimulus,
        samples_uv=samples * per_uv if samples is not None else np.zeros((0, 0)),
        current_ma=current,
        site=tuple(str(one) for one in site) if site is not None else None,
        epochs_uv=epochs * per_uv if epochs is not None else None,
        response_uv=response * per_uv if response is not None else None,
        stimulus_s=times,
    )


def _agreed(key: str, inside: Any, outside: Any, name: str) -> Any:
    """What the file and the caller say of one thing; both may, if they agree."""
    if inside is None or outside is None or str(inside) == str(outside):
        return outside if inside is None else inside
    try:
        if float(inside) == float(outside):
            return inside
    except (TypeError, ValueError):
        pass
    raise ExchangeError(f"{name} states {key} {inside}, but {outside} was given; leave one out")


def _finite(value: Any, key: str, name: str) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not np.isfinite(number):
        raise ExchangeError(f"{name}: expected a number for {key}, got {str(value)[:40]!r}")
    return number


def _array(value: Any, key: str, name: str, *, dims: int) -> Array | None:
    """A finite array of that many dimensions; one trace may come without its first."""
    if value is None:
        return None
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ExchangeError(f"{name}: expected numbers in {key}, got {error}") from error
    if numbers.ndim == 1 and dims == 2:
        numbers = numbers[None, :]
    if numbers.ndim != dims or not numbers.size:
        raise ExchangeError(
            f"{name}: expected {key} with {dims} dimensions and values, got shape {numbers.shape}"
        )
    if not np.isfinite(numbers).all():
        first = tuple(int(at) for at in np.argwhere(~np.isfinite(numbers))[0])
        raise ExchangeError(
            f"{name}: {key} at {first} is no finite number; a gap must not be filled, leave the "
            "trace out"
        )
    return numbers


def _from_npz(data: bytes, name: str) -> dict[str, Any]:
    """The arrays that are known by name; nothing is unpickled."""
    known = {"samples", "epochs", "response", *ONE_VALUE, *PER_TRACE}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(one.file_size for one in archive.infolist()) > MOST_BYTES:
                raise ExchangeError(f"{name} unpacks to more than {MOST_BYTES >> 20} MiB; cut it")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            found = {key: arrays[key] for key in arrays.files if key in known}
    except ExchangeError:
        raise
    except _DAMAGED as error:
        raise ExchangeError(f"{name} is no NPZ file of plain arrays: {error}") from error
    for key in ONE_VALUE:
        if key in found:
            value = np.asarray(found[key])
            if value.size != 1:
                raise ExchangeError(f"{name}: expected one value of {key}, got {value.size}")
            found[key] = value.reshape(-1)[0].item()
    if "site" in found:
        found["site"] = [str(one) for one in np.atleast_1d(found["site"]).reshape(-1)]
    return found
