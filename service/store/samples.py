"""A sweep as the store holds it: its samples as compressed bytes, the rest as JSON."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from service.model import Sweep
from service.recording.messages import (
    stimulus_from_json,
    stimulus_to_json,
    trigger_from_json,
    trigger_to_json,
)

_LEVEL = 1  # the samples are the record's already; this is for opening a study at once


def pack_samples(sweep: Sweep) -> bytes:
    """float64 little-endian, channel after channel, zlib. Missing samples are NaN."""
    return zlib.compress(np.ascontiguousarray(sweep.samples_uv, dtype="<f8").tobytes(), _LEVEL)


def about_sweep(sweep: Sweep) -> dict[str, Any]:
    """What the columns of the table do not say."""
    return {
        "recording": sweep.recording,
        "trigger": None if sweep.trigger is None else trigger_to_json(sweep.trigger),
        "stimulus": None if sweep.stimulus is None else stimulus_to_json(sweep.stimulus),
        "channels": list(sweep.channels),
        "rate_hz": sweep.rate_hz,
        "zero_index": sweep.zero_index,
        "gap": sweep.gap,
        "time_zero_known": sweep.time_zero_known,
        "received_s": sweep.received_s,
    }


def unpack_sweep(
    sweep_id: str,
    place: tuple[str, str, int, int],
    about: dict[str, Any],
    samples: bytes,
) -> Sweep:
    """The sweep again, to the bit. place: device, stream, epoch, start index."""
    device, stream, epoch, start_index = place
    channels = tuple(about["channels"])
    values = np.frombuffer(zlib.decompress(samples), dtype="<f8").astype(np.float64)
    return Sweep(
        id=sweep_id,
        recording=about["recording"],
        device=device,
        stream=stream,
        epoch=epoch,
        trigger=None if about["trigger"] is None else trigger_from_json(about["trigger"]),
        stimulus=None if about["stimulus"] is None else stimulus_from_json(about["stimulus"]),
        channels=channels,
        start_index=start_index,
        rate_hz=about["rate_hz"],
        zero_index=about["zero_index"],
        samples_uv=values.reshape(len(channels), -1),
        gap=about["gap"],
        time_zero_known=about["time_zero_known"],
        received_s=about["received_s"],
    )
