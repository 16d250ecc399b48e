"""CMAP scans: the curve, its noise, and the count of units against truth and genuine files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.analysis.cmap_scan import CmapScanSettings, cmap_scan
from service.exchange.qtrac import read_qtrac_scan
from tests.service.exchange.scans import GENUINE, needs_genuine

from .scan_simulation import Units, scan, units


def staircase(steps: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Units of 1 mV without any spread at 9, 10, 11 … mA, the top repeated ten times."""
    current = np.append(np.full(10, 14.0), np.arange(14.0, 7.0, -0.02))
    response = 1000.0 * sum((current > 9.0 + unit).astype(float) for unit in range(steps))
    return current, response + 1.0 * (-1.0) ** np.arange(current.size)


def counted(rng: np.random.Generator, pool: Units) -> dict[str, float]:
    """The values of one simulated scan."""
    return dict(cmap_scan(*scan(rng, pool)).values)


def test_the_curve_of_five_equal_steps_is_read_exactly():
    """Maximum, S50, D50 and the steps of a staircase follow by hand."""
    values = cmap_scan(*staircase()).values
    assert values["maximum_mv"] == pytest.approx(5.0, abs=0.002)
    assert values["s50_ma"] == pytest.approx(11.0, abs=0.02)  # the third unit crosses one half
    assert values["s5_ma"] == pytest.approx(9.0, abs=0.02)
    assert values["s95_ma"] == pytest.approx(13.0, abs=0.02)
    assert values["d50_count"] == 3  # two steps are 2 mV, half is 2.5 mV
    assert values["large_step_count"] == 5
    assert values["largest_step_mv"] == pytest.approx(1.0, abs=0.003)


def test_the_order_of_the_stimuli_does_not_matter():
    """Up, down or shuffled: the curve is the same."""
    current, response = staircase()
    down = cmap_scan(current, response).values
    up = cmap_scan(current[::-1], response[::-1]).values
    for key in ("maximum_mv", "s5_ma", "s50_ma", "s95_ma", "d50_count"):
        assert up[key] == pytest.approx(down[key], rel=0.01)


@pytest.mark.parametrize("number", [10, 25, 50, 120])
def test_the_count_of_simulated_units_is_right_on_average(number):
    """Mean of four muscles within a quarter, and 95 % intervals that hold the truth."""
    rng = np.random.default_rng(number)
    found = [counted(rng, units(rng, number)) for _ in range(4)]
    counts = [values["scan_unit_count"] for values in found]
    assert np.mean(counts) == pytest.approx(number, rel=0.25)
    inside = [v["scan_unit_low_count"] < number < v["scan_unit_high_count"] for v in found]
    assert sum(inside) >= 3


def test_half_the_units_at_twice_the_size_are_counted_as_half():
    """Reinnervation keeps the CMAP; the count falls: what MUNIX cannot show."""
    rng = np.random.default_rng(5)
    many = [counted(rng, units(rng, 80)) for _ in range(3)]
    few = [counted(rng, units(rng, 40)) for _ in range(3)]
    before, after = (np.mean([v["scan_unit_count"] for v in one]) for one in (many, few))
    assert np.mean([v["maximum_mv"] for v in few]) == pytest.approx(
        np.mean([v["maximum_mv"] for v in many]), rel=0.02
    )
    assert after / before == pytest.approx(0.5, abs=0.12)


def test_a_missed_stimulus_is_left_out_and_told():
    """One pulse that did not reach the nerve moves neither S50 nor the maximum."""
    rng = np.random.default_rng(2)
    current, response = scan(rng, units(rng, 60))
    clean = cmap_scan(current, response).values
    response[30] = 4.0
    lost = cmap_scan(current, response)
    assert lost.values["stray_count"] == 1
    assert lost.values["s50_ma"] == clean["s50_ma"]
    assert any(reason.startswith("missed: 1") for reason in lost.reasons)


def test_a_scan_that_stops_short_says_what_it_lacks():
    """Still rising at the top, not yet silent at the bottom."""
    rng = np.random.default_rng(3)
    current, response = scan(rng, units(rng, 60))
    low = cmap_scan(current[current < 11.5], response[current < 11.5])
    assert any(reason.startswith("not_proven_supramaximal") for reason in low.reasons)
    high = cmap_scan(current[current > 9.0], response[current > 9.0])
    assert any(reason.startswith("not_subthreshold") for reason in high.reasons)
    assert "s5_ma" not in high.values


def test_coarse_steps_give_a_curve_but_no_count():
    """Steps wider than a unit's own spread hide the units."""
    rng = np.random.default_rng(4)
    coarse = cmap_scan(*scan(rng, units(rng, 60), step=0.015))
    assert "scan_unit_count" not in coarse.values
    assert any("too coarse" in reason for reason in coarse.reasons)
    assert coarse.state == "measured"


def test_nothing_is_made_of_nothing():
    """Noise alone is absent with its floor; a handful of stimuli or a tiny CMAP is no scan."""
    rng = np.random.default_rng(6)
    current = np.linspace(20.0, 5.0, 200)
    absent = cmap_scan(current, 10 * rng.standard_normal(200))
    assert absent.state == "absent"
    assert absent.values["detection_floor_uv"] == pytest.approx(50.0, rel=0.5)
    assert cmap_scan(current[:50], np.ones(50)).state == "not_assessable"
    tiny = cmap_scan(current, 100.0 * (current > 10) + rng.standard_normal(200))
    assert (tiny.state, tiny.values["maximum_mv"]) == ("not_assessable", pytest.approx(0.1, 0.1))


