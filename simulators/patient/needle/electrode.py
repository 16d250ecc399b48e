"""Needle electrodes: where their surfaces lie relative to the tip.

The shaft comes straight down through the skin. Sources: Stalberg E et al. 2019, Clin Neurophysiol
130:1688 (standards: concentric core 0.07 mm², an ellipse 0.58 by 0.15 mm on a 15 degree bevel,
cannula as reference; monopolar: a bare conical tip against a disc on the skin).
"""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("concentric", "monopolar")


@dataclass(frozen=True, slots=True)
class NeedleElectrode:
    """Recording surface and reference as stretches of the shaft.

    core_mm: (lower, upper) height above the tip of what records. beside_mm: half its width, below
    which no fibre comes nearer. cannula_mm: height above the tip at which the reference begins; it
    reaches up to the skin. None: the reference is far away and silent.
    """

    kind: str
    core_mm: tuple[float, float]
    beside_mm: float
    cannula_mm: float | None


ELECTRODES = {
    "concentric": NeedleElectrode("concentric", (0.0, 0.56), 0.075, 0.65),
    "monopolar": NeedleElectrode("monopolar", (0.0, 0.45), 0.10, None),
}


@dataclass(frozen=True, slots=True)
class NeedlePlace:
    """Tip of a needle in a muscle: mm below the skin, to the side of E1, and along the fibres from
    E1 towards the tendon."""

    depth_mm: float
    side_mm: float
    along_mm: float
