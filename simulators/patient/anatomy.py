"""Muscles of the simulated arm and the nerves that feed them, read from `anatomy.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class MuscleAnatomy:
    """One muscle with its electrodes. Pairs are (mean, SD between subjects) or (low, high).

    site_mm: distance along the nerve from each stimulation site (and the cord) to E1.
    reference_mm: distance of E2 from E1 along the fibres. stretched: `flexor` muscles beat first in
    clonus, `extensor` muscles half a period later.
    """

    name: str
    nerve: str
    units: int
    cmap_mv: tuple[float, float]
    latency_ms: tuple[float, float]
    distal_site: str
    half_length_mm: float
    depth_mm: tuple[float, float]
    reference_mm: float
    corticospinal: float
    stretched: str
    site_mm: Mapping[str, float]

    @property
    def sites(self) -> tuple[str, ...]:
        """Where its nerve can be stimulated; the cord cannot."""
        return tuple(site for site in self.site_mm if site != "cord")


@dataclass(frozen=True, slots=True)
class Anatomy:
    """The whole table. site_depth: factor on every stimulus threshold, 1 at the wrist."""

    muscles: Mapping[str, MuscleAnatomy]
    site_depth: Mapping[str, float]
    fibre_velocity_m_s: tuple[float, float]
    nerve_velocity_m_s: tuple[float, float]
    nerve_velocity_spread: float
    mains_hz: float

    @property
    def nerves(self) -> tuple[str, ...]:
        """Names of the nerves, in the order of the muscles."""
        return tuple(dict.fromkeys(muscle.nerve for muscle in self.muscles.values()))


def _pair(values: list[float]) -> tuple[float, float]:
    return float(values[0]), float(values[1])


@cache
def arm() -> Anatomy:
    """The arm of `anatomy.toml`."""
    table = tomllib.loads(Path(__file__).with_name("anatomy.toml").read_text("utf-8"))
    muscles = {
        name: MuscleAnatomy(
            name=name,
            nerve=row["nerve"],
            units=int(row["units"]),
            cmap_mv=_pair(row["cmap_mv"]),
            latency_ms=_pair(row["latency_ms"]),
            distal_site=row["distal_site"],
            half_length_mm=float(row["half_length_mm"]),
            depth_mm=_pair(row["depth_mm"]),
            reference_mm=float(row["reference_mm"]),
            corticospinal=float(row["corticospinal"]),
            stretched=row["stretched"],
            site_mm={site: float(mm) for site, mm in row["site_mm"].items()},
        )
        for name, row in table["muscle"].items()
    }
    return Anatomy(
        muscles=muscles,
        site_depth={site: float(factor) for site, factor in table["site"].items()},
        fibre_velocity_m_s=(table["fibre_velocity_m_s"], table["fibre_velocity_sd_m_s"]),
        nerve_velocity_m_s=(table["nerve_velocity_m_s"], table["nerve_velocity_sd_m_s"]),
        nerve_velocity_spread=float(table["nerve_velocity_spread"]),
        mains_hz=float(table["mains_hz"]),
    )
