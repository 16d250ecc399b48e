"""Reading a list of Evidence by family: what is abnormal, what is normal, what may be counted.

The quantities of findings that the rules ask for are named here once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from service.model import Evidence, FindingState

HARDWARE = "hardware"  # confounded_by entries that begin so: shown, never counted
LMN_LOSS = "LMN loss in this muscle"
DRIVE = "maximal effort not reached or UMN drive reduced"

FIBRILLATION_GRADE = "fibrillation_grade"
REST_SITES = "rest_site_count"
MUP_COUNT = "mup_count"
NEEDLE_FASCICULATION = "needle_fasciculation_count"
SURFACE_FASCICULATION = "surface_fasciculation_per_min"
EXAMINER_REVIEWED = "examiner_reviewed"
VALID_MINUTES = "valid_min"
INDEPENDENT_UNITS = ("mscanfit_unit_count", "scan_unit_count", "mune_unit_count")
MUNIX = "munix"
AT_MAXIMUM = ("munix", "interference_at_maximum", "recruitment_at_maximum", "mup_at_maximum")
WINDOWS = "window_count"
CLONUS = "clonus_burst_count"
POOR_ACTIVATION = "poor_activation"

FAMILIES = MappingProxyType(
    {
        "L1": "fibrillations and positive sharp waves (needle)",
        "L2": "fasciculations",
        "L3": "motor unit potentials (needle)",
        "L4": "recruitment (needle)",
        "L5": "CMAP",
        "L6": "motor unit number (CMAP scan or MUNE)",
        "L7": "weakness and wasting (examination)",
        "L8": "composite indices (split hand, F-wave persistence and repeaters)",
        "dual": "few and slow motor units",
        "U1": "clinical UMN signs (examination)",
        "U2": "magnetic stimulation (CMCT, MEP)",
        "U3": "stretch reflex and clonus",
        "U4": "F/M, H/M and T reflex",
        "U5": "15-30 Hz intermuscular coherence",
        "U6": "motor unit firing and activation",
        "U7": "co-contraction, resting EMG, voluntary EMG",
    }
)


@dataclass(frozen=True, slots=True)
class Families:
    """The evidence of one axis, asked by family; one family counts once."""

    evidence: tuple[Evidence, ...]

    @classmethod
    def of(cls, evidence: Sequence[Evidence], axis: str) -> Families:
        """Only what belongs to one axis."""
        return cls(tuple(item for item in evidence if item.axis == axis))

    def having(self, family: str, state: FindingState, *, tiers: str = "ABC") -> list[Evidence]:
        """Countable evidence of a family in a state."""
        return [
            item
            for item in self.evidence
            if item.family == family
            and item.state == state
            and item.tier in tiers
            and counted(item)
        ]

    def abnormal(self, family: str, *, tiers: str = "ABC") -> bool:
        """Whether a family is abnormal by an item that counts."""
        return bool(self.having(family, "abnormal", tiers=tiers))

    def any_at_least(self, family: str, state: FindingState, quantity: str, least: float) -> bool:
        """Whether some countable item in a state carries a quantity that reaches a number."""
        return any(at_least(item, quantity, least) for item in self.having(family, state))

    def normal(self, family: str) -> bool:
        """Whether a family was examined and nothing in it is abnormal or borderline."""
        states = {item.state for item in self.evidence if item.family == family and counted(item)}
        return "normal" in states and not states & {"abnormal", "borderline"}

    def abnormal_families(self, *, tiers: str = "ABC") -> set[str]:
        """Names of the families that are abnormal by an item of these tiers."""
        names = {item.family for item in self.evidence}
        return {name for name in names if self.abnormal(name, tiers=tiers)}


def counted(item: Evidence) -> bool:
    """Whether an item may enter a rule: not one that the hardware allows only to be shown, and not
    MUNIX, which says what the CMAP says."""
    if any(name.startswith(HARDWARE) for name in item.confounded_by):
        return False
    return not (item.family == "L6" and number(item, MUNIX) is not None and not independent(item))


def independent(item: Evidence) -> bool:
    """Whether an L6 item stands on a unit count that the CMAP does not decide."""
    return any(number(item, name) is not None for name in INDEPENDENT_UNITS)


def number(item: Evidence, quantity: str) -> float | None:
    """A quantity of an item's findings, None if it was not measured."""
    for finding in item.findings:
        if finding.quantity == quantity and finding.value is not None:
            return finding.value
    return None


def at_least(item: Evidence, quantity: str, least: float) -> bool:
    """Whether a quantity was measured and reaches a number."""
    value = number(item, quantity)
    return value is not None and value >= least
