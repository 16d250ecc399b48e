"""`myotome analyse` on files of late responses and trains."""

from __future__ import annotations

import numpy as np
import pytest

from service.analyse import analyse_record
from service.analysis.registry import MEASURES
from tests.service.analysis import late_examples


@pytest.mark.parametrize("name", ["f_wave", "h_reflex", "rns", "blink"])
def test_a_file_gives_what_the_measure_gives(tmp_path, name) -> None:
    """Currents and times of the stimuli reach the measure; equal values to the bit."""
    path = late_examples.npz(tmp_path / "late.npz", name)
    found = analyse_record(path, name, (), ())
    given = list(late_examples.RICH[name](np.random.default_rng(1)))
    told = given.pop() if isinstance(given[-1], dict) else {}
    told.pop("settings", None)
    samples, rate_hz, zero = given
    own = MEASURES[name](samples if samples.ndim == 2 else samples[0], rate_hz, zero, **told)
    assert found.state == own.state == "measured"
    assert found.values == own.values


def test_a_train_without_times_is_refused(tmp_path) -> None:
    """One sentence that says what to state."""
    path = tmp_path / "train.npz"
    np.savez(path, samples=np.zeros((5, 2000)), rate_hz=16000.0, unit="uV", stimulus_index=400.0)
    with pytest.raises(ValueError, match="rns needs the time of every stimulus"):
        analyse_record(path, "rns", (), ())


def test_settings_of_a_late_response_reach_it(tmp_path) -> None:
    """The distance gives the velocity of the F-wave."""
    path = late_examples.npz(tmp_path / "late.npz", "f_wave")
    found = analyse_record(path, "f_wave", (), ["distance_mm=720.0"])
    way_ms = found.values["f_min_ms"] - found.values["m_latency_ms"] - 1.0
    assert found.values["f_velocity_m_s"] == pytest.approx(2 * 720.0 / way_ms)
