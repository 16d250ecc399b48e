"""MEM files: what is read, and how what cannot be read is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.exchange.errors import ExchangeError
from service.exchange.qtrac import parse_qtrac_scan, read_qtrac_scan

from .scans import GENUINE, mem_text, needs_genuine, ramp

TEXT = mem_text(*ramp())


def test_a_scan_is_read_in_its_order_with_what_the_file_says_of_it():
    """Currents, responses, site, person without the name, stated results and model."""
    current, response = ramp()
    scan = parse_qtrac_scan(TEXT.encode("latin-1"))
    assert np.allclose(scan.current_ma, current, rtol=1e-5)
    assert np.allclose(scan.response_mv, response, atol=1e-5)
    assert (scan.site, scan.age_years, scan.sex) == ("Median Wr-APB", 43.0, "M")
    assert (scan.temperature_c, scan.limits) == (30.7, (1, 2, 10, 20))
    assert scan.stated == {"MScS50(mA)": 8.94, "MSFNUnits": 2.0}
    assert scan.stated_units.tolist() == [[5.12, 40.0, 2.0], [5.41, 60.0, 2.0]]
    assert "somebody" not in repr(scan)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("File:", "Fail:", "expected 'File:' on line 1"),
        ("Amp. (mV)", "Amp. (uV)", "responses in mV"),
        ("Stim. (mA)", "Stim", "there is no line"),
        ("MS.7\t", "MS.8\t", "line 16: expected stimulus MS.7, got MS.8"),
        ("MS.7\t12", "MS.7\tnan", "line 16: expected 'MS.n current response'"),
        ("MS.7\t12", "MS.7\t-12", "with a current above zero"),
        ("MS.12\t", "end\r\nMS.12\t", "expected at least 20 stimuli from line 10 on, got 11"),
    ],
)
def test_a_damaged_file_is_refused_with_line_and_remedy(old, new, sentence):
    """What was expected, what is there, in which line."""
    assert old in TEXT
    with pytest.raises(ExchangeError) as refused:
        parse_qtrac_scan(TEXT.replace(old, new, 1).encode("latin-1"), name="a.MEM")
    assert sentence in str(refused.value)
    assert str(refused.value).startswith("a.MEM")


def test_what_the_head_does_not_say_is_not_known():
    """Unknown, never a default."""
    lines = [line for line in TEXT.split("\r\n") if not line.startswith(("Age", "Sex", "Temp"))]
    bare = "\r\n".join(lines).replace("Scanpts: 1, 2, 10, 20", "Scanpts: 1, 2, 10, 999")
    scan = parse_qtrac_scan(bare.encode("latin-1"))
    assert (scan.age_years, scan.sex, scan.temperature_c, scan.limits) == (None, None, None, None)


def test_a_missing_file_is_one_sentence(tmp_path):
    """An OSError becomes the same error as a damaged file."""
    with pytest.raises(ExchangeError, match="cannot be read"):
        read_qtrac_scan(tmp_path / "none.MEM")


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_no_bytes_bring_anything_but_a_scan_or_its_refusal(data):
    """Cut, changed and inserted bytes: a scan with finite numbers, or ExchangeError."""
    raw = bytearray(TEXT.encode("latin-1"))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 60))] = data.draw(st.binary(max_size=12))
    try:
        scan = parse_qtrac_scan(bytes(raw))
    except ExchangeError:
        return
    assert scan.current_ma.shape == scan.response_mv.shape
    assert np.isfinite(scan.current_ma).all()
    assert np.isfinite(scan.response_mv).all()
    assert all(np.isfinite(value) for value in scan.stated.values())


@needs_genuine
@pytest.mark.parametrize("path", GENUINE, ids=lambda path: path.stem)
def test_genuine_files_are_read_whole(path):
    """All 27: numbered rows, stated results, and as many model units as the file counts."""
    scan = read_qtrac_scan(path)
    assert scan.current_ma.size > 450
    assert scan.stated["MSFNUnits"] == len(scan.stated_units)
    assert scan.limits is not None
    assert {"MScPeak(mV)", "MScS50(mA)", "MSFMeanUnitAmp(uV)"} <= set(scan.stated)
