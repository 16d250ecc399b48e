"""Who the subject is, and what that makes of amplitudes, latencies and velocities.

Every quantity that differs between healthy people is a row of `norms.toml`: published mean, whole
spread, dependence on age and height, correlation of the two sides. A row's draw depends on the seed
and its own name alone, so that a new row disturbs no other.

The spread of a row is split: what age and height explain in the reference population, and the rest;
the rest into a part that all rows of one kind share, one that the two sides share, and one's own.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

from .streams import random_stream

MEAN_AGE_YEARS = 49.5
SD_AGE_YEARS = 17.3  # uniform over 20-79
MEAN_HEIGHT_CM = 168.0
SD_HEIGHT_CM = 9.5  # women and men together
CLIP_SD = 2.8
LEAST_SHARE = 0.12  # of the mean, for a quantity that is not logarithmic
KIN = {"sensory_uv": 0.91, "velocity_m_s": 0.45, "latency_ms": 0.15, "amplitude_mv": 0.15}


@dataclass(frozen=True, slots=True)
class Person:
    """Who is examined. sex: `F` or `M`. Temperatures are of the skin of hand and foot."""

    age_years: float
    sex: str
    height_cm: float
    hand_temperature_c: float = 33.0
    foot_temperature_c: float = 31.0


REFERENCE_PERSON = Person(45.0, "F", 168.0)


def person_of_build(person: Person) -> Person:
    """The same person, warm: nerve and muscle grow for these; cold acts on them later."""
    return replace(person, hand_temperature_c=33.0, foot_temperature_c=31.0)


@dataclass(frozen=True, slots=True)
class Norm:
    """One row of `norms.toml`; the meaning of its fields stands there."""

    mean: float
    sd: float
    side_r: float
    source: str
    trust: str
    per_decade: float = 0.0
    per_10cm: float = 0.0
    log: bool = False

    @property
    def residual_sd(self) -> float:
        """Spread that age and height leave unexplained."""
        explained = (0.1 * self.per_decade * SD_AGE_YEARS) ** 2
        explained += (0.1 * self.per_10cm * SD_HEIGHT_CM) ** 2
        return math.sqrt(max(self.sd**2 - explained, 0.0))

    def value(self, person: Person, deviation: float) -> float:
        """The quantity of a person who lies `deviation` residual SDs from those alike."""
        shift = 0.1 * self.per_decade * (person.age_years - MEAN_AGE_YEARS)
        shift += 0.1 * self.per_10cm * (person.height_cm - MEAN_HEIGHT_CM)
        shift += self.residual_sd * deviation
        if self.log:
            return self.mean * math.exp(shift)
        moved = self.mean + shift
        # A mean within one SD of 0 is that of a difference, which may be negative.
        return max(moved, LEAST_SHARE * self.mean) if self.mean > self.sd else moved


@cache
def norms() -> Mapping[str, Mapping[str, Norm]]:
    """All rows: kind -> name -> row."""
    table = tomllib.loads(Path(__file__).with_name("norms.toml").read_text("utf-8"))
    sources = table.pop("source")
    return {
        kind: {
            name: Norm(**{**row, "source": sources[row["source"]]}) for name, row in rows.items()
        }
        for kind, rows in table.items()
    }


@lru_cache(maxsize=4096)
def _normal(seed: int, *purpose: str) -> float:
    return float(random_stream(seed, "norm", *purpose).standard_normal())


def deviation(seed: int, kind: str, name: str, side: str, side_r: float) -> float:
    """How many SDs this subject lies from people alike, on one side; bounded at `CLIP_SD`.

    side_r: correlation of the two sides.
    """
    kin = min(KIN.get(kind, 0.0), side_r)
    total = math.sqrt(kin) * _normal(seed, kind)
    total += math.sqrt(side_r - kin) * _normal(seed, kind, name)
    total += math.sqrt(1.0 - side_r) * _normal(seed, kind, name, side)
    return min(max(total, -CLIP_SD), CLIP_SD)


def drawn(person: Person, seed: int, kind: str, name: str, side: str, row: str = "") -> float:
    """This subject's own value of one quantity.

    name: what it is of, such as `ADM`; row: the norm used if that has another name (`other`).
    Errors: KeyError for a row that norms.toml does not hold.
    """
    norm = norms()[kind][row or name]
    return norm.value(person, deviation(seed, kind, name, side, norm.side_r))
