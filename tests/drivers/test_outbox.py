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
