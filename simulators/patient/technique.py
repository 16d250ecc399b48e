"""What goes wrong between patient and amplifier: electrodes, operator, surroundings.

Each error is a number by name, set by a case (`[technique]`) or live over the control channel, for
all channels or for one. 0 is right unless said otherwise. Sizes are ours (trust P).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .effects import effect
from .front_end import ComplexArray, FloatArray, FrontEnd, Grid
from .streams import random_stream
from .truth import Json

CATHODE_TO_ANODE_MM = 25.0  # about +0.4 ms at 60 m/s when the poles are swapped
ANODE_EXCITES = 1.25  # current needed when the anode lies where the cathode should
OFFSET_MM = 12.0  # a cathode this far beside the nerve needs twice the current
ECG_PERIOD_S, ECG_PERIOD_SD_S = 0.82, 0.03
BEAT_S = 0.7  # from the beginning of a QRS complex to the end of its T wave
MOVEMENT_EVERY_S, MOVEMENT_S = 1.5, 0.25


@dataclass(frozen=True, slots=True)
class Error:
    """One kind of error: its range and what it means; per_channel: may be set for one channel."""

    lowest: float
    highest: float
    per_channel: bool
    meaning: str


ERRORS: Mapping[str, Error] = {
    "recording_swapped": Error(0, 1, True, "1: E1 and E2 swapped; the response is upside down"),
    "gel_bridge": Error(0, 1, True, "share of the signal shorted by gel between E1 and E2"),
    "dry_electrode": Error(0, 1, True, "1: a dry electrode; noise, mains and artefact grow"),
    "unprepared_skin": Error(0, 1, True, "1: skin neither cleaned nor abraded; electrodes drift"),
    "lead_off": Error(0, 1, True, "1: the lead is off; no signal, mains and drift"),
    "crosstalk": Error(0, 1, True, "share of the other channels' mean that is seen as well"),
    "saturation_uv": Error(0, 1e6, True, "rail of the input, µV; 0: none"),
    "movement_uv": Error(0, 1e5, True, "height of movement artefacts, µV"),
    "ecg_uv": Error(0, 1e4, True, "height of the QRS complex, µV"),
    "mains_uv": Error(0, 1e5, True, "mains with its harmonics besides the usual, µV amplitude"),
    "mains_hz": Error(0, 400, False, "frequency of that mains; 0: the country's own"),
    "artefact": Error(0, 100, True, "stimulus artefact, times more than usual, with a longer tail"),
    "stimulator_swapped": Error(0, 1, False, "1: cathode and anode swapped"),
    "cathode_offset_mm": Error(0, 60, False, "how far the cathode lies beside the nerve"),
    "costimulation": Error(0, 1, False, "how easily the current spreads to the neighbour nerve"),
    "tape_error_mm": Error(0, 50, False, "SD of the tape's error in every stated distance"),
    "hand_temperature_c": Error(0, 42, False, "skin of the hand, °C; 0: the person's own"),
    "foot_temperature_c": Error(0, 42, False, "skin of the foot, °C; 0: the person's own"),
}


class Technique:
    """The errors in force, on the patient's sample clock. `channels` are those of the leads."""

    def __init__(
        self, channels: Sequence[int], front_end: FrontEnd, mains_hz: float, seed: int
    ) -> None:
        self._channels, self._front_end = tuple(channels), front_end
        self._heart_uv = np.zeros(len(self._channels))
        self._mains_hz, self._seed = mains_hz, seed
        self._values = {
            name: np.zeros(len(self._channels) if error.per_channel else 1)
            for name, error in ERRORS.items()
        }
        self._beats = random_stream(seed, "technique", "ecg")
        self._moves = random_stream(seed, "technique", "movement")
        self._next_beat_s = 0.4
        self._next_move_s = 0.7
        self._faultless = True
        self._lasting: list[tuple[int, FloatArray]] = []

    def set(self, name: str, value: float, channel: int | None = None) -> None:
        """Set one error, of all channels or of one.

        Raises ValueError for an unknown error, a value out of its range, or a channel that is not
        there or that the error does not go by; nothing is then changed.
        """
        error = ERRORS.get(name)
        if error is None:
            raise ValueError(f"technique '{name}' is unknown; choose one of {', '.join(ERRORS)}")
        if not error.lowest <= value <= error.highest:
            raise ValueError(
                f"{name} must lie in {error.lowest:g} to {error.highest:g}; got {value!r}"
            )
        if channel is None:
            self._values[name][:] = value
        elif not error.per_channel:
            raise ValueError(f"{name} is the same for all channels; leave channel out")
        elif channel not in self._channels:
            raise ValueError(f"no lead is on channel {channel}")
        else:
            self._values[name][self._channels.index(channel)] = value
        self._faultless = not any(values.any() for values in self._values.values())

    def lie_near_heart(self, heart_uv: Sequence[float]) -> None:
        """From now on: height of the QRS complex that each lead shows without any error."""
        self._heart_uv = np.array(heart_uv)

    def value(self, name: str) -> float:
        """One error that is the same for all channels."""
        return float(self._values[name][0])

    def told(self) -> dict[str, Json]:
        """Every error that is not 0; a list (one per lead) where channels differ."""
        answer: dict[str, Json] = {}
        for name, values in self._values.items():
            if values.any():
                same = bool((values == values[0]).all())
                answer[name] = float(values[0]) if same else [float(value) for value in values]
        return answer

    def tape_mm(self, row: Mapping[str, Json], on: str) -> float | None:
        """What the technician's tape says for the distance of one template row; None without."""
        distance, words = row.get("distance_mm"), [str(row[key]) for key in (on, "nerve", "site")]
        if not isinstance(distance, float):
            return None
        slip = random_stream(self._seed, "technique", "tape", *words).standard_normal()
        return distance + self.value("tape_error_mm") * float(slip)

    # --- stimulation -----------------------------------------------------------------------------

    @property
    def delivered(self) -> float:
        """Share of the current that the nerve gets, compared with a well placed cathode."""
        beside = 1.0 + (self.value("cathode_offset_mm") / OFFSET_MM) ** 2
        return 1.0 / (beside * (ANODE_EXCITES if self.value("stimulator_swapped") else 1.0))

    @property
    def further_mm(self) -> float:
        """How much further from the muscle the nerve is excited."""
        return CATHODE_TO_ANODE_MM if self.value("stimulator_swapped") else 0.0

    def spread(self, neighbour_at: float) -> float:
        """Current that a neighbour nerve needs relative to the one meant."""
        return 1.0 + (neighbour_at - 1.0) * (1.0 - 0.85 * self.value("costimulation"))

    def artefact(self, spectra: ComplexArray, grid: Grid) -> ComplexArray:
        """Artefacts (n_leads, n_frequencies), larger and with a slow tail where that is set or the
        electrode is dry."""
        extra = self._values["artefact"] + 3.0 * self._values["dry_electrode"]
        if not extra.any():
            return spectra
        slow = 1.0 / (1.0 + 2j * np.pi * grid.frequencies_hz * 0.002)
        return np.asarray(spectra * (1.0 + extra[:, None] * (1.0 + 1.5 * slow)))

    # --- samples ---------------------------------------------------------------------------------

    def signal(self, samples_uv: FloatArray) -> FloatArray:
        """What comes through of the patient's own signal, (n_leads, n) µV."""
        get = self._values
        if self._faultless or not any(
            get[name].any() for name in ("recording_swapped", "gel_bridge", "lead_off", "crosstalk")
        ):
            return samples_uv
        kept = (1.0 - 2.0 * get["recording_swapped"]) * (1.0 - 0.97 * get["gel_bridge"])
        kept = kept * (1.0 - get["lead_off"])
        out = samples_uv * kept[:, None]
        if get["crosstalk"].any():
            others = samples_uv.sum(axis=0) - samples_uv
            out = out + get["crosstalk"][:, None] * others / max(len(self._channels) - 1, 1)
        return np.asarray(out)

    @property
    def drift(self) -> FloatArray:
        """(n_leads, 1) drift of each electrode, relative to that on unprepared skin."""
        prepared = effect("background.drift_prepared")
        return np.asarray(prepared + (1.0 - prepared) * self._values["unprepared_skin"])[:, None]

    def noise(self, first: int, count: int, usual_uv: FloatArray) -> FloatArray:
        """What the surroundings add, (n_leads, n) µV, on top of the usual noise; `first` is the
        sample since power-on. The same whatever else is set."""
        if self._faultless and not self._heart_uv.any():
            return usual_uv
        get = self._values
        rate = self._front_end.rate_hz
        out = usual_uv * (1.0 + 4.0 * get["dry_electrode"] + 6.0 * get["lead_off"])[:, None]
        mains = get["mains_uv"] + 25.0 * get["dry_electrode"] + 400.0 * get["lead_off"]
        if mains.any():
            out = out + mains[:, None] * self._mains(first, count)
        times = np.arange(first, first + count) / rate
        self._schedule(float(times[0]), float(times[-1]))
        heights = np.stack((get["ecg_uv"] + self._heart_uv, get["movement_uv"]), axis=1)
        return np.asarray(out + heights @ self._transients(times) if heights.any() else out)

    def railed(self, samples_uv: FloatArray) -> FloatArray:
        """Cut off at the rails, where there are any."""
        rail = self._values["saturation_uv"]
        if self._faultless or not rail.any():
            return samples_uv
        limit = np.where(rail > 0.0, rail, np.inf)[:, None]
        return np.asarray(np.clip(samples_uv, -limit, limit))

    def _mains(self, first: int, count: int) -> FloatArray:
        base_hz = self.value("mains_hz") or self._mains_hz
        turn = 2.0 * np.pi * base_hz * np.arange(first, first + count) / self._front_end.rate_hz
        line = np.zeros(count)
        for order, share in ((1, 1.0), (2, 0.12), (3, 0.3), (5, 0.15), (7, 0.06)):
            if order * base_hz < 0.5 * self._front_end.rate_hz:
                line += share * np.sin(order * turn + 0.7 * order)
        return line

    def _schedule(self, start_s: float, end_s: float) -> None:
        """Draw the heartbeats and movements up to `end_s`, whether or not they are seen."""
        while self._next_beat_s < end_s:
            self._lasting.append((0, np.array([self._next_beat_s, 1.0])))
            self._next_beat_s += ECG_PERIOD_S + ECG_PERIOD_SD_S * self._beats.standard_normal()
        while self._next_move_s < end_s:
            height = self._moves.uniform(-1.0, 1.0)
            self._lasting.append((1, np.array([self._next_move_s, height])))
            self._next_move_s += self._moves.exponential(MOVEMENT_EVERY_S) + 0.2
        self._lasting = [item for item in self._lasting if start_s - item[1][0] < 2.5]

    def _transients(self, times: FloatArray) -> FloatArray:
        """Heartbeats and movements of unit height at `times`, (2, n)."""
        out = np.zeros((2, times.size))
        for kind, (at_s, height) in self._lasting:
            since = times - at_s
            if kind == 0:
                if since[0] < BEAT_S:
                    out[0] += _qrs(since)
            else:
                rise = np.maximum(since, 0.0) / MOVEMENT_S
                out[1] += height * rise * np.exp(1.0 - rise)
        return out


def _qrs(since_s: FloatArray) -> FloatArray:
    """A QRS complex and T wave of unit height, `since_s` from its beginning at 0."""
    waves = ((0.050, 0.010, -0.2), (0.075, 0.012, 1.0), (0.105, 0.014, -0.35), (0.33, 0.05, 0.2))
    return np.asarray(
        sum(h * np.exp(-0.5 * ((since_s - at) / width) ** 2) for at, width, h in waves)
    )
