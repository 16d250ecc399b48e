"""What waits for a slow parent: a minute of samples, every epoch and report."""

import threading

import numpy as np

from drivers.outbox import Outbox
from drivers.types import LinkState, SampleBlock, WorkerReport


def block(start):
    """Ten samples."""
    return SampleBlock("emg", 0, start, np.zeros((1, 10), np.int32), 0.0)


def test_the_oldest_samples_go_first_and_reports_stay():
    """A parent that stalls for longer sees a jump of the index, and still every report."""
    outbox = Outbox(seconds=3.0)
    outbox.put(WorkerReport(LinkState.LIVE))
    for start in range(0, 60, 10):
        outbox.put(block(start), 1.0)
    outbox.close()
    kept = []
    while (message := outbox.take()) is not None:
        kept.append(message)
    assert isinstance(kept[0], WorkerReport)
    assert [b.start_index for b in kept[1:]] == [30, 40, 50]
    assert outbox.dropped_blocks == 3


def test_taking_waits_for_a_message_and_ends_with_the_outbox():
    """None only after close."""
    outbox = Outbox()
    taken = []
    thread = threading.Thread(target=lambda: taken.extend([outbox.take(), outbox.take()]))
    thread.start()
    outbox.put(block(5), 0.1)
    outbox.close()
    thread.join(5)
    assert taken[0].start_index == 5
    assert taken[1] is None


def test_what_can_be_sent_at_once_is_never_queued_and_never_overtakes():
    """Sent at once while the way is free; behind what waits or is on its way, in order."""
    sent, free = [], [True]

    def send_now(message):
        if free[0]:
            sent.append(message.start_index)
        return free[0]

    outbox = Outbox(send_now=send_now)
    outbox.put(block(0))
    free[0] = False
    outbox.put(block(10))
    free[0] = True
    outbox.put(block(20))
    sent += [outbox.take().start_index for _ in range(2)]
    outbox.put(block(30))
    assert sent == [0, 10, 20]
    sent.append(outbox.take().start_index)
    outbox.close()
    assert outbox.take() is None
    outbox.put(block(40))
    assert sent == [0, 10, 20, 30, 40]
