"""The measures by name, and the page that explains them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from service.analysis.clonus import ClonusSettings
from service.analysis.registry import MEASURES, TAKES
from service.analysis.result import build
from service.analysis.sensory import SensorySettings
from service.model import Measurement

from . import interference_pool, late_examples, responses, test_mune
from .scan_simulation import scan, units
from .snaps import sensory_sweeps, snap
from .test_clonus import bursts
from .test_fasciculation import resting
from .traces import interference, shapes, sweep

PAGE = Path(__file__).resolve().parents[3] / "docs" / "indicators.md"


def motor_response_of(rng: np.random.Generator) -> tuple:
    """One sweep with a CMAP."""
    trace, zero = sweep(rng, shapes()[0], rate_hz=16_000.0, amplitude_mv=4.0)
    return trace, 16_000.0, zero


def munix_of(rng: np.random.Generator) -> tuple:
    """A pool of 100 units at rising effort."""
    pool = interference_pool.Pool.of(100)
    epochs = pool.epochs_uv(rng, np.geomspace(0.05, 1.0, 24))
    return pool.cmap_uv(), interference_pool.RATE_HZ, interference_pool.ZERO, epochs


def mune_of(rng: np.random.Generator) -> tuple:
    """A multipoint study."""
    sweeps, current, site = test_mune.three_sites()
    return sweeps, test_mune.RATE_HZ, test_mune.ZERO, {"current_ma": current, "site": site}


def sensory_of(rng: np.random.Generator) -> tuple:
    """Sixteen sweeps of a SNAP, and the distance."""
    sweeps, zero = sensory_sweeps(rng, snap(), rate_hz=20_000.0, tail_uv=5.0)
    return sweeps, 20_000.0, zero, {"settings": SensorySettings(distance_mm=140.0)}


# per measure what it is called with (a dict at the end: keywords), so that it gives every value
RICH = {
    "motor_response": motor_response_of,
    "sensory_response": sensory_of,
    **responses.RICH,
    "coherence": lambda rng: (np.stack([interference(rng, 9000, 1000.0, 9.0)] * 2), 1000.0),
    "clonus": lambda _rng: (
        bursts(1.0 + np.arange(12) / 6.0), 1000.0, {"settings": ClonusSettings(passive=True)}
    ),
    "fasciculation": lambda rng: (resting(120.0, np.sort(rng.uniform(2, 118, 45))), 2000.0),
    "quality": lambda rng: (interference(rng, 4000, 2000.0, 5.0), 2000.0),
    "cmap_scan": lambda rng: scan(rng, units(rng, 40)),
    "munix": munix_of,
    "mune": mune_of,
    **late_examples.RICH,
}  # fmt: skip
ENDINGS = (
    "ms|mv|uv|ma|mv_ms|mv2_ms|hz|s|min|count|per_min|cv|coherence|value|share|ratio|percent|m_s|mm"
    "|deg|index|correlation"
)


@cache
def rich(name: str) -> Measurement:
    """A measurement that carries every value its measure can give."""
    given = list(RICH[name](np.random.default_rng(1)))
    keywords = given.pop() if isinstance(given[-1], dict) else {}
    return MEASURES[name](*given, **keywords)


@pytest.mark.parametrize("name", list(MEASURES))
def test_the_page_names_every_measure_and_value(name):
    """docs/indicators.md has a section per measure, with exactly the values it gives."""
    text = PAGE.read_text(encoding="utf-8")
    section = text.split(f"## `{name}`")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    named = {key for line in rows for key in re.findall(r"`([a-z0-9_]+)`", line.split("|")[1])}
    assert named == set(rich(name).values)


def test_the_page_names_no_measure_that_is_not_there():
    """Every section is a measure that can be called."""
    named = set(re.findall(r"^## `([a-z_]+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert named == set(MEASURES)


def test_every_measure_says_what_it_is_called_with():
    """`analyse` decides by this what it makes of a file."""
    assert set(TAKES) == set(MEASURES)


@pytest.mark.parametrize("name", list(MEASURES))
def test_keys_carry_their_unit(name):
    """Values end in a unit, or in a word for a count or a ratio; none is NaN."""
    result = rich(name)
    ending = rf"_({ENDINGS})$|^autocorrelation$|^munix$"
    assert all(re.search(ending, key) for key in result.values)
    assert all(np.isfinite(value) for value in result.values.values())
    assert result.provenance["numpy"] == np.__version__


def test_a_value_that_is_no_number_is_refused():
    """NaN never enters a measurement: the quantity is left out instead."""
    with pytest.raises(ValueError, match="leave it out"):
        build(
            "m", "1", target="", inputs=(), settings=ClonusSettings(), state="measured",
            values={"x_ms": float("nan")},
        )  # fmt: skip


def test_settings_are_plain_json():
    """What cannot be written as JSON is refused by its type."""
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Odd:
        part: object = object()

    with pytest.raises(TypeError, match="plain JSON"):
        build("m", "1", target="", inputs=(), settings=Odd(), state="measured")
