"""Binary frames and text envelopes, byte for byte."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Opcode

from service.api.wire import HEADER, Header, Kind, Parcel, binary_parcel, text_body, text_parcel

LITERAL = bytes.fromhex(
    "01 02 0700 03000000 8877665544332211 02000000 05000000 0100 2000 000000000000f83f 00000000"
    "0000803f 000000c0 00004040 0000c07f"
)


def test_frame_is_the_literal_bytes_of_the_protocol() -> None:
    """One min/max frame of two columns, as docs/protocols/live.md lays it out."""
    header = Header(Kind.MINMAX, 7, 3, 0x1122334455667788, 2, 1, 32, 1.5, 5)
    values = np.array([[1.0, -2.0, 3.0, np.nan]], dtype=np.float32)
    assert binary_parcel(header, values).payload == LITERAL
    assert HEADER.size == 40


def test_dropped_before_is_patched_and_nothing_else() -> None:
    """A viewer that missed samples gets the same frame with its own count."""
    shared = Parcel(LITERAL)
    own = shared.with_dropped(70_000)
    assert Header.decode(own.payload).dropped_before == 70_000
    assert own.payload[:20] + own.payload[24:] == LITERAL[:20] + LITERAL[24:]
    assert shared.payload == LITERAL


def test_more_drops_than_the_field_holds_saturate() -> None:
    """The count stops at its largest value instead of starting again."""
    assert Header.decode(Parcel(LITERAL).with_dropped(2**40).payload).dropped_before == 2**32 - 1


def test_shape_must_agree_with_the_header() -> None:
    """A frame whose header promises other values is never sent."""
    header = Header(Kind.SAMPLES, 1, 1, 0, 3, 2, 1, 0.0)
    with pytest.raises(ValueError, match="shape"):
        binary_parcel(header, np.zeros((2, 4), np.float32))


@pytest.mark.parametrize("data", [b"", LITERAL[:39], b"\x02" + LITERAL[1:]])
def test_short_or_foreign_frames_are_refused(data: bytes) -> None:
    """Neither a cut header nor another version is decoded."""
    with pytest.raises(ValueError, match=r"header bytes|version"):
        Header.decode(data)


@given(
    st.builds(
        Header,
        st.sampled_from(Kind),
        st.integers(0, 2**16 - 1),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**64 - 1),
        st.integers(0, 2**32 - 1),
        st.integers(0, 2**16 - 1),
        st.integers(0, 2**16 - 1),
        st.floats(allow_nan=False),
        st.integers(0, 2**32 - 1),
    )
)
def test_header_survives_the_wire(header: Header) -> None:
    """Every header decodes to itself."""
    assert Header.decode(header.encode()) == header


@pytest.mark.parametrize(("size", "head"), [(5, 2), (126, 4), (65_535, 4), (65_536, 10)])
def test_websocket_framing_is_unmasked_and_whole(size: int, head: int) -> None:
    """FIN, binary, no mask, no compression; the length in the shortest form."""
    frame = Parcel(bytes(size)).frame
    assert frame[0] == 0x80 | Opcode.BINARY
    assert frame[1] & 0x80 == 0
    assert len(frame) == head + size


def test_text_carries_seq_and_refuses_nan() -> None:
    """`seq` is added to the shared body, and no NaN ever becomes JSON."""
    parcel = text_parcel(text_body({"type": "viewers", "count": 2, "wo": "µV"}), 9)
    assert json.loads(parcel.payload) == {"seq": 9, "type": "viewers", "count": 2, "wo": "µV"}
    assert parcel.frame[0] == 0x80 | Opcode.TEXT
    with pytest.raises(ValueError, match="JSON compliant"):
        text_body({"type": "x", "value": float("nan")})
