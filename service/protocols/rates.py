"""Rates of stimulation at which the mains do not come at the same phase with every sweep."""

from __future__ import annotations

MAINS_HZ = (50.0, 60.0)
LEAST_TURN = 0.1


def turn(rate_hz: float, mains_hz: float) -> float:
    """How far the phase of the mains moves from one stimulus to the next, in turns: 0 (a rate that
    divides the mains: what they add to one sweep they add to all, and no average or spread over
    sweeps shows it) to 0.5. Raises ValueError for a rate that is not above 0."""
    if not rate_hz > 0:
        raise ValueError(f"a rate of {rate_hz:g} Hz: expected one above 0")
    cycles = mains_hz / rate_hz
    return abs(cycles - round(cycles))


def off_mains(rate_hz: float) -> bool:
    """Whether ten sweeps or fewer see every phase of 50 and of 60 Hz alike."""
    return all(turn(rate_hz, mains_hz) >= LEAST_TURN for mains_hz in MAINS_HZ)
