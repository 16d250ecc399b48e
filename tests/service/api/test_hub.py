"""Queues per viewer: newest wins for traces, nothing else is dropped, nobody waits for anybody."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from service.api.hub import BACKLOG, RELIABLE_MESSAGES, STALLED_S, Hub, Viewer
from service.api.wire import Header, Kind, Parcel, binary_parcel
from tests.service.api.fake_wire import FakeWire

SAMPLES = 320


def frame(number: int, view: int = 1) -> Parcel:
    """The n-th frame of a view: 10 columns of 32 samples."""
    header = Header(Kind.MINMAX, view, 1, number * SAMPLES, 10, 1, 32, float(number))
    return binary_parcel(header, np.full((1, 20), number, np.float32))


def watching(hub: Hub, name: str, room: int = 1_000_000) -> tuple[Viewer, FakeWire]:
    """A viewer of view 1, its greeting forgotten."""
    wire = FakeWire(room)
    viewer = Viewer(name, wire)
    hub.join(viewer)
    hub.watch(viewer, 1)
    wire.sent.clear()
    return viewer, wire


def make_hub(now=lambda: 0.0, left=lambda _: None) -> Hub:
    """A hub with a clock that stands still."""
    return Hub(now, left)


def test_a_frame_is_the_same_object_for_all_who_keep_up() -> None:
    """Nothing is encoded again for a second viewer."""
    hub = make_hub()
    wires = [watching(hub, str(i))[1] for i in range(3)]
    for wire in wires:
        wire.sent.clear()
    parcel = frame(0)
    hub.frame(1, parcel, SAMPLES)
    assert all(wire.sent == [parcel] for wire in wires)


def test_a_stalled_viewer_gets_the_newest_and_is_told_what_it_missed() -> None:
    """After 100 frames without room: the last ones, the first of them with the exact count."""
    hub = make_hub()
    viewer, wire = watching(hub, "slow")
    wire.room = 0
    for number in range(100):
        hub.frame(1, frame(number), SAMPLES)
    assert wire.sent == []
    wire.room = 1_000
    viewer.drain()
    headers = wire.headers
    assert [h.first_index // SAMPLES for h in headers] == list(range(100 - BACKLOG, 100))
    assert headers[0].dropped_before == (100 - BACKLOG) * SAMPLES
    assert all(h.dropped_before == 0 for h in headers[1:])
    assert viewer.dropped_samples == (100 - BACKLOG) * SAMPLES


def test_one_stalled_viewer_changes_nothing_for_the_others() -> None:
    """The other's frames all arrive, in order, none marked."""
    hub = make_hub()
    _, stalled = watching(hub, "stalled")
    _, good = watching(hub, "good")
    stalled.room = 0
    good.sent.clear()
    for number in range(50):
        hub.frame(1, frame(number), SAMPLES)
    assert [h.first_index // SAMPLES for h in good.headers] == list(range(50))
    assert {h.dropped_before for h in good.headers} == {0}


def test_text_waits_in_order_and_goes_before_traces() -> None:
    """What may not be dropped is kept, numbered without a hole, and sent first."""
    hub = make_hub()
    viewer, wire = watching(hub, "slow")
    wire.room = 0
    hub.frame(1, frame(0), SAMPLES)
    for i in range(20):
        hub.tell({"type": "state", "i": i})
    wire.room = 1_000
    viewer.drain()
    assert [t["i"] for t in wire.texts] == list(range(20))
    seqs = [t["seq"] for t in wire.texts]
    assert seqs == list(range(seqs[0], seqs[0] + 20))
    assert [parcel.text for parcel in wire.sent] == [True] * 20 + [False]


def test_overflow_of_text_closes_with_1013() -> None:
    """A viewer whose messages pile up is let go, not fed holes."""
    hub = make_hub()
    _, wire = watching(hub, "slow")
    wire.room = 0
    for _ in range(RELIABLE_MESSAGES + 2):
        hub.tell({"type": "state"})
    assert wire.closed == [1013]


def test_stalled_for_ten_seconds_is_cut_off_and_left() -> None:
    """Nothing taken for more than 10 s: aborted, and the session is told."""
    clock, gone = [0.0], []
    hub = make_hub(lambda: clock[0], gone.append)
    viewer, wire = watching(hub, "dead")
    _, good = watching(hub, "good")
    wire.room = 0
    for clock[0] in np.arange(0.0, STALLED_S + 0.5, 0.5):
        hub.check()
    assert not wire.aborted
    clock[0] += 0.5
    hub.check()
    assert wire.aborted
    assert not good.aborted
    assert gone == [viewer]


def test_recovering_in_time_starts_the_ten_seconds_again() -> None:
    """Slow is not dead."""
    clock = [0.0]
    hub = make_hub(lambda: clock[0])
    _, wire = watching(hub, "slow")
    for clock[0] in np.arange(0.0, 60.0, 4.0):
        wire.room = 0 if clock[0] % 8 else 1_000
        hub.check()
    assert not wire.aborted


def test_samples_lost_before_the_hub_count_as_dropped() -> None:
    """A slow event loop shows as `dropped_before`, never as a gap in the signal."""
    hub = make_hub()
    _, wire = watching(hub, "a")
    hub.skip(1, 960)
    hub.frame(1, frame(3), SAMPLES)
    assert wire.headers[-1].dropped_before == 960


def test_unwatch_ends_the_frames_of_that_view_only() -> None:
    """Views are apart."""
    hub = make_hub()
    viewer, wire = watching(hub, "a")
    hub.watch(viewer, 2)
    assert hub.unwatch(viewer, 1)
    hub.frame(1, frame(0, 1), SAMPLES)
    hub.frame(2, frame(0, 2), SAMPLES)
    assert [h.view for h in wire.headers] == [2]
    assert not hub.watched(1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(0, 4)), max_size=120))
def test_received_and_dropped_account_for_every_sample(script: list[int | None]) -> None:
    """However a viewer stalls and resumes: indices rise, and each jump is exactly what is said."""
    hub = make_hub()
    viewer, wire = watching(hub, "a")
    wire.room, number = 2, 0
    for step in script:
        if step is None:
            hub.frame(1, frame(number), SAMPLES)
            number += 1
        else:
            wire.room = step
            viewer.drain()
    wire.room = 10_000
    viewer.drain()
    hub.frame(1, frame(number), SAMPLES)
    expected = 0
    for header in wire.headers:
        assert header.first_index == expected + header.dropped_before
        expected = header.first_index + header.count * header.decimation
    assert expected == (number + 1) * SAMPLES
