"""What decays leave of the M-wave's tail: the same in every sweep, from the first column on.

A tail is no sum of decays where its last phase ends late (two peaks over ADM, a cool muscle); what
they leave looks like an A-wave that was there already when the search began, or like something that
runs into the window in every sweep.
"""

from __future__ import annotations

import numpy as np

from .late import LateTraces

_LOUD_SDS, _QUIET_SDS = 4.0, 2.0  # of the noise
_AT_ONCE_MS = 1.5  # it is there so soon
_PAUSE_MS = 1.5  # quiet for so long: it has ended
_APART = 0.5  # of the floor; sweeps that differ by more: something else has begun
_SHARE = 90  # percentile of the sweeps that must agree
_FADE_MS = 2.0


def without_tail(traces: LateTraces, floor_uv: float) -> LateTraces:
    """The traces less the median of all sweeps, from the first column until it is silent or the
    sweeps begin to differ; the same traces if nothing is there at the first column."""
    rows = traces.smooth_uv
    middle = np.median(rows, axis=0)
    soon = max(round(_AT_ONCE_MS * traces.per_ms), 1)
    largest = float(np.abs(middle[:soon]).max())
    if largest < _LOUD_SDS * traces.noise_uv:
        return traces
    differ = np.percentile(np.abs(rows - middle), _SHARE, axis=0) > _APART * floor_uv
    differ |= np.abs(middle) > max(largest, floor_uv)  # an A-wave that follows it
    differ[:soon] = False  # there each sweep's own fit ends
    quiet = np.abs(middle) < _QUIET_SDS * traces.noise_uv
    pause = round(_PAUSE_MS * traces.per_ms)
    since = np.cumsum(quiet)
    silent = np.flatnonzero(since[pause:] - since[:-pause] == pause)
    end = int(silent[0]) if silent.size else middle.size
    end = min(end, int(differ.argmax()) if differ.any() else middle.size)
    tail = middle.copy()
    beyond = np.arange(1, middle.size - end + 1) / (_FADE_MS * traces.per_ms)
    tail[end:] = tail[end - 1] * np.exp(-beyond)
    doubt = np.where(np.arange(tail.size) < end, 0.0, np.abs(tail))
    return traces.without(tail, traces.smoothed(tail[None])[0], doubt)
