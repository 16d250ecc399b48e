"""Muscles, nerves and sensory recordings of the simulated patient, read from `anatomy.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

SIDES = ("left", "right")
SENSORY_SUFFIX = " SNAP"
CORD = "cord"
FIBRES_PER_UNIT = 300.0  # mean of a muscle; FDI 340 (Feinstein 1955, from memory)
FIBRE_DENSITY = 1.4  # of most muscles (Stalberg & Trontelj)
SCATTER_MS = 0.75  # CMAP negative phases then last 4.5-6 ms


@dataclass(frozen=True, slots=True, eq=False)
class MuscleAnatomy:
    """One muscle with its electrodes. Pairs are (mean, SD between units) or (low, high).

    site_mm: distance along the nerve from each stimulation site (and the cord) to E1, nearest
    first. reference_mm: distance of E2 from E1 along the fibres. stretched: `flexor` muscles beat
    first in clonus, `extensor` muscles half a period later. scatter_s: SD of terminal delays within
    an end-plate zone. detour: name of the way that some of its axons may take. heart_uv: height of
    the QRS complex that its lead shows. fibres_per_unit: mean number of muscle fibres.
    fibre_density: as single-fibre EMG counts it in slight effort.
    """

    name: str
    nerve: str
    units: int
    distal_site: str
    half_length_mm: float
    depth_mm: tuple[float, float]
    reference_mm: float
    corticospinal: float
    stretched: str
    site_mm: Mapping[str, float]
    scatter_s: float
    velocity_factor: float
    detour: str | None
    heart_uv: float
    fibres_per_unit: float
    fibre_density: float

    @property
    def sites(self) -> tuple[str, ...]:
        """Where its nerve can be stimulated; the cord cannot."""
        return tuple(site for site in self.site_mm if site != CORD)


@dataclass(frozen=True, slots=True, eq=False)
class SensoryAnatomy:
    """One sensory recording (`median D2`): E1 over the nerve, E2 `reference_mm` further along.
    spike_s: rise of a single fibre's potential."""

    name: str
    nerve: str
    site_mm: Mapping[str, float]
    distal_site: str
    depth_mm: float
    reference_mm: float
    spike_s: float


@dataclass(frozen=True, slots=True, eq=False)
class NerveAnatomy:
    """One nerve. segment: name of the segment below each site. neighbour_at: how much more current
    than the nerve itself its neighbour needs, by site."""

    name: str
    limb: Literal["arm", "leg", "trunk"]
    segment: Mapping[str, str]
    neighbour: str | None
    neighbour_at: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Detour:
    """A way around: these units are missed at `absent_at` of their own nerve, found at `only_at`
    of it, and found at (nerve, site) keys of `reached_from`, as if at the site given there."""

    absent_at: frozenset[str]
    only_at: frozenset[str]
    reached_from: Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """The whole table. site_depth: factor on every stimulus threshold, 1 at the wrist. montage:
    the leads of a case that names none."""

    muscles: Mapping[str, MuscleAnatomy]
    nerves_by_name: Mapping[str, NerveAnatomy]
    sensory: Mapping[str, SensoryAnatomy]
    detours: Mapping[str, Detour]
    site_depth: Mapping[str, float]
    montage: tuple[str, ...]
    fibre_velocity_m_s: tuple[float, float]
    reference_height_cm: float
    mains_hz: float

    @property
    def nerves(self) -> tuple[str, ...]:
        """Names of the nerves."""
        return tuple(self.nerves_by_name)

    def sites_on(self, limb: str) -> tuple[str, ...]:
        """Where the nerves of a limb can be stimulated."""
        near = (nerve.segment for nerve in self.nerves_by_name.values() if nerve.limb == limb)
        return tuple(dict.fromkeys(site for sites in near for site in sites if site != CORD))

    @property
    def muscle_keys(self) -> tuple[str, ...]:
        """Every muscle of both sides, as `left FDI`."""
        return tuple(f"{side} {name}" for side in SIDES for name in self.muscles)

    @property
    def sensory_keys(self) -> tuple[str, ...]:
        """Every sensory recording of both sides, as `left sural SNAP`."""
        return tuple(f"{side} {name}{SENSORY_SUFFIX}" for side in SIDES for name in self.sensory)


