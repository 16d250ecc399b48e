"""Muscles: nerve, roots, main root, region, and where the nerve is stimulated for the CMAP limits.

Source: standard anatomy as tabulated in the clinical reference 4.1, from the teaching texts; roots
vary between authors by half a segment, so a main root is a convention, written here once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from service.model import Muscle, Region, Side

Limb = Literal["arm", "leg", "head", "trunk"]


@dataclass(frozen=True, slots=True)
class MuscleAnatomy:
    """What is true of a muscle on either side.

    distal_site: the stimulation site at which its CMAP limits hold. foot_intrinsic: fibrillations
    and fasciculations are common in health there and count little.
    """

    name: str
    full_name: str
    nerve: str
    roots: tuple[str, ...]
    main_root: str
    region: Region
    limb: Limb
    distal_site: str
    foot_intrinsic: bool = False


_ARM = (
    ("APB", "abductor pollicis brevis", "median", "C8 T1", "T1", "wrist"),
    ("FDI", "first dorsal interosseous", "ulnar", "C8 T1", "T1", "wrist"),
    ("ADM", "abductor digiti minimi", "ulnar", "C8 T1", "C8", "wrist"),
    ("EDC", "extensor digitorum communis", "radial", "C7 C8", "C7", "elbow"),
    ("FDS", "flexor digitorum superficialis", "median", "C7 C8 T1", "C8", "elbow"),
    ("FCR", "flexor carpi radialis", "median", "C6 C7", "C7", "elbow"),
    ("PT", "pronator teres", "median", "C6 C7", "C6", "elbow"),
    ("BB", "biceps brachii", "musculocutaneous", "C5 C6", "C6", "erb"),
    ("TB", "triceps brachii", "radial", "C6 C7 C8", "C7", "erb"),
    ("BR", "brachioradialis", "radial", "C5 C6", "C6", "erb"),
    ("deltoid", "deltoid", "axillary", "C5 C6", "C5", "erb"),
)
_LEG = (
    ("VL", "vastus lateralis", "femoral", "L2 L3 L4", "L4", "groin"),
    ("TA", "tibialis anterior", "fibular", "L4 L5", "L4", "below_fibular_head"),
    ("MG", "gastrocnemius, medial head", "tibial", "S1 S2", "S1", "knee"),
    ("SOL", "soleus", "tibial", "S1 S2", "S1", "knee"),
    ("EDB", "extensor digitorum brevis", "fibular", "L5 S1", "L5", "ankle"),
    ("AH", "abductor hallucis", "tibial", "S1 S2", "S1", "ankle"),
)
_FOOT_INTRINSIC = frozenset({"EDB", "AH"})


def _row(row: tuple[str, str, str, str, str, str], region: Region, limb: Limb) -> MuscleAnatomy:
    name, full_name, nerve, roots, main_root, site = row
    return MuscleAnatomy(
        name=name,
        full_name=full_name,
        nerve=nerve,
        roots=tuple(roots.split()),
        main_root=main_root,
        region=region,
        limb=limb,
        distal_site=site,
        foot_intrinsic=name in _FOOT_INTRINSIC,
    )


_TABLE = (
    *(_row(row, Region.CERVICAL, "arm") for row in _ARM),
    *(_row(row, Region.LUMBOSACRAL, "leg") for row in _LEG),
)

MUSCLES: Mapping[str, MuscleAnatomy] = MappingProxyType({row.name: row for row in _TABLE})

# Pairs that share a beta-band drive in a steady task (Jaiser 2016 PLoS One 11:e0149029).
COHERENCE_PAIRS: tuple[tuple[str, str], ...] = (
    ("EDC", "FDI"),
    ("FDS", "FDI"),
    ("MG", "EDB"),
    ("TA", "EDB"),
)

_SIDES: Mapping[str, Side] = MappingProxyType({"left": "left", "right": "right"})


def anatomy(name: str) -> MuscleAnatomy:
    """The row of a muscle. Errors: KeyError naming the muscle if the table does not hold it."""
    try:
        return MUSCLES[name]
    except KeyError:
        raise KeyError(
            f"muscle {name!r} is not in the table; known: {', '.join(MUSCLES)}"
        ) from None


def muscle_from_label(label: str) -> Muscle | None:
    """`left FDI` -> Muscle("FDI", "left"); None if the label is not a side and a known muscle."""
    side, _, name = label.strip().partition(" ")
    known = _SIDES.get(side.lower())
    if known is None or name.strip() not in MUSCLES:
        return None
    return Muscle(name.strip(), known)


def shared_pattern(muscles: Iterable[Muscle]) -> str | None:
    """The one root or nerve that two or more abnormal muscles share, or None.

    A motor neuron disease crosses roots and nerves; a pattern that one lesion explains leaves the
    attribution open (clinical reference 6.3, pattern rules). A normal SNAP does not clear it.
    """
    rows = [anatomy(muscle.name) for muscle in dict.fromkeys(muscles)]
    if len({row.name for row in rows}) < 2:
        return None
    nerves = {row.nerve for row in rows}
    if len(nerves) == 1:
        return f"{nerves.pop()} nerve"
    common = set(rows[0].roots).intersection(*(row.roots for row in rows[1:]))
    mains = [row.main_root for row in rows if row.main_root in common]
    if not common:
        return None
    return max(sorted(common), key=mains.count) + " root"
