"""`myotome analyse FILE sensory_response`: averaged sweeps from a file, with what was left out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from service.cli import app
from tests.service.analysis.snaps import sensory_sweeps, snap


def test_a_snap_is_measured_from_a_file_of_sweeps(tmp_path):
    """Latency, velocity and amplitude of a known SNAP; a sweep left out by hand is told."""
    shape = snap()
    rng = np.random.default_rng(1)
    sweeps, zero = sensory_sweeps(rng, shape, rate_hz=20_000.0, tail_uv=5.0)
    path = tmp_path / "sweeps.npz"
    np.savez(path, samples=sweeps, rate_hz=20_000.0, stimulus_index=zero)
    words = ["unit=uV", "distance_mm=140", "never=[2]"]
    given = [part for word in words for part in ("--set", word)]
    result = CliRunner().invoke(app, ["analyse", str(path), "sensory_response", *given, "--json"])
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["state"] == "measured"
    assert told["values"]["peak_latency_ms"] == pytest.approx(shape.peak_ms, abs=0.05)
    assert told["values"]["peak_to_peak_uv"] == pytest.approx(20 * shape.peak_to_peak, rel=0.1)
    assert told["values"]["sweep_count"] == 15
    assert told["items"][2]["reason"] == "left out by hand"


def test_a_measure_of_measurements_is_not_made_from_a_file(tmp_path):
    """`conduction` says so instead of failing."""
    path = tmp_path / "sweeps.npz"
    np.savez(path, samples=np.zeros((2, 400)), rate_hz=20_000.0, stimulus_index=100.0)
    result = CliRunner().invoke(app, ["analyse", str(path), "conduction", "--set", "unit=uV"])
    assert result.exit_code != 0
    assert "other measurements" in result.stderr
