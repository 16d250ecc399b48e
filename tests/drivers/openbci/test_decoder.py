"""BrainFlow's rows become counts, triggers, gaps and suspect ranges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from drivers.ads1299 import uv_per_count
from drivers.config import load_config
from drivers.errors import HandshakeError, SettingsMismatch
from drivers.openbci import replies
from drivers.openbci.decoder import RowDecoder
from drivers.openbci.rows import CYTON, DAISY, decode, plausible, spikes, stream_info

CYTON_CONFIG = load_config("openbci-cyton-emg")
DAISY_CONFIG = load_config("openbci-cyton-daisy-emg")
INT24 = st.integers(-(2**23), 2**23 - 1)


def rows(numbers, counts=None, d11=None, layout=CYTON, config=CYTON_CONFIG):
    """Rows as BrainFlow gives them: numbers, counts scaled to µV, digital footer and bytes."""
    numbers = np.asarray(numbers)
    made = np.zeros((layout.rows, len(numbers)))
    made[0] = numbers
    steps = np.array([[uv_per_count(c.gain)] for c in config.channels])
    counts = np.zeros((len(config.channels), len(numbers))) if counts is None else counts
    made[layout.emg] = counts * steps
    made[layout.footer] = 0xC1
    if d11 is not None:
        made[layout.aux.start] = d11
    return made


@given(counts=hnp.arrays(np.int32, st.tuples(st.just(8), st.integers(1, 20)), elements=INT24))
@settings(max_examples=50, deadline=None)
def test_counts_come_back_exactly_from_microvolts(counts):
    """Every 24-bit value, as BrainFlow scales it."""
    numbers = np.arange(counts.shape[1])
    got = decode(rows(numbers, counts), CYTON_CONFIG, CYTON)
    assert (got[:8] == counts).all()
    assert (got[-1] == numbers).all()


def test_microvolts_scaled_with_another_gain_are_refused():
    """The gain BrainFlow believes is not the one that was set: no wrong microvolt gets through."""
    made = rows([0, 1], np.full((8, 2), 12346))
    made[3] *= 8 / 24
    with pytest.raises(SettingsMismatch, match="channel 3 is not scaled with gain 8"):
        RowDecoder(CYTON_CONFIG, CYTON).feed(made, 1.0)


def test_the_stream_names_muscles_pins_and_the_packet_number():
    """Labels in the order of the data; with Daisy 16 channels and pins that count two frames."""
    info = stream_info(CYTON_CONFIG, CYTON)
    assert [c.label for c in info.channels[8:]] == [
        *("D11", "D12", "D13", "D17", "D18"),
        "packet_number",
    ]
    assert info.channels[0].label == "left APB"
    assert info.channels[0].per_count == pytest.approx(0.0670552334)
    daisy = stream_info(DAISY_CONFIG, DAISY)
    assert (len(daisy.channels), daisy.rate_hz) == (22, 125)
    assert daisy.channels[16].per_count == 0.5


def test_a_gap_starts_a_new_block_and_nothing_is_filled_in():
    """Numbers 5 to 9 missing: two blocks, a jump of 5."""
    decoder = RowDecoder(CYTON_CONFIG, CYTON)
    decoder.feed(rows(range(3)), 1.0)
    blocks = decoder.feed(rows([3, 4, 10, 11, 12]), 1.04)
    assert [(b.start_index, b.end_index) for b in blocks] == [(3, 5), (10, 13)]
    assert decoder.counter_at_zero == 0


def test_the_index_counts_from_the_first_sample_and_the_counter_is_told():
    """A run that starts at number 250 and wraps."""
    decoder = RowDecoder(CYTON_CONFIG, CYTON)
    (block,) = decoder.feed(rows([250, 251, 252, 253, 254, 255, 0, 1]), 1.0)
    assert (block.start_index, block.end_index) == (0, 8)
    assert decoder.counter_at_zero == 250


@pytest.mark.parametrize("cut", range(1, 12))
def test_an_edge_of_d11_is_a_trigger_half_a_sample_before_it_is_seen(cut):
    """Rise first seen at 4, fall at 9, wherever the rows are cut."""
    decoder = RowDecoder(CYTON_CONFIG, CYTON)
    made = rows(range(12), d11=[0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0])
    blocks = decoder.feed(made[:, :cut], 1.0) + decoder.feed(made[:, cut:], 1.05)
    triggers = [t for b in blocks for t in b.triggers]
    assert [(t.sample_index, t.edge, t.line) for t in triggers] == [
        (3.5, "rise", "stimulator"),
        (8.5, "fall", "stimulator"),
    ]
    assert triggers[0].uncertainty_s == pytest.approx(0.002)


def test_an_edge_behind_a_gap_is_as_uncertain_as_the_gap_is_long():
    """Low at 2, high at 8: anywhere between."""
    decoder = RowDecoder(CYTON_CONFIG, CYTON)
    blocks = decoder.feed(rows([0, 1, 2, 8, 9], d11=[0, 0, 0, 1, 1]), 1.0)
    (trigger,) = blocks[1].triggers
    assert (trigger.sample_index, trigger.uncertainty_s) == (5.0, pytest.approx(3 / 250))


def test_a_line_that_is_high_from_the_start_is_no_edge():
    """Nobody saw it rise."""
    (block,) = RowDecoder(CYTON_CONFIG, CYTON).feed(rows(range(3), d11=[1, 1, 1]), 1.0)
    assert block.triggers == ()


def test_rows_that_are_not_what_digital_mode_sends_are_suspect_and_make_no_trigger():
    """Wrong footer or aux bytes: the sample is kept, marked, and its digital lines not believed."""
    made = rows(range(6), d11=[0, 0, 77, 1, 0, 0])
    made[CYTON.footer, 3] = 0xC0
    (block,) = RowDecoder(CYTON_CONFIG, CYTON).feed(made, 1.0)
    assert block.suspect == ((2, 4),)
    assert block.triggers == ()


def test_random_bytes_are_suspect_nearly_always():
    """Aux bytes of a misaligned frame: at least 99.9 % are marked."""
    rng = np.random.default_rng(5)
    made = rows(np.arange(20000) % 256)
    made[CYTON.aux] = rng.integers(0, 256, (6, 20000))
    assert plausible(made, CYTON).mean() < 0.001


@pytest.mark.parametrize("bit", [23, 22, 21, 20])
def test_a_flipped_high_bit_is_suspect_and_a_real_step_is_not(bit):
    """A single sample that jumps by more than 30 mV and returns; a step that stays is a fact."""
    counts = np.random.default_rng(1).integers(-2000, 2000, (14, 40)).astype(np.int32)
    counts[2, 17] ^= 1 << bit if bit < 23 else 0
    if bit == 23:
        counts[2, 17] -= 1 << 23
    assert np.flatnonzero(spikes(counts, None, CYTON_CONFIG)).tolist() == [17]
    step = counts.copy()
    step[2, 17:] = 900_000
    assert not spikes(step, None, CYTON_CONFIG).any()


def test_the_account_is_exact_whatever_is_refused():
    """A wrong number is one rejected sample; a row of garbage between two good ones is none."""
    decoder = RowDecoder(CYTON_CONFIG, CYTON)
    decoder.feed(rows(range(3)), 1.0)
    blocks = decoder.feed(rows([3, 4, 200, 6, 7, 99, 8, 9]), 1.04)
    assert [(b.start_index, b.end_index, b.rejected) for b in blocks] == [(3, 5, 0), (6, 10, 1)]
    (later,) = decoder.feed(rows([10, 11]), 1.05)
    assert (later.start_index, later.rejected) == (10, 0)


def daisy_rows(numbers, **more):
    """As `rows`, for 16 channels."""
    return rows(numbers, layout=DAISY, config=DAISY_CONFIG, **more)


def test_daisy_rows_count_pairs_of_frames():
    """Even numbers, two apart, wrapping at 256; half of the first is from before the start."""
    decoder = RowDecoder(DAISY_CONFIG, DAISY)
    (block,) = decoder.feed(daisy_rows([250, 252, 254, 0, 2]), 1.0)
    assert (block.start_index, block.end_index) == (0, 5)
    assert block.suspect == ((0, 1),)
    assert decoder.counter_at_zero == 250


def test_daisy_rows_paired_over_a_lost_frame_are_rejected_or_suspect():
    """A repeated number is a stale pair; the row before any gap may be one."""
    decoder = RowDecoder(DAISY_CONFIG, DAISY)
    decoder.feed(daisy_rows([0, 2]), 1.0)
    blocks = decoder.feed(daisy_rows([4, 4, 8, 10, 13, 14, 16]), 1.06)
    assert [(b.start_index, b.end_index) for b in blocks] == [(2, 3), (4, 6), (7, 9)]
    assert sum(b.rejected for b in blocks) == 2
    assert [b.suspect for b in blocks] == [((2, 3),), ((5, 6),), ()]


def test_a_daisy_edge_in_either_frame_of_a_row_is_seen():
    """Half a mean is a high frame."""
    decoder = RowDecoder(DAISY_CONFIG, DAISY)
    (block,) = decoder.feed(daisy_rows([0, 2, 4, 6], d11=[0, 0.5, 0, 0]), 1.0)
    assert [(t.sample_index, t.edge) for t in block.triggers] == [(0.5, "rise"), (1.5, "fall")]
    assert block.data[16].tolist() == [0, 1, 0, 0]


REGISTERS = "Board ADS Registers\r\nID, 00, 3E, 0, 0\r\n" + "".join(
    f"CH{n}SET, {n + 4:02X}, 40, 0, 1, 0, 0, 0, 0, 0, 0\r\n" for n in range(1, 9)
)


def confirmations(numbers):
    """What the board says to x…X."""
    return "".join(f"Success: Channel set for {n}$$$" for n in numbers)


def test_every_setting_must_be_confirmed():
    """What is not named in the reply is asked for again; a refusal ends the handshake."""
    assert replies.settings(CYTON_CONFIG)[:2] == ["/3", "x1040100X"]
    whole = "Success: digital$$$" + confirmations(range(1, 9))
    assert replies.missing(CYTON_CONFIG, whole) == []
    assert replies.missing(CYTON_CONFIG, confirmations([1, 2, 3, 4, 6, 7, 8])) == [
        *("/3", "x5040100X")
    ]
    with pytest.raises(HandshakeError, match=r"refused a setting.*too few chars"):
        replies.missing(CYTON_CONFIG, whole + "Failure: too few chars$$$")


def test_the_chips_own_registers_decide_what_a_count_means():
    """Equal to what was written, or refused by channel, value and value."""
    told = replies.channel_registers("v3.1.2$$$" + REGISTERS + "$$$")
    assert told == dict.fromkeys(range(1, 9), 0x40)
    replies.check_registers(CYTON_CONFIG, told)
    assert replies.version("v3.1.2$$$" + REGISTERS) == "v3.1.2"
    with pytest.raises(SettingsMismatch, match=r"channel 3 reads back CH3SET = 0x60.*0x40"):
        replies.check_registers(CYTON_CONFIG, {**told, 3: 0x60})
    with pytest.raises(HandshakeError, match=r"channel 9.*is the Daisy plugged on"):
        replies.check_registers(DAISY_CONFIG, told)


def test_registers_of_the_daisy_are_channels_9_to_16():
    """The second list in the reply is the second chip's."""
    both = REGISTERS + REGISTERS.replace("Board", "Daisy").replace("40", "60")
    told = replies.channel_registers(both)
    assert (told[1], told[9], len(told)) == (0x40, 0x60, 16)
