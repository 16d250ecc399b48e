"""The steps of a study: from a protocol, or those that the montage suggests; done, skipped with a
reason, repeated, added, in any order. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any

from service.evidence.anatomy import anatomy
from service.model import Side
from service.protocols.loading import Electrodes, StepPlan, Train, plan_step
from service.store.types import KeptStep, StepState

from .montage import Montage
from .placement import Placement, StepPulse
from .row_key import MOTOR

# a second, proximal site for the muscles of the hand: conduction along the forearm
PROXIMAL_SITE = {"median": "elbow", "ulnar": "below_elbow"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step as it stands. channel: assigned, empty: the one labelled with its muscle. run:
    counts from 1, one more for each repeat. position: its place in the list."""

    plan: StepPlan
    position: float = 0.0
    state: StepState = "open"
    reason: str = ""
    run: int = 1
    added: bool = False
    channel: str = ""

    @property
    def id(self) -> str:
        """`motor_response.left.median.wrist.APB`."""
        return self.plan.id

    @property
    def label(self) -> str:
        """In words."""
        return self.plan.label

    @property
    def placement(self) -> Placement:
        """What lies under the electrodes."""
        plan = self.plan
        return Placement(plan.nerve, plan.site, plan.side, plan.muscle)

    @property
    def pulse(self) -> StepPulse:
        """What the stimulator starts with."""
        return StepPulse(self.id, self.plan.width_us)

    def recording_for(self, ms: float) -> Step:
        """With sweeps that last so long after the stimulus."""
        if ms == self.plan.recorded_ms:
            return self
        return replace(self, plan=replace(self.plan, record_ms=ms))


def steps_for(montage: Montage) -> tuple[Step, ...]:
    """Distal site of each muscle, and the proximal one where the distal is the wrist."""
    plans = []
    for muscle in montage.muscles:
        row = anatomy(muscle.name)
        sites = [row.distal_site]
        if row.distal_site == "wrist" and row.nerve in PROXIMAL_SITE:
            sites.append(PROXIMAL_SITE[row.nerve])
        plans += [plan_step(MOTOR, row.nerve, s, muscle.side, muscle.name) for s in sites]
    return steps_of(plans)


def steps_of(plans: Iterable[StepPlan]) -> tuple[Step, ...]:
    """Open steps in the order given."""
    return tuple(Step(plan, float(at)) for at, plan in enumerate(plans))


@dataclass(slots=True)
class StepList:
    """The steps of one study, in order."""

    steps: tuple[Step, ...] = field(default_factory=tuple)

    def get(self, step_id: str) -> Step:
        """Raises KeyError for an unknown one."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)

    def at(self, placement: Placement, measure: str = MOTOR) -> Step | None:
        """The step of a placement, None if the list has none."""
        for step in self.steps:
            if step.placement == placement and step.plan.measure == measure:
                return step
        return None

    def put(self, step: Step) -> Step:
        """A step as it now stands, in its place; a new one is sorted in."""
        others = [one for one in self.steps if one.id != step.id]
        self.steps = tuple(sorted([*others, step], key=lambda one: (one.position, one.id)))
        return step

    def next_open(self, after: Step) -> Step | None:
        """What is to do next: the first open step behind, else the first open one at all."""
        remaining = [one for one in self.steps if one.state == "open" and one.id != after.id]
        behind = [one for one in remaining if one.position >= after.position]
        return next(iter(behind or remaining), None)

    def planned(self, plan: StepPlan, after: Step | None, channel: str = "") -> Step:
        """A step to be put behind another, or at the end; the step itself if the list has it, on
        the channel now assigned to it."""
        if any(one.id == plan.id for one in self.steps):
            known = self.get(plan.id)
            return replace(known, channel=channel) if channel else known
        position = self.steps[-1].position + 1.0 if self.steps else 0.0
        if after is not None:
            behind = [one.position for one in self.steps if one.position > after.position]
            position = (after.position + min(behind)) / 2 if behind else after.position + 1.0
        return Step(plan, position, added=True, channel=channel)


def kept_step(step: Step) -> KeptStep:
    """As the store keeps it."""
    plan: dict[str, Any] = {one.name: getattr(step.plan, one.name) for one in fields(step.plan)}
    told = {one.name: getattr(step.plan.electrodes, one.name) for one in fields(Electrodes)}
    train = step.plan.train
    plan |= {
        "electrodes": told,
        "filter_hz": list(step.plan.filter_hz),
        "train": None if train is None else {o.name: getattr(train, o.name) for o in fields(train)},
        "channel": step.channel,
    }
    return KeptStep(step.id, step.position, plan, step.state, step.reason, step.run, step.added)


def step_from(kept: KeptStep) -> Step:
    """The step again. Raises KeyError or TypeError if its plan is not one of ours."""
    told: dict[str, Any] = dict(kept.plan)
    channel = told.pop("channel", "")
    low, high = told["filter_hz"]
    side: Side = told["side"]
    plan = StepPlan(
        **{
            **told,
            "side": side,
            "electrodes": Electrodes(**told["electrodes"]),
            "filter_hz": (low, high),
            "train": None if told["train"] is None else Train(**told["train"]),
        }
    )
    return Step(plan, kept.position, kept.state, kept.reason, kept.run, kept.added, channel)


def step_rows(step: Step, rows: Iterable[str]) -> list[str]:
    """Those of `rows` (ids) that are the step's, newest run first."""
    own = [row for row in rows if row.rpartition(".")[0] == step.id]
    return sorted(own, key=lambda row: -int(row.rpartition(".")[2]))


def repeated(step: Step) -> Step:
    """Once more: what was done before stays under its own run."""
    return replace(step, run=step.run + 1, state="open", reason="")
