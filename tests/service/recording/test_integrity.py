"""A record that was changed, cut short or is of another kind says so, and gives all the rest."""

from __future__ import annotations

import random

import pytest

from service.recording import layout
from service.recording.layout import PROLOGUE, RecordingError
from service.recording.reader import BlockReceived, read_recording
from service.recording.structure import Chunk, walk
from service.recording.verify import verify

from . import making


@pytest.fixture
def recorded(tmp_path):
    """A closed recording of 12 blocks, each in a chunk of its own: (path, bytes, blocks)."""
    path = tmp_path / "whole.mcap"
    blocks = [making.block(i * 20, 20) for i in range(12)]
    making.write_in_chunks(path, blocks)
    return path, path.read_bytes(), blocks


def test_a_change_of_any_single_byte_is_found(recorded, tmp_path):
    """Every byte of a small file is changed once: not whole, and damaged says where."""
    _, data, _ = recorded
    rng = random.Random(2)
    path = tmp_path / "changed.mcap"
    for at in range(len(data)):
        if at > 600 and at < len(data) - 600 and rng.random() > 0.15:
            continue  # inside of chunks: a seeded sample
        changed = bytearray(data)
        changed[at] ^= rng.randrange(1, 256)
        path.write_bytes(changed)
        report = verify(path)
        assert not report.whole, at
        assert any(d.first_byte <= at < d.end_byte for d in report.damaged), (at, report)


def test_a_damaged_chunk_costs_its_own_samples_only(recorded, tmp_path):
    """Reading goes on behind it, and the hole is named by sample range."""
    _, data, blocks = recorded
    chunks = [p for p in walk(memoryview(data)) if isinstance(p, Chunk)]
    middle = next(c for c in chunks if bytes(c.parts[-1].payload) == layout.encode_block(blocks[5]))
    path = tmp_path / "changed.mcap"
    for at in (middle.first_byte + 3, middle.end_byte - 7):  # its length; its samples
        changed = bytearray(data)
        changed[at] ^= 0x10
        path.write_bytes(changed)
        report = verify(path)
        (damage,) = report.damaged
        (hole,) = damage.missing
        assert (hole.first_index, hole.end_index) == (100, 120)
        assert (report.samples, report.gaps, report.lost) == (220, 0, 0)
        assert len(making.read_blocks(path)) == 11


def test_a_missing_chunk_is_found_although_all_checksums_fit(recorded, tmp_path):
    """Messages are numbered: cutting a whole chunk out of an unclosed file shows."""
    _, data, _ = recorded
    chunks = [p for p in walk(memoryview(data)) if isinstance(p, Chunk)]
    path = tmp_path / "cut-out.mcap"
    path.write_bytes(data[: chunks[4].first_byte] + data[chunks[5].first_byte : chunks[9].end_byte])
    report = verify(path)
    assert [d.reason for d in report.damaged] == ["messages are missing here"]


def test_a_cut_at_any_byte_loses_nothing_before_it(recorded, tmp_path):
    """Every length from 0 to the last byte: cut, not damaged; all whole chunks before are read."""
    _, data, blocks = recorded
    chunks = [p for p in walk(memoryview(data)) if isinstance(p, Chunk)]
    ends = [
        next(c.end_byte for c in chunks if bytes(c.parts[-1].payload) == layout.encode_block(b))
        for b in blocks
    ]
    path = tmp_path / "cut.mcap"
    for length in range(0, len(data), 7 if len(data) > 4000 else 1):
        path.write_bytes(data[:length])
        report = verify(path)
        assert (report.whole, report.damaged) == (False, ()), length
        expected = [b for b, end in zip(blocks, ends, strict=True) if end <= length]
        back = making.read_blocks(path)
        assert len(back) == len(expected), length
        assert all(making.same(a, b) for a, b in zip(back, expected, strict=True))
        if length <= chunks[-1].end_byte:
            whole_to = max([c.end_byte for c in chunks if c.end_byte <= length], default=0)
            first = len(PROLOGUE) if length >= len(PROLOGUE) else 0
            assert report.cut_bytes == length - max(whole_to, first)


def test_a_tail_of_zeros_after_a_power_cut_is_cut_not_damaged(recorded, tmp_path):
    """A file system may give back an allocated, never written end."""
    _, data, _ = recorded
    chunks = [p for p in walk(memoryview(data)) if isinstance(p, Chunk)]
    path = tmp_path / "zeros.mcap"
    path.write_bytes(data[: chunks[6].end_byte] + bytes(777))
    report = verify(path)
    assert (report.whole, report.damaged, report.cut_bytes) == (False, (), 777)


def test_bytes_after_the_end_are_damage(recorded, tmp_path):
    """Nothing may follow a closed record."""
    _, data, _ = recorded
    path = tmp_path / "more.mcap"
    path.write_bytes(data + b"x")
    assert verify(path).damaged


def test_a_newer_schema_is_refused_in_a_sentence(tmp_path, monkeypatch):
    """Both one version and a hundred ahead; verify and read alike."""
    for version in (2, 102):
        path = tmp_path / f"{version}.mcap"
        with monkeypatch.context() as patch:
            prologue = layout.prologue(f"myotome/{version}")
            patch.setattr("service.recording.chunks.PROLOGUE", prologue)
            patch.setattr("service.recording.recorder.SCHEMA_VERSION", version)
            making.write(path, [making.block(0)])
        for opened in (verify, read_recording):
            with pytest.raises(RecordingError, match=f"newer Myotome.*schema {version}.*update"):
                opened(path)


def test_a_changed_digit_of_the_version_is_damage_not_a_newer_schema(recorded, tmp_path):
    """The version stands twice, once under a CRC."""
    _, data, _ = recorded
    at = data.index(b"myotome/1") + len(b"myotome/")
    path = tmp_path / "digit.mcap"
    path.write_bytes(data[:at] + b"9" + data[at + 1 :])
    assert verify(path).damaged[0].first_byte == 0


@pytest.mark.parametrize(
    "content", [b"0       patient", b"\x00" * 4096, b"\x89MCAP0\r\n" + b"x" * 99]
)
def test_another_kind_of_file_is_refused(tmp_path, content):
    """Not a record: one sentence that names the file."""
    path = tmp_path / "other.edf"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"other\.edf is not a Myotome recording"):
        verify(path)


def test_a_missing_file_is_refused(tmp_path):
    """No traceback for a wrong name."""
    with pytest.raises(RecordingError, match="cannot be opened"):
        read_recording(tmp_path / "none.mcap")


def test_losing_the_first_chunk_of_a_closed_file_keeps_the_samples(recorded, tmp_path):
    """Channels are repeated in the summary, so blocks are still decoded."""
    _, data, blocks = recorded
    first = next(p for p in walk(memoryview(data)) if isinstance(p, Chunk))
    changed = bytearray(data)
    changed[first.end_byte - 1] ^= 1
    path = tmp_path / "first.mcap"
    path.write_bytes(changed)
    with read_recording(path) as recording:
        back = [e.block for e in recording.events() if isinstance(e, BlockReceived)]
    assert len(back) >= len(blocks) - 1
