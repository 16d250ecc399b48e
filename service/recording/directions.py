"""What was done beside the samples of a recording, by the block before which it was done.

A replayed device gives blocks and edges alone. Who was asked to do what, and which pulse an edge
belongs to, comes from here, at the same place between two blocks as then.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from drivers.types import SampleBlock, Stimulus, Trigger
from service.model import Json

from .reader import BlockReceived, EpochOpened, Header, SettingChanged, read_recording

Direction = SettingChanged | Stimulus
Place = tuple[int, str, int]  # epoch as a worker counts them, stream, index


class Directions:
    """Of one device of a recording (the first, unless named): read once, asked block by block.

    study: what the recorded study said of itself, empty if its header was damaged. Stimuli carry
    the edge that was seen for them (`seen`); those without one are left out. Raises RecordingError.
    """

    def __init__(self, path: Path, device: str = "") -> None:
        self.device = device
        self.study: dict[str, Json] = {}
        self._before: dict[Place, list[Direction]] = {}
        self._edges: dict[str, Trigger] = {}
        self._epochs: list[int] = []
        self._read(path)

    def before(self, block: SampleBlock) -> tuple[Direction, ...]:
        """What was done just before this block of the replay, in order."""
        place = (block.epoch, block.stream, block.start_index)
        told: list[Direction] = []
        for one in self._before.get(place, ()):
            if not isinstance(one, Stimulus):
                told.append(one)
            elif one.id in self._edges:
                told.append(replace(one, seen=self._edges[one.id]))
        return tuple(told)

    def _read(self, path: Path) -> None:
        waiting: list[Direction] = []
        opened = False
        with read_recording(path) as recording:
            for event in recording.events():
                match event:
                    case Header():
                        self.study = dict(event.study)
                    case EpochOpened(device, _):
                        self.device = self.device or device
                        if not opened and device == self.device:
                            # there was nothing yet that could have followed them
                            opened, waiting = True, []
                    case BlockReceived(device, block) if device == self.device:
                        if waiting:
                            place = (self._epoch(block.epoch), block.stream, block.start_index)
                            self._before[place] = waiting
                            waiting = []
                        self._epoch(block.epoch)
                    case Stimulus(seen=None):
                        # told again without a time: it was withdrawn
                        waiting = [one for one in waiting if not _is(one, event.id)]
                        waiting += [event] if event.sent_s is not None else []
                    case Stimulus(seen=edge) if edge is not None:
                        number = self._epoch(edge.epoch)
                        self._edges[event.id] = replace(edge, epoch=number)
                    case SettingChanged():
                        waiting.append(event)

    def _epoch(self, recorded: int) -> int:
        """Its number in a replay: epochs that brought samples, from 1 on."""
        if recorded not in self._epochs:
            self._epochs.append(recorded)
        return self._epochs.index(recorded) + 1


def _is(one: Direction, stimulus_id: str) -> bool:
    return isinstance(one, Stimulus) and one.id == stimulus_id
