"""MUNIX: its closed form, what it can and cannot tell, and when it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from service.analysis.munix import MunixSettings, closed_form, munix
from service.evidence.families import counted
from service.model import Evidence, Finding

from .interference_pool import EPOCH, RATE_HZ, ZERO, Pool

EFFORTS = np.geomspace(0.05, 1.0, 24)
CONFIRMED = MunixSettings(maximal_effort=True)


def of(pool: Pool, *, cap: float = 1.0, seed: int = 1, settings: MunixSettings = CONFIRMED):
    """MUNIX of a pool that reaches `cap` of its full drive."""
    epochs = pool.epochs_uv(np.random.default_rng(seed), EFFORTS * cap)
    return munix(pool.cmap_uv(), RATE_HZ, ZERO, epochs, settings=settings)


def gaussian_epochs(rng: np.random.Generator, levels_uv: np.ndarray, count: int) -> np.ndarray:
    """Fully overlapped interference: white Gaussian noise at stated levels."""
    return levels_uv[:, None] * rng.standard_normal((levels_uv.size, count))


def test_gaussian_interference_gives_the_closed_form():
    """MUNIX = 0.025·T·amplitude of a half-sine CMAP: 500 ms and 8 mV make 100."""
    per_ms = RATE_HZ / 1000.0
    sweep = np.zeros(600)
    at = np.arange(round(8 * per_ms))
    sweep[ZERO + 20 : ZERO + 20 + at.size] = -8000.0 * np.sin(np.pi * at / at.size)
    levels = np.geomspace(150.0, 1500.0, 20)
    epochs = gaussian_epochs(np.random.default_rng(2), levels, EPOCH)
    found = munix(sweep, RATE_HZ, ZERO, epochs, settings=CONFIRMED)
    assert found.state == "measured"
    assert found.values["munix"] == pytest.approx(0.025 * 500 * 8.0, rel=0.02)
    assert found.values["exponent_value"] == pytest.approx(-1.0, abs=0.02)
    power, area = found.values["cmap_power_mv2_ms"], found.values["cmap_area_mv_ms"]
    assert power / area == pytest.approx(np.pi / 4 * 8.0, rel=0.01)
    assert closed_form(power, area, 500.0) == pytest.approx(found.values["munix"], rel=0.01)


def test_the_epoch_length_scales_the_index_and_is_stored():
    """300 ms epochs of the same signal give three fifths: lengths must never be mixed."""
    pool = Pool.of(100)
    epochs = pool.epochs_uv(np.random.default_rng(3), EFFORTS)
    whole = munix(pool.cmap_uv(), RATE_HZ, ZERO, epochs, settings=CONFIRMED)
    chosen = MunixSettings(epoch_ms=300.0, maximal_effort=True, least_accepted=5, least_span=2.0)
    short = munix(pool.cmap_uv(), RATE_HZ, ZERO, epochs[:, :1500], settings=chosen)
    assert (whole.values["epoch_ms"], short.values["epoch_ms"]) == (500.0, 300.0)
    assert short.values["munix"] / whole.values["munix"] == pytest.approx(0.6, abs=0.06)


def test_twice_the_units_of_one_size_double_it_and_leave_the_size():
    """100 against 50 units: MUNIX ratio 2.0 ± 0.15, MSIX ratio 1.0 ± 0.1."""
    many, few = of(Pool.of(100)), of(Pool.of(50))
    assert many.values["munix"] / few.values["munix"] == pytest.approx(2.0, abs=0.15)
    assert many.values["msix_uv"] / few.values["msix_uv"] == pytest.approx(1.0, abs=0.1)


def test_half_the_units_at_twice_the_size_leave_it_unchanged():
    """It says what the CMAP says: reinnervation does not show."""
    before, after = of(Pool.of(100)), of(Pool.of(50, mean_uv=114.0))
    assert after.values["munix"] == pytest.approx(before.values["munix"], rel=0.1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_quarter_of_the_drive_is_insufficient_whatever_was_confirmed(seed):
    """A reduced UMN drive must not be read as lost units."""
    found = of(Pool.of(100), cap=0.25, seed=seed)
    assert found.state == "not_assessable"
    assert found.reasons[0].startswith("insufficient: drive")
    assert "munix" not in found.values


def test_effort_is_told_as_it_was_confirmed():
    """Denied: insufficient. Not known: shown, with the reason."""
    denied = of(Pool.of(100), settings=MunixSettings(maximal_effort=False))
    assert denied.reasons == ("insufficient: drive: maximal effort was not reached",)
    unknown = of(Pool.of(100), settings=MunixSettings())
    assert unknown.state == "measured"
    assert unknown.reasons[0].startswith("effort_unknown")


def test_what_cannot_be_estimated_says_why():
    """A small CMAP, efforts all alike, too few epochs, none of it a number."""
    small = of(Pool.of(8))
    assert small.reasons == ("not estimable: the CMAP is below 0.5 mV",)
    pool, rng = Pool.of(100), np.random.default_rng(4)
    same = munix(
        pool.cmap_uv(), RATE_HZ, ZERO, pool.epochs_uv(rng, np.ones(20)), settings=CONFIRMED
    )
    assert same.reasons[0].startswith("span")
    few = munix(pool.cmap_uv(), RATE_HZ, ZERO, pool.epochs_uv(rng, np.ones(4)), settings=CONFIRMED)
    assert few.reasons[0].startswith("epochs: 4 accepted")
    none = munix(rng.normal(0, 2, 600), RATE_HZ, ZERO, pool.epochs_uv(rng, np.ones(20)))
    assert none.reasons[0].startswith("cmap")
    slow = munix(pool.cmap_uv(), 1000.0, ZERO, np.zeros((20, 500)), settings=CONFIRMED)
    assert slow.reasons[0].startswith("insufficient: hardware")
    assert all("munix" not in one.values for one in (small, same, few, none, slow))


def test_a_reviewer_takes_epochs_out_and_each_says_why_it_was_left():
    """Tremor and solitary spikes are excluded by number; the rest keeps its rules."""
    chosen = MunixSettings(maximal_effort=True, excluded=(23,))
    found = of(Pool.of(100), settings=chosen)
    left = {item["epoch"]: item["left_out"] for item in found.items}
    assert left[23] == "taken out by the reviewer"
    assert left[0] == "area too small"
    assert found.values["accepted_count"] == sum(why == "" for why in left.values())


def test_epochs_of_another_length_are_refused():
    """The length is fixed, never guessed."""
    with pytest.raises(ValueError, match="expected epochs"):
        munix(np.zeros(600), RATE_HZ, ZERO, np.zeros((20, 1500)))


def test_munix_is_never_counted_as_independent_evidence():
    """An L6 item that stands on MUNIX alone is shown; with a unit count beside it, it counts."""

    def item(*quantities: str) -> Evidence:
        findings = tuple(Finding("m", name, "abnormal", 30.0, "", None) for name in quantities)
        return Evidence("lmn", "L6", "B", "abnormal", "few units", findings)

    assert not counted(item("munix"))
    assert counted(item("munix", "mune_unit_count"))
    assert counted(item("munix", "scan_unit_count"))
