"""What is said of stimulators that software only triggers, or does not reach at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from drivers.types import StimulatorKind

STATED: Final = "stated, not measured"
AT_DEVICE: Final = (
    "this stimulator is fired at its own front panel; software neither arms nor fires it"
)
MANUAL: Final = "set and fired at its own front panel; type what it shows"
STOPPED: Final[Mapping[StimulatorKind, str]] = {
    StimulatorKind.CONTROLLED: "stopped; arm again to go on",
    StimulatorKind.TRIGGERED: (
        "stopped: no trigger is sent until armed again; the output is switched off at the "
        "stimulator itself"
    ),
    StimulatorKind.MANUAL: (
        "STOP was pressed: switch the stimulator off at the device, software cannot"
    ),
}
ALARM: Final[Mapping[StimulatorKind, str]] = {
    StimulatorKind.CONTROLLED: "the stimulator is off until it is armed again",
    StimulatorKind.TRIGGERED: "no trigger is sent until it is armed again",
    StimulatorKind.MANUAL: "switch the stimulator off at the device, software cannot",
}
