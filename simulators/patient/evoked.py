"""What a stimulus brings: where the electrodes lie, the artefact, and the noise-free M-waves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .anatomy import SIDES, body_plan
from .body import base_to_negative_peak, onset_s
from .front_end import ComplexArray, Grid
from .muscle import Muscle
from .sensory import SensoryNerve, snap_shape
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
        """A place on the body. Raises ValueError for a nerve, side or site that does not exist, or
        a site of another limb."""
        plan = body_plan()
        for word, value, known in (
            ("nerve", nerve, plan.nerves),
            ("side", side, SIDES),
        ):
            if value not in known:
                raise ValueError(f"{word} '{value}' is unknown; choose one of {', '.join(known)}")
        sites = plan.sites_on(plan.nerves_by_name[nerve].limb)
        if site not in sites:
            raise ValueError(f"site '{site}' is unknown here; choose one of {', '.join(sites)}")
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


def m_wave_truth(muscle: Muscle, nerve: str, site: str, grid: Grid) -> dict[str, Json]:
    """The supramaximal response of the living units that a place reaches, noise-free at the
    electrode. `first_arrival_ms` is None if there are none."""
    axons, everyone = muscle.axons, muscle.reachable(nerve, site)
    own = axons.site_reached(nerve, site)
    answer: dict[str, Json] = {
        "muscle": muscle.key,
        "nerve": nerve,
        "site": site,
        "side": muscle.key.split()[0],
        "unit_count": int(muscle.alive.sum()),
        "reached_count": everyone.size,
        "rate_hz": grid.source_rate_hz,
    }
    if own is None or not everyone.size:
        return {**answer, "amplitude_mv": 0.0, "onset_latency_ms": None, "first_arrival_ms": None}
    waveform = grid.waveform(muscle.m_wave(own, everyone))
    shown = waveform[: int(REPORTED_S * grid.source_rate_hz)]
    last = axons.sites.index(own) + 1
    threshold = axons.threshold_ma[everyone] * body_plan().site_depth[site]
    return {
        **answer,
        "amplitude_mv": 1e-3 * base_to_negative_peak(waveform),
        "onset_latency_ms": 1e3 * onset_s(waveform, grid.source_rate_hz),
        "first_arrival_ms": 1e3 * float(axons.latency_s(own)[everyone].min()),
        "f_first_ms": 1e3 * float(axons.f_latency_s(own)[everyone].min()),
        "f_last_ms": 1e3 * float(axons.f_latency_s(own)[everyone].max()),
        "distance_mm": float(axons.length_mm[:last].sum()),
        "segment_velocity_m_s": {
            name: float(axons.velocity_m_s[everyone, number].max())
            for number, name in enumerate(axons.segments[:last])
        },
        "threshold_ma": [float(value) for value in np.quantile(threshold, (0.0, 0.5, 1.0))],
        "waveform_uv": np.round(shown, 3).tolist(),
    }


def snap_truth(key: str, nerve: SensoryNerve, site: str, grid: Grid) -> dict[str, Json]:
    """The supramaximal SNAP of the living fibres from one site, noise-free at the electrode."""
    rate = grid.source_rate_hz
    answer: dict[str, Json] = {
        "recording": key,
        "nerve": nerve.anatomy.nerve,
        "site": site,
        "side": key.split(maxsplit=1)[0],
        "fibre_share": float(nerve.alive.mean()),
        "rate_hz": rate,
    }
    if not nerve.alive.any():
        return {**answer, "amplitude_uv": 0.0, "onset_latency_ms": None, "peak_latency_ms": None}
    waveform = nerve.waveform(site, grid.points, rate)
    shape = snap_shape(waveform, rate)
    return {
        **answer,
        "amplitude_uv": shape.op_uv,
        "peak_to_peak_uv": shape.pp_uv,
        "onset_latency_ms": 1e3 * shape.onset_s,
        "peak_latency_ms": 1e3 * shape.peak_s,
        "distance_mm": float(nerve.length_mm[: nerve.sites.index(site) + 1].sum()),
        "fastest_m_s": float(nerve.velocity_m_s[nerve.alive, 0].max()),
        "waveform_uv": np.round(waveform[: int(REPORTED_S * rate)], 4).tolist(),
    }


def templates_of(muscles: Iterable[Muscle], grid: Grid) -> list[dict[str, Json]]:
    """`m_wave_truth` of every muscle from every site of its nerve, and of the ways around it."""
    rows: list[dict[str, Json]] = []
    for muscle in muscles:
        nerve, way = muscle.anatomy.nerve, muscle.anatomy.detour
        places = [(nerve, site) for site in muscle.anatomy.sites]
        if way is not None:
            detour = body_plan().detours[way]
            if muscle.axons.detour.any():
                places += detour.reached_from
            else:
                places = [place for place in places if place[1] not in detour.only_at]
        rows += [m_wave_truth(muscle, nerve, site, grid) for nerve, site in places]
    return rows
