"""Finished motor and sensory responses to compare: ordinary values, or those given."""

from __future__ import annotations

from service.analysis.comparison import Pair
from service.analysis.elbow import ElbowSettings
from service.model import Measurement

USUAL = {
    "motor_response": {
        "onset_latency_ms": 3.0, "peak_latency_ms": 5.5, "amplitude_mv": 10.0, "area_mv_ms": 30.0,
        "duration_ms": 5.0, "noise_uv": 5.0, "detection_floor_uv": 20.0,
    },
    "sensory_response": {
        "onset_latency_ms": 2.4, "peak_latency_ms": 3.0, "onset_to_peak_uv": 20.0,
        "peak_to_peak_uv": 30.0, "noise_uv": 0.5, "detection_floor_uv": 2.0,
    },
    "f_wave": {"detection_floor_uv": 20.0, "noise_uv": 5.0},
    "h_reflex": {"detection_floor_uv": 20.0, "noise_uv": 5.0},
}  # fmt: skip


def response(state="measured", *, measure="motor_response", name="r", reasons=(), **values):
    """A measurement in this state."""
    usual = USUAL[measure]
    if state == "not_assessable":
        usual = {}
    if state == "absent":
        usual = {key: usual[key] for key in ("noise_uv", "detection_floor_uv")}
    return Measurement(name, measure, "1", "m", (), {}, state, tuple(reasons), usual | values)


def further(amplitude=10.0, area=30.0, duration=5.0, latency=7.0, **more):
    """The motor response from further up the nerve."""
    return response(
        name="p", onset_latency_ms=latency, amplitude_mv=amplitude, area_mv_ms=area,
        duration_ms=duration, **more,
    )  # fmt: skip


def snap_of(peak_ms=3.0, **more):
    """A sensory response with this peak latency."""
    return response(measure="sensory_response", peak_latency_ms=peak_ms, **more)


def late(measure, at_ms=28.0):
    """An F-wave or H-reflex at this latency."""
    name = {"f_wave": "f_min_ms", "h_reflex": "h_latency_ms"}[measure]
    return response(measure=measure, **{name: at_ms})


def equal(median, other, millimetres=140.0):
    """Two responses over the same distance."""
    return Pair(median, other, millimetres, millimetres)


# per measure of measurements: what it is called with, so that it gives every value
RICH = {
    "conduction": lambda _rng: (
        response(), further(),
        {"nerve": "median", "distance_mm": 220.0, "distal_distance_mm": 80.0},
    ),
    "across_elbow": lambda _rng: (
        response(), further(), further(latency=9.0),
        {"forearm_mm": 220.0, "across_mm": 100.0, "settings": ElbowSettings(flexion_deg=80.0)},
    ),
    "inching": lambda _rng: (
        [response(onset_latency_ms=3.0 + 0.4 * step) for step in range(5)],
        [20.0 * step for step in range(5)],
    ),
    "median_comparison": lambda _rng: (
        {
            "ring_finger": equal(snap_of(3.4), snap_of()),
            "palm": equal(snap_of(2.2), snap_of(2.0), 80.0),
            "thumb": equal(snap_of(2.9), snap_of(2.6), 100.0),
            "lumbrical_interosseous": equal(response(onset_latency_ms=3.4), response(), 90.0),
        },
        {},
    ),
    "side_to_side": lambda _rng: (response(), response(amplitude_mv=6.0)),
    "f_side_to_side": lambda _rng: (late("f_wave"), late("f_wave", 26.0)),
    "h_side_to_side": lambda _rng: (late("h_reflex"), late("h_reflex", 26.0)),
    "split_hand": lambda _rng: (
        response(), response(), response(), {"supramaximal": (True, True, True)},
    ),
    "exercise_increment": lambda _rng: (response(), response(amplitude_mv=12.0)),
}  # fmt: skip
