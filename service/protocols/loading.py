"""Reads the protocols that ship with the service, strictly: what is not known is refused."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from service.model import Side

from .rates import off_mains

SETUPS = "setups.toml"
LEAST_RECORD_MS, MOST_RECORD_MS = 100.0, 1000.0
TrainKind = Literal["f", "h", "rns", "scan"]
MEASURES = frozenset(
    [
        "motor_response",
        "sensory_response",
        "f_wave",
        "h_reflex",
        "rns",
        "cmap_scan",
        "munix",
        "mune",
    ]
)
_CEILINGS = {"f": 100, "h": 150, "rns": 10, "scan": 600}
_SETUP_KEYS = frozenset(
    [
        "title",
        "measure",
        "nerve",
        "record",
        "e1",
        "e2",
        "ground",
        "filter_hz",
        "sweep_ms",
        "record_ms",
        "gain_uv",
        "width_us",
        "note",
        "train",
        "site",
        "like",
    ]
)
_SIDES: Mapping[str, Side] = {"left": "left", "right": "right"}
_KINDS = {
    "motor_response": "motor",
    "sensory_response": "sensory",
    "f_wave": "F-waves",
    "h_reflex": "H-reflex",
    "rns": "repetitive stimulation",
    "cmap_scan": "CMAP scan",
    "munix": "MUNIX",
    "mune": "MUNE",
}
_PLACES = {"erb": "Erb's point", "below_fibular_head": "below the fibular head"}


@dataclass(frozen=True, slots=True)
class Electrodes:
    """Where the recording electrodes lie, in words; the page draws them."""

    e1: str
    e2: str
    ground: str


@dataclass(frozen=True, slots=True)
class Train:
    """A train that is declared and armed once: count and rate meant, and the most that is allowed.

    The ceilings are those of the stimulator's rules (safety note N7)."""

    kind: TrainKind
    count: int
    rate_hz: float
    ceiling_count: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One study of a protocol, on one side.

    record: muscle, or nerve and place of E1 of a sensory recording. stimulate: where, in words.
    sweep_ms: ten divisions; record_ms: how long after the stimulus samples are taken into a sweep
    (`recorded_ms`: what is shown and 100 ms at least); gain_uv: per division; distance_mm: usual,
    None if there is none; needs: only done if so.
    """

    id: str
    label: str
    measure: str
    nerve: str
    site: str
    side: Side
    record: str
    electrodes: Electrodes
    stimulate: str
    filter_hz: tuple[float, float]
    sweep_ms: float
    gain_uv: float
    width_us: float
    distance_mm: float | None = None
    train: Train | None = None
    needs: str = ""
    note: str = ""
    record_ms: float = 0.0

    @property
    def recorded_ms(self) -> float:
        """How long after the stimulus a sweep of this step ends."""
        return min(max(self.sweep_ms, self.record_ms, LEAST_RECORD_MS), MOST_RECORD_MS)

    @property
    def muscle(self) -> str:
        """`left APB`, `left median D2`: the word for what is recorded."""
        return f"{self.side} {self.record}"


@dataclass(frozen=True, slots=True)
class Protocol:
    """Steps in the order of doing, one side after the other."""

    id: str
    title: str
    about: str
    sides: tuple[Side, ...]
    steps: tuple[StepPlan, ...]

    def on(self, sides: tuple[Side, ...]) -> tuple[StepPlan, ...]:
        """The steps of the sides asked for, all of them for ()."""
        return tuple(step for step in self.steps if not sides or step.side in sides)


@cache
def protocols() -> Mapping[str, Protocol]:
    """Every protocol that ships, by id; from the checkout and from the wheel alike."""
    folder = files(__package__)
    setups = _shipped_setups()
    names = sorted(
        one.name for one in folder.iterdir() if one.name.endswith(".toml") and one.name != SETUPS
    )
    found = {}
    for name in names:
        text = folder.joinpath(name).read_text(encoding="utf-8")
        found[name.removesuffix(".toml")] = read_protocol(name.removesuffix(".toml"), text, setups)
    return found


@cache
def _shipped_setups() -> Mapping[str, Mapping[str, Any]]:
    return read_setups(files(__package__).joinpath(SETUPS).read_text(encoding="utf-8"))


def plan_step(measure: str, nerve: str, site: str, side: str, record: str) -> StepPlan:
    """A step that no protocol asked for: as its setup says if there is one, else bare.

    Errors: ValueError for a measure or a side that is not known.
    """
    if side not in _SIDES:
        raise ValueError(f"side is {side!r}, expected left or right")
    if measure not in MEASURES:
        raise ValueError(f"measure {measure!r} is not known; known: {', '.join(sorted(MEASURES))}")
    for setup in _shipped_setups().values():
        same = (setup["measure"], setup["nerve"], setup["record"]) == (measure, nerve, record)
        if same and site in setup["site"]:
            return _step(setup, site, _SIDES[side], "")
    sensory = measure == "sensory_response"
    return StepPlan(
        id=step_id(measure, side, nerve, site, record),
        label=f"{nerve.replace('_', ' ').capitalize()} {_KINDS[measure]}, {site_words(site)}, "
        f"{side} {record}",
        measure=measure,
        nerve=nerve,
        site=site,
        side=_SIDES[side],
        record=record,
        electrodes=Electrodes("", "", ""),
        stimulate="",
        filter_hz=(20.0, 2000.0) if sensory else (2.0, 10000.0),
        sweep_ms=20.0 if sensory else 50.0,
        gain_uv=20.0 if sensory else 5000.0,
        width_us=100.0 if sensory else 200.0,
    )


def read_setups(text: str) -> Mapping[str, Mapping[str, Any]]:
    """The table of setups with `like` resolved. Errors: ValueError naming setup and key."""
    table: dict[str, dict[str, Any]] = tomllib.loads(text)
    setups: dict[str, Mapping[str, Any]] = {}
    for name, own in table.items():
        unknown = own.keys() - _SETUP_KEYS
        if unknown:
            raise ValueError(f"setup {name!r}: unknown key {', '.join(sorted(unknown))}")
        base = own.get("like")
        if base is not None and base not in setups:
            raise ValueError(f"setup {name!r}: like {base!r} is not a setup above it")
        setup = {**(setups[base] if base is not None else {}), **own}
        _check_setup(name, setup)
        setups[name] = setup
    return setups


def read_protocol(name: str, text: str, setups: Mapping[str, Mapping[str, Any]]) -> Protocol:
    """One protocol file. Errors: ValueError naming protocol, setup and what is wrong."""
    table = tomllib.loads(text)
    unknown = table.keys() - {"title", "about", "sides", "step"}
    if unknown:
        raise ValueError(f"protocol {name!r}: unknown key {', '.join(sorted(unknown))}")
    sides = tuple(table["sides"])
    if not sides or any(side not in get_args(Side) for side in sides):
        raise ValueError(f"protocol {name!r}: sides are {sides}, expected left and right")
    steps = tuple(
        step for side in sides for row in table["step"] for step in _steps(name, row, side, setups)
    )
    ids = [step.id for step in steps]
    twice = {one for one in ids if ids.count(one) > 1}
    if twice:
        raise ValueError(f"protocol {name!r}: {', '.join(sorted(twice))} appears more than once")
    return Protocol(name, str(table["title"]), str(table["about"]), sides, steps)


def _steps(
    protocol: str, row: Mapping[str, Any], side: Side, setups: Mapping[str, Mapping[str, Any]]
) -> Iterator[StepPlan]:
    unknown = row.keys() - {"setup", "sites", "needs"}
    setup = setups.get(row.get("setup", ""))
    if unknown or setup is None or not row.get("sites"):
        raise ValueError(f"protocol {protocol!r}: step {dict(row)} needs a known setup and sites")
    for site in row["sites"]:
        if site not in setup["site"]:
            raise ValueError(
                f"protocol {protocol!r}: {row['setup']} has no site {site!r}, it has "
                f"{', '.join(setup['site'])}"
            )
        yield _step(setup, site, side, str(row.get("needs", "")))


def _step(setup: Mapping[str, Any], site: str, side: Side, needs: str) -> StepPlan:
    place = setup["site"][site]
    record, measure = str(setup["record"]), str(setup["measure"])
    low, high = setup["filter_hz"]
    distance = place.get("distance_mm")
    return StepPlan(
        id=step_id(measure, side, str(setup["nerve"]), site, record),
        label=f"{setup['title']}, {site_words(site)}, {side} {record}",
        measure=measure,
        nerve=str(setup["nerve"]),
        site=site,
        side=side,
        record=record,
        electrodes=Electrodes(str(setup["e1"]), str(setup["e2"]), str(setup["ground"])),
        stimulate=str(place["stimulate"]),
        filter_hz=(float(low), float(high)),
        sweep_ms=float(setup["sweep_ms"]),
        gain_uv=float(setup["gain_uv"]),
        width_us=float(setup["width_us"]),
        distance_mm=None if distance is None else float(distance),
        train=_train(setup.get("train")),
        needs=needs,
        note=str(setup.get("note", "")),
        record_ms=float(setup.get("record_ms", 0.0)),
    )


def step_id(measure: str, side: str, nerve: str, site: str, record: str) -> str:
    """`motor_response.left.median.wrist.APB`: readable, and fit for an address."""
    return ".".join((measure, side, nerve, site, record.replace(" ", "_")))


def site_words(site: str) -> str:
    """A stimulation site as it is said."""
    return _PLACES.get(site, site.replace("_", " "))


def _train(told: Mapping[str, Any] | None) -> Train | None:
    return None if told is None else Train(**told)


def _check_setup(name: str, setup: Mapping[str, Any]) -> None:
    missing = _SETUP_KEYS - {"note", "train", "like", "record_ms"} - setup.keys()
    if missing:
        raise ValueError(f"setup {name!r}: {', '.join(sorted(missing))} is missing")
    if setup["measure"] not in MEASURES:
        raise ValueError(f"setup {name!r}: measure {setup['measure']!r} is not known")
    low, high = setup["filter_hz"]
    positive = (low, high - low, setup["sweep_ms"], setup["gain_uv"], setup["width_us"])
    if any(not number > 0 for number in positive):
        raise ValueError(f"setup {name!r}: filter, sweep, gain and width must be above 0")
    longest = max(setup["sweep_ms"], setup.get("record_ms", 0.0))
    if longest > MOST_RECORD_MS:
        raise ValueError(f"setup {name!r}: a sweep lasts {MOST_RECORD_MS:g} ms at most")
    rate_hz = setup.get("train", {}).get("rate_hz", 0.0)
    if longest * rate_hz > 1000:
        raise ValueError(f"setup {name!r}: at {rate_hz:g} Hz the next stimulus ends the sweep")
    for site, place in setup["site"].items():
        if not place.get("stimulate") or place.keys() - {"stimulate", "distance_mm"}:
            raise ValueError(f"setup {name!r}: site {site!r} needs stimulate (and distance_mm)")
        if not 10 <= place.get("distance_mm", 10) <= 1500:
            raise ValueError(f"setup {name!r}: site {site!r} is not 10 to 1500 mm away")
    _check_train(name, setup.get("train"))


def _check_train(name: str, train: Mapping[str, Any] | None) -> None:
    if train is None:
        return
    try:
        checked = Train(**train)
    except TypeError as error:
        raise ValueError(f"setup {name!r}: train: {error}") from error
    most = _CEILINGS.get(checked.kind)
    if most is None or not 0 < checked.count <= checked.ceiling_count <= most:
        raise ValueError(
            f"setup {name!r}: a train {checked.kind!r} of {checked.count} (at most "
            f"{checked.ceiling_count}) is not allowed"
        )
    if checked.kind != "rns" and not off_mains(checked.rate_hz):
        raise ValueError(
            f"setup {name!r}: at {checked.rate_hz:g} Hz every sweep has the same phase of 50 or "
            "60 Hz mains; choose a rate that divides neither, 0.47 instead of 0.5 Hz"
        )
