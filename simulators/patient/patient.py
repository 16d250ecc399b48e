"""The patient on an amplifier's sample clock: muscles, stimuli and noise become samples.

Everything is generated in fixed time steps of 80 ms, whatever the caller asks for, so that the
samples do not depend on how they were fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import ceil

import numpy as np

from .anatomy import body_plan, split_key
from .background import Background
from .cases import HEALTHY_NERVE, Case, read_case
from .drawing import Traces
from .drive import TASKS, ClonusClock, CorticospinalInput
from .effects import effects
from .evoked import Placement, snap_truth, templates_of
from .front_end import STEP_S, FloatArray, FrontEnd, Grid
from .leads import Lead, check_lead
from .muscle import Activity, Muscle, Task, steps_of
from .needle import NeedleTray
from .needle.lead import muscle_of
from .sensory import SensoryNerve, grown_sensory_nerve
from .stimulation import Stimulation
from .streams import bounded_normal, random_stream
from .subject import Person, person_of_build
from .technique import Technique
from .truth import Firings, Json, TruthLog

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
        for name, value in case.technique.items():
            self._technique.set(name, float(value))
        shared = effects()["corticospinal.depth"]
        limb = random_stream(seed, "corticospinal depth")
        self._depth = bounded_normal(limb, shared.value, shared.sd, limit=2.0)
        self._muscles: dict[str, Muscle] = {}
        self._sensory: dict[str, SensoryNerve] = {}
        self._truth = TruthLog(front_end.rate_hz)
        self._origin = self._position = 0
        self._steps = self._first = self._end = 0
        self._reach([*case.montage, *(lead.muscle for lead in leads)])
        rng = random_stream(seed, "limb")
        frequency = effects()["clonus.frequency_hz"]
        self._clonus = ClonusClock(
            random_stream(seed, "clonus"), bounded_normal(rng, frequency.value, frequency.sd)
        )
        self._corticospinal = CorticospinalInput(random_stream(seed, "corticospinal"))
        self._background = Background(
            len(leads), front_end, body_plan().mains_hz, random_stream(seed, "background")
        )
        self._task = Task("rest", 0.0)
        rate = front_end.rate_hz
        longest = ceil(STEP_S * rate) + ceil(REACH_S * rate) + self._grid.length
        on = [lead.muscle for lead in leads]
        self._spontaneous = Traces(on, longest, self._grid)
        self._evoked = Traces(on, longest, self._grid)
        self._stimulation = Stimulation(
            self._muscles, self._sensory, self._evoked, self._technique, self._truth, seed
        )
        self._needles = NeedleTray(self._muscles, self._grid, self._truth, seed)
        self._noise = np.zeros((len(leads), 0))
        self._truth.setting("task", 0.0, name="rest", level=0.0)

    def _reach(self, keys: Iterable[str | None]) -> None:
        """Grow every muscle and sensory recording that is not there yet."""
        for lead in keys:
            key = muscle_of(lead) or lead
            if key in body_plan().sensory_keys and key not in self._sensory:
                self._sensory[key] = self._grow_sensory(key)
            elif key is not None and key in body_plan().muscle_keys and key not in self._muscles:
                self._muscles[key] = self._grow_muscle(key)
                self._tell_dials(self._muscles[key])

    def _grow_muscle(self, key: str) -> Muscle:
        side, name = split_key(key)
        nerve = body_plan().muscles[name].nerve
        muscle = Muscle(
            key,
            self._grid,
            seed=self._seed,
            corticospinal_depth=self._depth,
            person=self._person,
            condition=self._case.nerves.get(f"{side} {nerve}", HEALTHY_NERVE),
            junction=self._case.junction,
            dials=self._case.dials[key],
            months=self._case.months,
        )
        muscle.umn_goal = self._case.dials[key].umn
        muscle.lmn_goal = self._case.dials[key].lmn
        muscle.settle()
        return muscle

    def _grow_sensory(self, key: str) -> SensoryNerve:
        nerve = grown_sensory_nerve(key, self._seed, person_of_build(self._case.person))
        condition = self._case.nerves.get(
            f"{split_key(key)[0]} {nerve.anatomy.nerve}", HEALTHY_NERVE
        )
        rng = random_stream(self._seed, key, "condition")
        return nerve.under(condition, self._person, rng)

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
        shared = self._corticospinal.next(steps_of(STEP_S))
        beats = self._clonus.beats(start_s, start_s + STEP_S, self._task.name == "stretch")
        for muscle in self._muscles.values():
            heard = [muscle.beat_time(beat, self._clonus.frequency_hz) for beat in beats]
            activity = muscle.step(
                start_s, STEP_S, task=self._task, corticospinal=shared, beats=heard
            )
            self._tell(muscle, activity)
            self._draw(muscle, activity)
            effort = activity.units.size / (FULL_EFFORT_HZ * STEP_S * muscle.anatomy.units)
            if effort > RESTING_EFFORT:
                muscle.junction.exercised(start_s, STEP_S, min(effort, 1.0))
        count = self._end - self._first
        usual = self._background.next(self._first, count)
        self._noise = self._technique.noise(self._first, count, usual)
        self._stimulation.deliver(self._end)
        self._truth.forget(self._first)

    def _draw(self, muscle: Muscle, activity: Activity) -> None:
        """Add the potentials of one step's discharges."""
        through = muscle.axons.connected[activity.units]
        units, times = activity.units[through], activity.times_s[through]
        for event in activity.fasciculations:
            twice = (event.at_s, event.at_s + event.doublet_s)[: 2 if event.doublet_s else 1]
            units = np.append(units, [event.unit] * len(twice))
            times = np.append(times, twice)
        self._spontaneous.draw(muscle, units, times * self._front_end.rate_hz)
        end_s = self._steps * STEP_S
        self._needles.step(muscle.key, units, times, end_s, self._spontaneous)

    def _tell(self, muscle: Muscle, activity: Activity) -> None:
        """Log one step's truth."""
        rate = self._front_end.rate_hz
        self._truth.firings(Firings(muscle.key, activity.units, activity.times_s * rate))
        for event in activity.fasciculations:
            self._truth.event(
                "fasciculations",
                event.at_s * rate,
                muscle=muscle.key,
                unit=event.unit,
                doublet_ms=1e3 * event.doublet_s,
            )
        for at_s in activity.beats_s:
            self._truth.event("clonus_beats", at_s * rate, muscle=muscle.key)

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

    def set_dial(self, muscle: str, *, umn: float | None = None, lmn: float | None = None) -> None:
        """Move a dial (0-1) of one muscle, or of `all`; it turns at 1 per second. None leaves it.

        Raises ValueError for an unknown muscle or a value outside 0-1; nothing is then changed.
        """
        if muscle != "all" and muscle not in self._muscles:
            raise ValueError(f"no muscle '{muscle}'; there are {', '.join(self._muscles)} and all")
        for name, value in (("umn", umn), ("lmn", lmn)):
            if value is not None and not 0.0 <= value <= 1.0:
                raise ValueError(f"dial {name} must lie between 0 and 1, not {value}")
        for key in self._muscles if muscle == "all" else (muscle,):
            turned = self._muscles[key]
            turned.umn_goal = turned.umn_goal if umn is None else umn
            turned.lmn_goal = turned.lmn_goal if lmn is None else lmn
            self._tell_dials(turned)

    def _tell_dials(self, muscle: Muscle) -> None:
        self._truth.setting(
            "dials", self._end, muscle=muscle.key, umn=muscle.umn_goal, lmn=muscle.lmn_goal
        )

    def set_technique(self, name: str, value: float, channel: int | None = None) -> None:
        """Make or mend an error of electrodes or operator (`technique.ERRORS`); `channel` None:
        on all of them.

        Raises ValueError for an unknown error, value or channel; nothing is then changed.
        """
        self._technique.set(name, value, channel)
        self._truth.setting("technique", self._end, name=name, value=value, channel=channel)
        if name in ("hand_temperature_c", "foot_temperature_c"):
            for key, muscle in self._muscles.items():
                side = split_key(key)[0]
                condition = self._case.nerves.get(f"{side} {muscle.anatomy.nerve}", HEALTHY_NERVE)
                muscle.nerve_is(condition, self._person)
            for key in self._sensory:
                self._sensory[key] = self._grow_sensory(key)

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

    def set_task(self, name: str, level: float = 0.0) -> None:
        """What the patient does from the next time step on; effort rises and falls within 0.4 s.

        Raises ValueError for an unknown task or a level outside 0-1.
        """
        if name not in TASKS:
            raise ValueError(f"task '{name}' is unknown; choose one of {', '.join(TASKS)}")
        if not 0.0 <= level <= 1.0:
            raise ValueError(f"level must lie between 0 and 1, not {level}")
        self._task = Task(name, level)
        self._truth.setting("task", self._end, name=name, level=level)

    # --- what is known ---------------------------------------------------------------------------

    def truth(self, first: int, last: int) -> dict[str, Json]:
        """What happened in samples [first, last) since the last boot, at the electrode; of the last
        ten minutes. Indices are fractional samples."""
        return self._truth.between(first + self._origin, last + self._origin, self._origin)

    def templates(self) -> dict[str, Json]:
        """Noise-free M-waves and SNAPs at the electrode, for dials and nerves as they are now."""
        motor = templates_of(self._muscles.values(), self._grid)
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
        }

    def describe(self) -> dict[str, Json]:
        """Who this is, which muscle is on which channel, dials, task and place."""
        channel = {lead.muscle: lead.channel for lead in self.leads}
        place = self._stimulation.placement
        return {
            "patient": self._case.name,
            "code": self._case.code,
            "title": self._case.title,
            "age_years": self._case.person.age_years,
            "sex": self._case.person.sex,
            "height_cm": self._case.person.height_cm,
            "simulated": True,
            "seed": self._seed,
            "hand_temperature_c": self._person.hand_temperature_c,
            "foot_temperature_c": self._person.foot_temperature_c,
            "montage": {str(lead.channel): lead.muscle for lead in self.leads},
            "technique": self._technique.told(),
            "rate_hz": self._front_end.rate_hz,
            "muscles": [
                {
                    "muscle": key,
                    "name": muscle.anatomy.name,
                    "side": key.split(" ", 1)[0],
                    "nerve": muscle.anatomy.nerve,
                    "channel": channel.get(key),
                    "units": int(muscle.alive.sum()),
                }
                for key, muscle in self._muscles.items()
            ],
            "dials": {
                key: {"umn": muscle.umn_goal, "lmn": muscle.lmn_goal}
                for key, muscle in self._muscles.items()
            },
            "needles": self._needles.describe(),
            "task": {"name": self._task.name, "level": self._task.level},
            "placement": {
                "nerve": place.nerve,
                "site": place.site,
                "side": place.side,
            },
            "counter": self.sample_index,
        }
