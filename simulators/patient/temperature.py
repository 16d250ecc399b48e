"""What a cold or warm limb does to nerve: slower, later at the end-plates, and larger.

Sources: Todnem K et al. 1989, J Neurol Neurosurg Psychiatry 52:497 (velocity on temperature is not
linear, steeper when cold); Kim 2006, Ann Clin Neurophysiol (distal latency +0.2 ms per °C); the
sizes are rows of `effects.toml`.
"""

from __future__ import annotations

from .effects import effect
from .subject import Person

REFERENCE_C = {"arm": 33.0, "leg": 31.0, "trunk": 33.0}
# Share of the skin's coldness that reaches each stretch of nerve.
REACHED_BY_COLD = {
    "hand": 1.0, "foot": 1.0, "distal": 1.0, "forearm": 0.7, "leg": 0.7,
    "elbow": 0.5, "knee": 0.5, "arm": 0.25, "plexus": 0.0, "root": 0.0,
}  # fmt: skip


def coldness_c(limb: str, person: Person) -> float:
    """Degrees below the temperature that the norms hold for, at the hand or foot."""
    if limb == "trunk":
        return 0.0
    skin = person.hand_temperature_c if limb == "arm" else person.foot_temperature_c
    return REFERENCE_C[limb] - skin


def velocity_factor(coldness: float) -> float:
    """Velocity relative to that at the reference temperature; `coldness` in °C below it."""
    colder = max(coldness, 0.0)
    loss = effect("temperature.velocity_per_c") * coldness
    loss += effect("temperature.velocity_per_c_squared") * colder**2
    return max(1.0 - loss, 0.15)


def segment_factor(segment: str, coldness: float) -> float:
    """`velocity_factor` of a stretch of nerve, by its name and the coldness of the skin."""
    return velocity_factor(REACHED_BY_COLD[segment] * coldness)


def terminal_factor(coldness: float) -> float:
    """Terminal delay (branches and end-plates) relative to the reference temperature."""
    return float(effect("temperature.terminal_q10") ** (coldness / 10.0))


def motor_amplitude_factor(coldness: float) -> float:
    """CMAP amplitude relative to the reference temperature."""
    return max(1.0 + effect("temperature.motor_amplitude_per_c") * coldness, 0.5)


def sensory_amplitude_factor(coldness: float) -> float:
    """SNAP amplitude relative to the reference temperature."""
    return max(1.0 + effect("temperature.sensory_amplitude_per_c") * coldness, 0.5)
