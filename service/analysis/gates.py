"""Quality gates: what is wrong with a recording, what to do, and in which direction it can mislead.

A gate never blocks a finding of the other direction: a response that is normal although the
stimulus was submaximal stays normal. Source: clinical reference 0.3; the hints are the usual
mistakes of technique (Rubin 2012, pitfalls of nerve conduction studies).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from service.model import Measurement


class Direction(StrEnum):
    """A kind of finding that a flaw can bring about although it is not there."""

    LOW = "low or absent response"
    DROP = "proximal drop"
    NO_DROP = "no proximal drop"
    SLOW = "slowing"
    FAST = "no slowing"
    LATENCY = "latency"
    AMPLITUDE = "amplitude"
    NORMAL = "normal amplitude, no decrement, no fibrillations"
    QUIET = "no spontaneous activity"
    SPONTANEOUS = "spontaneous activity"
    EFFORT = "low voluntary activity"
    SENSORY = "low or absent sensory response"


@dataclass(frozen=True, slots=True)
class Flag:
    """One gate that tripped. falsifies: findings that are unknown until it is put right; none for a
    hint that forbids nothing."""

    gate: str
    sentence: str
    action: str
    falsifies: tuple[Direction, ...] = ()


# reasons that the measures give, by the word before the colon
_MEASURED: dict[str, tuple[str, tuple[Direction, ...]]] = {
    "initial_positivity": (
        "move the active electrode onto the motor point; in the forearm think of Martin-Gruber",
        (Direction.LATENCY,),
    ),
    "artifact": (
        "turn the anode, dry the skin, move the ground between stimulus and electrode",
        (Direction.LATENCY,),
    ),
    "saturated": (
        "lower the gain or the artefact, and repeat",
        (Direction.AMPLITUDE, Direction.LATENCY),
    ),
    "gap": ("repeat the stimulus", (Direction.AMPLITUDE, Direction.LATENCY)),
    "mains": (
        "renew the electrodes with the higher impedance, unplug what is near",
        (Direction.LATENCY, Direction.SPONTANEOUS),
    ),
    "lead_off": ("put the electrode back on", (Direction.LOW, Direction.QUIET)),
}
LEAST_SKIN_C = {"hand": 32.0, "foot": 30.0}
LEAST_DISTANCE_MM = 80.0
MOST_M_S = 75.0
_FAST_M_S = (
    65.0  # with a long distal latency: faster than a nerve with a distal lesion (a proposal)
)
_LARGER = 1.10


def of_measurement(measurement: Measurement) -> tuple[Flag, ...]:
    """The flaws that a measure found itself, in its `reasons`."""
    flags = []
    for reason in measurement.reasons:
        gate = reason.partition(":")[0]
        if gate in _MEASURED:
            action, falsifies = _MEASURED[gate]
            flags.append(Flag(gate, reason, action, falsifies))
    return tuple(flags)


def submaximal(proven: bool, sentence: str) -> Flag | None:
    """proven, sentence: as `evidence.findings.supramaximal` gives them for the stimulus steps."""
    if proven:
        return None
    falsifies = (Direction.LOW, Direction.DROP)
    return Flag("submaximal", sentence, "raise the current by 20-30 % and repeat", falsifies)


def cold(limb: Literal["hand", "foot"], skin_c: float | None) -> Flag | None:
    """A limb below 32 °C (hand) or 30 °C (foot), or of unknown temperature.

    Cold slows, and raises amplitudes: slowing is unknown, and a normal amplitude, decrement or
    search for fibrillations is not proven normal. Not measured: slowing alone is unknown.
    """
    if skin_c is None:
        told = f"the temperature of the {limb} is not measured"
        return Flag("no_temperature", told, "measure it at the skin", (Direction.SLOW,))
    least = LEAST_SKIN_C[limb]
    if skin_c >= least:
        return None
    told = f"the {limb} has {skin_c:.1f} °C, {least:.0f} °C is needed"
    action = "warm the limb and repeat; do not correct by formula"
    return Flag("cold", told, action, (Direction.SLOW, Direction.NORMAL))


def oedema(entered: bool) -> Flag | None:
    """Swelling, as entered: the electrode lies far from the nerve."""
    if not entered:
        return None
    action = "press the electrode, compare with the other side"
    return Flag("oedema", "the limb is swollen", action, (Direction.SENSORY,))


def distance(distance_mm: float | None) -> Flag | None:
    """A segment so short that the tape decides, or not measured at all."""
    if distance_mm is None:
        told, action = "the distance is not measured", "measure it; it is never carried over"
        return Flag("distance", told, action, (Direction.SLOW, Direction.FAST))
    if distance_mm >= LEAST_DISTANCE_MM:
        return None
    told = f"{distance_mm:.0f} mm: 5 mm of tape are {500 / distance_mm:.0f} % of the velocity"
    action = "take a longer segment, or compare latencies over equal distances"
    return Flag("distance", told, action, (Direction.SLOW, Direction.FAST))


def baseline_noise(rest_rms_uv: float, *, needle: bool) -> Flag | None:
    """A rest too loud for fasciculations and MUNIX (surface) or fibrillations (needle)."""
    most = 5.0 if needle else 10.0
    if rest_rms_uv <= most:
        return None
    told = f"{rest_rms_uv:.1f} µV at rest, {most:.0f} µV is the most"
    action = "renew electrodes and ground, ask the patient to let go"
    return Flag("baseline_noise", told, action, (Direction.SPONTANEOUS, Direction.QUIET))


def not_relaxed(rest_rms_uv: float, instrument_uv: float) -> Flag | None:
    """Activity at rest above three times the instrument's own noise."""
    if rest_rms_uv <= 3 * instrument_uv:
        return None
    told = f"{rest_rms_uv:.1f} µV at rest, the instrument has {instrument_uv:.1f} µV"
    action = "support the limb, use the antagonist; spastic activity at rest is a finding itself"
    return Flag("not_relaxed", told, action, (Direction.QUIET, Direction.SPONTANEOUS))


