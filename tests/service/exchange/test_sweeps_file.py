"""Sweeps and scans in CSV and NPZ files: what is read, and how the rest is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.exchange.errors import ExchangeError
from service.exchange.sweeps_file import Stated, parse_sweeps, read_sweeps_file

CSV = """# rate_hz: 20000
# unit: mV
# stimulus_index: 1.5
# current_ma: 5, 6
# site: wrist, elbow
first,second
0.1,1.0
0.2,2.0
0.3,3.0
"""
NOTHING = Stated()


def csv(text: str, stated: Stated = NOTHING):
    """A parsed CSV text."""
    return parse_sweeps(text.encode(), ".csv", stated, name="a.csv")


def npz(*, pack=np.savez, **arrays) -> bytes:
    """The bytes of an NPZ file."""
    out = io.BytesIO()
    pack(out, **arrays)
    return out.getvalue()


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(monkeypatch):
    """The size is told before anything is read."""
    monkeypatch.setattr("service.exchange.sweeps_file.MOST_BYTES", 10_000)
    with pytest.raises(ExchangeError, match="unpacks to more"):
        parse_sweeps(npz(pack=np.savez_compressed, samples=np.zeros(10_000)), ".npz", NOTHING)


def test_a_csv_is_read_in_microvolts_with_all_that_it_states():
    """Columns are sweeps; current and site belong to each."""
    found = csv(CSV)
    assert np.allclose(found.samples_uv, [[100.0, 200.0, 300.0], [1000.0, 2000.0, 3000.0]])
    assert (found.rate_hz, found.stimulus_index) == (20_000.0, 1.5)
    assert found.current_ma.tolist() == [5.0, 6.0]
    assert found.site == ("wrist", "elbow")


def test_sweeps_become_the_sweeps_of_the_service():
    """One channel each, time zero where it was stated, named by the file's own bytes."""
    first, second = csv(CSV).sweeps("left APB")
    assert first.channels == ("left APB",)
    assert (first.zero_index, first.rate_hz, first.time_zero_known) == (1.5, 20_000.0, True)
    assert second.samples_uv.tolist() == [[1000.0, 2000.0, 3000.0]]
    assert first.id != second.id
    assert first.id != csv(CSV.replace("0.1", "0.15")).sweeps()[0].id


def test_rows_and_columns_semicolons_and_tabs_hold_the_same():
    """The layout is stated, the mark is seen."""
    body = "0.1;0.2;0.3\n1.0;2.0;3.0\n"
    rows = csv(body, Stated(20_000.0, "mV", 1.5, "rows"))
    tabs = csv(body.replace(";", "\t"), Stated(20_000.0, "mV", 1.5, "rows"))
    assert np.allclose(rows.samples_uv, csv(CSV).samples_uv)
    assert np.allclose(tabs.samples_uv, rows.samples_uv)


def test_a_column_of_time_states_the_rate():
    """Named time_ms: 0.1 ms apart is 10 kHz."""
    found = csv("time_ms,v\n0,1\n0.1,2\n0.2,3\n", Stated(unit="uV"))
    assert found.rate_hz == 10_000.0
    assert found.samples_uv.tolist() == [[1.0, 2.0, 3.0]]


def test_a_scan_states_its_unit_by_the_name_of_its_column():
    """current_ma and response_mv in any order."""
    found = csv("response_mv,current_ma\n6.5,14\n0.5,7\n")
    assert found.response_uv.tolist() == [6500.0, 500.0]
    assert found.current_ma.tolist() == [14.0, 7.0]


def test_an_npz_holds_the_same_and_epochs_of_effort():
    """Arrays by name; a single sweep may have one dimension."""
    data = npz(samples=[1.0, 2.0], epochs=np.ones((3, 4)), rate_hz=5000, unit="uV",
               stimulus_index=[0.5], current_ma=[9.0], site=["wrist"])  # fmt: skip
    found = parse_sweeps(data, ".npz", NOTHING)
    assert found.samples_uv.tolist() == [[1.0, 2.0]]
    assert found.epochs_uv.shape == (3, 4)
    assert (found.rate_hz, found.stimulus_index, found.site) == (5000.0, 0.5, ("wrist",))


