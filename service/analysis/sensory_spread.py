"""How well the numbers of a sensory response are known: what noise does to each of them.

A peak between samples moves by its rise over its signal-to-noise ratio, an amplitude by the noise
that is left in the average; the largest of noisy samples is also too large, the more so the less
they stand out. The factors were read from errors of `sensory_response` on simulated responses of
two independent sources, 16 to 60 sweeps each, and hold in others of their kind (tests).
"""

from __future__ import annotations

import math

_PEAK_RISES, _PEAK_MS = 1.75, 0.008
_ONSET_TO_PEAK = 1.4, 0.025  # of the noise; of the amplitude: where a response begins decides too
_PEAK_TO_PEAK = 1.0, 0.016
_TOO_LARGE = 3.0  # over the signal-to-noise ratio, relative to the noise


def spreads(
    *, noise_uv: float, snr: float, rise_ms: float, onset_to_peak_uv: float, peak_to_peak_uv: float
) -> dict[str, float]:
    """SDs by the name of their value.

    noise_uv: SD of the noise in the average. snr: peak over it. rise_ms: from half the height to
    the peak.
    """
    whole_uv = noise_uv * (1.0 + _TOO_LARGE / snr)
    return {
        "peak_sd_ms": math.hypot(_PEAK_RISES * rise_ms / snr, _PEAK_MS),
        "onset_to_peak_sd_uv": math.hypot(
            _ONSET_TO_PEAK[0] * noise_uv, _ONSET_TO_PEAK[1] * onset_to_peak_uv
        ),
        "peak_to_peak_sd_uv": math.hypot(
            _PEAK_TO_PEAK[0] * whole_uv, _PEAK_TO_PEAK[1] * peak_to_peak_uv
        ),
    }
