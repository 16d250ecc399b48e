"""What is known of the study under way, as the page is told it. On the event loop; no I/O."""

from __future__ import annotations

from datetime import datetime

from drivers.types import Epoch, LinkState
from service.acquisition.filters import PRESETS
from service.acquisition.types import DeviceState
from service.evidence.limits import Subject
from service.model import Json, MuscleStatus, Task
from service.protocols.loading import protocols

from .book import SweepBook
from .directing import Words
from .messages import (
    card_json,
    device_json,
    muscles_json,
    placement_json,
    plain_fields,
    step_json,
)
from .montage import Montage
from .placement import Placement
from .plan import MONTAGE, Plan
from .row_key import MOTOR
from .steps import Step, StepList, step_from, step_rows, steps_for, steps_of
from .subject import subject_of


class Study:
    """Patient, devices, montage, steps, task, sweeps, rows and cards of one study.

    The first device is the one that is shown and stimulated on. current: id of the step under the
    electrodes. rows: lines of the table by id, as they were told.
    """

    def __init__(self, plan: Plan, now_s: float) -> None:
        self.patient = plan.patient
        self.id = plan.study
        self.visit, self.operator, self.protocol = plan.visit, plan.operator, plan.protocol
        self.run = plan.run_name
        self.task = Task.UNKNOWN
        self.task_level = 0.0
        self.temperature_c: float | None = None
        self.subject = Subject()
        self.placement = Placement()
        self.temperatures: dict[str, float] = {}
        self.list = StepList(_steps(plan))
        self.current: str | None = None
        self.rows: dict[str, dict[str, Json]] = {}
        self.montage = Montage(())
        self.book = SweepBook()
        self.epochs: dict[str, Epoch] = {}
        self.cards: dict[str, dict[str, Json]] = {}
        self.states = {
            device: DeviceState(
                device, LinkState.CONNECTING, f"opening {url}", None, 0, 0, 0, None, now_s, None
            )
            for device, url in ((one.id, one.url) for one in plan.devices)
        }

    @property
    def leading_device(self) -> str | None:
        """The device whose data are shown first and whose edges time the stimuli."""
        return next(iter(self.states), None)

    def begin(self, montage: Montage) -> Placement:
        """The electrodes are known: the list of steps, and the first of them."""
        self.montage = montage
        if not self.list.steps and self.protocol == MONTAGE:
            self.list = StepList(steps_for(montage))
        if self.list.steps and self.placement == Placement():
            first = self.step() or self.list.steps[0]
            self.placement, self.current = first.placement, first.id
        return self.placement

    def step(self) -> Step | None:
        """The one under the electrodes; None: it is not in the list."""
        return next((one for one in self.list.steps if one.id == self.current), None)

    def hold_row(self, row: str, line: dict[str, Json] | None) -> dict[str, Json]:
        """A row of the table as it now stands, or gone; as it is told."""
        if line is None:
            self.rows.pop(row, None)
            return {"type": "row_gone", "id": row}
        before = self.rows.get(row, {}).get("revision")
        told = {**line, "revision": before + 1 if isinstance(before, int) else 1}
        self.rows[row] = told
        return {"type": "row", "row": told}

    def step_told(self, step: Step) -> dict[str, Json]:
        """A step with the ids of its rows, newest run first."""
        return step_json(step, step_rows(step, self.rows))

    def hold_card(self, card: MuscleStatus) -> dict[str, Json]:
        """A new state of a muscle's card, as it is told."""
        before = self.cards.get(card.muscle.key)
        revision = 1
        if before is not None and isinstance(before["revision"], int):
            revision = before["revision"] + 1
        told = card_json(card, revision)
        self.cards[card.muscle.key] = told
        return told

    def default_view(self) -> tuple[str, str, tuple[str, ...]] | None:
        """Device, stream and labels of every emg channel of the first device; None without any."""
        device = self.leading_device
        epoch = None if device is None else self.epochs.get(device)
        for stream in () if epoch is None else epoch.info.streams:
            labels = tuple(c.label for c in stream.channels if c.kind == "emg")
            if device is not None and labels:
                return device, stream.name, labels
        return None

    def note(self, words: Words) -> None:
        """Something was directed."""
        match words:
            case ("task", {"task": str(name), "level": int() | float() as level}):
                self.task, self.task_level = Task(name), float(level)
            case ("step", dict(told)):
                nerve, site, side, muscle = (
                    str(told.get(part) or "") for part in ("nerve", "site", "side", "muscle")
                )
                self.placement = Placement(nerve, site, side, muscle)
                step = self.list.at(self.placement, str(told.get("measure") or MOTOR))
                self.current = None if step is None else step.id
                if step is not None and isinstance(ms := told.get("record_ms"), int | float):
                    self.list.put(step.recording_for(float(ms)))
            case ("temperature_c", None | int() | float() as celsius):
                self.temperature_c = celsius
            case (
                "edit",
                {
                    "what": "temperature",
                    "to": {"where": str(where), "celsius": int() | float() as measured},
                },
            ):
                self.temperatures[where] = float(measured)
            case ("subject", dict(told)):
                self.subject = subject_of(told)

    def words(self) -> tuple[Words, ...]:
        """All that holds now, as it would be directed."""
        return (
            ("task", {"task": self.task.value, "level": self.task_level}),
            ("step", self.step_words()),
            ("temperature_c", self.temperature_c),
            ("subject", plain_fields(self.subject)),
        )

    def step_words(self) -> dict[str, Json]:
        """What lies under the electrodes, as it is directed."""
        step = self.step()
        told = placement_json(self.placement)
        if step is None:
            return told
        return {
            **told,
            "measure": step.plan.measure,
            "run": step.run,
            "channel": step.channel or None,
            "record_ms": step.plan.recorded_ms,
        }

    def message(self) -> dict[str, Json]:
        """`study`."""
        step = self.step()
        return {
            "type": "study",
            "patient": self.patient,
            "id": self.id,
            "task": self.task.value,
            "level": self.task_level,
            "visit": self.visit,
            "operator": self.operator,
            "protocol": self.protocol,
            "state": "open",
            "step": placement_json(self.placement) if step is None else self.step_told(step),
            "steps": [self.step_told(one) for one in self.list.steps],
            "temperature_c": self.temperature_c,
            "temperatures": dict(self.temperatures),
            "subject": plain_fields(self.subject),
        }

    def describe(self) -> dict[str, Json]:
        """The study's part of `hello`."""
        leading = self.leading_device
        study = self.message()
        del study["type"]
        return {
            "study": study,
            "devices": [
                device_json(device, self.epochs.get(device), state)
                for device, state in self.states.items()
            ],
            "muscles": []
            if leading is None
            else muscles_json(self.montage, leading, self.epochs.get(leading)),
            "presets": [{"id": one.id, "label": one.label} for one in PRESETS.values()],
            "cards": list(self.cards.values()),
            "rows": list(self.rows.values()),
            "steps": study["steps"],
        }

    def header(self, mode: str, utc: datetime) -> dict[str, Json]:
        """What the record says of the study."""
        return {
            "patient": self.patient,
            "study": self.id,
            "run": self.run,
            "mode": mode,
            "simulated": mode == "simulated",
            "devices": list(self.states),
            "opened_utc": utc.isoformat(),
            "notice": "Research use only. Not a diagnosis. Not a medical device.",
        }


def _steps(plan: Plan) -> tuple[Step, ...]:
    """Those of the study that is gone on with, else of the protocol; `montage` has none yet."""
    if plan.content is not None and plan.content.steps:
        return tuple(step_from(one) for one in plan.content.steps)
    protocol = protocols().get(plan.protocol)
    if protocol is None:
        return ()
    return steps_of(step for step in protocol.steps if not plan.sides or step.side in plan.sides)
