"""The decoder on a hard line: split, lost, corrupted, wrapped, late, restarted."""

import random
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.config import load_config
from drivers.errors import DeviceLost
from drivers.hackeeg.protocol import HackEEGProtocol
from drivers.types import LossCount

from .wire import HEADER, frames, stamps, vectors

CONFIG = load_config("hackeeg-ncs-16k")
PERIOD_US = 62.5
SETTLE = 600  # frames until the decoder knows the board's period


@dataclass
class Heard:
    """Everything a decoder gave, joined; refuses blocks that overlap."""

    samples: dict[int, int] = field(default_factory=dict)
    runs: list[tuple[int, int]] = field(default_factory=list)
    triggers: list = field(default_factory=list)
    rejected: int = 0
    protocol: HackEEGProtocol = field(default_factory=lambda: HackEEGProtocol(CONFIG))

    def feed(self, data: bytes, at_s: float = 0.0, chunk: int = 7040) -> "Heard":
        """Give bytes to the decoder in chunks."""
        for start in range(0, len(data), chunk):
            for block in self.protocol.feed(data[start : start + chunk], at_s):
                indices = range(block.start_index, block.end_index)
                assert not self.runs or block.start_index >= self.runs[-1][1]
                if self.runs and block.start_index == self.runs[-1][1]:
                    self.runs[-1] = (self.runs[-1][0], block.end_index)
                else:
                    self.runs.append((block.start_index, block.end_index))
                self.samples.update(zip(indices, block.data[0].tolist(), strict=True))
                self.triggers += block.triggers
                self.rejected += block.rejected
        return self

    @property
    def wrong(self) -> list[int]:
        """Indices whose sample is another conversion's."""
        return [i for i, value in self.samples.items() if value != i % 2**23]


def clean(count, *, first=0, period_us=PERIOD_US, **kwargs) -> np.ndarray:
    """Frames of a board without jitter, `first` the first conversion."""
    at = np.arange(first, first + count)
    return frames(at, at, stamps(at, period_us), **kwargs)


def stream(rows) -> bytes:
    """The bytes of frames, and the header that shows the last one to be whole."""
    return rows.tobytes() + HEADER


def test_literal_frames_come_out_in_order_with_their_trigger():
    """Three documented frames make a lock; GPIO1 high in the second is one edge each way."""
    v = vectors()
    heard = Heard().feed(v["first"] + v["gpio1_high"] + v["lead_off"] + HEADER)
    assert heard.runs == [(0, 3)]
    assert [(t.sample_index, t.edge, t.line) for t in heard.triggers] == [
        (0.5, "rise", "stimulator"),
        (1.5, "fall", "stimulator"),
    ]
    assert heard.triggers[0].uncertainty_s == pytest.approx(0.5 / 16000)


def test_two_frames_are_not_enough_to_lock():
    """Nothing is believed before three frames agree."""
    assert Heard().feed(clean(2).tobytes() + HEADER).samples == {}
    assert len(Heard().feed(clean(3).tobytes() + HEADER).samples) == 3