@pytest.mark.parametrize(
    ("text", "stated", "sentence"),
    [
        (CSV.replace("# unit: mV\n", ""), NOTHING, "expected the unit uV, mV or V, got none"),
        (CSV.replace("mV", "counts"), NOTHING, "got counts"),
        (CSV, Stated(rate_hz=10_000.0), "states rate_hz 20000, but 10000.0 was given"),
        (CSV.replace("20000", "-1"), NOTHING, "rate_hz above zero"),
        (CSV.replace("20000", "fast"), NOTHING, "expected a number for rate_hz, got 'fast'"),
        (CSV.replace("1.5", "7"), NOTHING, "stimulus_index 7 lies outside the 3 samples"),
        (CSV.replace("5, 6", "5"), NOTHING, "expected 2 values of current_ma, got 1"),
        (CSV.replace("0.2,2.0", "0.2"), NOTHING, "line 8: expected 2 values"),
        (CSV.replace("2.0", "x"), NOTHING, "line 8: expected a number, got 'x'"),
        (CSV.replace("2.0", "nan"), NOTHING, "samples at (1, 1) is no finite number"),
        (CSV.replace("first,second", "first"), NOTHING, "1 names stand above 2 columns"),
        ("# unit: uV\n", NOTHING, "no rows of numbers"),
        ("1,2\n", Stated(unit="uV", sweeps_in="diagonal"), "columns or rows"),
        ("time_s,v\n1,1\n1,1\n", Stated(unit="uV"), "does not rise"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(text, stated, sentence):
    """Expected, got, where."""
    with pytest.raises(ExchangeError) as refused:
        csv(text, stated)
    assert sentence in str(refused.value)


def test_a_rate_or_a_stimulus_is_never_guessed():
    """They are asked for when a measure needs them."""
    found = csv("1,2\n3,4\n", Stated(unit="uV"))
    with pytest.raises(ExchangeError, match="add --set rate_hz"):
        found.need_rate()
    with pytest.raises(ExchangeError, match="add --set stimulus_index"):
        found.need_stimulus()


def test_files_that_are_none_are_refused(tmp_path):
    """Another ending, no file, no archive, a pickle, two rates."""
    for name, data in (("a.txt", b"1,2"), ("b.npz", b"PK no archive")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ExchangeError):
            read_sweeps_file(tmp_path / name)
    with pytest.raises(ExchangeError, match="cannot be read"):
        read_sweeps_file(tmp_path / "none.csv")
    pickled = npz(samples=np.array([{}], dtype=object))
    with pytest.raises(ExchangeError, match="plain arrays"):
        parse_sweeps(pickled, ".npz", NOTHING)
    with pytest.raises(ExchangeError, match="plain arrays"):
        parse_sweeps(npz(samples=[1.0]).replace(b"PK\x01\x02", b"PK\x01\x03"), ".npz", NOTHING)
    with pytest.raises(ExchangeError, match="one value of rate_hz"):
        parse_sweeps(npz(samples=[1.0], rate_hz=[1, 2], unit="uV"), ".npz", NOTHING)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_no_bytes_bring_anything_but_sweeps_or_their_refusal(data):
    """Damaged CSV and NPZ files: finite numbers, or ExchangeError."""
    suffix = data.draw(st.sampled_from([".csv", ".npz"]))
    pack = data.draw(st.sampled_from([np.savez, np.savez_compressed]))
    whole = npz(pack=pack, samples=np.ones((2, 3)), rate_hz=5000, unit="uV", current_ma=[1.0, 2.0])
    raw = bytearray(CSV.encode() if suffix == ".csv" else whole)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=8))
    try:
        found = parse_sweeps(bytes(raw), suffix, NOTHING)
    except ExchangeError:
        return
    assert np.isfinite(found.samples_uv).all()
    assert found.current_ma is None or np.isfinite(found.current_ma).all()
