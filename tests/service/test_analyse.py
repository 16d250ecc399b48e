"""`myotome analyse`: what it takes from a recording, and how it refuses."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from drivers.types import SampleBlock
from service.analyse import read_settings
from service.cli import app
from tests.service.recording.making import device_info, epoch, stream_info, trigger, write

RATE_HZ = 16_000.0
EDGE = 8000.5


def recorded(path, *, skip_at: int | None = None):
    """2 s of noise with a 2 mV negative-first wave 5 ms after an edge, on the first channel."""
    rng = np.random.default_rng(3)
    per_count = 0.067
    t = np.arange(32_000) / RATE_HZ
    wave_uv = -2000 * np.sin(2 * np.pi * 100 * (t - EDGE / RATE_HZ - 0.005))
    wave_uv[(t < EDGE / RATE_HZ + 0.005) | (t > EDGE / RATE_HZ + 0.015)] = 0
    waves_uv = np.stack([wave_uv, 0 * wave_uv])
    counts = np.round((rng.normal(0, 2.0, (2, 32_000)) + waves_uv) / per_count)
    info = stream_info()
    channels = tuple(
        replace(c, label=label, per_count=per_count)
        for c, label in zip(info.channels, ("left FDI", "left APB"), strict=True)
    )
    opened = epoch(info=device_info(replace(info, channels=channels)))
    blocks = []
    for start in range(0, 32_000, 160):
        if start == skip_at:
            continue
        edges = (trigger(EDGE),) if start <= EDGE < start + 160 else ()
        data = counts[:, start : start + 160].astype(np.int32)
        received_s = 1000.5 + (start + 160) / RATE_HZ
        blocks.append(SampleBlock("emg", 1, start, data, received_s, edges))
    write(path, blocks, epochs=[opened])
    return path


def analyse(*arguments) -> dict:
    """The printed JSON."""
    result = CliRunner().invoke(app, ["analyse", *map(str, arguments), "--json"])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_motor_response_is_measured_around_the_recorded_edge(tmp_path) -> None:
    """Amplitude and latency of the wave that was put there; keys carry their units."""
    told = analyse(recorded(tmp_path / "a.mcap"), "motor_response", "--channel", "left FDI")
    assert told["state"] == "measured"
    assert told["values"]["amplitude_mv"] == pytest.approx(2.0, rel=0.02)
    # the driver says the analogue path is 94 µs late: that is taken off
    assert told["values"]["onset_latency_ms"] == pytest.approx(5.0 - 0.094, abs=0.15)
    assert {"measure", "version", "state", "reasons", "values", "items", "provenance"} <= set(told)


def test_other_measures_take_the_longest_stretch_without_a_gap(tmp_path) -> None:
    """A gap ends a stretch; the input says which samples were used."""
    told = analyse(recorded(tmp_path / "a.mcap", skip_at=3200), "quality")
    assert told["provenance"]["inputs"] == ["emg:1:3360-32000"]
    assert told["target"] == "left FDI"


def test_settings_reach_the_measure(tmp_path) -> None:
    """`--set` changes what is measured."""
    path = recorded(tmp_path / "a.mcap")
    one = analyse(path, "quality")["values"]["window_count"]
    assert analyse(path, "quality", "--set", "window_s=0.5")["values"]["window_count"] > one
    assert read_settings("coherence", ["band_hz=[20, 30]"]).band_hz == (20, 30)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("nonsense",), "motor_response"),
        (("quality", "--channel", "left TA"), "left APB"),
        (("coherence", "--channel", "left FDI"), "2 of the channels"),
        (("quality", "--set", "nonsense=1"), "window_s"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_with_what_can(tmp_path, arguments, word) -> None:
    """Exit 1, and the sentence names the choices."""
    path = recorded(tmp_path / "a.mcap")
    result = CliRunner().invoke(app, ["analyse", str(path), *arguments])
    assert result.exit_code == 1
    assert word in result.stderr
