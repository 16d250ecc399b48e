"""A study on one device, fed by hand: its signals, its sweeps, and the lines of its cards."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from drivers.types import (
    Capability,
    Channel,
    DeviceInfo,
    Epoch,
    Pulse,
    Stimulus,
    StreamInfo,
    Trigger,
)
from service.acquisition.types import Signal
from service.bedside.assessment import Assessment
from service.bedside.montage import default_montage
from service.model import Sweep
from tests.service.analysis.traces import interference, potential, shapes, sweep

LABELS = ("left APB", "left FDI", "left ADM", "left EDC", "left FDS")
FAST = Capability(16_000.0, 4_190.0, 0.02, "micros", "sample", False, "")
SLOW = Capability(250.0, 110.0, 0.02, "counter-mod-256", "sample", False, "")
RATE = 2000.0


def stream(rate_hz):
    """The emg stream of the montage."""
    channels = tuple(Channel(label, "emg", "uV", 1.0) for label in LABELS)
    return StreamInfo("emg", rate_hz, "int32", channels, 0.0)


def begun(capability=FAST, *, subject=None):
    """A study on one device, its epoch open."""
    info = DeviceInfo("d", "model", "", "", (stream(capability.rate_hz),), capability)
    study = Assessment(default_montage(info.streams[0]), subject=subject)
    study.open("d", Epoch(1, info, {}, datetime(2026, 1, 1, tzinfo=UTC), 0.0, None, "start"))
    return study


class Feed:
    """Blocks of one stream into a study, with index and epoch kept."""

    def __init__(self, study, rate_hz=RATE):
        self.study, self.rate_hz = study, rate_hz
        self.epoch, self.index = 1, 0

    def push(self, data):
        """(channels, n) µV, in blocks of 20 ms."""
        step = round(0.02 * self.rate_hz)
        for first in range(0, data.shape[1], step):
            part = data[:, first : first + step]
            block = Signal("emg", self.epoch, self.index, self.rate_hz, LABELS, part, 0.0)
            self.study.signal("d", block)
            self.index += part.shape[1]


def shocked(number, current_ma, amplitude_mv, *, muscle="left FDI", nerve="ulnar", site="wrist"):
    """A sweep of every channel; the response is on one of them."""
    rng = np.random.default_rng(number)
    made = [
        sweep(rng, shapes()[0] if label == muscle else None, rate_hz=16_000.0,
              amplitude_mv=amplitude_mv, tail_uv=50.0)
        for label in LABELS
    ]  # fmt: skip
    samples = np.stack([trace for trace, _ in made])
    zero = made[LABELS.index(muscle)][1]
    trigger = Trigger("emg", 1, 320.0 + 100 * number, "stimulator", "rise", 1 / 32_000)
    stimulus = Stimulus(
        f"p{number}", Pulse(current_ma, 200.0), nerve, site, "left", 0.0, 0.0, trigger
    )
    return Sweep(
        f"s{number}", "r", "d", "emg", 1, trigger, stimulus, LABELS, 0, 16_000.0, zero, samples,
        False, True, 0.0,
    )  # fmt: skip


def item(study, muscle, axis, family):
    """One line of a card."""
    card = next(card for card in study.cards() if card.muscle.key == muscle)
    indicator = getattr(card, axis)
    lines = [*indicator.items_for, *indicator.items_against, *indicator.missing]
    return next(line for line in lines if line.family == family)


def at_rest(seconds, seed, *, twitches=(), rate_hz=RATE):
    """Quiet muscles; `twitches` are seconds at which the FDI fasciculates."""
    rng = np.random.default_rng(seed)
    data = 2.0 * rng.standard_normal((len(LABELS), round(seconds * rate_hz)))
    for time in twitches:
        wave = potential(rate_hz, 300.0)
        at = round(time * rate_hz)
        data[1, at : at + wave.size] += wave
    return data


def stretched(seconds, seed, *, beats_hz=6.0, rate_hz=RATE):
    """Clonus in the FDI, the others silent."""
    rng = np.random.default_rng(seed)
    data = at_rest(seconds, seed, rate_hz=rate_hz)
    at_s = np.arange(data.shape[1]) / rate_hz
    beat = np.exp(-0.5 * (((at_s * beats_hz) % 1 - 0.5) / (0.02 * beats_hz)) ** 2)
    data[1] += beat * interference(rng, at_s.size, rate_hz, 60.0)
    return data


def spoilt(data, fault, *, rate_hz=RATE):
    """The FDI's lead is off (mains, no EMG) or dead; the others go on."""
    line = 300.0 * np.sin(2 * np.pi * 50.0 * np.arange(data.shape[1]) / rate_hz)
    data[1] = line if fault == "mains" else 0.0
    return data


def contraction(seconds, seed, common):
    """EDC, FDS and FDI contracting, with a shared 15-30 Hz modulation of strength `common`."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE)
    hz = np.fft.rfftfreq(count, 1 / RATE)

    def drive():
        spectrum = rng.standard_normal(hz.size) + 1j * rng.standard_normal(hz.size)
        wave = np.fft.irfft(spectrum * ((hz >= 15) & (hz <= 30)), count)
        return wave / wave.std()

    shared = drive()
    data = 2.0 * rng.standard_normal((len(LABELS), count))
    for row in (1, 3, 4):
        strength = 1 + 0.35 * (common * shared + np.sqrt(1 - common**2) * drive())
        data[row] += interference(rng, count, RATE, 60.0) * np.maximum(strength, 0)
    return data
