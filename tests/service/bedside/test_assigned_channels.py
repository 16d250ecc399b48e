"""Which channel records a step: the one assigned to it, else the one that is called after it."""

from __future__ import annotations

from service.bedside.row_key import channel_of
from service.bedside.steps import StepList, steps_of
from service.protocols.loading import protocols

CHANNELS = ("left APB", "left EDC", "left median D2 SNAP")


def test_a_channel_that_is_called_after_a_sensory_recording_records_it() -> None:
    """With or without the word SNAP behind it; no other recording's."""
    assert channel_of("left median D2", CHANNELS) == 2
    assert channel_of("left median D2", ("left median D2",)) == 0
    assert channel_of("right median D2", CHANNELS) is None


def test_a_step_of_the_protocol_is_recorded_on_the_channel_that_is_assigned_to_it() -> None:
    """The electrodes of a channel moved to the foot: the step is the protocol's own, and stays in
    its place; asked for again without a channel it keeps the one it has."""
    steps = StepList(steps_of(protocols()["lower_limb"].steps))
    ankle = next(one for one in steps.steps if one.placement.muscle == "left AH")
    assert channel_of("left AH", CHANNELS, ankle.channel) is None
    steps.put(steps.planned(ankle.plan, None, "left EDC"))
    found = steps.get(ankle.id)
    assert (found.channel, found.position, found.added) == ("left EDC", ankle.position, False)
    assert channel_of("left AH", CHANNELS, found.channel) == 1
    assert steps.planned(ankle.plan, None) == found
