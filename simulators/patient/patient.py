"""The patient on an amplifier's sample clock: muscles, stimuli and noise become samples.

Everything is generated in fixed time steps of 80 ms, whatever the caller asks for, so that the
samples do not depend on how they were fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from math import ceil

import numpy as np

from .activity import Activity
from .anatomy import body_plan
from .background import Background
from .cases import Case, read_case
from .descending import SUB_DIALS
from .description import described, tell_activity
from .drawing import Traces
from .drive import Drive
from .evoked import Placement, snap_truth, templates_of
from .front_end import STEP_S, FloatArray, FrontEnd, Grid
from .growing import condition_of, grown_muscle, grown_sensory
from .leads import Lead, check_lead, heart_uv, muscle_under
from .muscle import Muscle, stepped
from .needle import NeedleTray
from .reflex_truth import reflex_truth
from .reflexes import Tap
from .sensory import SensoryNerve
from .stimulation import Stimulation
from .streams import random_stream
from .subject import Person
from .tasks import Task
from .technique import Technique
from .tms import MagneticPulse
from .transducers import Transducers
from .truth import Json, TruthLog

FULL_EFFORT_HZ = 20.0  # mean rate per unit at maximal effort
RESTING_EFFORT = 0.05
REACH_S = 0.200  # how far beyond its own time step an event may still begin a potential


def load_patient(
    case: str, *, seed: int, front_end: FrontEnd, leads: Sequence[Lead] | None = None
) -> Patient:
    """A patient on file, connected to a front end. `leads` absent: the case's own 8 channels.

    Raises ValueError for an unknown case or a lead on something that nobody has.
    """
    on_file = read_case(case)
    chosen = leads
    if chosen is None:
        chosen = [Lead(number, key) for number, key in enumerate(on_file.montage, start=1)]
    for lead in chosen:
        check_lead(lead)
    return Patient(on_file, seed=seed, front_end=front_end, leads=tuple(chosen))


class Patient:
    """See `load_patient`. One thread uses a patient at a time."""

    def __init__(
        self, case: Case, *, seed: int, front_end: FrontEnd, leads: tuple[Lead, ...]
    ) -> None:
        self.leads = leads
        self._case, self._seed, self._front_end = case, seed, front_end
        self._grid = Grid.of(front_end)
        self._technique = Technique(
            [lead.channel for lead in leads], front_end, body_plan().mains_hz, seed
        )
        self._technique.lie_near_heart([heart_uv(lead) for lead in leads])
        for name, value in case.technique.items():
            self._technique.set(name, float(value))
        self._muscles: dict[str, Muscle] = {}
        self._sensory: dict[str, SensoryNerve] = {}
        self._truth = TruthLog(front_end.rate_hz)
        self._origin = self._position = 0
        self._steps = self._first = self._end = 0
        self._reach([*case.montage, *(lead.muscle for lead in leads)])
        self._drive = Drive(case.behaviour, seed)
        self._background = Background(
            len(leads),
            front_end,
            body_plan().mains_hz,
            random_stream(seed, "background"),
            random_stream(seed, "drift"),
        )
        rate = front_end.rate_hz
        longest = ceil(STEP_S * rate) + ceil(REACH_S * rate) + self._grid.length
        on = [lead.muscle for lead in leads]
        self._spontaneous = Traces(on, longest, self._grid)
        self._evoked = Traces(on, longest, self._grid)
        self._stimulation = Stimulation(
            self._muscles, self._sensory, self._evoked, self._technique, self._truth, seed
        )
        self._needles = NeedleTray(self._muscles, self._grid, self._truth, seed)
        self._transducers = Transducers(self._spontaneous, self._truth)
        self._noise = np.zeros((len(leads), 0))
        self._truth.setting("task", 0.0, name="rest", level=0.0)

    def _reach(self, keys: Iterable[str | None]) -> None:
        """Grow every muscle and sensory recording that is not there yet."""
        for lead in keys:
            key = muscle_under(lead)
            if key in body_plan().sensory_keys and key not in self._sensory:
                self._sensory[key] = grown_sensory(self._case, self._person, key, self._seed)
            elif key is not None and key in body_plan().muscle_keys and key not in self._muscles:
                self._muscles[key] = grown_muscle(
                    self._case, self._person, key, self._seed, self._grid
                )
                self._tell_dials(self._muscles[key])

    @property
    def _person(self) -> Person:
        """The person, with skin as warm as the examiner keeps it."""
        person, technique = self._case.person, self._technique
        return replace(
            person,
            hand_temperature_c=technique.value("hand_temperature_c") or person.hand_temperature_c,
            foot_temperature_c=technique.value("foot_temperature_c") or person.foot_temperature_c,
        )

    # --- samples ---------------------------------------------------------------------------------

    @property
    def sample_index(self) -> int:
        """Index of the next sample since the device's last boot."""
        return self._position - self._origin

    def reset_clock(self) -> None:
        """The device rebooted: the next sample is number 0. The patient lives on."""
        self._origin = self._position

    def advance(self, n: int) -> FloatArray:
        """The next `n` samples of every lead, (n_channels, n) µV behind the front end."""
        out = np.empty((len(self.leads), n))
        filled = 0
        while filled < n:
            if self._position == self._end:
                self._next_step()
            start = self._position - self._first
            count = min(n - filled, self._end - self._position)
            part = slice(start, start + count)
            signal = self._spontaneous.values[:, part] + self._evoked.values[:, part]
            seen = self._technique.signal(signal) + self._noise[:, part]
            out[:, filled : filled + count] = self._technique.railed(seen)
            filled += count
            self._position += count
        return out

    def _next_step(self) -> None:
        """Generate the next 80 ms."""
        start_s = self._steps * STEP_S
        self._steps += 1
        self._first = self._end
        for traces in (self._spontaneous, self._evoked):
            traces.forward(self._first)
        self._end = ceil(self._steps * STEP_S * self._front_end.rate_hz - 1e-6)
        order = self._drive.step(start_s)
        active = stepped(list(self._muscles.values()), order)
        for muscle, activity in active:
            tell_activity(self._truth, muscle.key, activity, self._front_end.rate_hz)
            self._draw(muscle, activity)
            effort = activity.units.size / (FULL_EFFORT_HZ * STEP_S * muscle.anatomy.units)
            if effort > RESTING_EFFORT:
                muscle.junction.exercised(start_s, STEP_S, min(effort, 1.0))
        self._transducers.step(order, active, self._first, self._end)
        count = self._end - self._first
        usual = self._background.next(self._first, count, self._technique.drift)
        self._noise = self._technique.noise(self._first, count, usual)
        self._stimulation.deliver(self._end)
        self._truth.forget(self._first)

    def _draw(self, muscle: Muscle, activity: Activity) -> None:
        """Add the potentials of one step's discharges."""
        units, times = muscle.passed(activity.units, activity.times_s)
        for event in activity.fasciculations:
            twice = (event.at_s, event.at_s + event.doublet_s)[: 2 if event.doublet_s else 1]
            units = np.append(units, [event.unit] * len(twice))
            times = np.append(times, twice)
        for response in activity.responses:
            reached, at_s = muscle.passed(response.units, response.times_s)
            units, times = np.append(units, reached), np.append(times, at_s)
        shares = muscle.junction.discharged(units, times) if units.size else None
        self._spontaneous.draw(muscle, units, times * self._front_end.rate_hz, shares)
        end_s = self._steps * STEP_S
        self._needles.step(muscle.key, (units, times, shares), end_s, self._spontaneous)

    # --- stimulation -----------------------------------------------------------------------------

    def place(self, nerve: str, site: str, side: str) -> None:
        """Put the stimulating electrodes somewhere. Raises ValueError for an unknown place."""
        self._stimulation.placement = Placement.checked(nerve, site, side)

    def stimulate(self, at_sample: float, *, current_ma: float, width_us: float) -> None:
        """One pulse at a fractional sample that has not been fetched yet, at the present placement.

        Raises ValueError for a sample in the past or a pulse without charge.
        """
        if not at_sample >= self.sample_index:
            raise ValueError(
                f"sample {at_sample} has already left the device (next is {self.sample_index})"
            )
        self._stimulation.add(at_sample + self._origin, current_ma, width_us, self._end)

    # --- what can be turned ----------------------------------------------------------------------

    def set_dial(
        self,
        muscle: str,
        *,
        umn: float | None = None,
        lmn: float | None = None,
        **parts: float | None,
    ) -> None:
        """Move a dial (0-1) of one muscle, or of `all`; it turns at 1 per second. None leaves it.
        parts: `descending.SUB_DIALS` of the UMN lesion, at once; None: it follows `umn` again.

        Raises ValueError for an unknown muscle or dial or a value outside 0-1; nothing is then
        changed.
        """
        if muscle != "all" and muscle not in self._muscles:
            raise ValueError(f"no muscle '{muscle}'; there are {', '.join(self._muscles)} and all")
        for name, value in (("umn", umn), ("lmn", lmn), *parts.items()):
            if name not in ("umn", "lmn", *SUB_DIALS):
                raise ValueError(f"no dial '{name}'; there are umn, lmn, {', '.join(SUB_DIALS)}")
            if value is not None and not 0.0 <= value <= 1.0:
                raise ValueError(f"dial {name} must lie between 0 and 1, not {value}")
        for key in self._muscles if muscle == "all" else (muscle,):
            turned = self._muscles[key]
            turned.umn_goal = turned.umn_goal if umn is None else umn
            turned.lmn_goal = turned.lmn_goal if lmn is None else lmn
            turned.tract.given.update(parts)
            turned.upper_is()
            self._tell_dials(turned)

    def _tell_dials(self, muscle: Muscle) -> None:
        upper = asdict(muscle.tract.lesion(muscle.umn_goal))
        self._truth.setting("dials", self._end, muscle=muscle.key, lmn=muscle.lmn_goal, **upper)

    def set_technique(self, name: str, value: float, channel: int | None = None) -> None:
        """Make or mend an error of electrodes or operator (`technique.ERRORS`); `channel` None:
        on all of them.

        Raises ValueError for an unknown error, value or channel; nothing is then changed.
        """
        self._technique.set(name, value, channel)
        self._truth.setting("technique", self._end, name=name, value=value, channel=channel)
        if name in ("hand_temperature_c", "foot_temperature_c"):
            for key, muscle in self._muscles.items():
                muscle.nerve_is(condition_of(self._case, key), self._person)
            for key in self._sensory:
                self._sensory[key] = grown_sensory(self._case, self._person, key, self._seed)

    def set_montage(self, montage: Mapping[int, str | None]) -> None:
        """Move the electrodes: channel -> muscle or sensory recording; None: an unused input.
        Channels not named stay. What a moved channel would still have shown of a response is gone.

        Raises ValueError for a channel that is not there or a place that nobody has; nothing is
        then changed.
        """
        there = {lead.channel for lead in self.leads}
        for channel, key in montage.items():
            if channel not in there:
                raise ValueError(f"no lead is on channel {channel}")
            check_lead(Lead(channel, key))
        self.leads = tuple(
            Lead(lead.channel, montage.get(lead.channel, lead.muscle)) for lead in self.leads
        )
        self._reach(lead.muscle for lead in self.leads)
        self._technique.lie_near_heart([heart_uv(lead) for lead in self.leads])
        for traces in (self._spontaneous, self._evoked):
            traces.connect([lead.muscle for lead in self.leads])
        self._truth.setting(
            "montage", self._end, leads={str(lead.channel): lead.muscle for lead in self.leads}
        )

    def needle(
        self,
        muscle: str,
        action: str,
        mm: float | None = None,
        kind: str = "concentric",
        along_mm: float | None = None,
    ) -> dict[str, Json]:
        """Move a needle from the next time step on: `insert`, `advance`, `withdraw`, as
        `Needle.move`. Returns where its tip then is.

        Raises ValueError for an unknown muscle, action or electrode, a senseless distance, or a
        needle that is not in; nothing is then changed.
        """
        at = self._needles.move(muscle, action, mm, kind, self._steps * STEP_S, along_mm)
        self._truth.setting("needles", self._end, muscle=muscle, action=action, mm=mm, **at)
        return at

    def set_task(
        self,
        name: str,
        level: float = 0.0,
        *,
        muscle: str | None = None,
        velocity_deg_s: float | None = None,
        seconds: float | None = None,
    ) -> None:
        """What the patient does from the next time step on (`tasks.Task`); effort rises and falls
        within 0.4 s.

        Raises ValueError for an unknown task or muscle or a number out of range; nothing is then
        changed.
        """
        task = Task.checked(name, level, muscle, velocity_deg_s, seconds)
        if muscle is not None and muscle not in self._muscles:
            raise ValueError(f"no muscle '{muscle}'; there are {', '.join(self._muscles)}")
        self._drive.ask(task, self._steps * STEP_S)
        told = {"muscle": muscle, "velocity_deg_s": velocity_deg_s, "seconds": task.seconds}
        self._truth.setting("task", self._end, name=name, level=level, **told)

    # --- what is provoked ------------------------------------------------------------------------

    def tap(self, muscle: str, force_n: float, at_sample: float | None = None) -> float:
        """A blow on a muscle's tendon at a fractional sample, or as soon as can be; when it lands.

        Raises ValueError for an unknown muscle, a senseless force or a sample too early: the
        time step under way is past changing.
        """
        at, at_s = self._moment(muscle, at_sample)
        self._drive.provoke(Tap.checked(at_s, muscle, force_n))
        self._truth.event("taps", at_s * self._front_end.rate_hz, muscle=muscle, force_n=force_n)
        return at

    def magnetic(
        self, muscle: str | None, intensity: float, at_sample: float | None = None
    ) -> float:
        """A magnetic pulse over the cortical hot spot of a muscle (None: the first that there is);
        intensity in %MSO; otherwise and errors as `tap`."""
        muscle = next(iter(self._muscles), "") if muscle is None else muscle
        at, at_s = self._moment(muscle, at_sample)
        self._drive.provoke(MagneticPulse.checked(at_s, muscle, intensity))
        sample = at_s * self._front_end.rate_hz
        self._truth.event("magnetic_pulses", sample, muscle=muscle, intensity=intensity)
        return at

    def _moment(self, muscle: str, at_sample: float | None) -> tuple[float, float]:
        """When something provoked happens: sample since boot, seconds since power-on."""
        if muscle not in self._muscles:
            raise ValueError(f"no muscle '{muscle}'; there are {', '.join(self._muscles)}")
        first = self._end - self._origin
        at = float(first) if at_sample is None else at_sample
        if at < first:
            raise ValueError(f"sample {at} is under way; the first that can change is {first}")
        return at, (at + self._origin) / self._front_end.rate_hz

    # --- what is known ---------------------------------------------------------------------------

    def truth(self, first: int, last: int, *, brief: bool = False) -> dict[str, Json]:
        """What happened in samples [first, last) since the last boot, at the electrode; of the last
        ten minutes. Indices are fractional samples. brief: without firings and courses."""
        origin = self._origin
        return self._truth.between(first + origin, last + origin, origin, brief=brief)

    def templates(self, only: str | None = None) -> dict[str, Json]:
        """Noise-free M-waves and SNAPs at the electrode, for dials and nerves as they are now.
        only: M-waves and reflexes of one muscle, which takes a fraction of the time."""
        muscles = [one for key, one in self._muscles.items() if only in (None, key)]
        motor = templates_of(muscles, self._grid)
        sensory = [
            snap_truth(key, nerve, site, self._grid)
            for key, nerve in self._sensory.items()
            for site in nerve.sites
        ]
        tape = self._technique.tape_mm
        return {
            "m_waves": [{**row, "tape_mm": tape(row, "muscle")} for row in motor],
            "snaps": [{**row, "tape_mm": tape(row, "recording")} for row in sensory],
            "needles": self._needles.templates(),
            "reflexes": [reflex_truth(muscle, self._grid) for muscle in muscles],
        }

    def describe(self) -> dict[str, Json]:
        """Who this is, which muscle is on which channel, dials, task and place."""
        return {
            **described(self._case, self._person, self.leads, self._muscles),
            "seed": self._seed,
            "technique": self._technique.told(),
            "rate_hz": self._front_end.rate_hz,
            "needles": self._needles.describe(),
            "task": asdict(self._drive.task),
            "placement": asdict(self._stimulation.placement),
            "counter": self.sample_index,
        }
