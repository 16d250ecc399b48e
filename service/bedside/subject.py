"""Who is examined, as it was recorded."""

from __future__ import annotations

from collections.abc import Mapping

from service.evidence.limits import Subject
from service.model import Json


def subject_of(told: Mapping[str, Json]) -> Subject:
    """Age, sex and height as they were recorded; what is no number or sex is not known."""
    age, sex, height = (told.get(name) for name in ("age_years", "sex", "height_cm"))
    return Subject(
        age_years=age if isinstance(age, int | float) else None,
        sex="F" if sex == "F" else "M" if sex == "M" else None,
        height_cm=height if isinstance(height, int | float) else None,
    )
