"""Stream filters: no seam between blocks, the right band, and honest about what a rate allows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from service.acquisition import filters
from service.acquisition.filters import (
    PRESETS,
    PresetUnusable,
    StreamFilter,
    design,
    find_preset,
    settling_samples,
)

RNG = np.random.default_rng(4)
NOISE = RNG.normal(0.0, 100.0, (3, 4000)) + np.array([[250_000.0], [-90_000.0], [0.0]])


def gain(sos: np.ndarray, hz: float, rate_hz: float) -> float:
    """|H| at one frequency."""
    if not len(sos):
        return 1.0
    return float(np.abs(signal.sosfreqz(sos, [hz], fs=rate_hz)[1][0]))


@settings(max_examples=40, deadline=None)
@given(
    preset=st.sampled_from([*PRESETS, "surface-n60"]),
    rate_hz=st.sampled_from([250.0, 16_000.0, 30_000.0]),
    cuts=st.lists(st.integers(0, 4000), max_size=12),
)
def test_the_output_does_not_depend_on_the_blocks_to_the_bit(
    preset: str, rate_hz: float, cuts: list[int]
) -> None:
    """One block of 4000 samples, or any cut of it, single samples and empty blocks included."""
    sos = design(preset, rate_hz)
    whole = StreamFilter(sos, 3).push(NOISE)
    pieces = StreamFilter(sos, 3)
    parts = [pieces.push(part) for part in np.split(NOISE, sorted(cuts), axis=1)]
    assert np.array_equal(np.concatenate(parts, axis=1), whole)


@pytest.mark.parametrize("preset", ["surface", "ncs"])
def test_the_fast_loop_is_scipys_public_filter_to_the_bit(preset: str) -> None:
    """And so is what stands in where scipy has moved it."""
    sos = design(preset, 2000.0)
    state = np.ascontiguousarray(signal.sosfilt_zi(sos) * NOISE[:, :1, None])
    wanted, after = signal.sosfilt(sos, NOISE, zi=state.transpose(1, 0, 2))
    for run in (filters.run_sections, filters._run_by_sosfilt):
        data, through = NOISE.copy(), state.copy()
        run(sos, data, through)
        assert np.array_equal(data, wanted)
        assert np.array_equal(through.transpose(1, 0, 2), after)


def test_single_samples_give_the_same_bits() -> None:
    """The extreme cut: one sample at a time."""
    sos = design("surface", 16_000.0)
    whole = StreamFilter(sos, 3).push(NOISE[:, :500])
    single = StreamFilter(sos, 3)
    parts = [single.push(NOISE[:, i : i + 1]) for i in range(500)]
    assert np.array_equal(np.concatenate(parts, axis=1), whole)


@pytest.mark.parametrize(
    ("preset", "rate_hz", "passes", "stops"),
    [
        ("surface", 16_000.0, [80.0, 300.0], [1.0, 3000.0]),
        ("surface", 250.0, [80.0, 110.0], [1.0]),
        ("ncs", 16_000.0, [20.0, 6000.0], [0.1]),
        ("ncs", 60_000.0, [20.0, 5000.0], [0.1, 29_000.0]),
        ("needle", 16_000.0, [200.0, 6000.0], [1.0]),
        ("envelope", 1000.0, [45.0], [2.0, 400.0]),
        ("raw", 250.0, [0.1, 120.0], []),
    ],
)
def test_a_preset_passes_its_band_and_stops_the_rest(
    preset: str, rate_hz: float, passes: list[float], stops: list[float]
) -> None:
    """Within 1 dB inside, 25 dB down well outside; edges beyond the rate are left out."""
    sos = design(preset, rate_hz)
    for hz in passes:
        assert 0.89 < gain(sos, hz, rate_hz) < 1.12, hz
    for hz in stops:
        assert gain(sos, hz, rate_hz) < 0.06, hz


def test_the_notch_is_at_50_hz_or_with_n60_at_60() -> None:
    """Mains of either kind is gone, the other is left."""
    for name, mains, other in (("surface", 50.0, 60.0), ("surface-n60", 60.0, 50.0)):
        sos = design(name, 16_000.0)
        assert gain(sos, mains, 16_000.0) < 1e-6
        assert gain(sos, other, 16_000.0) > 0.9
    assert find_preset("ncs-n60").notch_hz is None


def test_edges_are_3_db_down() -> None:
    """The Butterworth edges lie where the preset says."""
    sos = design("surface", 16_000.0)
    assert gain(sos, 20.0, 16_000.0) == pytest.approx(np.sqrt(0.5), rel=0.02)
    assert gain(sos, 450.0, 16_000.0) == pytest.approx(np.sqrt(0.5), rel=0.02)


def test_a_preset_without_a_band_says_so() -> None:
    """A 30 Hz force stream has no surface EMG band; an unknown name lists the known."""
    with pytest.raises(PresetUnusable, match="starts at 20 Hz, but a stream of 30 Hz ends at 14"):
        design("surface", 30.0)
    with pytest.raises(PresetUnusable, match="no filter preset is called loud; there are raw"):
        design("loud", 1000.0)


@pytest.mark.parametrize("preset", ["surface", "ncs", "needle", "envelope"])
def test_an_electrode_offset_makes_no_step_at_the_start(preset: str) -> None:
    """A constant 300 mV is nothing from the first sample on."""
    through = StreamFilter(design(preset, 16_000.0), 1)
    assert np.abs(through.push(np.full((1, 2000), 300_000.0))).max() < 0.01


@pytest.mark.parametrize("preset", ["surface", "ncs", "needle", "envelope"])
def test_after_the_settling_time_the_start_is_forgotten(preset: str) -> None:
    """Two starts of one signal agree to 2 % of its size after `settling_samples`."""
    rate_hz = 2000.0
    t = np.arange(12_000) / rate_hz
    wave = 100.0 * np.sin(2 * np.pi * 50.0 * t + 1.0)[None] + 40.0 * np.sin(2 * np.pi * 3 * t)
    sos = design(preset, rate_hz)
    early = StreamFilter(sos, 1).push(wave)[:, 4000:]
    late = StreamFilter(sos, 1).push(wave[:, 4000:])
    settled = settling_samples(sos)
    assert 0 < settled < 4000
    assert np.abs(early - late)[:, settled:].max() < 2.0
    assert np.abs(early - late)[:, :50].max() > 2.0


def test_a_reset_forgets_the_past() -> None:
    """After a reset the filter starts as new."""
    sos = design("surface", 2000.0)
    used = StreamFilter(sos, 3)
    used.push(NOISE)
    used.reset()
    assert np.array_equal(used.push(NOISE), StreamFilter(sos, 3).push(NOISE))


def test_raw_settles_at_once() -> None:
    """No filter: nothing changes and nothing settles."""
    through = StreamFilter(design("raw", 250.0), 3)
    assert through.settling_samples == 0
    assert np.array_equal(through.push(NOISE), NOISE)
