"""A recording as scan, graded sweeps, and CMAP with effort."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drivers.types import Pulse, SampleBlock, Stimulus
from service.analyse import analyse_record
from service.inputs.recorded import Recorded
from service.recording.recorder import Recorder
from tests.service.analysis.interference_pool import Pool
from tests.service.recording.making import UTC0, device_info, epoch, stream_info, trigger

RATE_HZ = 16_000.0
APART = 3200  # samples between stimuli: 0.2 s
PER_COUNT = 0.067


def wave_uv(size_uv: float) -> np.ndarray:
    """A biphasic response of 5 + 5 ms that begins 4 ms after the edge; negative below zero."""
    t = np.arange(round(0.010 * RATE_HZ)) / RATE_HZ * 1000.0
    return np.where(t < 5, -size_uv, 0.4 * size_uv) * np.abs(np.sin(np.pi * t / 5))


def recorded(path, sizes_uv, currents_ma, *, site="wrist", effort_uv=None, told=True):
    """A recording with a stimulus every 0.2 s, its response, and then stretches of effort."""
    effort = np.zeros(0) if effort_uv is None else effort_uv
    stimulated = (len(sizes_uv) + 1) * APART
    signal = np.append(np.zeros(stimulated), effort)
    edges = [trigger((at + 1) * APART + 0.5) for at in range(len(sizes_uv))]
    for edge, size in zip(edges, sizes_uv, strict=True):
        begin = int(edge.sample_index) + round(0.004 * RATE_HZ)
        signal[begin : begin + 160] += wave_uv(size)
    signal += np.random.default_rng(8).normal(0, 2.0, signal.size)
    counts = np.round(signal / PER_COUNT).astype(np.int32)[None, :]
    info = stream_info(channels=1)
    channel = replace(info.channels[0], label="right APB", per_count=PER_COUNT)
    recorder = Recorder(path, header={"patient": "P1"}, utc_now=lambda: UTC0)
    recorder.epoch("dev", epoch(info=device_info(replace(info, channels=(channel,)))))
    stimuli = [
        Stimulus(f"s{at}", Pulse(ma, 100.0), "median", site, "right", 1.0, 1.0, edge)
        for at, (ma, edge) in enumerate(zip(currents_ma, edges, strict=True))
    ]
    for start in range(0, counts.shape[1] - 1599, 1600):
        here = tuple(e for e in edges if start <= e.sample_index < start + 1600)
        data = counts[:, start : start + 1600]
        at_s = 1000.5 + (start + 1600) / RATE_HZ
        recorder.block("dev", SampleBlock("emg", 1, start, data, at_s, here))
        if recorder.behind_s > 20:
            assert recorder.flush()
    for stimulus in stimuli if told else ():
        recorder.stimulus(stimulus)
    assert recorder.close().state == "off"
    return path


def test_a_recorded_scan_has_the_currents_of_its_stimuli(tmp_path) -> None:
    """Five units of 1 mV: the curve that was recorded, whatever the sweeps' own latency."""
    current = np.append(np.full(8, 14.0), np.linspace(14.0, 7.0, 72))
    sizes = 1000.0 * sum((current > 8.5 + unit).astype(float) for unit in range(5))
    path = recorded(tmp_path / "scan.mcap", sizes, current)
    found = analyse_record(path, "cmap_scan", (), ())
    assert found.target == "right APB"
    assert found.values["stimulus_count"] == 80
    assert found.values["maximum_mv"] == pytest.approx(5.0, rel=0.01)
    assert found.values["s50_ma"] == pytest.approx(10.5, abs=0.1)
    assert found.values["large_step_count"] == 5


def test_a_recording_without_currents_is_no_scan(tmp_path) -> None:
    """One sentence with the way out; a motor response can still be had."""
    path = recorded(tmp_path / "a.mcap", [5000.0] * 4, [20.0] * 4, told=False)
    for measure in ("cmap_scan", "mune"):
        with pytest.raises(ValueError, match="needs the current of every stimulus"):
            analyse_record(path, measure, (), ())
    assert analyse_record(path, "motor_response", (), ()).values["sweep_count"] == 4


def test_recorded_increments_give_a_mune(tmp_path) -> None:
    """Ten increments of 60 µV, each four times, and 6 mV: 100 units at the recorded site."""
    sizes = [60.0 * level for level in range(11) for _ in range(4)] + [6000.0] * 3
    current = [5.0 + level for level in range(11) for _ in range(4)] + [40.0] * 3
    path = recorded(tmp_path / "mune.mcap", sizes, current, site="elbow")
    found = analyse_record(path, "mune", (), ("method=incremental",))
    assert found.values["mune_unit_count"] == pytest.approx(100.0, rel=0.04)
    assert {item["site"] for item in found.items} == {"elbow"}


def test_recorded_effort_and_the_largest_cmap_give_munix(tmp_path) -> None:
    """Epochs lie between the stimuli and in the effort; the CMAP is that of the highest current."""
    rng = np.random.default_rng(9)
    effort = Pool.of(100).epochs_uv(rng, np.geomspace(0.1, 1.0, 20))
    dense = np.repeat(effort.reshape(-1), 16)[::5][: 20 * 8000]  # 5 kHz held at 16 kHz
    sizes, current = [2000.0, 5700.0, 5700.0], [8.0, 20.0, 20.0]
    path = recorded(tmp_path / "munix.mcap", sizes, current, effort_uv=dense)
    found = analyse_record(path, "munix", (), ("maximal_effort=true",))
    assert found.values["cmap_amplitude_mv"] == pytest.approx(5.7, rel=0.01)
    assert found.values["epoch_count"] >= 19
    assert found.state == "measured"
    sweeps, epochs = Recorded(path).epochs("munix", (), 500.0)
    assert sweeps.current_ma.tolist() == [20.0, 20.0]
    assert epochs.shape[1] == 8000


def test_a_recording_of_stimuli_alone_has_no_effort(tmp_path) -> None:
    """Nothing is cut around the stimuli."""
    path = recorded(tmp_path / "b.mcap", [5000.0] * 4, [20.0] * 4)
    with pytest.raises(ValueError, match="without a stimulus"):
        analyse_record(path, "munix", (), ())


def test_recorded_stimuli_carry_their_times(tmp_path) -> None:
    """0.2 s apart by the samples."""
    path = recorded(tmp_path / "c.mcap", [5000.0] * 4, [20.0] * 4)
    found = Recorded(path).sweeps("rns", ())
    assert np.allclose(np.diff(found.stimulus_s), 0.2)
    assert found.site == ("wrist",) * 4
