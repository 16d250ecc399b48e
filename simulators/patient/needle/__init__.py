"""Needle electrodes in the simulated muscles: units seen from close by, and what rests not."""

from .needle import ACTIONS, Needle, NeedleEvent, NeedleSignal
from .tray import NeedleTray

__all__ = ["ACTIONS", "Needle", "NeedleEvent", "NeedleSignal", "NeedleTray"]
