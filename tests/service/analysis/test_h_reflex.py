"""The H-reflex against known recruitment: maxima, ratio, thresholds, latency, and F-waves told
apart."""

from __future__ import annotations

import numpy as np
import pytest

from service.analysis.h_reflex import HReflexSettings, h_reflex
from service.analysis.recruitment import Sigmoid, fit_sigmoid

from .late_truth import FINE_HZ, Nerve, onset_of, sampled

TIME_MS = np.arange(round(0.12 * FINE_HZ)) / FINE_HZ * 1e3 - 20.0
LEVELS = np.linspace(4.0, 30.0, 24)


def cumulative(current, half, spread):
    """A rising curve, 0 to 1, that is not the sigmoid of the analysis: a tilted arctangent."""
    return 0.5 + np.arctan((current - half) / spread * 2.2) / np.pi


def recruited(current, share):
    """Sizes of M and H, 1 the largest M: H rises first and is then met by the antidromic volley."""
    zero_m, zero_h = cumulative(0.0, 16.0, 1.6), cumulative(0.0, 9.0, 1.2)
    m_size = (cumulative(current, 16.0, 1.6) - zero_m) / (1 - zero_m)
    h_size = share * (cumulative(current, 9.0, 1.2) - zero_h) / (1 - zero_h)
    return m_size, h_size * np.clip(1 - 1.15 * m_size, 0.0, 1.0)


def ramp(rng, *, share=0.6, each=4, late_ms=30.0, distal=5.5, rate_hz=16_000.0, scatter=0.05,
         f_only=False, levels=LEVELS):  # fmt: skip
    """A ramp of currents: sweeps, zero, currents, Hmax/Mmax and the onset of H, both noise-free."""
    nerve = Nerve.drawn(rng, distal=distal)
    every = np.arange(nerve.size_uv.size)
    m_wave = nerve.wave(every, nerve.distal_ms, TIME_MS)
    scale = 10_000.0 / np.ptp(m_wave)
    later = late_ms + rng.normal(0, 0.5, every.size).clip(-1.0, 1.0)
    h_wave = nerve.wave(every, later, TIME_MS)
    h_wave *= np.ptp(m_wave) / np.ptp(h_wave)
    rows, currents = [], np.repeat(levels, each)
    for current in currents:
        m_size, h_size = recruited(current, share)
        h_size *= 1 + scatter * rng.standard_normal()
        wave = scale * m_size * m_wave
        if f_only:
            units = rng.choice(every, size=3) if m_size > 0.3 else every[:0]
            wave = wave + nerve.wave(units, later[units] + 1.0, TIME_MS)
        else:
            wave = wave + scale * h_size * h_wave
        late = np.maximum(TIME_MS, 0.0)
        wave = wave + np.where(TIME_MS >= 0, 12.0 * current * np.exp(-late / 0.3), 0.0)
        rows.append(wave + rng.normal(0, 10.0) + 5 * np.sin(0.314 * TIME_MS + rng.uniform(0, 6)))
    samples, zero = sampled(rng, rows, rate_hz)
    samples += 4.0 * rng.standard_normal(samples.shape)
    fine = np.linspace(levels[0], levels[-1], 500)
    m_curve, h_curve = recruited(fine, share)
    ratio = h_curve.max() / m_curve.max()
    return -samples, zero, currents, ratio, onset_of(h_wave, TIME_MS)


def slow(currents):
    """Times of stimuli every 4 s."""
    return 4.0 * np.arange(currents.size)


def test_the_ratio_is_right_within_three_percent_and_the_latency_within_half_a_millisecond():
    """Hmax/Mmax of 0.15 to 0.8, at 16 and 20 kHz, with H that varies from stimulus to stimulus."""
    rng = np.random.default_rng(31)
    errors, late = [], []
    for number in range(10):
        rate_hz = (16_000.0, 20_000.0)[number % 2]
        sweeps, zero, currents, ratio, onset = ramp(
            rng, share=rng.uniform(0.15, 0.8), rate_hz=rate_hz
        )
        result = h_reflex(sweeps, rate_hz, zero, current_ma=currents, stimulus_s=slow(currents))
        assert result.state == "measured"
        assert result.reasons == ()
        errors.append(result.values["h_m_ratio"] / ratio - 1)
        late.append(result.values["h_latency_ms"] - onset)
    assert np.percentile(np.abs(errors), 90) <= 0.03
    assert np.max(np.abs(late)) <= 0.5


def test_h_is_recruited_before_m_and_the_curves_are_rows():
    """Thresholds, slopes, the current of Hmax, and one item per current."""
    sweeps, zero, currents, _, _ = ramp(np.random.default_rng(32))
    result = h_reflex(sweeps, 16_000.0, zero, current_ma=currents, stimulus_s=slow(currents))
    values = result.values
    assert values["h_threshold_ma"] < values["m_threshold_ma"]
    assert values["h_half_ma"] == pytest.approx(9.0, abs=0.7)
    assert values["m_half_ma"] == pytest.approx(16.0, abs=0.7)
    assert values["threshold_ratio"] == pytest.approx(
        values["h_threshold_ma"] / values["m_threshold_ma"]
    )
    assert 9.0 < values["h_max_current_ma"] < 16.0
    assert values["m_at_latency_percent"] < 10.0
    assert len(result.items) == LEVELS.size
    assert result.items[0]["sweep_count"] == 4


