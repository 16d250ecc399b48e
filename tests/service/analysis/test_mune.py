"""MUNE by increments, at one site and at three."""

from __future__ import annotations

import numpy as np
import pytest

from service.analysis.mune import MuneSettings, mune

RATE_HZ = 10_000.0
ZERO = 200.0
CMAP_UV = 5000.0


def response(size_uv: float, latency_ms: float = 4.0) -> np.ndarray:
    """A biphasic response, negative phase below zero as an amplifier gives it."""
    per_ms = RATE_HZ / 1000.0
    wave = np.zeros(600)
    at = int(ZERO + latency_ms * per_ms)
    phase = np.arange(round(5 * per_ms))
    wave[at : at + phase.size] = -size_uv * np.sin(np.pi * phase / phase.size)
    wave[at + phase.size : at + 2 * phase.size] = 0.4 * size_uv * np.sin(np.pi * phase / phase.size)
    return wave


def graded(rng: np.random.Generator, sizes_uv, *, site: str, start_ma: float, repeats: int = 4):
    """Sweeps, currents, sites: silence, one unit more per level, then the CMAP."""
    sweeps, currents = [], []
    for level, total in enumerate(np.concatenate([[0.0], np.cumsum(sizes_uv)])):
        for repeat in range(repeats):
            sweeps.append(response(total))
            currents.append(start_ma + level + 0.2 * repeat)
    for _ in range(3):
        sweeps.append(response(CMAP_UV))
        currents.append(60.0)
    noisy = np.array(sweeps) + 3.0 * rng.standard_normal((len(sweeps), 600))
    return noisy, currents, [site] * len(sweeps)


def three_sites(sizes=((50.0, 80.0, 60.0), (40.0, 90.0, 70.0), (55.0, 45.0, 110.0)), **given):
    """A multipoint study, whole."""
    rng = np.random.default_rng(1)
    parts = [
        graded(rng, one, site=name, start_ma=8.0, **given)
        for one, name in zip(sizes, ("wrist", "forearm", "elbow"), strict=True)
    ]
    sweeps = np.concatenate([part[0] for part in parts])
    return sweeps, [i for part in parts for i in part[1]], [s for part in parts for s in part[2]]


def test_multipoint_divides_the_cmap_by_the_mean_of_nine_increments():
    """3 sites x 3 units: mean 66.7 µV, 5 mV: 75 units."""
    sweeps, current, site = three_sites()
    found = mune(sweeps, RATE_HZ, ZERO, current_ma=current, site=site)
    assert found.state == "measured"
    assert found.values["step_count"] == 9
    assert found.values["mean_unit_uv"] == pytest.approx(600 / 9, rel=0.05)
    assert found.values["mune_unit_count"] == pytest.approx(75.0, rel=0.05)
    assert [item["site"] for item in found.items][::3] == ["wrist", "forearm", "elbow"]
    assert not found.reasons


def test_a_fourth_increment_at_a_site_is_not_used():
    """Three a site, so that no site weighs more."""
    sizes = ((50.0, 80.0, 60.0, 300.0), (40.0, 90.0, 70.0, 300.0), (55.0, 45.0, 110.0, 300.0))
    sweeps, current, site = three_sites(sizes)
    found = mune(sweeps, RATE_HZ, ZERO, current_ma=current, site=site)
    assert found.values["step_count"] == 9
    assert found.values["mean_unit_uv"] == pytest.approx(600 / 9, rel=0.05)


def test_incremental_needs_ten_reproduced_increments_at_one_site():
    """Ten make a number, six do not."""
    rng = np.random.default_rng(2)
    chosen = MuneSettings(method="incremental")
    sizes = np.full(10, 62.5)
    sweeps, current, _ = graded(rng, sizes, site="wrist", start_ma=8.0)
    found = mune(sweeps, RATE_HZ, ZERO, current_ma=current, settings=chosen)
    assert found.values["mune_unit_count"] == pytest.approx(80.0, rel=0.04)
    sweeps, current, _ = graded(rng, sizes[:6], site="wrist", start_ma=8.0)
    few = mune(sweeps, RATE_HZ, ZERO, current_ma=current, settings=chosen)
    assert few.state == "not_assessable"
    assert few.reasons[0].startswith("incremental: 6 increments")
    assert "mune_unit_count" not in few.values


def test_an_increment_seen_twice_or_too_small_is_none():
    """Reproduced three times and 25 µV, or it does not count."""
    sweeps, current, site = three_sites(repeats=2)
    found = mune(sweeps, RATE_HZ, ZERO, current_ma=current, site=site)
    assert found.reasons[0].startswith("multipoint: 0 sites")
    sweeps, current, site = three_sites(((15.0, 80.0, 60.0),) * 3)
    small = mune(sweeps, RATE_HZ, ZERO, current_ma=current, site=site)
    assert small.state == "not_assessable"


def test_noise_raises_the_smallest_increment():
    """25 µV, but never less than five SD of the noise."""
    sweeps, current, site = three_sites()
    sweeps += 12.0 * np.random.default_rng(3).standard_normal(sweeps.shape)
    found = mune(sweeps, RATE_HZ, ZERO, current_ma=current, site=site)
    assert found.values["least_step_uv"] == pytest.approx(5 * 12.4, rel=0.1)


def test_overlapping_levels_are_told_as_alternation():
    """One unit in place of another makes levels that share their currents."""
    rng = np.random.default_rng(4)
    sweeps, current, site = three_sites()
    shuffled = np.array(current)
    at = np.flatnonzero((np.array(site) == "wrist") & (shuffled > 8.9) & (shuffled < 11))
    shuffled[at] = rng.permutation(shuffled[at])
    found = mune(sweeps, RATE_HZ, ZERO, current_ma=shuffled, site=site)
    assert found.values["overlap_count"] >= 1
    assert found.reasons[0].startswith("alternation")


def test_without_a_cmap_there_is_no_estimate():
    """Nothing at the highest current."""
    noise = 3.0 * np.random.default_rng(5).standard_normal((20, 600))
    found = mune(noise, RATE_HZ, ZERO, current_ma=np.arange(1.0, 21.0))
    assert found.state == "not_assessable"
    assert found.reasons[0].startswith("cmap")


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"current_ma": [1.0]}, "shapes"),
        ({"current_ma": [0.0, 1.0]}, "above zero"),
        ({"current_ma": [1.0, 2.0], "settings": MuneSettings(method="x")}, "multipoint"),
    ],
)
def test_what_cannot_be_read_is_refused(given, word):
    """Shapes, currents, methods."""
    with pytest.raises(ValueError, match=word):
        mune(np.zeros((2, 600)), RATE_HZ, ZERO, **given)
