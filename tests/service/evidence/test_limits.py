"""The choice of a limit: most specific, known strata only, unverified off."""

from __future__ import annotations

import pytest

from service.evidence.limits import Subject, choose_limit, default_limits, read_limits, read_table

HEAD = 'schema = 1\n[sources]\nA = "Author A. Journal 2000"\n'


def row(name, value, **more):
    """One row of a limits file."""
    lines = [
        "[[limit]]", f'id = "{name}"', 'nerve = "median"', 'muscle = "APB"',
        'measure = "motor_response"', 'quantity = "amplitude_mv"', 'op = "min"',
        f"value = {value}", 'unit = "mV"', 'source = ["A"]',
    ]  # fmt: skip
    more = {"verified": "true"} | more
    return "\n".join([*lines, *(f"{key} = {v}" for key, v in more.items())]) + "\n"


def choose(rows, subject=None, **more):
    """The choice for the median CMAP."""
    return choose_limit(
        rows, nerve="median", muscle="APB", measure="motor_response", quantity="amplitude_mv",
        subject=subject or Subject(), **more,
    )  # fmt: skip


def test_the_shipped_table_is_sound():
    """Every row names a source, and nothing from memory is switched on."""
    rows = default_limits()
    assert len(rows) > 20
    assert all(row.limit.source and row.limit.value > 0 for row in rows)
    from_memory = [row for row in rows if "Chen S" in row.limit.source]
    assert from_memory
    assert not any(row.limit.verified for row in from_memory)


def test_a_stratum_needs_what_it_asks_for():
    """The median limit asks for an age between 19 and 79: unknown or outside, there is none."""
    rows = default_limits()
    assert choose(rows).limit is None
    assert "age" in choose(rows).reason
    assert choose(rows, Subject(age_years=17.0)).limit is None
    assert choose(rows, Subject(age_years=85.0)).limit is None
    assert choose(rows, Subject(age_years=79.5)).limit.value == 4.1


def test_the_most_specific_row_wins():
    """Age and sex before age alone, a narrow span before a wide one."""
    text = HEAD + row("wide", 4.0, age_years="[19, 79]") + row("narrow", 5.0, age_years="[19, 39]")
    text += row("man", 6.0, age_years="[19, 39]", sex='"M"') + row("any", 3.0)
    rows = read_limits(text)
    assert choose(rows).limit.id == "any"
    assert choose(rows, Subject(age_years=60)).limit.id == "wide"
    assert choose(rows, Subject(age_years=30)).limit.id == "narrow"
    assert choose(rows, Subject(age_years=30, sex="M")).limit.id == "man"
    assert choose(rows, Subject(age_years=30, sex="F")).limit.id == "narrow"


def test_unverified_rows_must_be_switched_on():
    """From memory: off unless the laboratory says otherwise."""
    rows = read_limits(HEAD + row("memory", 5.9, verified="false"))
    assert choose(rows).limit is None
    assert "unverified" in choose(rows).reason
    assert choose(rows, use_unverified=True).limit.value == 5.9


def test_no_row_is_said():
    """A muscle without a limit has none, and the reason names it."""
    choice = choose_limit(
        default_limits(), nerve="median", muscle="FDS", measure="motor_response",
        quantity="amplitude_mv", subject=Subject(),
    )  # fmt: skip
    assert choice.limit is None
    assert "FDS" in choice.reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema = 2", "expected schema 1"),
        (HEAD + row("a", 1.0) + row("a", 2.0), "more than once"),
        (HEAD + row("a", 1.0, age_years="[79, 19]"), "runs backwards"),
        (HEAD + row("a", 1.0).replace('"min"', '"below"'), "op is 'below'"),
        (HEAD + row("a", 1.0).replace('["A"]', '["B"]'), "limit 'a'"),
    ],
)
def test_a_bad_file_is_refused_by_name(text, message):
    """The error says which file, which row and what is wrong."""
    with pytest.raises(ValueError, match=message):
        read_limits(text, name="lab.toml")


@pytest.mark.parametrize("muscle", ["APB", "ADM", "TA"])
@pytest.mark.parametrize("quantity", ["munix", "msix_uv"])
def test_munix_has_no_limit_even_with_unverified_ones_switched_on(muscle, quantity):
    """Its scale is the device's and the epoch's: the published rows are shown as switched off."""
    nerve = {"APB": "median", "ADM": "ulnar", "TA": "fibular"}[muscle]
    found = choose_limit(
        default_limits(), nerve=nerve, muscle=muscle, measure="munix", quantity=quantity,
        subject=Subject(age_years=50.0), use_unverified=True,
    )  # fmt: skip
    assert found.limit is None
    assert "epoch length" in found.reason


def test_a_segment_has_its_own_limit_and_a_mean_with_sd_gives_a_z() -> None:
    """Elbow to wrist is not axilla to elbow; without mean and SD there is no z."""
    text = HEAD + row("forearm", 49.0, segment='"elbow-wrist"', mean="57.0", sd="4.0")
    rows = read_limits(text)
    assert choose(rows, segment="axilla-elbow").limit is None
    found = choose(rows, segment="elbow-wrist")
    assert found.z(49.0) == -2.0
    assert choose(read_limits(HEAD + row("any", 3.0))).z(4.0) is None


def test_a_table_needs_name_version_and_source() -> None:
    """Every limit shown carries them."""
    with pytest.raises(ValueError, match="source"):
        read_table(HEAD + '[table]\nname = "x"\nversion = "1"\n' + row("any", 3.0), name="lab")
