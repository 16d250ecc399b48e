"""Seeded random streams, one per purpose, so that turning one dial disturbs no other draw."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def random_stream(seed: int, *purpose: str) -> np.random.Generator:
    """A generator that depends only on the seed and the words of its purpose."""
    entropy = [seed, *(crc32(word.encode()) for word in purpose)]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))


def bounded_normal(rng: np.random.Generator, mean: float, sd: float, limit: float = 2.5) -> float:
    """A normal draw, redrawn by clipping at `limit` SD so that no subject is a monster."""
    return mean + sd * float(np.clip(rng.standard_normal(), -limit, limit))


def moved_towards(value: float, goal: float, step: float) -> float:
    """`value`, moved by at most `step` towards `goal`."""
    return min(goal, value + step) if goal > value else max(goal, value - step)
