"""Is a channel fit to be read: resting level, mains, lead-off, saturation; second by second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from service.model import Measurement

from .result import build
from .streaming import Windows

MEASURE = "quality"
VERSION = "3"

TENTHS = 10  # stretches of a window that are each looked at for a dead lead

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class QualitySettings:
    """band_hz: where the level is taken, without mains and harmonics. flat_uv: a dead lead's SD, of
    which a tenth of the window is enough: a contact that is loose comes and goes.
    Mains spoil a second where they are more than mains_share of its power and more than mains_uv
    RMS: at rest the two microvolts that any good lead picks up are most of what there is."""

    window_s: float = 1.0
    band_hz: tuple[float, float] = (20.0, 450.0)
    mains_hz: tuple[float, ...] = (50.0, 60.0)
    flat_uv: float = 0.05
    mains_share: float = 0.2
    mains_uv: float = 10.0
    rail_uv: float | None = None


class QualityWatch:
    """One-second windows of several channels: level without mains, mains share, flat, at the rail.

    push: (n_channels, n) µV at `rate_hz`. The result does not depend on how the stream was cut.
    """

    def __init__(
        self, channels: int, rate_hz: float, settings: QualitySettings | None = None
    ) -> None:
        self.settings = settings or QualitySettings()
        self._rate_hz = rate_hz
        length = round(self.settings.window_s * rate_hz)
        self._windows = Windows(channels, length)
        self._hann = np.hanning(length + 1)[:-1]
        hz = np.fft.rfftfreq(length, 1.0 / rate_hz)
        near = np.zeros_like(hz, dtype=bool)
        for line in self.settings.mains_hz:
            harmonic = np.maximum(np.round(hz / line), 1.0) * line
            near |= np.abs(hz - harmonic) <= 2.0
        low, high = self.settings.band_hz
        inside = (hz >= low) & (hz <= min(high, 0.45 * rate_hz))
        self._level, self._mains = inside & ~near, inside & near
        self._scale = 2.0 / (length * float(np.sum(self._hann**2)))
        # the level is quoted for the whole band: what the mains bins would have held without mains
        # is added to it, and is no mains
        self._whole = float(inside.sum()) / max(float(self._level.sum()), 1.0)

    def reset(self) -> None:
        """A gap or a change of task: the second under way is dropped."""
        self._windows.reset()

    def push(self, data: Samples) -> list[SecondsLevel]:
        """The seconds that became whole."""
        return [self._judge(window) for window in self._windows.push(data)]

    def _judge(self, window: Samples) -> SecondsLevel:
        spectrum = np.fft.rfft((window - window.mean(axis=1, keepdims=True)) * self._hann)
        power = (spectrum.real**2 + spectrum.imag**2) * self._scale
        beside = power[:, self._level].sum(axis=1)
        level = beside * self._whole
        mains = np.maximum(power[:, self._mains].sum(axis=1) - (level - beside), 0.0)
        rail = self.settings.rail_uv
        stuck = np.zeros(window.shape[0], dtype=bool)
        if rail is not None:
            stuck = (np.abs(window) >= 0.99 * rail).sum(axis=1) >= 3
        parts = window[:, : window.shape[1] // TENTHS * TENTHS].reshape(
            -1, TENTHS, window.shape[1] // TENTHS
        )
        return SecondsLevel(
            rms_uv=np.sqrt(level),
            mains_share=mains / np.maximum(level + mains, 1e-12),
            flat=(parts.std(axis=2) < self.settings.flat_uv).any(axis=1),
            saturated=stuck,
            humming=hums(level, mains, self.settings.mains_share, self.settings.mains_uv),
        )


@dataclass(frozen=True, slots=True, eq=False)
class SecondsLevel:
    """One second of all channels; arrays of shape (n_channels,). humming: the mains spoil it."""

    rms_uv: Samples
    mains_share: Samples
    flat: npt.NDArray[np.bool_]
    saturated: npt.NDArray[np.bool_]
    humming: npt.NDArray[np.bool_]

    @property
    def unfit(self) -> npt.NDArray[np.bool_]:
        """Nothing may be concluded from what is not seen in such a second."""
        return np.asarray(self.flat | self.saturated | self.humming)

    def faults(self, channel: int) -> tuple[str, ...]:
        """What is wrong with one channel, by name."""
        named = {"lead_off": self.flat, "saturated": self.saturated, "mains": self.humming}
        return tuple(name for name, hit in named.items() if hit[channel])


def hums(level: Samples, mains: Samples, share: float, least_uv: float) -> npt.NDArray[np.bool_]:
    """Whether the mains are too much of a signal: powers in µV² without and at the line.

    Source: clinical reference 0.3 (a fifth of the power in the band; 10 µV RMS of baseline noise).
    """
    return np.asarray((mains > share * (level + mains)) & (mains > least_uv**2))


def quality(
    samples_uv: npt.ArrayLike,
    rate_hz: float,
    *,
    settings: QualitySettings | None = None,
    target: str = "",
    inputs: Sequence[str] = (),
) -> Measurement:
    """The state of one channel over a stretch.

    samples_uv: shape (n_samples,) µV. Values: rms_uv (median second, 20-450 Hz without mains),
    mains_share (median), window_count, flat_count, saturated_count. Not assessable: less than one
    second. Reasons name what is wrong: lead_off, saturated, mains. Errors: ValueError for a shape
    that is not one channel. Source: clinical reference 0.3, reliability bar for lead-off and mains.
    """
    chosen = settings or QualitySettings()
    samples = np.asarray(samples_uv, dtype=np.float64)
    if samples.ndim != 1:
        raise ValueError(f"quality: expected one channel (n_samples,), got shape {samples.shape}")
    seconds = QualityWatch(1, rate_hz, chosen).push(samples[None, :])
    if not seconds:
        return build(
            MEASURE, VERSION, target=target, inputs=inputs, settings=chosen,
            state="not_assessable", values={"window_count": 0.0}, reasons=["less than one second"],
        )  # fmt: skip
    share = float(np.median([second.mains_share[0] for second in seconds]))
    humming = sum(bool(second.humming[0]) for second in seconds)
    flat = sum(bool(second.flat[0]) for second in seconds)
    stuck = sum(bool(second.saturated[0]) for second in seconds)
    wrong = [
        *(["lead_off: the channel is flat"] if flat > len(seconds) / 20 else []),
        *(["saturated: the channel is at its rail"] if stuck > len(seconds) / 20 else []),
        *(["mains: line interference in the band"] if humming > len(seconds) / 2 else []),
    ]
    values = {
        "rms_uv": float(np.median([second.rms_uv[0] for second in seconds])),
        "mains_share": share,
        "window_count": float(len(seconds)),
        "flat_count": float(flat),
        "saturated_count": float(stuck),
    }
    return build(
        MEASURE, VERSION, target=target, inputs=inputs, settings=chosen, state="measured",
        values=values, reasons=wrong,
    )  # fmt: skip
