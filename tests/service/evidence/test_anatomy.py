"""Muscles: labels, roots, and the patterns one lesion explains."""

from __future__ import annotations

import pytest

from service.evidence.anatomy import MUSCLES, anatomy, muscle_from_label, shared_pattern
from service.model import Muscle


def test_labels_name_a_side_and_a_muscle():
    """`left FDI` is a muscle; anything else is not."""
    assert muscle_from_label("left FDI") == Muscle("FDI", "left")
    assert muscle_from_label(" Right  ADM ") == Muscle("ADM", "right")
    for label in ("FDI", "left", "left XYZ", "IN7", "middle FDI", ""):
        assert muscle_from_label(label) is None


def test_every_main_root_is_one_of_the_roots():
    """The table is consistent."""
    for row in MUSCLES.values():
        assert row.main_root in row.roots
        assert row.distal_site
    with pytest.raises(KeyError, match="XYZ"):
        anatomy("XYZ")


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["FDI"], None),
        (["FDI", "ADM"], "ulnar nerve"),
        (["APB", "ADM"], "C8 root"),
        (["FDI", "APB", "BB"], None),
        (["FDI", "TA"], None),
    ],
)
def test_one_root_or_one_nerve_is_named(names, pattern):
    """Two or more abnormal muscles that one lesion explains share a pattern; others do not."""
    assert shared_pattern([Muscle(name, "left") for name in names]) == pattern
