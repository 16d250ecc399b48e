"""Quality flags: each fault raises its own flag, and clean signal raises none."""

from __future__ import annotations

import numpy as np
import pytest

from service.acquisition.quality import window_quality

RATE_HZ = 2000.0
T = np.arange(int(4 * RATE_HZ)) / RATE_HZ
RAIL_UV = 187_500.0


def noise(rms_uv: float, seed: int = 1) -> np.ndarray:
    """White noise of that RMS within 20-450 Hz."""
    wide = np.random.default_rng(seed).normal(size=T.size)
    return wide * rms_uv / np.sqrt(430.0 / (RATE_HZ / 2))


def flags(row: np.ndarray, *, resting: bool = True, rail_uv: float | None = RAIL_UV) -> list[str]:
    """The flags of one channel."""
    (quality,) = window_quality(row[None], RATE_HZ, rail_uv=rail_uv, resting=resting)
    return list(quality.flags)


def test_clean_signal_raises_no_flag() -> None:
    """Quiet rest on a large electrode offset, and strong effort when not at rest."""
    assert flags(noise(4.0) + 90_000.0) == []
    assert flags(noise(400.0), resting=False) == []


def test_two_samples_in_a_row_at_the_rail_are_saturated() -> None:
    """One alone is not; unknown full scale cannot tell."""
    row = noise(4.0)
    row[100] = RAIL_UV
    assert "saturated" not in flags(row)
    row[101] = -RAIL_UV
    assert "saturated" in flags(row)
    assert "saturated" not in flags(row, rail_uv=None)


def test_a_flat_stretch_of_a_fifth_of_a_second_is_a_lead_off() -> None:
    """Even if the rest of the window is alive."""
    row = noise(4.0)
    row[2000:2800] = 30.0
    assert "lead_off" in flags(row)


@pytest.mark.parametrize("mains_hz", [49.8, 50.0, 60.0, 60.2])
def test_mains_above_a_fifth_of_the_power_is_flagged(mains_hz: float) -> None:
    """20 % of the in-band power, at either frequency, drifting a little."""
    line = np.sqrt(2) * np.sin(2 * np.pi * mains_hz * T)
    assert "mains" in flags(noise(4.0) + 3.0 * line)
    assert "mains" not in flags(noise(4.0) + 1.0 * line)


def test_the_numbers_are_the_bands_rms_and_the_lines_part() -> None:
    """4 µV of noise and 2 µV of mains: 4.5 µV, one fifth."""
    row = noise(4.0) + 2.0 * np.sqrt(2) * np.sin(2 * np.pi * 50.0 * T) + 50_000.0
    (quality,) = window_quality(row[None], RATE_HZ, rail_uv=None, resting=False)
    assert quality.rms_uv == pytest.approx(np.sqrt(20.0), rel=0.04)
    assert quality.mains_fraction == pytest.approx(0.2, abs=0.03)


def test_noise_at_rest_is_flagged_only_at_rest() -> None:
    """Above 10 µV RMS."""
    assert "baseline_noise" in flags(noise(12.0))
    assert "baseline_noise" not in flags(noise(8.0))
    assert "baseline_noise" not in flags(noise(12.0), resting=False)


def test_a_short_window_says_so_and_a_shortish_one_knows_no_mains() -> None:
    """Under 0.2 s nothing; under 2 s the lines cannot be told apart."""
    with pytest.raises(ValueError, match=r"expected at least 0.2 s of signal.*got 0.100 s"):
        window_quality(np.zeros((1, 200)), RATE_HZ, rail_uv=None, resting=True)
    (quality,) = window_quality(noise(4.0)[None, :2000], RATE_HZ, rail_uv=None, resting=True)
    assert quality.mains_fraction is None


def test_a_dead_channel_has_no_power_and_no_mains() -> None:
    """All zeros: flat, 0 µV, and nothing divided by nothing."""
    (quality,) = window_quality(np.zeros((1, T.size)), RATE_HZ, rail_uv=RAIL_UV, resting=True)
    assert (quality.flags, quality.rms_uv, quality.mains_fraction) == (("lead_off",), 0.0, None)
