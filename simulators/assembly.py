"""Puts a patient on an amplifier: the one place that knows which device samples how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from .cyton import CytonFirmware
from .firmware import Firmware, PatientSource
from .hackeeg import FIRST_RATE_HZ as HACKEEG_RATE_HZ
from .hackeeg import HackEEGFirmware

DEVICES = ("cyton", "daisy", "hackeeg")
FIRST_RATE_HZ = {"cyton": 250.0, "daisy": 250.0, "hackeeg": HACKEEG_RATE_HZ}


class Subject:
    """The patient, at whatever rate the amplifier samples.

    Dials, task, placement, leads and errors of technique are remembered, so that a change of rate
    keeps the same person under the same hands.
    """

    def __init__(self, load: Callable[[float], PatientSource], first_rate_hz: float) -> None:
        self._load = load
        self._dials: dict[str, dict[str, float | None]] = {}
        self._task: tuple[str, float, dict[str, Any]] | None = None
        self._place: tuple[str, str, str] | None = None
        self._montage: dict[int, str | None] = {}
        self._technique: dict[tuple[str, int | None], float] = {}
        self._needle: list[tuple[str, str, float | None, str, float | None]] = []
        self._rate_hz = first_rate_hz
        self.patient = load(first_rate_hz)

    def at(self, rate_hz: float) -> PatientSource:
        """The patient at a rate; the one at hand if that is its rate already."""
        if rate_hz != self._rate_hz:
            self.patient = self._load(rate_hz)
            self._rate_hz = rate_hz
            self.patient.set_montage(self._montage)
            for (name, channel), value in self._technique.items():
                self.patient.set_technique(name, value, channel)
            for muscle, dials in self._dials.items():
                self.patient.set_dial(muscle, **dials)
            for move in self._needle:
                self.patient.needle(*move)
            if self._task is not None:
                name, level, how = self._task
                self.patient.set_task(name, level, **how)
            if self._place is not None:
                self.patient.place(*self._place)
        return self.patient

    def set_dial(self, muscle: str, **dials: float | None) -> None:
        """Move `umn`, `lmn` or parts of `umn`. Raises ValueError where the patient does."""
        self.patient.set_dial(muscle, **dials)
        if muscle == "all":
            for remembered in self._dials.values():
                remembered.update(dials)
        # last set wins when replayed, whatever its place in the order before
        self._dials[muscle] = self._dials.pop(muscle, {}) | dials

    def set_task(self, name: str, level: float, **how: Any) -> None:
        """What the patient does; `how` as of `Patient.set_task`."""
        self.patient.set_task(name, level, **how)
        self._task = (name, level, how)

    def place(self, nerve: str, site: str, side: str) -> None:
        """Where the stimulating electrodes lie."""
        self.patient.place(nerve, site, side)
        self._place = (nerve, site, side)

    def set_montage(self, montage: Mapping[int, str | None]) -> None:
        """Move the leads of some channels. Raises ValueError where the patient does."""
        self.patient.set_montage(montage)
        self._montage.update(montage)

    def needle(
        self, muscle: str, action: str, mm: float | None, kind: str, along_mm: float | None
    ) -> Mapping[str, Any]:
        """Move a needle; after a change of rate it is moved so again."""
        tip = self.patient.needle(muscle, action, mm, kind, along_mm)
        self._needle.append((muscle, action, mm, kind, along_mm))
        return tip

    def set_technique(self, name: str, value: float, channel: int | None) -> None:
        """Make or mend an error. Raises ValueError where the patient does."""
        self.patient.set_technique(name, value, channel)
        if channel is None:
            self._technique = {k: v for k, v in self._technique.items() if k[0] != name}
        self._technique.pop((name, channel), None)  # the last one set is the last one replayed
        self._technique[name, channel] = value


def load_subject(device: str, case: str, seed: int) -> Subject:
    """The named case as this device's front end sees it. Raises ValueError for an unknown case."""
    from .patient import FrontEnd, Lead, load_patient  # noqa: PLC0415 - slow to import, not for -h

    def load(rate_hz: float) -> PatientSource:
        kind: Literal["sinc3"] = "sinc3"
        patient = load_patient(case, seed=seed, front_end=FrontEnd(rate_hz, kind))
        if device != "daisy":
            return patient
        unused = tuple(Lead(channel, None) for channel in range(9, 17))
        leads = (*patient.leads, *unused)
        return load_patient(case, seed=seed, front_end=FrontEnd(rate_hz, kind), leads=leads)

    return Subject(load, FIRST_RATE_HZ[device])


def patients_on_file() -> list[dict[str, str]]:
    """`name`, `code` and `title` of every case that `load_subject` takes."""
    from .patient.cases import cases, read_case  # noqa: PLC0415 - as above

    read = [read_case(name) for name in cases()]
    return [{"name": case.name, "code": case.code, "title": case.title} for case in read]


def choices_on_file() -> dict[str, Any]:
    """What may be asked of any patient: `patient.choices.choices`."""
    from .patient.choices import choices  # noqa: PLC0415 - as above

    return choices()


def make_firmware(device: str, subject: Subject, seed: int, **options: Any) -> Firmware:
    """The device's firmware on a subject. Raises ValueError for an unknown device."""
    if device == "hackeeg":
        return HackEEGFirmware(subject.at, seed=seed, **options)
    if device in ("cyton", "daisy"):
        return CytonFirmware(subject.at, seed=seed, daisy=device == "daisy", **options)
    raise ValueError(f"expected a device out of {', '.join(DEVICES)}; got {device!r}.")


def assemble(device: str, patient_case: str, seed: int, **options: Any) -> Firmware:
    """A firmware on a patient, for use in one process and virtual time."""
    return make_firmware(device, load_subject(device, patient_case, seed), seed, **options)
