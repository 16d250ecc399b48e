"""Series of a row: what each measure is given, and what it says of known responses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from service.bedside.halves import halves
from service.bedside.measuring import measure
from service.bedside.row_key import RowKey, Taken
from service.bedside.rows import Rows
from service.bedside.table import Circumstances, Table
from service.evidence.limits import Subject
from service.model import Sweep
from tests.service.bedside.shocks import RATE_HZ, shock, taken


def rows_of(name: str, *sweeps) -> tuple[Rows, RowKey]:
    """A row of one measure."""
    rows = Rows()
    for one in sweeps:
        rows.add(one, taken(one, measure=name))
    return rows, rows.all_keys()[0]


def test_a_train_at_3_hz_gives_its_decrement() -> None:
    """Ten responses that fall to 80 %: the clock of the sweeps tells that it was one train."""
    sizes = 8000.0 * np.array([1, 0.9, 0.84, 0.8, 0.8, 0.82, 0.84, 0.85, 0.86, 0.86])
    sweeps = []
    for number, size in enumerate(sizes, start=1):
        one = shock(number, size_uv=float(size))
        sweeps.append(replace(one, start_index=round(number / 3.0 * one.rate_hz)))
    rows, key = rows_of("rns", *sweeps)
    found = rows.measurement(key)
    assert found.state == "measured", found.reasons
    fourth = next(v for q, v in found.values.items() if "decrement" in q and "4" in q)
    assert fourth == pytest.approx(20.0, abs=1.0)


def test_a_scan_is_made_of_heights_at_one_place() -> None:
    """Twenty equal units between 10 and 20 mA: maximum and S50 are theirs."""
    thresholds = np.linspace(10.0, 20.0, 20)
    sweeps = [
        shock(n, current_ma=float(ma), size_uv=400.0 * float((thresholds <= ma).sum()))
        for n, ma in enumerate(np.linspace(22.0, 8.0, 120), start=1)
    ]
    rows, key = rows_of("cmap_scan", *sweeps)
    found = rows.measurement(key)
    assert found.state == "measured", found.reasons
    assert found.values["maximum_mv"] == pytest.approx(8.0, rel=0.02)
    assert found.values["s50_ma"] == pytest.approx(15.0, abs=0.5)


def test_a_scan_without_a_response_says_so() -> None:
    """Not assessable, with the reason of the strongest stimulus."""
    sweeps = [shock(n, current_ma=float(n), size_uv=0.0) for n in range(1, 30)]
    found = measure("cmap_scan", [(one, 0) for one in sweeps], site="wrist", target="left APB")
    assert found.state == "not_assessable"
    assert "no response at the highest current" in found.reasons[0]


def test_what_a_measure_needs_and_does_not_have_is_named() -> None:
    """Stimuli of two epochs have no common clock: a train cannot be told."""
    sweeps = [replace(shock(n), epoch=n) for n in range(1, 11)]
    found = measure("rns", [(one, 0) for one in sweeps], site="wrist", target="left APB")
    assert found.state == "not_assessable"
    assert "needs stimulus_s" in found.reasons[0]
    assert measure("mood", [(sweeps[0], 0)], site="", target="").state == "not_assessable"


@pytest.mark.parametrize("site", ["below_elbow", "elbow"])
def test_a_slow_nerve_answers_late_from_the_elbow_and_is_not_called_absent(site: str) -> None:
    """At 27 m/s the negative peak comes after 23 ms."""
    late = shock(1, size_uv=3000.0, latency_ms=21.5)
    found = measure("motor_response", [(late, 0)], site=site, target="left APB")
    assert found.state == "measured", found.reasons
    assert found.values["peak_latency_ms"] > 23.0
    assert found.values["amplitude_mv"] == pytest.approx(3.0, rel=0.02)


def gates(table: Table, key: RowKey) -> dict[str, dict]:
    """Those of a row, by name."""
    return {one["gate"]: one for one in table.line(key)["gates"]}


def test_each_usual_mistake_is_hinted_at_with_what_it_can_falsify() -> None:
    """Swapped electrodes, a tape that is too long, a proximal response that is too large."""
    known = Circumstances(Subject(40.0), {"": 34.0})
    table = Table(known)
    for number, ma in ((1, 30.0), (2, 36.0)):
        one = shock(number, current_ma=ma, size_uv=4000.0)
        table.rows.add(one, taken(one))
    wrist = table.rows.all_keys()[0]
    assert gates(table, wrist) == {}
    for number, ma in ((3, 30.0), (4, 36.0)):
        one = shock(number, site="elbow", latency_ms=7.5, current_ma=ma)
        table.rows.add(one, taken(one))
    elbow = table.rows.all_keys()[1]
    assert set(gates(table, elbow)) == {"distance", "proximal_larger"}
    assert "low or absent response" in gates(table, elbow)["proximal_larger"]["falsifies"]
    table.rows.set_distance(elbow, 400.0)
    assert set(gates(table, elbow)) == {"too_fast", "proximal_larger"}
    upside_down = Table(known)
    for number, ma in ((5, 30.0), (6, 36.0)):
        one = shock(number, current_ma=ma, size_uv=-8000.0)
        upside_down.rows.add(one, taken(one))
    assert "swapped_electrodes" in gates(upside_down, upside_down.rows.all_keys()[0])
    single = Table(known)
    one = shock(7)
    single.rows.add(one, taken(one))
    assert set(gates(single, single.rows.all_keys()[0])) == {"submaximal"}


def test_munix_of_a_row_says_what_it_lacks() -> None:
    """A CMAP without an epoch of effort: no number, and what to do."""
    rows, key = rows_of("munix", shock(1))
    found = rows.measurement(key)
    assert found.state == "not_assessable"
    assert "no epoch of voluntary effort yet" in found.reasons[0]
    assert rows.proof(key) is not None


def effort(number: int, *, rate_hz: float = RATE_HZ) -> Sweep:
    """Half a second of a dense pattern on one channel, as `Pipeline.effort` cuts it."""
    trace = np.random.default_rng(number).normal(0.0, 40.0 * number, (1, round(rate_hz / 2)))
    return Sweep(
        f"r:emg:1:effort:{number}", "r", "d", "emg", 1, None, None, ("left APB",), 90_000 * number,
        rate_hz, 0.0, trace, False, False, 0.0,
    )  # fmt: skip


def test_munix_takes_its_cmap_from_the_motor_row_of_the_same_place_or_its_own() -> None:
    """Same muscle, site and nerve; a new CMAP there changes it; one in the row itself comes first;
    another site or another rate of samples gives none."""
    place = Taken("munix", "median", "wrist", "left", "left APB")
    rows = Rows()
    for number in range(1, 13):
        rows.add(effort(number), place)
    (key,) = rows.all_keys()
    assert rows.measurement(key).reasons[0].startswith("cmap: none yet")
    assert rows.measurement(key).items[5]["area_mv_ms"] > 20.0
    elbow = shock(20, site="elbow")
    rows.add(elbow, taken(elbow))
    assert rows.measurement(key).reasons[0].startswith("cmap: none yet")
    wrist = shock(21)
    rows.changed()
    rows.add(wrist, taken(wrist))
    assert key in rows.changed()
    first = rows.measurement(key).values["cmap_amplitude_mv"]
    assert first == pytest.approx(8.0, rel=0.01)
    own = shock(22, size_uv=6000.0)
    rows.add(own, taken(own, measure="munix"))
    assert rows.measurement(key).values["cmap_amplitude_mv"] == pytest.approx(6.0, rel=0.01)
    again = shock(23, size_uv=6000.0)
    rows.add(again, taken(again, measure="munix"))
    assert halves(rows, key).shape == (2, own.samples_uv.shape[1])
    for one in (own, again):
        rows.include(one.id, included=False)
    assert rows.measurement(key).values["cmap_amplitude_mv"] == first
    for number in range(30, 33):
        rows.add(effort(number, rate_hz=8000.0), place)
    assert "recorded at 16000 Hz and the effort at 8000 Hz" in rows.measurement(key).reasons[0]


def test_munix_over_a_loud_rest_says_so() -> None:
    """30 µV before the stimulus trip `baseline_noise`, 1 µV does not."""
    place = Taken("munix", "median", "wrist", "left", "left APB")
    for noise_uv, tripped in ((1.0, False), (30.0, True)):
        table = Table()
        loud = shock(1)
        noise = np.random.default_rng(2).normal(0.0, noise_uv, loud.samples_uv.shape)
        table.rows.add(replace(loud, samples_uv=loud.samples_uv + noise), place)
        for number in range(1, 13):
            table.rows.add(effort(number), place)
        (key,) = table.rows.all_keys()
        assert ("baseline_noise" in gates(table, key)) is tripped
