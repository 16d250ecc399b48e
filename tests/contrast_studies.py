"""What a technician does to see both dials, on each amplifier, and what the study then knew.

Runs in processes of its own: every function takes a seed and gives plain values.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from service.model import Measurement, Task
from simulators.assembly import assemble
from tests.virtual_bench import VirtualStudy, few_muscles

MUSCLE, NEIGHBOUR = "left FDI", "left ADM"
HOLD_MUSCLES = (MUSCLE, "left EDC", "left FDS")
WINDOWS = 200
CONFIGS = {"hackeeg": "hackeeg-emg-4k", "cyton": "openbci-cyton-emg"}
RAMP_MA = (5.0, 10.0, 15.0, 20.0, 24.0, 24.0, 24.0)
PULLED = 0.8  # the dial of a muscle that is clearly ill


@dataclass(frozen=True, slots=True)
class Shown:
    """One muscle's card at one moment: (family, state) of every line, sentences by family."""

    states: dict[str, frozenset[tuple[str, str]]]
    sentences: dict[str, str]

    @classmethod
    def of(cls, study: VirtualStudy, muscle: str = MUSCLE) -> Shown:
        """As it now stands."""
        lines = [*study.items(muscle, "lmn"), *study.items(muscle, "umn")]
        return cls(
            {axis: frozenset(study.states(muscle, axis)) for axis in ("lmn", "umn")},
            {line.family: line.sentence for line in lines},
        )

    def state(self, family: str) -> str:
        """State of a family."""
        return dict(self.states["lmn" if family[0] == "L" else "umn"])[family]


@dataclass(slots=True)
class Findings:
    """Everything one study said, by phase: `healthy`, then `lmn`, then `umn`."""

    shown: dict[str, Shown] = field(default_factory=dict)
    neighbour: dict[str, Shown] = field(default_factory=dict)
    measured: dict[str, Measurement] = field(default_factory=dict)
    truth: dict[str, float] = field(default_factory=dict)
    lost: int = 0


def conduction(seed: int) -> Findings:
    """Motor study of the ulnar nerve at 16 kSPS: healthy, then with each dial alone."""
    study = VirtualStudy(assemble("hackeeg", "healthy", seed), "hackeeg-ncs-16k", seed=seed)
    found = Findings()
    study.task(Task.REST)
    study.run(1.0)
    for phase, dials in (
        ("healthy", {}),
        ("lmn", {"lmn": PULLED}),
        ("umn", {"lmn": 0.0, "umn": 1.0}),
    ):
        if dials:
            study.patient.set_dial(MUSCLE, **dials)
            study.run(3.0)  # the dial turns at 1 per second
        for current_ma in RAMP_MA:
            study.shock(current_ma, "ulnar", "wrist")
        _note(found, study, phase)
        m_waves = study.patient.templates()["m_waves"]
        wave = next(w for w in m_waves if (w["muscle"], w["site"]) == (MUSCLE, "wrist"))
        found.truth[f"{phase} amplitude_mv"] = wave["amplitude_mv"]
        found.truth[f"{phase} onset_latency_ms"] = wave["onset_latency_ms"]
        result = study.outlets.sweeps[-1][1]
        each = (result, *result.others)
        found.measured[phase] = next(r.average for r in each if r.average.target == MUSCLE)
    return found


def surface(device: str, seed: int, lmn_rest_s: float) -> Findings:
    """Rest, stretch and a hold of 200 windows: healthy; rest with the LMN dial; then all again
    with the UMN dial alone."""
    firmware = few_muscles(device, seed, HOLD_MUSCLES)
    study = VirtualStudy(firmware, CONFIGS[device], seed=seed, muscles=HOLD_MUSCLES, block_s=0.5)
    found = Findings()
    study.run(1.0)
    _rest(study, found, "healthy", 30.0)
    _stretch_and_hold(study, found, "healthy")
    if device == "cyton":
        study.shock(24.0, "ulnar", "wrist")
        found.measured["cmap"] = study.outlets.sweeps[-1][1].measurement
    _note(found, study, "healthy")

    study.patient.set_dial(MUSCLE, lmn=PULLED)
    _rest(study, found, "lmn", lmn_rest_s)
    _note(found, study, "lmn")

    study.patient.set_dial(MUSCLE, lmn=0.0, umn=1.0)
    _stretch_and_hold(study, found, "umn")
    _note(found, study, "umn")
    return found


def _rest(study: VirtualStudy, found: Findings, phase: str, seconds: float) -> None:
    study.task(Task.REST)
    study.run(3.0)  # a dial turns; the second after a change of task is not judged
    before = _fasciculation(study)
    first = study.patient.sample_index
    study.run(seconds)
    happened = study.counted_truth("fasciculations", MUSCLE, first, study.patient.sample_index)
    found.truth[f"{phase} fasciculations"] = happened
    found.measured[f"{phase} fasciculation"] = _fasciculation(study)
    values = found.measured[f"{phase} fasciculation"].values
    rate_hz = study.stream.rate_hz
    found.truth[f"{phase} rest_min"] = (study.patient.sample_index - first) / rate_hz / 60.0
    found.truth[f"{phase} counted"] = values["event_count"] - before.values.get("event_count", 0.0)
    found.truth[f"{phase} minutes"] = values["valid_min"] - before.values.get("valid_min", 0.0)


def _fasciculation(study: VirtualStudy) -> Measurement:
    return _of(study, "fasciculation", MUSCLE)


def _stretch_and_hold(study: VirtualStudy, found: Findings, phase: str) -> None:
    study.task(Task.STRETCH)
    first = study.patient.sample_index
    study.run(12.0)
    beats = study.counted_truth("clonus_beats", MUSCLE, first, study.patient.sample_index)
    found.truth[f"{phase} beats"] = beats
    study.task(Task.HOLD, 0.15)
    study.run(0.8 * WINDOWS)
    pairs = [f"{other} + {MUSCLE}" for other in HOLD_MUSCLES[1:]]
    for _ in range(60):  # windows that were not steady are made up for
        windows = [_of(study, "coherence", pair).values["window_count"] for pair in pairs]
        if min(windows) >= WINDOWS:
            break
        study.run(1.0)
    for number, pair in enumerate(pairs):
        found.measured[f"{phase} coherence {number}"] = _of(study, "coherence", pair)


def _of(study: VirtualStudy, measure: str, target: str) -> Measurement:
    """The newest measurement of a target."""
    every = study.assessment.measurements()
    return [m for m in every if (m.measure, m.target) == (measure, target)][-1]


def _note(found: Findings, study: VirtualStudy, phase: str) -> None:
    found.shown[phase] = Shown.of(study)
    if NEIGHBOUR in [muscle.key for muscle in study.montage.muscles]:
        found.neighbour[phase] = Shown.of(study, NEIGHBOUR)
    found.lost = study.outlets.lost + study.outlets.rejected