def test_a_cliff_with_too_few_stimuli_gives_no_count():
    """Where no window holds enough stimuli, the count is left out with its reason."""
    result = cmap_scan(*staircase(), settings=CmapScanSettings(coarsest_step=0.0001))
    assert "scan_unit_count" not in result.values


@pytest.mark.parametrize(
    ("current", "response"),
    [([1.0, 2.0], [1.0]), ([0.0] * 80, [1.0] * 80), ([1.0] * 80, [float("nan")] * 80)],
)
def test_what_is_no_scan_is_refused(current, response):
    """Shapes, currents of zero, numbers that are none."""
    with pytest.raises(ValueError, match="cmap_scan: expected"):
        cmap_scan(current, response)


@given(
    data=st.data(),
    count=st.integers(60, 90),
    least=st.sampled_from([0.0, 1.0, 500.0]),
)
@settings(max_examples=25, deadline=None)
def test_no_scan_brings_a_number_that_is_none(data, count, least):
    """Ties, jumps, flat stretches, negative responses: a measurement, or none, never NaN."""
    currents = st.sampled_from([5.0, 5.01, 6.0, 20.0]) | st.floats(0.1, 100.0)
    responses = st.sampled_from([0.0, 5000.0]) | st.floats(-1e4, 1e4)
    current = data.draw(st.lists(currents, min_size=count, max_size=count))
    response = data.draw(st.lists(responses, min_size=count, max_size=count))
    found = cmap_scan(current, np.maximum(response, least))
    assert found.state in {"measured", "absent", "not_assessable"}
    assert found.values.get("scan_unit_count", 1.0) >= 1.0


def test_a_current_that_does_not_change_is_no_scan():
    """A hundred equal stimuli."""
    found = cmap_scan(np.full(100, 10.0), np.full(100, 5000.0))
    assert found.state == "not_assessable"
    assert found.reasons[0].startswith("most stimuli have the same current")


@needs_genuine
def test_genuine_scans_agree_with_their_files():
    """27 scans: maximum and S50 within 1 %, counts near the files' own MScanFit counts.

    Two assumptions of the count were set on every other file, beginning with the first; the files
    between them are the test. The interval holds the file's count.
    """
    rows = []
    for path in GENUINE:
        read = read_qtrac_scan(path)
        values = cmap_scan(read.current_ma, 1000 * read.response_mv).values
        assert values["maximum_mv"] == pytest.approx(read.stated["MScPeak(mV)"], rel=0.01)
        assert values["s50_ma"] == pytest.approx(read.stated["MScS50(mA)"], rel=0.01)
        assert values["s95_ma"] == pytest.approx(read.stated["MScS95(mA)"], rel=0.01)
        assert values["d50_count"] == pytest.approx(read.stated["MScD50"], rel=0.1)
        stated = read.stated["MSFNUnits"]
        assert values["scan_unit_low_count"] < stated < values["scan_unit_high_count"]
        rows.append((stated, values["scan_unit_count"]))
    for part in (rows[1::2], rows):
        stated, ours = np.array(part).T
        assert np.mean(np.abs(ours / stated - 1)) < 0.2
        assert np.corrcoef(stated, ours)[0, 1] >= 0.7


@pytest.mark.soak
@needs_genuine
def test_halves_of_a_genuine_scan_count_alike():
    """Every other stimulus makes a second scan of the same muscle: CV of the two below a fifth."""
    apart = []
    for path in GENUINE:
        read = read_qtrac_scan(path)
        current, response = read.current_ma, 1000 * read.response_mv
        two = [
            cmap_scan(
                np.append(current[:20], current[20 + first :: 2]),
                np.append(response[:20], response[20 + first :: 2]),
            ).values["scan_unit_count"]
            for first in (0, 1)
        ]
        apart.append(np.log(two[0] / two[1]))
    assert np.sqrt(np.mean(np.square(apart)) / 2) < 0.2


@pytest.mark.soak
def test_counts_hold_over_many_simulated_muscles():
    """10 to 120 units, sizes as unequal as people differ: bias, coverage and test-retest spread."""
    rng = np.random.default_rng(77)
    ratios, inside = [], []
    for number in (10, 15, 20, 30, 40, 60, 80, 120):
        for _ in range(12):
            pool = units(rng, number, size_cv=float(np.clip(rng.normal(0.7, 0.12), 0.4, 1.0)))
            twice = [counted(rng, pool) for _ in range(2)]
            ratios.append([v["scan_unit_count"] / number for v in twice])
            first = twice[0]
            inside.append(first["scan_unit_low_count"] < number < first["scan_unit_high_count"])
    logs = np.log(ratios)
    assert abs(np.mean(logs)) < 0.1
    assert np.mean(inside) >= 0.9
    assert np.sqrt(np.mean(np.diff(logs, axis=1) ** 2) / 2) < 0.2
