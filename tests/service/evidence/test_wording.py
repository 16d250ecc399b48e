"""Words: what was measured, never a disease."""

from __future__ import annotations

import re

from service.evidence.crossaxis import grade_muscle
from service.evidence.wording import WORDS, sentences
from service.model import Evidence, Grade, Muscle

FORBIDDEN = re.compile(
    r"\bALS\b|diagnos|positive(?! sharp)|ruled out|definite|probable", re.IGNORECASE
)


def test_every_grade_has_a_word_that_is_not_its_code():
    """Codes stay in the data: `definite` would be read as a diagnosis."""
    assert set(WORDS) == set(Grade)
    assert not any(FORBIDDEN.search(word) for word in WORDS.values())


def test_a_paragraph_says_what_was_found_and_what_is_missing():
    """Grade in words, items, what is not settled, what could change it, and the disclaimer."""
    low = "CMAP 5.1 mV (limit ≥ 9.2, Buschbacher)"
    status = grade_muscle(
        Muscle("FDI", "right"),
        [
            Evidence("lmn", "L5", "B", "abnormal", low),
            Evidence("umn", "U5", "B", "normal", "15-30 Hz coherence present"),
        ],
    )
    umn, lmn = sentences(status)
    assert lmn.startswith(f"LMN evidence in right FDI: weak. {low}.")
    assert "Could change the grade: fibrillations" in lmn
    assert umn.startswith("UMN evidence in right FDI: cannot tell. Against: 15-30 Hz coherence")
    for text in (umn, lmn):
        assert text.endswith("This describes measurements, not a disease.")
        assert not FORBIDDEN.search(text)