def split_key(key: str) -> tuple[str, str]:
    """Side and name of a key: `left median D2 SNAP` is left, median D2. Errors: ValueError."""
    side, _, name = key.partition(" ")
    if side not in SIDES:
        raise ValueError(f"'{key}' names no side; expected one such as 'left FDI'.")
    return side, name.removesuffix(SENSORY_SUFFIX)


def _pair(values: list[float]) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _numbers(row: Mapping[str, Any]) -> Mapping[str, float]:
    return MappingProxyType({name: float(value) for name, value in row.items()})


def _muscle(name: str, row: Mapping[str, Any]) -> MuscleAnatomy:
    return MuscleAnatomy(
        name=name,
        nerve=row["nerve"],
        units=int(row["units"]),
        distal_site=row["distal_site"],
        half_length_mm=float(row["half_length_mm"]),
        depth_mm=_pair(row["depth_mm"]),
        reference_mm=float(row["reference_mm"]),
        corticospinal=float(row["corticospinal"]),
        stretched=row["stretched"],
        site_mm=_numbers(row["site_mm"]),
        scatter_s=1e-3 * float(row.get("scatter_ms", SCATTER_MS)),
        velocity_factor=float(row.get("velocity_factor", 1.0)),
        detour=row.get("detour"),
        heart_uv=float(row.get("heart_uv", 0.0)),
        fibres_per_unit=float(row.get("fibres_per_unit", FIBRES_PER_UNIT)),
        fibre_density=float(row.get("fibre_density", FIBRE_DENSITY)),
    )


def _nerve(name: str, row: Mapping[str, Any]) -> NerveAnatomy:
    near = dict(row.get("neighbour", {}))
    return NerveAnatomy(
        name=name,
        limb=row["limb"],
        segment=MappingProxyType(dict(row["segment"])),
        neighbour=near.pop("nerve", None),
        neighbour_at=_numbers(near),
    )


def _detour(row: Mapping[str, Any]) -> Detour:
    return Detour(
        absent_at=frozenset(row["absent_at"]),
        only_at=frozenset(row.get("only_at", ())),
        reached_from={(nerve, site): as_site for nerve, site, as_site in row["reached_from"]},
    )


def _sensory(name: str, row: Mapping[str, Any]) -> SensoryAnatomy:
    return SensoryAnatomy(
        name=name,
        nerve=row["nerve"],
        site_mm=_numbers(row["site_mm"]),
        distal_site=row["distal_site"],
        depth_mm=float(row["depth_mm"]),
        reference_mm=float(row["reference_mm"]),
        spike_s=1e-3 * float(row["spike_ms"]),
    )


@cache
def body_plan() -> Anatomy:
    """The table of `anatomy.toml`."""
    table = tomllib.loads(Path(__file__).with_name("anatomy.toml").read_text("utf-8"))
    return Anatomy(
        muscles={name: _muscle(name, row) for name, row in table["muscle"].items()},
        nerves_by_name={name: _nerve(name, row) for name, row in table["nerve"].items()},
        sensory={name: _sensory(name, row) for name, row in table["sensory"].items()},
        detours={name: _detour(row) for name, row in table["detour"].items()},
        site_depth=_numbers(table["site"]),
        montage=tuple(table["montage"]),
        fibre_velocity_m_s=(table["fibre_velocity_m_s"], table["fibre_velocity_sd_m_s"]),
        reference_height_cm=float(table["reference_height_cm"]),
        mains_hz=float(table["mains_hz"]),
    )


def arm() -> Anatomy:
    """`body_plan`, under its older name."""
    return body_plan()
