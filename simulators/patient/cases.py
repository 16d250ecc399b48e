"""Patients on file, `cases/*.toml`: two dials for each muscle, what ails nerves, junction, effort.

The format is described in docs/protocols/patient_case.md; reading is strict (`case_file.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .anatomy import body_plan
from .case_file import EVERYWHERE, CaseFile, Range, ranges_of
from .subject import Person
from .technique import ERRORS

FOLDER = Path(__file__).with_name("cases")
SHARE: Mapping[str, Range] = {"range": (0.0, 1.0)}
SPREAD: Mapping[str, Range] = {"range": (0.0, 3.0)}
DELAY_MS: Mapping[str, Range] = {"range": (0.0, 30.0)}
TREMOR_HZ: Mapping[str, Range] = {"range": (0.0, 15.0)}
PERSON: Mapping[str, Range] = {
    "age_years": (18.0, 100.0),
    "height_cm": (120.0, 220.0),
    "hand_temperature_c": (15.0, 40.0),
    "foot_temperature_c": (15.0, 40.0),
}
MONTHS: Range = (0.0, 1200.0)
TABLES = ("person", EVERYWHERE, "region", "muscle", "nerve", "junction", "behaviour", "technique")
KEYS = ("code", "title", "months", "montage", *TABLES)


@dataclass(frozen=True, slots=True)
class Dials:
    """The lesions of one muscle, each 0 (healthy) to 1.

    drive, coherence, reflex, tms: parts of the UMN lesion; None follows `umn`, each with a scatter
    of the subject's own. reinnervation: share of the orphaned fibres taken over; None: by
    effects.toml and the case's months. denervation: ongoing, seen as fibrillations; fasciculation:
    their rate as a share; both follow `lmn` if None. myopathy: loss of fibres within units.
    interval_scatter: change of the interval CV at full loss of drive, as a share; None: the
    subject's own.
    """

    umn: float = field(default=0.0, metadata=SHARE)
    lmn: float = field(default=0.0, metadata=SHARE)
    drive: float | None = field(default=None, metadata=SHARE)
    coherence: float | None = field(default=None, metadata=SHARE)
    reflex: float | None = field(default=None, metadata=SHARE)
    tms: float | None = field(default=None, metadata=SHARE)
    reinnervation: float | None = field(default=None, metadata=SHARE)
    denervation: float | None = field(default=None, metadata=SHARE)
    fasciculation: float | None = field(default=None, metadata=SHARE)
    myopathy: float = field(default=0.0, metadata=SHARE)
    interval_scatter: float | None = field(default=None, metadata={"range": (-0.6, 1.0)})


@dataclass(frozen=True, slots=True)
class NerveCondition:
    """What ails one nerve on one side. Mappings go by segment (`distal`, `forearm`, …): slowing as
    share of the velocity lost; block as share of motor axons that do not pass; dispersion as extra
    relative spread of velocities. distal_delay_ms: extra latency between wrist (ankle) and muscle
    or finger. sensory_loss: share of sensory fibres lost. martin_gruber, accessory_fibular: share
    of the motor axons that take that way."""

    distal_delay_ms: float = field(default=0.0, metadata=DELAY_MS)
    slowing: Mapping[str, float] = field(
        default_factory=dict, metadata={"range": (0.0, 0.9), "by_segment": True}
    )
    block: Mapping[str, float] = field(default_factory=dict, metadata={**SHARE, "by_segment": True})
    dispersion: Mapping[str, float] = field(
        default_factory=dict, metadata={**SPREAD, "by_segment": True}
    )
    sensory_loss: float = field(default=0.0, metadata=SHARE)
    sensory_slowing: Mapping[str, float] = field(
        default_factory=dict, metadata={"range": (0.0, 0.9), "by_segment": True}
    )
    martin_gruber: float = field(default=0.0, metadata=SHARE)
    accessory_fibular: float = field(default=0.0, metadata=SHARE)


@dataclass(frozen=True, slots=True)
class Junction:
    """Neuromuscular transmission. decrement: share lost at 3 Hz by the fourth response;
    facilitation: share of the missing response that 10 s of exercise brings back; low_output:
    share of the resting response that is missing."""

    decrement: float = field(default=0.0, metadata=SHARE)
    facilitation: float = field(default=0.0, metadata=SHARE)
    low_output: float = field(default=0.0, metadata=SHARE)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the patient makes of a task, apart from any lesion of muscle or nerve.

    effort: share of maximal effort reached. pain: 0-1, guards against strong effort. tremor_hz and
    tremor: frequency and depth of a rhythm in the drive. rigidity: tone at rest that does not
    depend on the speed of a stretch. relaxation: 1 relaxes fully. functional: effort that comes
    and goes, as in functional weakness."""

    effort: float = field(default=1.0, metadata=SHARE)
    pain: float = field(default=0.0, metadata=SHARE)
    tremor_hz: float = field(default=0.0, metadata=TREMOR_HZ)
    tremor: float = field(default=0.0, metadata=SHARE)
    rigidity: float = field(default=0.0, metadata=SHARE)
    relaxation: float = field(default=1.0, metadata=SHARE)
    functional: float = field(default=0.0, metadata=SHARE)


