"""Montage: channel labels that name muscles."""

from __future__ import annotations

import pytest

from drivers.types import Channel, StreamInfo
from service.bedside.montage import Montage, MontageLead, default_montage
from service.model import Muscle


def stream(*labels):
    """A stream with these channel labels."""
    channels = tuple(Channel(label, "emg", "uV", 1.0) for label in labels)
    return StreamInfo("emg", 16_000.0, "int32", channels, 0.0)


def test_labels_that_name_a_muscle_are_leads():
    """`left FDI` is a lead, `IN7` is none; the order is the stream's."""
    montage = default_montage(stream("left FDI", "IN7", "left EDC"))
    assert [muscle.key for muscle in montage.muscles] == ["left FDI", "left EDC"]
    assert montage.channel_of(Muscle("EDC", "left")) == "left EDC"
    assert montage.channel_of(Muscle("ADM", "left")) is None
    assert montage.muscle_of("IN7") is None


def test_pairs_need_both_muscles_on_one_side():
    """EDC-FDI and FDS-FDI of the recorded side, none across sides."""
    both = default_montage(stream("left FDI", "left EDC", "left FDS", "right EDC"))
    pairs = [tuple(muscle.key for muscle in pair) for pair in both.coherence_pairs()]
    assert pairs == [("left EDC", "left FDI"), ("left FDS", "left FDI")]


def test_a_muscle_or_a_channel_appears_once():
    """Two leads on one muscle would be two truths."""
    lead = MontageLead("A", Muscle("FDI", "left"))
    with pytest.raises(ValueError, match="left FDI appears more than once"):
        Montage((lead, MontageLead("B", Muscle("FDI", "left"))))
    with pytest.raises(ValueError, match="A appears more than once"):
        Montage((lead, MontageLead("A", Muscle("ADM", "left"))))
