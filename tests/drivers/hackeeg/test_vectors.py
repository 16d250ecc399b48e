"""Literal frames from the maker's documents, decoded."""

import numpy as np
import pytest

from drivers.config import load_config
from drivers.hackeeg.frame import Frame, decode, stream_info

from .wire import frames, vectors

V = vectors()
DIGITS = {
    "first": ([1, -1, 8388607, -8388608, 1193046, -2, 256, -32768], 0, 0),
    "gpio1_high": ([0] * 8, 1, 0),
    "lead_off": (list(range(1, 9)), 0, 0x8142),
    "before_wrap": ([-1, -2, -3, -4, -5, -6, -7, -8], 0b1010, 0),
    "after_wrap": ([-1, -2, -3, -4, -5, -6, -7, -8], 0, 0),
}
CLOCKS = {
    "first": (1_000_000, 0),
    "gpio1_high": (1_000_062, 1),
    "lead_off": (1_000_125, 2),
    "before_wrap": (2**32 - 32, 65_535),
    "after_wrap": (30, 65_536),
}


@pytest.mark.parametrize("name", V)
def test_a_literal_frame_decodes_to_the_documented_numbers(name):
    """Channels, GPIO and lead-off bits come out as the data sheet says."""
    channels, gpio, lead_off = DIGITS[name]
    assert decode(V[name])[:, 0].tolist() == [*channels, gpio, lead_off]
    micros, number = CLOCKS[name]
    assert Frame.at(V[name], 0) == Frame(True, micros, number)


def test_many_frames_decode_as_each_alone():
    """Batch decoding is the same as frame by frame, and keeps channel-major order."""
    together = decode(b"".join(V.values()))
    assert together.flags.c_contiguous
    assert together.dtype == np.int32
    alone = np.hstack([decode(frame) for frame in V.values()])
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("at", [*range(9), 17])
def test_a_wrong_header_or_status_prefix_is_no_frame(at):
    """Each of the fixed bits matters."""
    bits = range(4, 8) if at == 17 else range(8)
    for bit in bits:
        broken = bytearray(V["first"])
        broken[at] ^= 1 << bit
        assert not Frame.at(bytes(broken), 0).whole


def test_the_tests_own_encoder_writes_the_documented_bytes():
    """Otherwise the decoder would be tested against a misreading of our own."""
    made = frames([1], [2], [1_000_125])[0].tobytes()
    literal = bytearray(V["lead_off"])
    literal[17:20] = b"\xc0\x00\x00"
    assert made == bytes(literal)


def test_the_stream_names_analogue_channels_first_then_the_digital_words():
    """Triggers can be derived again from the recorded words."""
    stream = stream_info(load_config("hackeeg-ncs-16k"))
    assert [c.label for c in stream.channels][-2:] == ["gpio", "lead_off"]
    assert [c.kind for c in stream.channels] == ["emg"] * 8 + ["digital"] * 2
    assert stream.channels[1].label == "left FDI"
    assert stream.rate_hz == 16000