def test_the_wrist_flexor_has_its_own_windows():
    """FCR: earlier M and H."""
    rng = np.random.default_rng(33)
    sweeps, zero, currents, ratio, onset = ramp(rng, late_ms=17.0, distal=2.8, share=0.5)
    result = h_reflex(
        sweeps, 16_000.0, zero, current_ma=currents, stimulus_s=slow(currents),
        settings=HReflexSettings(muscle="FCR"),
    )  # fmt: skip
    assert result.values["h_m_ratio"] == pytest.approx(ratio, rel=0.05)
    assert result.values["h_latency_ms"] == pytest.approx(onset, abs=0.5)


def test_a_late_response_that_rises_with_m_is_called_an_f_wave():
    """The falling-H check: no ratio, and the sentence says what it is."""
    sweeps, zero, currents, _, _ = ramp(np.random.default_rng(34), f_only=True)
    result = h_reflex(sweeps, 16_000.0, zero, current_ma=currents, stimulus_s=slow(currents))
    assert result.state == "not_assessable"
    assert "an F-wave, not an H-reflex" in result.reasons[0]
    assert "h_m_ratio" not in result.values


def test_no_late_response_is_absent_with_its_floor():
    """M alone: absent, and how small a reflex would have been seen."""
    sweeps, zero, currents, _, _ = ramp(np.random.default_rng(35), share=0.0)
    result = h_reflex(sweeps, 16_000.0, zero, current_ma=currents)
    assert result.state == "absent"
    assert result.values["detection_floor_uv"] >= 50.0
    assert "96 stimuli" in result.reasons[0]


def test_a_ramp_without_plateau_gives_no_ratio():
    """Mmax was not reached: the maximum of H stays, H/M is left out."""
    sweeps, zero, currents, _, _ = ramp(np.random.default_rng(36), levels=np.linspace(4, 15, 20))
    result = h_reflex(sweeps, 16_000.0, zero, current_ma=currents, stimulus_s=slow(currents))
    assert "h_m_ratio" not in result.values
    assert result.values["h_max_mv"] > 1.0
    assert any("plateau" in reason for reason in result.reasons)


def test_gates_say_what_they_falsify():
    """Too fast, rate unknown, few currents, host time, gap, rail."""
    sweeps, zero, currents, _, _ = ramp(np.random.default_rng(37), levels=np.linspace(4, 30, 12))
    told = {"current_ma": currents, "stimulus_s": slow(currents)}
    fast = h_reflex(sweeps, 16_000.0, zero, current_ma=currents, stimulus_s=slow(currents) / 4)
    assert any(reason.startswith("rate: 47 stimuli") for reason in fast.reasons)
    unknown = h_reflex(sweeps, 16_000.0, zero, current_ma=currents)
    assert any(reason.startswith("rate_unknown") for reason in unknown.reasons)
    assert any(reason.startswith("few_steps") for reason in unknown.reasons)
    host = h_reflex(sweeps, 16_000.0, zero, **told, time_zero_known=False)
    assert "h_latency_ms" not in host.values
    assert host.values["h_m_ratio"] > 0
    assert h_reflex(sweeps, 16_000.0, zero, **told, gap=True).state == "not_assessable"
    rail = HReflexSettings(rail_uv=3000.0)
    clipped = h_reflex(np.clip(sweeps, -3000, 3000), 16_000.0, zero, **told, settings=rail)
    assert "saturated" in clipped.reasons[0]
    few = h_reflex(sweeps[:8], 16_000.0, zero, current_ma=currents[:8])
    assert "8 currents" in few.reasons[0]
    short = h_reflex(sweeps[:, : int(zero) + 600], 16_000.0, zero, **told)
    assert "ends before" in short.reasons[0]


def test_what_cannot_be_asked_is_refused():
    """Shapes and muscles."""
    with pytest.raises(ValueError, match="current per sweep"):
        h_reflex(np.zeros((3, 100)), 16_000.0, 50.0, current_ma=[1.0])
    with pytest.raises(ValueError, match="SOL, FCR"):
        h_reflex(
            np.zeros((1, 100)), 16_000.0, 50.0, current_ma=[1.0],
            settings=HReflexSettings(muscle="APB"),
        )  # fmt: skip


def test_a_sigmoid_is_found_again_and_a_flat_line_is_none():
    """Half, steepness and the tangent's threshold."""
    current = np.linspace(0, 20, 40)
    noise = np.random.default_rng(38).normal(0, 0.02, 40)
    found = fit_sigmoid(current, Sigmoid(3.0, 8.0, 0.9).at(current) + noise, 3.0)
    assert found is not None
    assert found.half_ma == pytest.approx(8.0, abs=0.1)
    assert found.steepness == pytest.approx(0.9, rel=0.05)
    assert found.threshold_ma == pytest.approx(8.0 - 2 / 0.9, abs=0.15)
    assert fit_sigmoid(current, np.full(40, 1.5) - 0.01 * current, 3.0) is None
    assert fit_sigmoid(current, np.zeros(40), 3.0) is None
