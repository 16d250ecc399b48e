"""An interlock that is armed, and a refusal that must come."""

from __future__ import annotations

import pytest

from drivers.config import load_stimulator_limits
from drivers.types import Pulse
from service.bedside.interlock import Interlock, RefusedError
from service.bedside.placement import Placement

LIMITS = load_stimulator_limits()
STEP = Placement("ulnar", "wrist", "left", "left FDI")


def armed(now_s: float = 0.0, current_ma: float = 5.0) -> Interlock:
    """An interlock armed by page `a`, after everything it asks for."""
    lock = Interlock(LIMITS, present=True)
    lock.ready()
    lock.amplifier(True, 1)
    lock.place(STEP)
    lock.configured(Pulse(current_ma, 200.0))
    lock.heard("a", now_s)
    lock.asked("none")
    lock.check_arm("a", "AB", now_s)
    lock.armed_by("a", "AB", now_s)
    return lock


def refusal(call, *arguments) -> str:
    """The cause of a refusal that must come."""
    with pytest.raises(RefusedError) as refused:
        call(*arguments)
    assert str(refused.value)
    return refused.value.cause
