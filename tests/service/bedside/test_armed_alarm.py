"""What is said aloud of the stimulator: each arming once, however many pulses follow."""

from __future__ import annotations

from service.bedside.stimulation import Record
from tests.service.api.quiet import quiet_session


def test_arming_is_said_once_and_not_after_every_pulse_of_a_train() -> None:
    """A screen reader would otherwise speak at each of 24 pulses, and the last words stay."""
    session = quiet_session()
    said: list[tuple[str, str]] = []
    session.alarm = lambda level, sentence: said.append((level, sentence))
    session._stimulated(Record("arm", "arm", "armed by KT for F-waves: 0 of 24 pulses", "1", 0.0))
    for sent in range(24):
        words = f"armed by KT for F-waves: {sent + 1} of 24 pulses"
        session._stimulated(Record("pulse", "fire", "38 mA", "1", 2.0 * sent))
        session._stimulated(Record("firing", "state", words, "KT", 2.0 * sent))
        session._stimulated(Record("armed", "state", words, "KT", 2.0 * sent))
    assert said == [("armed", "armed by KT for F-waves: 0 of 24 pulses")]


def test_what_was_refused_is_said_with_its_reason() -> None:
    """No key does nothing without saying why."""
    session = quiet_session()
    said: list[tuple[str, str]] = []
    session.alarm = lambda level, sentence: said.append((level, sentence))
    session._stimulated(Record("fire refused", "too_soon", "too soon after the last", "1", 0.0))
    assert said == [("note", "fire refused: too soon after the last")]
