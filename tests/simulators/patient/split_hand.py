"""Groups of simulated hands for the split-hand index: ALS, and what is mistaken for it.

Severities are ours, set so that the mean index of both groups is near the published one. What is
asked is whether the index then separates them about as well as it did real ones: Menon P et al.
2013, Clin Neurophysiol, doi 10.1016/j.clinph.2012.07.025 (170 subjects; at 5.2 mV sensitivity 74 %,
specificity 80 %; ALS 3.5, other neuromuscular diseases 9.1).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from simulators.patient.body import Body, grown_body
from simulators.patient.conduction import GRID, conduction_truth
from simulators.patient.effects import effect
from simulators.patient.motor_units import remodelled, sprouting

from .population import people

HAND = ("APB", "FDI", "ADM")
KEYS = tuple(f"left {name}" for name in HAND)
BODIES = 4
LIMIT_MV = 5.2
Lmn = tuple[float, float, float]
# what is mistaken for ALS: mean loss in APB, FDI, ADM, and how many of twenty patients have it
MIMICS: tuple[tuple[Lmn, int], ...] = (
    ((0.15, 0.12, 0.12), 6),  # length-dependent neuropathy, CIDP
    ((0.30, 0.30, 0.30), 3),  # Kennedy's disease, spinal muscular atrophy
    ((0.15, 0.35, 0.35), 3),  # C8 radiculopathy, ulnar neuropathy
    ((0.50, 0.02, 0.02), 3),  # carpal tunnel syndrome
    ((0.05, 0.05, 0.05), 5),  # myopathy, spared hands
)


@cache
def _body(name: str, number: int) -> Body:
    return grown_body(f"left {name}", 500 + number, GRID)


def kept(name: str, number: int, lmn: float) -> float:
    """Share of the CMAP that a muscle keeps at this dial, of fibres with a nerve."""
    body = _body(name, number % BODIES)
    size = body.properties.size
    lost = round(effect("lmn.lost_fraction") * lmn * size.size)
    share, young = sprouting(None)
    growth = remodelled(body, lost=lost, share=share, young=young).growth
    return float((growth * size).sum() / size.sum())


def als_hand(rng: np.random.Generator) -> Lmn:
    """Thenar side worse than hypothenar; some hands are spared so far, some are wasted."""
    worst = float(np.clip(rng.normal(0.90, 0.30), 0.0, 1.0))
    apart = rng.normal(0.0, 0.10, 3)
    return _dials(worst + apart[0], worst - 0.05 + apart[1], 0.6 * worst + apart[2])


def _dials(first: float, second: float, third: float) -> Lmn:
    return tuple(float(np.clip(one, 0.0, 0.97)) for one in (first, second, third))


def mimic(rng: np.random.Generator) -> Lmn:
    """One of the mimics, by its share, from a little less to much more than in the list."""
    picks = [lmn for lmn, count in MIMICS for _ in range(count)]
    usual = picks[int(rng.integers(len(picks)))]
    size = rng.uniform(0.8, 3.4)
    first, second, third = (
        float(np.clip(size * one + rng.normal(0, 0.05), 0, 0.95)) for one in usual
    )
    return first, second, third


def indices(count: int, seed: int, *, als: bool) -> np.ndarray:
    """(count,) split-hand indices APB * FDI / ADM in mV of a group."""
    rng = np.random.default_rng([seed, int(als)])
    values = []
    for number, person in enumerate(people(count, seed + 50 + als)):
        told = conduction_truth(person, 7000 * seed + number, keys=KEYS, stimuli=1)
        lmn = als_hand(rng) if als else mimic(rng)
        amplitude = [
            (told[f"left {name}"]["wrist_amplitude_mv"] or 0.0) * kept(name, number, dial)
            for name, dial in zip(HAND, lmn, strict=True)
        ]
        values.append(amplitude[0] * amplitude[1] / max(amplitude[2], 0.1))
    return np.array(values)
