"""What is known of the study under way, as the page is told it. On the event loop; no I/O."""

from __future__ import annotations

from datetime import datetime

from drivers.types import Epoch, LinkState
from service.acquisition.filters import PRESETS
from service.acquisition.types import DeviceState
from service.evidence.limits import Subject
from service.model import Json, MuscleStatus, Task

from .book import SweepBook
from .directing import Words, subject_of
from .interlock import Placement
from .messages import (
    card_json,
    device_json,
    muscles_json,
    placement_json,
    plain_fields,
    step_json,
)
from .montage import Montage
from .steps import Step, steps_for


class Study:
    """Patient, devices, montage, steps, task, sweeps and cards of one study.

    devices: id -> url, in order; the first is the one that is shown and stimulated on.
    """

    def __init__(self, patient: str, study: str, devices: dict[str, str], now_s: float) -> None:
        self.patient = patient
        self.id = study
        self.task = Task.UNKNOWN
        self.task_level = 0.0
        self.temperature_c: float | None = None
        self.subject = Subject()
        self.placement = Placement()
        self.steps: tuple[Step, ...] = ()
        self.montage = Montage(())
        self.book = SweepBook()
        self.epochs: dict[str, Epoch] = {}
        self.cards: dict[str, dict[str, Json]] = {}
        self.states = {
            device: DeviceState(
                device, LinkState.CONNECTING, f"opening {url}", None, 0, 0, 0, None, now_s, None
            )
            for device, url in devices.items()
        }

    @property
    def leading_device(self) -> str | None:
        """The device whose data are shown first and whose edges time the stimuli."""
        return next(iter(self.states), None)

    def begin(self, montage: Montage) -> Placement:
        """The electrodes are known: the list of steps, and the first of them."""
        self.montage = montage
        self.steps = steps_for(montage)
        if self.steps and self.placement == Placement():
            self.placement = self.steps[0].placement
        return self.placement

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
            case ("temperature_c", None | int() | float() as celsius):
                self.temperature_c = celsius
            case ("subject", dict(told)):
                self.subject = subject_of(told)

    def words(self) -> tuple[Words, ...]:
        """All that holds now, as it would be directed."""
        return (
            ("task", {"task": self.task.value, "level": self.task_level}),
            ("step", placement_json(self.placement)),
            ("temperature_c", self.temperature_c),
            ("subject", plain_fields(self.subject)),
        )

    def message(self) -> dict[str, Json]:
        """`study`."""
        step = next((s for s in self.steps if s.placement == self.placement), None)
        return {
            "type": "study",
            "patient": self.patient,
            "id": self.id,
            "task": self.task.value,
            "level": self.task_level,
            "step": placement_json(self.placement) if step is None else step_json(step),
            "steps": [step_json(one) for one in self.steps],
            "temperature_c": self.temperature_c,
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
            "steps": study["steps"],
        }

    def header(self, mode: str, utc: datetime) -> dict[str, Json]:
        """What the record says of the study."""
        return {
            "patient": self.patient,
            "study": self.id,
            "mode": mode,
            "devices": list(self.states),
            "opened_utc": utc.isoformat(),
            "notice": "Research use only. Not a diagnosis. Not a medical device.",
        }
