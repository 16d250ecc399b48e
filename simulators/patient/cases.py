"""Patients on file, `cases/*.toml`: muscles with their two dials, and what ails the nerves."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .anatomy import arm

FOLDER = Path(__file__).with_name("cases")


@dataclass(frozen=True, slots=True)
class Dials:
    """The two lesions of one muscle, each 0 (healthy) to 1."""

    umn: float = 0.0
    lmn: float = 0.0


@dataclass(frozen=True, slots=True)
class Case:
    """One patient. age_years, sex (`F` or `M`), height_cm: who it is, as a chart would say; the
    signals do not depend on them. montage: muscle keys by channel. distal_delay_ms: by nerve,
    extra latency beyond the wrist."""

    name: str
    code: str
    title: str
    age_years: float
    sex: str
    height_cm: float
    montage: tuple[str, ...]
    dials: Mapping[str, Dials]
    distal_delay_ms: Mapping[str, float]


def cases() -> list[str]:
    """Names of the patients on file."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_case(name: str) -> Case:
    """One patient. Raises ValueError if there is none of that name, or its file is wrong."""
    path = FOLDER / f"{name}.toml"
    if name not in cases():
        raise ValueError(f"no patient is called '{name}'; there are {', '.join(cases())}")
    table = tomllib.loads(path.read_text("utf-8"))
    montage = tuple(f"left {muscle}" for muscle in arm().muscles)
    everywhere = table.get("everywhere", {})
    dials = {
        key: Dials(**{**everywhere, **table.get("muscle", {}).get(key, {})}) for key in montage
    }
    unknown = set(table.get("muscle", {})) - set(montage)
    if unknown:
        raise ValueError(f"{path.name} names unknown muscles: {', '.join(sorted(unknown))}")
    nerves = table.get("nerve", {})
    return Case(
        name=name,
        code=table["code"],
        title=table["title"],
        age_years=float(table["age_years"]),
        sex=table["sex"],
        height_cm=float(table["height_cm"]),
        montage=montage,
        dials=dials,
        distal_delay_ms={nerve: float(row["distal_delay_ms"]) for nerve, row in nerves.items()},
    )
