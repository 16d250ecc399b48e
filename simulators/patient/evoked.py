"""What a stimulus brings: where the electrodes lie, the artefact, and the noise-free M-waves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .anatomy import arm
from .body import base_to_negative_peak, onset_s
from .front_end import ComplexArray, Grid
from .muscle import Muscle
from .truth import Json

ARTEFACT_UV_PER_MA = 60.0
ARTEFACT_REACH_MM = 110.0
ARTEFACT_TAIL = 0.25
ARTEFACT_TAIL_S = 0.00025
ARTEFACT_RISE_S = 0.00002
REPORTED_S = 0.045


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the stimulating electrodes lie."""

    nerve: str
    site: str
    side: str

    @classmethod
    def checked(cls, nerve: str, site: str, side: str) -> Placement:
        """A place on this limb. Raises ValueError for one that does not exist."""
        for word, value, known in (
            ("nerve", nerve, arm().nerves),
            ("site", site, tuple(arm().site_depth)),
            ("side", side, ("left", "right")),
        ):
            if value not in known:
                raise ValueError(f"{word} '{value}' is unknown; choose one of {', '.join(known)}")
        return cls(nerve, site, side)


@dataclass(frozen=True, slots=True)
class Pulse:
    """One constant-current pulse at a placement."""

    current_ma: float
    width_us: float
    placement: Placement


def artefact_spectrum(grid: Grid, pulse: Pulse, distance_mm: float) -> ComplexArray:
    """Spectrum (µV) of the artefact on a lead at a distance: the pulse itself and a short tail of
    the other sign, gone to a thousandth after 2 ms. Begins with the pulse at time 0."""
    frequency = grid.frequencies_hz
    width_s = 1e-6 * pulse.width_us
    level = ARTEFACT_UV_PER_MA * pulse.current_ma * np.exp(-distance_mm / ARTEFACT_REACH_MM)
    box = width_s * np.sinc(frequency * width_s) * np.exp(-1j * np.pi * frequency * width_s)
    decay = ARTEFACT_TAIL_S / (1.0 + 2j * np.pi * frequency * ARTEFACT_TAIL_S)
    after = np.exp(-2j * np.pi * frequency * width_s)
    smooth = 1.0 / (1.0 + 2j * np.pi * frequency * ARTEFACT_RISE_S) ** 2
    shape = (box - ARTEFACT_TAIL * decay * after) * smooth
    return np.asarray(level * grid.source_rate_hz * shape, dtype=np.complex128)


def m_wave_truth(muscle: Muscle, site: str, grid: Grid) -> dict[str, Json]:
    """The supramaximal response of all living units, noise-free at the electrode."""
    nerve, side = muscle.anatomy.nerve, muscle.key.split()[0]
    answer: dict[str, Json] = {
        "muscle": muscle.key,
        "nerve": nerve,
        "site": site,
        "side": side,
        "unit_count": int(muscle.alive.sum()),
        "rate_hz": grid.source_rate_hz,
    }
    if not muscle.alive.any():
        return {**answer, "amplitude_mv": 0.0, "onset_latency_ms": None, "first_arrival_ms": None}
    everyone = np.flatnonzero(muscle.alive)
    waveform = grid.waveform(muscle.m_wave(site, everyone))
    shown = waveform[: int(REPORTED_S * grid.source_rate_hz)]
    return {
        **answer,
        "amplitude_mv": 1e-3 * base_to_negative_peak(waveform),
        "onset_latency_ms": 1e3 * onset_s(waveform, grid.source_rate_hz),
        "first_arrival_ms": 1e3 * float(muscle.axons.latency_s(site)[everyone].min()),
        "waveform_uv": [round(value, 3) for value in shown.tolist()],
    }


def templates_of(muscles: Iterable[Muscle], grid: Grid) -> list[Json]:
    """`m_wave_truth` of every muscle from every site of its nerve."""
    return [m_wave_truth(muscle, site, grid) for muscle in muscles for site in muscle.anatomy.sites]
