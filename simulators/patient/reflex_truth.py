"""What the reflex arc and the cortex of a muscle would give without noise."""

from __future__ import annotations

import numpy as np

from .anatomy import CORD, body_plan
from .front_end import FloatArray, Grid
from .muscle import Muscle
from .nerve import weiss
from .truth import Json

WIDTH_US = 1000.0
CURRENTS = 24
BAND_HZ = 2000.0  # surface potentials hold nothing above


def reflex_truth(muscle: Muscle, grid: Grid) -> dict[str, Json]:
    """Reflexes and cortical response of one muscle at rest; None where the way to the cord is not
    known. `h_curve`: None where rest shows no H-reflex."""
    lesion, arc, cortex = muscle.lesion, muscle.arc, muscle.cortex
    known = CORD in muscle.axons.sites
    return {
        "muscle": muscle.key,
        "h_share": arc.share(lesion),
        "t_share": arc.share(lesion, tendon=True),
        "tap_threshold_n": arc.tap_threshold_n(lesion),
        "tonic_threshold_deg": arc.tonic_threshold_deg(lesion),
        "threshold_per_deg_s": arc.per_deg_s,
        "reflex_loop_ms": 1e3 * arc.loop_s(muscle.axons) if known else None,
        "resting_threshold_mso": cortex.threshold(lesion),
        "active_threshold_mso": cortex.threshold(lesion, active=True),
        "cmct_ms": 1e3 * cortex.central_s(lesion) if known else None,
        "silent_ms": 1e3 * cortex.silence_s(lesion),
        "h_curve": h_curve(muscle, grid),
    }


def h_curve(muscle: Muscle, grid: Grid) -> Json:
    """Peak-to-peak M and H (mV) over current (mA at the skin, pulses of 1 ms, ten seconds apart)
    from the distal site; `h_latency_ms`: the first unit's firing. None without H."""
    axons, site = muscle.axons, muscle.anatomy.distal_site
    everyone = muscle.reachable(muscle.anatomy.nerve, site)
    if CORD not in axons.sites or muscle.arc.share(muscle.lesion) <= 0.0 or not everyone.size:
        return None
    reached = np.zeros(axons.threshold_ma.size, dtype=np.bool_)
    reached[everyone] = True
    needed = axons.threshold_ma * weiss(WIDTH_US)
    currents = np.geomspace(0.4 * needed[reached].min(), 1.1 * needed[reached].max(), CURRENTS)
    answering = reached & (needed <= currents[:, None])
    reflex = np.array(
        [muscle.arc.expected(axons, muscle.lesion, site, current, WIDTH_US) for current in currents]
    )
    reflex &= ~answering & muscle.alive & axons.connected
    m_mv = _peak_to_peak_mv(muscle, grid, answering, axons.latency_s(site))
    delays_s = muscle.arc.h_delay_s(axons, site)
    h_mv = _peak_to_peak_mv(muscle, grid, reflex, delays_s)
    if not reflex.any():
        return None
    return {
        "site": site,
        "width_us": WIDTH_US,
        "current_ma": (currents * body_plan().site_depth[site]).tolist(),
        "m_mv": m_mv.tolist(),
        "h_mv": h_mv.tolist(),
        "h_m_ratio": float(h_mv.max() / m_mv.max()),
        "h_latency_ms": 1e3 * float(delays_s[reflex.any(axis=0)].min()),
    }


def _peak_to_peak_mv(
    muscle: Muscle, grid: Grid, masks: np.ndarray, delays_s: FloatArray
) -> FloatArray:
    """Of the sum of each set of units, (n_sets,); masks: (n_sets, n_units)."""
    heard = int(np.searchsorted(grid.frequencies_hz, BAND_HZ))
    turn = grid.turns(delays_s)[:, :heard]
    summed = masks.astype(np.float64) @ (muscle.units.spectra[:, :heard] * turn)
    points = 4 * heard
    waves = np.fft.irfft(summed, n=points) * (points / grid.points)
    return np.asarray(1e-3 * muscle.warmth * np.ptp(waves, axis=1))
