"""Case files: strict reading, and what each region and nerve of a file comes to."""

import re
from pathlib import Path

import pytest

from simulators.patient.anatomy import body_plan
from simulators.patient.case_file import ranges_of, regions
from simulators.patient.cases import (
    FOLDER,
    Behaviour,
    Case,
    Dials,
    Junction,
    NerveCondition,
    case_of,
    cases,
    read_case,
)

HEAD = 'code = "P-9999"\ntitle = "a test"\n'
PERSON = '[person]\nage_years = 40\nsex = "F"\nheight_cm = 170\n'


def case_from(folder: Path, body: str, head: str = HEAD) -> Case:
    """The case of a file with this body behind a usual head and person."""
    path = folder / "made.toml"
    path.write_text(head + PERSON + body, "utf-8")
    return case_of(path)


@pytest.mark.parametrize("name", cases())
def test_every_case_on_file_says_its_picture_and_is_read(name: str):
    """Each opens with a comment for people, has a code of its own, and 8 leads."""
    text = (FOLDER / f"{name}.toml").read_text("utf-8")
    case = read_case(name)
    assert text.startswith("# ")
    assert re.fullmatch(r"P-\d{4}", case.code)
    assert len(case.montage) == 8


def test_codes_and_titles_are_unique():
    """Nobody is on file twice."""
    read = [read_case(name) for name in cases()]
    assert len({case.code for case in read}) == len({case.title for case in read}) == len(read)


def test_the_nearer_place_overrides_the_wider_value_by_value(tmp_path: Path):
    """everywhere < region in the order of the file < muscle."""
    case = case_from(
        tmp_path,
        "[everywhere]\numn = 0.2\nlmn = 0.1\n"
        "[region.left_arm]\nlmn = 0.4\n[region.hand]\nlmn = 0.5\nmyopathy = 0.3\n"
        '[muscle."left FDI"]\nlmn = 0.9\n',
    )
    assert case.dials["left FDI"] == Dials(umn=0.2, lmn=0.9, myopathy=0.3)
    assert case.dials["right FDI"] == Dials(umn=0.2, lmn=0.5, myopathy=0.3)
    assert case.dials["left BB"] == Dials(umn=0.2, lmn=0.4)
    assert case.dials["right TA"] == Dials(umn=0.2, lmn=0.1)


def test_nerves_merge_from_everywhere_to_one_side(tmp_path: Path):
    """Whatever their order in the file; one number stands for every segment of each nerve."""
    case = case_from(
        tmp_path,
        '[nerve."left ulnar"]\nblock = { elbow = 0.6 }\n'
        "[nerve.ulnar]\nslowing = { forearm = 0.5 }\n"
        "[nerve.arm]\nslowing = 0.2\nsensory_loss = 0.3\n"
        "[nerve.everywhere]\nsensory_loss = 0.1\n",
    )
    left, right = case.nerves["left ulnar"], case.nerves["right ulnar"]
    assert left.block == {"elbow": 0.6}
    assert right.block == {}
    assert left.slowing == right.slowing
    assert left.slowing["forearm"] == 0.5
    assert left.slowing["elbow"] == left.slowing["root"] == 0.2
    assert left.sensory_loss == 0.3
    assert case.nerves["left sural"] == NerveCondition(sensory_loss=0.1)


def test_what_a_file_does_not_say_is_healthy(tmp_path: Path):
    """No lesion, no nerve that ails, full effort, the usual montage, no months."""
    case = case_from(tmp_path, "")
    assert set(case.dials.values()) == {Dials()}
    assert set(case.dials) == set(body_plan().muscle_keys)
    assert not case.nerves
    assert not case.technique
    assert (case.junction, case.behaviour, case.months) == (Junction(), Behaviour(), None)
    assert case.montage == body_plan().montage


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("[everywhere]\numm = 0.2", "umm"),
        ("[everywhere]\numn = 1.2", "[everywhere] umn must lie in 0 to 1, not 1.2"),
        ("[everywhere]\numn = true", "must be a number, not True"),
        ("[everywhere]\numn = nan", "must lie in 0 to 1"),
        ("[region.left_tail]\nlmn = 0.1", "no region 'left_tail'"),
        ('[muscle."left FDX"]\nlmn = 0.1', "no muscle 'left FDX'"),
        ("[muscle.FDI]\nlmn = 0.1", "no muscle 'FDI'"),
        ('[nerve."left vagus"]\nsensory_loss = 0.1', "no nerve 'left vagus'"),
        ("[nerve.ulnar]\nblock = { knee = 0.1 }", "has 'knee'"),
        ("[nerve.ulnar]\nblock = 1.5", "must lie in 0 to 1"),
        ("[nerve.ulnar]\nslow = 0.5", "has 'slow'"),
        ("[junction]\ndecrement = -0.1", "must lie in 0 to 1"),
        ("[behaviour]\nmood = 0.1", "has 'mood'"),
        ("[technique]\nglue = 1", "has 'glue'"),
        ("[nerve]\nulnar = 3", "must be a table"),
        ("[surprise]\n", "has 'surprise'"),
        ("[everywhere", "is not TOML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence_with_the_place(
    tmp_path: Path, body: str, named: str
):
    """File, place and what was found."""
    with pytest.raises(ValueError, match=re.escape(named)) as refused:
        case_from(tmp_path, body)
    assert str(refused.value).startswith("made.toml")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("head", "named"),
    [
        ('title = "x"\n', "'code' must be a text"),
        (HEAD + "montage = []\n", "montage must be a list"),
        (HEAD + 'montage = ["left FDI", "left FDI"]\n', "twice"),
        (HEAD + 'montage = ["left foot"]\n', "'left foot'"),
        (HEAD + "months = -1\n", "months must lie in"),
    ],
)
def test_a_wrong_head_is_refused(tmp_path: Path, head: str, named: str):
    """Code, montage, months."""
    with pytest.raises(ValueError, match=re.escape(named)):
        case_from(tmp_path, "", head)


@pytest.mark.parametrize("line", ["age_years = 40", 'sex = "F"', "height_cm = 170"])
def test_a_person_without_age_sex_or_height_is_refused(tmp_path: Path, line: str):
    """Limits depend on all three."""
    path = tmp_path / "made.toml"
    path.write_text(HEAD + PERSON.replace(line, ""), "utf-8")
    with pytest.raises(ValueError, match=re.escape("[person]")):
        case_of(path)


def test_every_muscle_is_in_a_region_and_every_region_has_known_muscles():
    """Regions and anatomy say the same names."""
    muscles = set(body_plan().muscles)
    assert {name for names in regions().values() for name in names} == muscles


def test_the_document_names_every_key_and_region():
    """docs/protocols/patient_case.md is complete."""
    page = Path("docs/protocols/patient_case.md").read_text("utf-8")
    for kind in (Dials, NerveCondition, Junction, Behaviour):
        assert all(f"`{name}`" in page for name in ranges_of(kind)), kind
    named = [name for name in regions() if name[0].islower()]
    assert all(f"`{name}`" in page for name in named)


def test_an_unknown_patient_is_told_the_names():
    """So that the next try is right."""
    with pytest.raises(ValueError, match="als_hand"):
        read_case("nobody")