HEALTHY_NERVE = NerveCondition()
HEALTHY_JUNCTION = Junction()
USUAL_BEHAVIOUR = Behaviour()


@dataclass(frozen=True, slots=True)
class Case:
    """One patient. montage: lead of each channel, a muscle (`left FDI`) or a sensory recording
    (`left median D2 SNAP`). dials by muscle, of both sides; nerves by side and nerve (`left
    median`), absent where well. technique: what goes wrong with electrodes and operator. months:
    since the lesion began; None where the dials alone speak."""

    name: str
    code: str
    title: str
    person: Person
    montage: tuple[str, ...]
    dials: Mapping[str, Dials]
    nerves: Mapping[str, NerveCondition] = field(default_factory=dict)
    junction: Junction = HEALTHY_JUNCTION
    behaviour: Behaviour = USUAL_BEHAVIOUR
    technique: Mapping[str, float] = field(default_factory=dict)
    months: float | None = None


def cases() -> list[str]:
    """Names of the patients on file."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read_case(name: str) -> Case:
    """One patient. Raises ValueError if there is none of that name, or its file is wrong."""
    if name not in cases():
        raise ValueError(f"no patient is called '{name}'; there are {', '.join(cases())}")
    return case_of(FOLDER / f"{name}.toml")


def case_of(path: Path) -> Case:
    """The patient of one case file. Raises ValueError, naming file and place, if it is wrong."""
    file = CaseFile(path)
    file.only(file.table, KEYS, "the file")
    nerve_ranges = ranges_of(NerveCondition)
    by_segment = [each.name for each in fields(NerveCondition) if each.metadata.get("by_segment")]
    months = file.table.get("months")
    return Case(
        name=path.stem,
        code=file.text("code"),
        title=file.text("title"),
        person=_person(file),
        montage=_montage(file),
        dials={key: Dials(**row) for key, row in file.dials(ranges_of(Dials)).items()},
        nerves={
            key: NerveCondition(**row) for key, row in file.nerves(nerve_ranges, by_segment).items()
        },
        junction=Junction(**_numbers(file, "junction", ranges_of(Junction))),
        behaviour=Behaviour(**_numbers(file, "behaviour", ranges_of(Behaviour))),
        technique=_numbers(
            file, "technique", {key: (error.lowest, error.highest) for key, error in ERRORS.items()}
        ),
        months=None if months is None else file.number(months, MONTHS, "months"),
    )


def _numbers(file: CaseFile, section: str, ranges: Mapping[str, Range]) -> dict[str, float]:
    return file.numbers(file.section(section), ranges, f"[{section}]")


def _person(file: CaseFile) -> Person:
    row: dict[str, Any] = dict(file.section("person"))
    sex = row.pop("sex", None)
    if sex not in ("F", "M"):
        raise file.fail(f"[person] sex must be 'F' or 'M', not {sex!r}")
    values = file.numbers(row, PERSON, "[person]")
    for name in ("age_years", "height_cm"):
        if name not in values:
            raise file.fail(f"[person] says no {name}")
    return Person(sex=sex, **values)


def _montage(file: CaseFile) -> tuple[str, ...]:
    plan = body_plan()
    leads = file.table.get("montage", list(plan.montage))
    known = {*plan.muscle_keys, *plan.sensory_keys}
    if not isinstance(leads, list) or not leads:
        raise file.fail("montage must be a list of leads, channel 1 first")
    for lead in leads:
        if lead not in known:
            raise file.fail(
                f"montage has '{lead}', which is neither a muscle such as 'left FDI' nor a "
                "sensory recording such as 'left median D2 SNAP'"
            )
    if len(set(leads)) < len(leads):
        raise file.fail("montage has a lead twice")
    return tuple(leads)