def effort_unknown(force_recorded: bool, examiner_confirmed: bool) -> Flag | None:
    """A voluntary task of which nobody says how hard the patient tried."""
    if force_recorded or examiner_confirmed:
        return None
    told, action = "how hard the patient tries is not known", "record force, or confirm the effort"
    return Flag("effort_unknown", told, action, (Direction.EFFORT,))


def swapped_electrodes(as_wired: Measurement, turned: Measurement) -> Flag | None:
    """E1 and E2 the wrong way round: turned over, the response starts cleanly and is larger.

    turned: `motor_response` of the same sweeps with `negative_up` the other way.
    """
    if turned.state != "measured" or "onset_latency_ms" not in turned.values:
        return None
    size = turned.values["amplitude_mv"]
    if as_wired.state == "measured":
        earlier = turned.values["peak_latency_ms"] < as_wired.values["peak_latency_ms"]
        if not earlier or size < _LARGER * as_wired.values["amplitude_mv"]:
            return None
    told = "the response is upside down"
    action = "E1 and E2 are probably swapped: turn them over and repeat"
    return Flag("swapped_electrodes", told, action, (Direction.AMPLITUDE, Direction.LATENCY))


def turned_cathode(
    distal: Measurement, velocity_m_s: float | None, latest_ms: float | None
) -> Flag | None:
    """The distal latency is long but the proximal one is not, so that the segment seems too fast.

    velocity_m_s: of the segment above. latest_ms: upper limit of the distal latency, None if none.
    """
    latency_ms = distal.values.get("onset_latency_ms")
    if latency_ms is None or velocity_m_s is None or latest_ms is None:
        return None
    if latency_ms <= latest_ms or velocity_m_s <= _FAST_M_S:
        return None
    told = f"distal latency {latency_ms:.1f} ms is long, the proximal one is not"
    action = "check that the cathode is towards the muscle and the distal distance is right"
    return Flag("turned_cathode", told, action, (Direction.SLOW,))


def too_fast(velocity_m_s: float | None) -> Flag | None:
    """No human motor nerve is faster; the tape usually is the cause."""
    if velocity_m_s is None or velocity_m_s <= MOST_M_S:
        return None
    told = f"{velocity_m_s:.0f} m/s is faster than a nerve"
    return Flag("too_fast", told, "check the tape and both latencies", (Direction.FAST,))


def proximal_larger(
    distal: Measurement, proximal: Measurement, *, nerve: str, distal_proven: bool
) -> Flag | None:
    """The proximal response is larger by more than 10 %, which no single nerve does."""
    if distal.state != "measured" or proximal.state != "measured":
        return None
    low, high = distal.values["amplitude_mv"], proximal.values["amplitude_mv"]
    if high <= _LARGER * low:
        return None
    told = f"proximal {high:.1f} mV, distal {low:.1f} mV"
    action = "raise the distal current" if not distal_proven else "lower the proximal current"
    if nerve == "fibular":
        action += "; stimulate behind the lateral malleolus: accessory fibular nerve?"
    elif nerve in {"median", "ulnar"}:
        action += "; record with the other nerve stimulated at wrist and elbow: Martin-Gruber?"
    return Flag("proximal_larger", told, action, (Direction.LOW, Direction.NO_DROP))


def blocked(flags: Iterable[Flag], finding: Direction) -> tuple[str, ...]:
    """Why a finding of this kind is unknown: the sentences of the gates that can fake it."""
    return tuple(f"{one.sentence}: {one.action}" for one in flags if finding in one.falsifies)


def tripped(flags: Sequence[Flag | None]) -> tuple[Flag, ...]:
    """The gates that tripped, in order."""
    return tuple(flag for flag in flags if flag is not None)
