"""64 channels at 20 kHz through the service's own path in one process: share of one core.

No driver has so many channels yet, so blocks of 10 ms are made here and pickled and unpickled as
between the processes; then record, ring, µV, one view of all channels and its frames' encoding.
Not in it: a wire to decode, the socket of a viewer, the assessment (a montage has 8 muscles).
"""

from __future__ import annotations

import pickle
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.recording import BLOCK, RATE_HZ, blocks, epoch
from service.acquisition.pipeline import Pipeline
from service.acquisition.types import LiveFrame
from service.api.wire import Header, Kind, binary_parcel
from service.recording.recorder import FLUSH_S, Recorder

BUDGET = 0.5


class Outlets:
    """The record and the encoder; nothing else is asked for."""

    def __init__(self, recorder: Recorder) -> None:
        self.epoch, self.block = recorder.epoch, recorder.block
        self.sent_bytes = 0

    def frame(self, frame: LiveFrame) -> None:
        """Encode it as for a viewer."""
        header = Header(
            Kind(frame.kind), frame.view, frame.epoch, frame.first_index, frame.count,
            frame.data.shape[0], frame.decimation, frame.server_s,
        )  # fmt: skip
        self.sent_bytes += len(binary_parcel(header, frame.data).frame)

    def signal(self, device: str, signal: object) -> None:
        """Nobody assesses it."""


def main() -> int:
    """Print the share; 1 if the budget is missed."""
    made = blocks()
    seconds = len(made) * BLOCK / RATE_HZ
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder) / "record.mcap", header={})
        outlets = Outlets(recorder)
        pipeline = Pipeline("device", outlets=outlets)
        pipeline.open(epoch())
        labels = tuple(channel.label for channel in epoch().info.streams[0].channels)
        pipeline.subscribe("main", labels, "surface", 500.0)
        begun_s = time.process_time()
        for n, block in enumerate(made):
            pipeline.accept(pickle.loads(pickle.dumps(block)))  # noqa: S301 - our own bytes
            if n % round(FLUSH_S * RATE_HZ / BLOCK) == 0:
                recorder.flush()
        share = (time.process_time() - begun_s) / seconds
        assert recorder.close().lost_samples == 0
    print(f"64 ch x 20 kHz: {100 * share:.1f} % of a core, budget {100 * BUDGET:.0f} %")
    print(f"    {outlets.sent_bytes / seconds / 1e3:.0f} kB/s to each viewer")
    return int(share > BUDGET)


if __name__ == "__main__":
    sys.exit(main())
