"""Stimulation sites along the limbs, and whose temperature counts for a nerve."""

from __future__ import annotations

from service.model import Side

# from the hand or foot up; only the order within one limb is ever asked
_ORDER = (
    "palm", "lateral_malleolus", "ankle", "wrist", "calf", "leg", "forearm", "below_fibular_head",
    "below_elbow", "elbow", "knee", "axilla", "groin", "neck", "mastoid", "erb",
)  # fmt: skip
_LEG = frozenset(["tibial", "fibular", "femoral", "sural", "superficial_fibular", "saphenous"])
_HEAD = frozenset(["facial", "trigeminal", "accessory", "phrenic"])
LEAST_C = {"hand": 32.0, "foot": 30.0, "face": 30.0}
PLACES = tuple(f"{side} {part}" for side in ("left", "right") for part in LEAST_C)


def proximal_order(site: str) -> int:
    """Higher is nearer to the cord; a site that is not known comes last."""
    return _ORDER.index(site) if site in _ORDER else len(_ORDER)


def place_of(nerve: str, side: Side | str) -> str:
    """Where the skin is measured for a nerve: `left hand`."""
    part = "foot" if nerve in _LEG else "face" if nerve in _HEAD else "hand"
    return f"{side} {part}"


def f_wave_end(nerve: str) -> str:
    """The spinous process that the distance of an F-wave is measured to from the cathode: `C7` for
    the arm, `T12` for the leg (clinical reference 1.5)."""
    return "T12" if nerve in _LEG else "C7"


def least_c(place: str) -> float:
    """Below it the limb is cold (clinical reference 0.3)."""
    return LEAST_C[place.partition(" ")[2]]
