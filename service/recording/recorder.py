"""The record of truth: every block, gap, epoch, trigger, stimulus and setting, from the first on.

The caller only queues; one thread writes. Five times a second it closes an MCAP chunk (its CRC) and
syncs it, so that a killed process loses at most what came since. A disk that fails changes the
state, not the caller: samples wait in memory for a bounded time and recording resumes by itself.
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from drivers.types import Epoch, LinkState, SampleBlock, Stimulus, StreamInfo, Trigger
from service.model import Json

from .disk import DurableFile
from .layout import SCHEMA_VERSION, Topic
from .messages import Gap, epoch_to_json, gap_to_json, stimulus_to_json, trigger_to_json
from .sink import RecordSink
from .spool import BlockEntry, Entry, EventEntry, Spool

FLUSH_S = 0.2  # promised: on disk within 0.25 s
SPOOL_S = 60.0
_SLICE = 4096
_CLOSE_S = 4.0
_ANSWER_S = 1.0


@dataclass(frozen=True, slots=True)
class RecordingStatus:
    """State of the record: `off` once closed whole. seconds: since it was opened. bytes: on disk.
    lost_samples: received but never written. sentence: why failed, or what was lost; else empty."""

    state: Literal["recording", "failed", "off"]
    seconds: float
    bytes: int
    sentence: str
    lost_samples: int = 0


class Recorder:
    """Writes one recording. Every method but `flush` and `close` returns at once and never raises.

    header: what the study says of itself (patient id, montage, software settings); JSON.
    Raises RecordingError if the file exists already or its folder cannot be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        header: Mapping[str, Json],
        now: Callable[[], float] = time.monotonic,
        utc_now: Callable[[], datetime] = lambda: datetime.now(UTC),
        spool_s: float = SPOOL_S,
    ) -> None:
        self.path = path
        self._now = now
        self._file = DurableFile(path)
        opened_utc, self._opened_s = utc_now(), now()
        zero_ns = round(opened_utc.timestamp() * 1e9) - round(self._opened_s * 1e9)
        self._sink = RecordSink(self._file, zero_ns)
        self._lock = threading.Condition()
        self._spool = Spool(spool_s)
        self._streams: dict[tuple[str, int, str], StreamInfo] = {}
        self._asked = self._answered = 0
        self._closing = False
        self._failure = self._refused = ""
        self._disk_busy_since_s: float | None = None
        self._ended_s: float | None = None
        self._event("header", self._opened_s, _header(header, opened_utc, self._opened_s))
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def epoch(self, device: str, epoch: Epoch) -> None:
        """A device opened an epoch; told before its first block."""
        with self._lock:
            for info in epoch.info.streams:
                self._streams[device, epoch.number, info.name] = info
        self._event("epoch", epoch.opened_monotonic_s, epoch_to_json(device, epoch))

    def block(self, device: str, block: SampleBlock) -> None:
        """Samples, exactly as the driver gave them. The block must not be changed afterwards."""
        with self._lock:
            info = self._streams.get((device, block.epoch, block.stream))
            if info is None or self._closing:
                self._spool.lost_samples += block.data.shape[-1]
                if not self._closing:
                    self._refused = f"samples of {device} {block.stream} came before their epoch"
                return
            self._spool.block(BlockEntry(device, info, block))
            if self._spool.longest_s > 2 * FLUSH_S:
                self._lock.notify_all()

    def gap(
        self, device: str, stream: str, *, epoch: int, first_missing: int, count: int, at_s: float
    ) -> None:
        """Samples that the device never delivered."""
        gap = Gap(device, stream, epoch, first_missing, count, "device", at_s)
        self._event("gap", at_s, gap_to_json(gap))

    def trigger(self, device: str, trigger: Trigger, at_s: float | None = None) -> None:
        """An edge that the pipeline announced (the block holds it too, as delivered)."""
        at_s = self._now() if at_s is None else at_s
        self._event("trigger", at_s, {"device": device, "at_s": at_s, **trigger_to_json(trigger)})

    def stimulus(self, stimulus: Stimulus) -> None:
        """A stimulus at each change: requested, sent, seen."""
        at_s = stimulus.requested_s if stimulus.sent_s is None else stimulus.sent_s
        self._event("stimulus", at_s, stimulus_to_json(stimulus))

    def setting(self, key: str, value: Json, at_s: float) -> None:
        """Something that changes what later samples mean: task, temperature, exclusion, dial."""
        self._event("setting", at_s, {"key": key, "value": value, "at_s": at_s})

    def state(self, device: str, state: LinkState, sentence: str, at_s: float) -> None:
        """A device's link changed state."""
        told: dict[str, Json] = {"device": device, "state": state.value, "sentence": sentence}
        self._event("state", at_s, {**told, "at_s": at_s})

    @property
    def status(self) -> RecordingStatus:
        """What is true now; cheap."""
        with self._lock:
            lost, dropping = self._spool.lost_samples, self._spool.dropping
            seconds = (self._now() if self._ended_s is None else self._ended_s) - self._opened_s
            sentence = self._failure or self._refused
            if dropping and not sentence:
                sentence = "the disk is too slow: the newest samples are being lost"
            busy_s = self._now() - (self._disk_busy_since_s or self._now())
            if busy_s > _ANSWER_S and not sentence:
                sentence = f"the disk has not answered for {busy_s:.0f} s"
            failed = bool(sentence)
            off = self._ended_s is not None
        if lost and not sentence:
            sentence = f"recording goes on, but {lost} samples were lost while the disk failed"
        state: Literal["recording", "failed", "off"]
        state = "failed" if failed else "off" if off else "recording"
        return RecordingStatus(state, seconds, self._file.synced_bytes, sentence, lost)

    @property
    def behind_s(self) -> float:
        """Seconds of samples that wait for the disk; who can wait does so above some seconds."""
        with self._lock:
            return self._spool.longest_s

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until all told so far is on the disk; False if that did not happen in time."""
        with self._lock:
            self._asked += 1
            mine = self._asked
            self._lock.notify_all()
            return self._lock.wait_for(lambda: self._answered >= mine, timeout_s)

    def close(self) -> RecordingStatus:
        """Write what waits and the footer, close the file, and say how it ended; idempotent.

        A disk that still fails is given 4 s; the file then ends early and still opens.
        """
        with self._lock:
            self._closing = True
            self._lock.notify_all()
        self._thread.join(_CLOSE_S)
        with self._lock:
            if self._thread.is_alive():
                self._failure = f"the disk did not answer: {self.path.name} ends early"
            if self._ended_s is None:
                self._ended_s = self._now()
        return self.status

    def _event(self, topic: Topic, at_s: float, value: dict[str, Json]) -> None:
        with self._lock:
            if not self._closing:
                self._spool.event(EventEntry(topic, at_s, value))

    def _run(self) -> None:
        """The writer thread. Whatever goes wrong in it is said by `status`."""
        try:
            self._write_until_closed()
            if not self._file.pending_bytes:
                self._sink.finish()
                self._commit()
        except Exception as error:
            with self._lock:
                self._failure = f"the recorder of {self.path.name} has stopped: {error!r}"
        finally:
            self._file.close()

    def _write_until_closed(self) -> None:
        """One slice at a time, until closed and empty, or closed and the disk refuses too long."""
        give_up_s = float("inf")
        while True:
            with self._lock:
                self._lock.wait_for(self._is_hurried, FLUSH_S)
                asked = self._asked
                if self._closing:
                    give_up_s = min(give_up_s, time.monotonic() + _CLOSE_S - 1.0)
            if not self._store():
                if time.monotonic() > give_up_s:
                    return
                time.sleep(FLUSH_S)  # a failing disk is asked again at the usual pace
                continue
            with self._lock:
                if self._closing:
                    self._spool.settle()
                if len(self._spool) == 0:
                    self._answered = asked
                    self._lock.notify_all()
                    if self._closing:
                        return

    def _is_hurried(self) -> bool:
        waiting = self._spool.longest_s > 2 * FLUSH_S
        return self._closing or self._asked > self._answered or waiting

    def _store(self) -> bool:
        """Write one slice; False when the disk refused. Nothing new is taken until it accepts."""
        if self._file.pending_bytes and not self._commit():
            return False
        with self._lock:
            entries = self._spool.take(_SLICE)
        for entry in entries:
            self._put(entry)
        self._sink.close_chunk()
        return self._commit()

    def _put(self, entry: Entry) -> None:
        try:
            if isinstance(entry, BlockEntry):
                self._sink.block(entry.device, entry.info, entry.block)
            else:
                self._sink.json(entry.topic, entry.at_s, entry.value)
        except (TypeError, ValueError) as error:
            # One message that cannot be written must not end the record of all others.
            with self._lock:
                self._refused = f"one message could not be recorded: {error}"
                if isinstance(entry, BlockEntry):
                    self._spool.lost_samples += entry.block.data.shape[-1]

    def _commit(self) -> bool:
        with self._lock:
            self._disk_busy_since_s = self._now()
        failure = ""
        try:
            self._file.commit()
        except OSError as error:
            failure = _sentence(error, self.path)
        with self._lock:
            self._failure = failure
            self._disk_busy_since_s = None
        return not failure


def _header(study: Mapping[str, Json], opened_utc: datetime, opened_s: float) -> dict[str, Json]:
    try:
        software = version("myotome")
    except PackageNotFoundError:  # run from a checkout that was never installed
        software = "unknown"
    return {
        "schema_version": SCHEMA_VERSION,
        "software_version": software,
        "opened_utc": opened_utc.isoformat(),
        "opened_monotonic_s": opened_s,
        "study": dict(study),
    }


def _sentence(error: OSError, path: Path) -> str:
    reasons = {
        errno.ENOSPC: "the disk is full: free some space",
        errno.EDQUOT: "the disk quota is used up: free some space",
        errno.EFBIG: "the file has reached the largest size allowed here: start a new recording",
        errno.EROFS: "the disk has become read-only: check it",
    }
    reason = reasons.get(error.errno or 0, f"the disk reports '{error.strerror}': check it")
    return f"not recording to {path.name}: {reason}; samples are kept in memory for {SPOOL_S:.0f} s"
