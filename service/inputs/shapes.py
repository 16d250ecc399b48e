"""The shapes that measures take, and what every source of them can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Traces:
    """rows_uv: (n_channels, n_samples) without a gap. target, inputs: as a Measurement has them."""

    rows_uv: Array
    rate_hz: float
    target: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SweepSet:
    """samples_uv: (n_sweeps, n_samples) of one channel. current_ma, site, stimulus_s (when it was
    given, on one clock): one per sweep, None where not every sweep states it."""

    samples_uv: Array
    rate_hz: float
    zero_index: float
    target: str
    inputs: tuple[str, ...]
    current_ma: Array | None = None
    site: tuple[str, ...] | None = None
    time_zero_known: bool = True
    stimulus_s: Array | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """current_ma, response_uv: (n_stimuli,) in their order."""

    current_ma: Array
    response_uv: Array
    target: str
    inputs: tuple[str, ...]


class Source(Protocol):
    """A file, asked for one shape. channels: labels, the first ones if empty.

    Errors: ValueError or RecordingError, one sentence that says what the file lacks.
    """

    def traces(self, measure: str, channels: Sequence[str], count: int) -> Traces:
        """The longest stretch without a gap of `count` channels."""
        ...

    def sweeps(self, measure: str, channels: Sequence[str]) -> SweepSet:
        """All complete sweeps of one channel that are alike."""
        ...

    def scan(self, measure: str, channels: Sequence[str]) -> Scan:
        """A response per stimulus."""
        ...

    def epochs(
        self, measure: str, channels: Sequence[str], epoch_ms: float
    ) -> tuple[SweepSet, Array]:
        """The sweeps with the largest CMAP, and voluntary activity (n_epochs, n) µV."""
        ...


def strongest(sweeps: SweepSet) -> SweepSet:
    """The sweeps at the highest current; all of them where the current is not known."""
    if sweeps.current_ma is None:
        return sweeps
    top = np.flatnonzero(sweeps.current_ma >= 0.98 * sweeps.current_ma.max())
    return SweepSet(
        samples_uv=sweeps.samples_uv[top],
        rate_hz=sweeps.rate_hz,
        zero_index=sweeps.zero_index,
        target=sweeps.target,
        inputs=tuple(sweeps.inputs[at] for at in top),
        current_ma=sweeps.current_ma[top],
        site=tuple(sweeps.site[at] for at in top) if sweeps.site is not None else None,
        time_zero_known=sweeps.time_zero_known,
        stimulus_s=sweeps.stimulus_s[top] if sweeps.stimulus_s is not None else None,
    )


def pick(measure: str, asked: Sequence[str], there: tuple[str, ...], count: int) -> tuple[str, ...]:
    """The channels that a measure is made on. Errors: ValueError naming those that there are."""
    wanted = tuple(asked) or there[:count]
    unknown = [one for one in wanted if one not in there]
    if unknown or len(wanted) != count:
        raise ValueError(
            f"{measure} takes {count} of the channels {', '.join(there)}; "
            f"asked for {', '.join(wanted) or 'none'}"
        )
    return wanted