@given(cuts=st.lists(st.integers(1, 4000), min_size=1, max_size=60), seed=st.integers(0, 99))
@settings(max_examples=5, deadline=None)
def test_any_split_of_the_bytes_gives_the_same_samples(cuts, seed):
    """Whole, byte by byte and at random places: the same samples, gaps, rejections and triggers."""
    data = damaged(random.Random(seed), 120, settle=300).data
    whole, by_byte, by_cut = Heard().feed(data, chunk=len(data)), Heard(), Heard()
    by_byte.feed(data, chunk=1)
    position = 0
    for cut in cuts * (1 + len(data) // sum(cuts)):
        by_cut.feed(data[position : position + cut], chunk=cut)
        position += cut
    for other in (by_byte, by_cut):
        assert other.samples == whole.samples
        assert other.rejected == whole.rejected
        assert other.triggers == whole.triggers
        assert other.protocol.counts == whole.protocol.counts


@dataclass
class Line:
    """What a hard line did to frames, and the bytes that were left."""

    conversions: int
    skipped: int
    dropped: int
    corrupted: int
    data: bytes


def damaged(rng, count, *, ppm=0.0, skip=True, drop=True, corrupt=True, settle=SETTLE) -> Line:
    """Frames of a board with 20 % jitter; some conversions skipped by the firmware, frames lost or
    corrupted on the wire. It begins and ends whole."""
    period_us = PERIOD_US * (1 + ppm * 1e-6)
    conversions, fates = [], []
    at = 0
    for n in range(settle + count + 8):
        fate = "good"
        if settle <= n < settle + count:
            # a stamp that is off by as much as a skip beside it cannot be told from that skip
            if skip and fates[-1] != "corrupt" and rng.random() < 0.02:
                at += rng.choice((1, 2, 5, 40, 300))
                fate = "after skip"
            elif drop and rng.random() < 0.04:
                fate = "drop"
            elif corrupt and rng.random() < 0.05:
                fate = "corrupt"
        conversions.append(at)
        fates.append(fate)
        at += 1
    jitter = [rng.uniform(-0.2, 0.2) for _ in conversions]
    block = frames(
        conversions, range(len(conversions)), stamps(conversions, period_us, jitter=jitter)
    )
    pieces = []
    for row, fate in zip(block, fates, strict=True):
        if fate == "corrupt":
            # header, micros() by more than a period, number or status prefix: what can be seen
            bit = rng.choice([*range(72), *range(72 + 7, 72 + 64), *range(140, 144)])
            row[bit // 8] ^= 1 << bit % 8
        if fate != "drop":
            pieces.append(row.tobytes())
    return Line(
        conversions=conversions[-1] + 1,
        skipped=conversions[-1] + 1 - len(conversions),
        dropped=fates.count("drop"),
        corrupted=fates.count("corrupt"),
        data=b"".join(pieces) + HEADER,
    )


@pytest.mark.uncounted
@given(seed=st.integers(0, 2**32), ppm=st.sampled_from([0, 100, -100, 5000, -5000]))
@settings(max_examples=60, deadline=None)
def test_the_account_is_exact_whatever_was_lost_skipped_or_corrupted(seed, ppm):
    """received + lost + rejected = sent; never seen is lost, refused is rejected, none is wrong."""
    line = damaged(random.Random(seed), 500, ppm=ppm)
    heard = Heard().feed(line.data)
    counts = heard.protocol.counts
    assert heard.wrong == []
    assert counts.received + counts.lost + counts.rejected == line.conversions
    assert counts.lost == line.skipped + line.dropped
    assert counts.received == len(heard.samples)
    assert counts.rejected == heard.rejected >= line.corrupted


@given(seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_each_corrupted_frame_is_rejected_exactly_once(seed):
    """Without skipped conversions every intact frame is received, every corrupted one rejected."""
    line = damaged(random.Random(seed), 500, skip=False)
    counts = Heard().feed(line.data).protocol.counts
    assert counts == LossCount(
        line.conversions - line.dropped - line.corrupted, line.dropped, line.corrupted
    )


@pytest.mark.uncounted
@given(seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_bytes_lost_or_put_between_frames_cost_only_the_frames_they_hit(seed):
    """A cut rejects its frame, and the frame before it if it cut the header that confirms that one;
    garbage between frames costs at most the frame before it."""
    rng = random.Random(seed)
    rows = [row.tobytes() for row in clean(900)]
    cut = rng.sample(range(SETTLE, 880), 12)
    for n in cut:
        at = rng.randrange(44)
        rows[n] = rows[n][:at] + rows[n][at + 1 :]
    for n in rng.sample(range(SETTLE, 880), 12):
        rows[n] = rng.randbytes(rng.randrange(1, 20)) + rows[n]
    heard = Heard().feed(b"".join(rows) + HEADER)
    counts = heard.protocol.counts
    assert heard.wrong == []
    assert counts.received + counts.lost + counts.rejected == 900
    assert counts.received >= 900 - 2 * 12 - 12
    assert counts.lost == 0


def test_a_million_frames_of_garbage_give_no_sample():
    """Random bytes for as long as a million frames, before and after a lock."""
    rng = np.random.default_rng(7)
    heard, locked = Heard(), Heard().feed(clean(SETTLE).tobytes())
    for _ in range(22):
        noise = rng.bytes(2_000_000)
        heard.feed(noise, chunk=65_536)
        locked.feed(noise, chunk=65_536)
    assert heard.samples == {}
    assert len(locked.samples) == SETTLE - 1  # the last one was not followed by a header
    assert locked.protocol.framing.discarded_bytes > 43_900_000


@pytest.mark.uncounted
def test_garbage_behind_real_headers_gives_no_sample():
    """Right headers and status, everything else random."""
    rng = np.random.default_rng(8)
    noise = rng.integers(0, 256, (30_000, 44), np.uint8)
    noise[:, :9] = np.frombuffer(HEADER, np.uint8)
    noise[:, 17] = 0xC0
    assert Heard().feed(noise.tobytes()).samples == {}
    locked = Heard().feed(stream(clean(SETTLE))).feed(noise[:6000].tobytes())
    assert len(locked.samples) == SETTLE


def test_micros_wraps_every_71_minutes_without_a_trace():
    """Differences are exact across 2**32."""
    at = np.arange(2000)
    data = frames(at, at, stamps(at, PERIOD_US, start_us=2**32 - 60_000))
    heard = Heard().feed(stream(data))
    assert heard.runs == [(0, 2000)]


def test_the_sample_number_wraps_too():
    """After 74 hours at 16 kSPS."""
    at = np.arange(1000)
    heard = Heard().feed(stream(frames(at, at + 2**32 - 500, stamps(at, PERIOD_US))))
    assert heard.runs == [(0, 1000)]
    assert heard.protocol.counter_at_zero == 2**32 - 500


@pytest.mark.parametrize("minutes", [0.1, 10, 80, 300])
def test_an_outage_on_the_wire_is_counted_exactly_however_long(minutes):
    """Both counters moved on; after more than 71 minutes the host's clock tells the turns."""
    lost = round(minutes * 60 * 16000)
    heard = Heard().feed(clean(2000).tobytes(), 100.0)
    heard.feed(stream(clean(500, first=2000 + lost)), 100.0 + minutes * 60)
    assert heard.wrong == []
    assert heard.protocol.counts == LossCount(2500, lost, 0)


@pytest.mark.parametrize("ppm", [0, 100, -5000])
def test_a_stalled_firmware_of_three_seconds_is_counted_exactly(ppm):
    """The number goes on as if nothing were missing; only micros() shows the 48,000 conversions."""
    period_us = PERIOD_US * (1 + ppm * 1e-6)
    rng = np.random.default_rng(3)
    at = np.r_[np.arange(40_000), np.arange(88_000, 90_000)]
    jitter = rng.uniform(-0.2, 0.2, len(at))
    numbers = np.arange(len(at))
    data = frames(at, numbers, stamps(at, period_us, jitter=jitter))
    heard = Heard().feed(data[:40_000].tobytes(), 2.5).feed(stream(data[40_000:]), 5.6)
    assert heard.runs == [(0, 40_000), (88_000, 90_000)]
    assert heard.protocol.counts == LossCount(42_000, 48_000, 0)


def test_reads_that_time_out_in_a_stall_do_not_hide_its_length():
    """The last frame before the stall is accepted with the first after it: what the host's clock
    said while nothing came must not be taken for its arrival."""
    at = np.r_[np.arange(40_000), np.arange(80_000, 82_000)]
    data = frames(at, np.arange(len(at)), stamps(at, PERIOD_US))
    heard = Heard().feed(data[:40_000].tobytes(), 2.5)
    for step in range(24):
        assert heard.protocol.feed(b"", 2.6 + 0.1 * step) == []
    heard.feed(stream(data[40_000:]), 5.0)
    assert heard.runs == [(0, 40_000), (80_000, 82_000)]


@pytest.mark.parametrize("ppm", [-5000, -100, 0, 100, 5000])
def test_a_drifting_clock_never_makes_or_loses_a_sample(ppm):
    """Rounding must not add up: half a million samples, 20 % jitter, no gap invented."""
    rng = np.random.default_rng(5)
    heard = Heard()
    period_us = PERIOD_US * (1 + ppm * 1e-6)
    for first in range(0, 500_000, 20_000):
        at = np.arange(first, first + 20_000)
        micros = stamps(at, period_us, jitter=rng.uniform(-0.2, 0.2, len(at)))
        heard.protocol.feed(frames(at, at, micros).tobytes(), first * period_us * 1e-6)
    heard.protocol.feed(HEADER, 32.0)
    assert heard.protocol.counts == LossCount(500_000, 0, 0)


def test_a_loss_too_long_to_count_ends_the_run():
    """A million skipped conversions right after the start: no guess, a new epoch."""
    at = np.r_[np.arange(100), np.arange(1_000_000, 1_000_100)]
    data = frames(at, np.arange(200), stamps(at, PERIOD_US))
    heard = Heard().feed(data[:100].tobytes(), 0.0)
    with pytest.raises(DeviceLost, match="too many to count"):
        heard.feed(data[100:].tobytes(), 62.5, chunk=44 * 50)
    assert heard.runs == [(0, 100)]


def test_a_restarted_board_ends_the_run_after_the_samples_before_it():
    """Numbers and clock begin again: never spliced onto the old samples."""
    heard = Heard()
    with pytest.raises(DeviceLost, match="restarted"):
        heard.feed(clean(1000).tobytes() + clean(200).tobytes(), chunk=50_000)
    assert heard.runs == [(0, 1000)]
    with pytest.raises(DeviceLost, match="restarted"):
        heard.protocol.feed(b"", 0.0)


def test_a_repeated_frame_is_dropped():
    """Old numbers are not new samples."""
    rows = clean(700)
    data = rows[:650].tobytes() + rows[640:642].tobytes() + stream(rows[650:])
    heard = Heard().feed(data)
    assert heard.runs == [(0, 700)]
    assert heard.protocol.counts == LossCount(700, 0, 0)


def test_an_edge_inside_a_gap_is_as_uncertain_as_the_gap():
    """The line was low before the gap and high after it: nobody saw when it rose."""
    low, high = clean(700), clean(20, first=710, gpio=1)
    heard = Heard().feed(low.tobytes() + stream(high))
    (edge,) = heard.triggers
    assert edge.sample_index == pytest.approx(710 - 5.5)
    assert edge.uncertainty_s == pytest.approx(5.5 / 16000)


def test_a_one_millisecond_pulse_gives_one_rise_and_one_fall_across_any_split():
    """Edges lie half a sample before the first sample that shows them."""
    rows = clean(1000)
    rows[500:516, 19] |= 1
    for chunk in (1, 44, 443, 44_000):
        heard = Heard().feed(rows.tobytes(), chunk=chunk)
        assert [(t.sample_index, t.edge) for t in heard.triggers] == [
            (499.5, "rise"),
            (515.5, "fall"),
        ]
