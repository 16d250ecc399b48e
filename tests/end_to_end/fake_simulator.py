"""What the stand-in's simulated patient says of itself, short."""

from __future__ import annotations

from tests.end_to_end.fake_study import LABELS

SIMULATED_CHOICES = {
    "muscles": [*LABELS, "left AH"],
    "sensory": ["left ulnar D5 SNAP"],
    "nerves": {"median": ["wrist", "elbow"], "tibial": ["ankle"]},
    "sides": ["left", "right"],
    "tasks": [{"name": "rest", "effort": False}, {"name": "hold", "effort": True}],
    "dial_parts": ["drive", "reflex"],
    "needle": {"actions": ["insert", "withdraw"], "electrodes": ["concentric"]},
    "technique": [
        {"name": "gel_bridge", "lowest": 0, "highest": 1, "per_channel": True, "meaning": "gel"}
    ],
}
BESIDE = [
    {"quantity": "amplitude_mv", "unit": "mV", "place": "median, wrist", "measured": 9.6,
     "truth": 10.0, "difference": -0.4, "note": ""},
    {"quantity": "f_min_ms", "unit": "ms", "place": "F-waves", "measured": None,
     "truth": 27.0, "difference": None, "note": "not measured yet: no F-waves of this muscle"},
]  # fmt: skip


def simulated_person() -> dict[str, object]:
    """`describe` of the simulator: nobody in particular, every lead on its muscle."""
    muscles = [
        {"muscle": key, "name": key.split()[1], "side": "left", "nerve": "median", "units": 120,
         "channel": number}
        for number, key in enumerate(LABELS, start=1)
    ]  # fmt: skip
    return {
        "patient": "healthy", "title": "Healthy adult", "sex": "F", "age_years": 45.0, "seed": 1,
        "height_cm": 168.0, "muscles": muscles, "needles": [], "technique": {"gel_bridge": 0.5},
        "dials": {key: {"umn": 0.0, "lmn": 0.0} for key in LABELS},
        "montage": {str(one["channel"]): one["muscle"] for one in muscles},
        "task": {"name": "rest", "level": 0.0, "muscle": None},
        "placement": {"nerve": "median", "site": "wrist", "side": "left"},
    }  # fmt: skip
