"""CSV, NPZ and MEM files given to every shape of measure."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from service.analyse import analyse_record
from service.analysis.registry import TAKES, Takes
from service.cli import app
from tests.service.analysis import test_mune
from tests.service.analysis.interference_pool import RATE_HZ, ZERO, Pool
from tests.service.analysis.scan_simulation import scan, units
from tests.service.exchange.scans import mem_text


def scanned(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """A simulated scan."""
    rng = np.random.default_rng(4)
    return scan(rng, units(rng, count))


def saved(path, **arrays):
    """An NPZ file."""
    np.savez(path, **arrays)
    return path


def test_one_scan_gives_the_same_from_csv_npz_and_mem(tmp_path) -> None:
    """The same numbers, whatever the file; MEM is named by its site, the others by themselves."""
    current, response_uv = scanned()
    response_uv, current = np.round(response_uv), np.round(current, 4)
    table = np.column_stack([current, response_uv / 1000])
    (tmp_path / "a.csv").write_text(
        "current_ma,response_mv\n" + "\n".join(f"{a!r},{b!r}" for a, b in table.tolist())
    )
    saved(tmp_path / "b.npz", current_ma=current, response=response_uv, unit="uV")
    (tmp_path / "c.MEM").write_text(
        mem_text(current, response_uv / 1000).replace("\r\n", "\n"), encoding="latin-1"
    )
    found = [analyse_record(tmp_path / name, "cmap_scan", (), ()) for name in
             ("a.csv", "b.npz", "c.MEM")]  # fmt: skip
    assert [one.target for one in found] == ["a.csv", "b.npz", "Median Wr-APB"]
    for key, value in found[0].values.items():
        for other in found[1:]:
            assert other.values[key] == pytest.approx(value, rel=1e-4)


def test_sweeps_of_a_scan_are_measured_first(tmp_path) -> None:
    """An NPZ of sweeps with currents is a scan as well."""
    current, response_uv = scanned(6)
    pick = slice(None, None, 5)
    size = np.maximum(response_uv[pick], 0.0)
    sweeps = np.stack([test_mune.response(one) for one in size])
    path = saved(tmp_path / "a.npz", samples=sweeps, current_ma=current[pick], unit="uV",
                 rate_hz=test_mune.RATE_HZ, stimulus_index=test_mune.ZERO)  # fmt: skip
    found = analyse_record(path, "cmap_scan", ("left ADM",), ())
    assert found.target == "left ADM"
    assert found.values["maximum_mv"] == pytest.approx(8.0, rel=0.02)
    assert len(found.inputs) == size.size


def test_a_csv_of_sweeps_is_a_motor_response_where_the_rest_is_stated(tmp_path) -> None:
    """Rate, unit and stimulus by --set; amplitude and latency of the wave that was written."""
    sweep = test_mune.response(4000.0) / 1000 + 0.002 * np.random.default_rng(1).normal(size=600)
    np.savetxt(tmp_path / "a.csv", np.column_stack([sweep, sweep]), delimiter=",")
    given = ("rate_hz=10000", "unit=mV", "stimulus_index=200")
    found = analyse_record(tmp_path / "a.csv", "motor_response", (), given)
    assert found.values["sweep_count"] == 2
    assert found.values["amplitude_mv"] == pytest.approx(4.0, rel=0.01)
    assert found.values["onset_latency_ms"] == pytest.approx(4.0, abs=0.2)
    with pytest.raises(ValueError, match="add --set unit"):
        analyse_record(tmp_path / "a.csv", "motor_response", (), given[:1])
    with pytest.raises(ValueError, match="add --set stimulus_index"):
        analyse_record(tmp_path / "a.csv", "motor_response", (), given[:2])


def test_mune_and_munix_come_from_npz(tmp_path) -> None:
    """Currents and sites per sweep; effort as epochs."""
    sweeps, current, site = test_mune.three_sites()
    path = saved(tmp_path / "a.npz", samples=sweeps, current_ma=current, site=site, unit="uV",
                 rate_hz=test_mune.RATE_HZ, stimulus_index=test_mune.ZERO)  # fmt: skip
    found = analyse_record(path, "mune", (), ())
    assert found.values["mune_unit_count"] == pytest.approx(75.0, rel=0.05)
    pool = Pool.of(100)
    epochs = pool.epochs_uv(np.random.default_rng(1), np.geomspace(0.05, 1.0, 24))
    path = saved(tmp_path / "b.npz", samples=pool.cmap_uv(), epochs=epochs, unit="uV",
                 rate_hz=RATE_HZ, stimulus_index=ZERO)  # fmt: skip
    assert analyse_record(path, "munix", (), ("maximal_effort=true",)).state == "measured"


def test_a_stretch_and_a_pair_come_from_columns(tmp_path) -> None:
    """One column for quality, two for coherence, no more."""
    rng = np.random.default_rng(2)
    np.savetxt(tmp_path / "one.csv", rng.normal(0, 5, 4000), delimiter=",")
    given = ("rate_hz=2000", "unit=uV")
    assert analyse_record(tmp_path / "one.csv", "quality", (), given).values["window_count"] == 2
    np.savetxt(tmp_path / "two.csv", rng.normal(0, 5, (9000, 2)), delimiter=",")
    pair = analyse_record(tmp_path / "two.csv", "coherence", (), ("rate_hz=1000", "unit=uV"))
    assert pair.target == "trace 1 + trace 2"
    with pytest.raises(ValueError, match=r"takes 1 trace\(s\)"):
        analyse_record(tmp_path / "two.csv", "quality", (), given)


def test_what_a_file_cannot_give_is_one_sentence(tmp_path) -> None:
    """A scan has no traces, sweeps without currents are no scan, a CMAP has no effort."""
    current, response_uv = scanned()
    mem = tmp_path / "a.mem"
    mem.write_text(mem_text(current, response_uv / 1000), encoding="latin-1")
    sweeps = saved(tmp_path / "b.npz", samples=np.zeros((2, 600)), unit="uV", rate_hz=1e4,
                   stimulus_index=200)  # fmt: skip
    for path, measure, sentence in (
        (mem, "motor_response", "a.mem holds a scan of responses"),
        (mem, "quality", "a.mem holds 0"),
        (sweeps, "cmap_scan", "needs the current of every stimulus"),
        (sweeps, "mune", "needs the current of every stimulus"),
        (sweeps, "munix", "with the arrays samples and epochs"),
    ):
        with pytest.raises(ValueError, match=sentence):
            analyse_record(path, measure, (), ())
    with pytest.raises(ValueError, match="states that itself"):
        analyse_record(mem, "cmap_scan", (), ("rate_hz=5",))


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("size_cv=wide", "expected a number as in size_cv=0.76, got 'wide'"),
        ("least_stimuli=2.5", "expected a whole number"),
        ("nonsense=1", "cmap_scan has the settings"),
    ],
)
def test_a_setting_of_another_kind_is_refused(tmp_path, word, sentence) -> None:
    """The sentence shows the usual value; the command ends with 1."""
    path = tmp_path / "a.mem"
    path.write_text(mem_text(*scanned()), encoding="latin-1")
    result = CliRunner().invoke(app, ["analyse", str(path), "cmap_scan", "--set", word])
    assert result.exit_code == 1
    assert sentence in result.stderr


def test_times_of_the_stimuli_reach_repetitive_stimulation(tmp_path) -> None:
    """Without them it is refused; with them a train of ten falls as it was made."""
    size = 6000.0 * np.array([1.0, 0.92, 0.86, 0.8, 0.8, 0.81, 0.82, 0.82, 0.82, 0.82])
    sweeps = np.stack([test_mune.response(one) for one in size])
    sweeps += 3.0 * np.random.default_rng(3).standard_normal(sweeps.shape)
    given = {"samples": sweeps, "unit": "uV", "rate_hz": test_mune.RATE_HZ}
    given["stimulus_index"] = test_mune.ZERO
    with pytest.raises(ValueError, match="needs the time of every stimulus"):
        analyse_record(saved(tmp_path / "a.npz", **given), "rns", (), ())
    path = saved(tmp_path / "b.npz", **given, stimulus_s=np.arange(10) / 3.0)
    found = analyse_record(path, "rns", (), ())
    assert found.state == "measured"
    assert any(value == pytest.approx(20.0, abs=1.0) for value in found.values.values())


@pytest.mark.parametrize("name", [name for name, takes in TAKES.items() if takes is Takes.SWEEPS])
def test_every_measure_of_sweeps_takes_a_file_or_says_why_not(tmp_path, name) -> None:
    """One file with all that can be stated goes through each of them."""
    sweeps, current, site = test_mune.three_sites()
    path = saved(tmp_path / "a.npz", samples=sweeps, current_ma=current, site=site, unit="uV",
                 stimulus_s=np.arange(len(current)) * 0.5, rate_hz=test_mune.RATE_HZ,
                 stimulus_index=test_mune.ZERO)  # fmt: skip
    found = analyse_record(path, name, (), ())
    assert found.measure == name
    assert found.state == "measured" or found.reasons


def test_what_is_made_of_measurements_is_not_made_of_a_file(tmp_path) -> None:
    """A velocity needs two of them."""
    with pytest.raises(ValueError, match="made of other measurements"):
        analyse_record(tmp_path / "a.npz", "conduction", (), ())


def test_one_channel_is_never_taken_for_two_sides(tmp_path) -> None:
    """A file holds one channel: naming two of it is a mistake, not a second side."""
    sweeps = np.stack([test_mune.response(2000.0)] * 6)
    path = saved(tmp_path / "a.npz", samples=sweeps, unit="uV", rate_hz=test_mune.RATE_HZ,
                 stimulus_index=test_mune.ZERO)  # fmt: skip
    with pytest.raises(ValueError, match="one and the same channel"):
        analyse_record(path, "blink", ("left OO", "right OO"), ())
