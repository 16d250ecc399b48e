"""The upper motor neuron lesion of one muscle, and what it takes from, and adds to, its excitation.

One dial, `umn`, and four parts of it (drive, coherence, reflex, TMS), which follow the dial each
with a scatter of the subject's own, so that no measure implies another; 0 and 1 are free of
scatter. Sizes are rows of effects.toml.

Sources: Floeter and colleagues 2005, J Neurophysiol (PLS: rates stay stable or fall as force
rises); Gracies JM 2005, Muscle Nerve 31:535 and 31:552 (paresis, spastic dystonia, spastic
co-contraction); Farmer SF 1993, J Physiol 470:127 and Fisher KM 2012, Brain 135:2849 (the shared
15-30 Hz input needs the corticospinal tract).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .cases import Dials
from .effects import effect, effects
from .streams import bounded_normal, random_stream

SUB_DIALS = ("drive", "coherence", "reflex", "tms")
CLIP_SD = 2.0
ANTAGONISTS: Mapping[str, tuple[str, ...]] = {
    "BB": ("TB",),
    "BR": ("TB",),
    "TB": ("BB", "BR"),
    "EDC": ("FCR", "FDS"),
    "FCR": ("EDC",),
    "FDS": ("EDC",),
    "TA": ("MG", "SOL"),
    "MG": ("TA",),
    "SOL": ("TA",),
}


@dataclass(frozen=True, slots=True)
class UpperLesion:
    """The lesion as it acts now; all 0 in health. interval_scatter: change of the interval CV as a
    share of the healthy one, negative where discharge is steadier."""

    umn: float
    drive: float
    coherence: float
    reflex: float
    tms: float
    interval_scatter: float

    @property
    def reach(self) -> float:
        """Share of the highest excitation that the strongest effort brings."""
        return 1.0 - effect("umn.drive_lost") * self.drive

    @property
    def effort(self) -> float:
        """Share of the excitation that a submaximal effort would bring in health."""
        return 1.0 - effect("umn.effort_lost") * self.drive

    @property
    def rate_gain(self) -> float:
        """Slope of rate on excitation, relative to health."""
        return 1.0 - effect("umn.rate_gain_lost") * self.drive

    @property
    def shared_input(self) -> float:
        """Amplitude of the shared 15-30 Hz input, relative to health."""
        return math.sqrt(1.0 - effect("umn.coherence_lost") * self.coherence)

    @property
    def serial_correlation(self) -> float:
        """Correlation of neighbouring intervals."""
        return effect("pool.serial_correlation") + effect("umn.serial_correlation") * self.drive

    @property
    def cocontraction(self) -> float:
        """Effort with which the muscle joins in when its antagonist is asked, as a share of that
        effort."""
        return effect("voluntary.cocontraction") + effect("umn.cocontraction") * self.umn

    @property
    def dystonia(self) -> float:
        """Excitation at rest, in thresholds of the first unit; 0 below the dial's threshold."""
        threshold = effect("dystonia.threshold")
        if self.umn <= threshold:
            return 0.0
        share = (self.umn - threshold) / (1.0 - threshold)
        return 1.0 + (effect("dystonia.excitation") - 1.0) * share


class DescendingTract:
    """What a muscle's UMN dial means in this subject: the scatter of its parts, drawn once, and
    the parts that are given outright (`given`: name -> 0-1, or None to follow the dial)."""

    def __init__(self, dials: Dials, seed: int, key: str) -> None:
        self.given: dict[str, float | None] = {name: getattr(dials, name) for name in SUB_DIALS}
        self._offset = {name: _scatter(seed, key, name) for name in SUB_DIALS}
        steadier = effects()["umn.interval_scatter"]
        rng = random_stream(seed, "sub-dial", "interval scatter")
        drawn = bounded_normal(rng, steadier.value, steadier.sd, CLIP_SD)
        self._interval_scatter = dials.interval_scatter
        self._drawn_interval_scatter = drawn

    def lesion(self, umn: float) -> UpperLesion:
        """The lesion at this dial."""
        parts = {
            name: scattered(umn, self._offset[name]) if given is None else given
            for name, given in self.given.items()
        }
        change = self._interval_scatter
        if change is None:
            change = self._drawn_interval_scatter
        return UpperLesion(umn=umn, interval_scatter=change * parts["drive"], **parts)


def _scatter(seed: int, key: str, name: str) -> float:
    """By how many logits one part lies off the dial in one muscle; partly the whole subject's."""
    shared = effect("umn.sub_dial_shared")
    subject = random_stream(seed, "sub-dial", name)
    own = random_stream(seed, key, "sub-dial", name)
    total = math.sqrt(shared) * float(subject.standard_normal())
    total += math.sqrt(1.0 - shared) * float(own.standard_normal())
    return effect("umn.sub_dial_scatter") * min(max(total, -CLIP_SD), CLIP_SD)


def scattered(dial: float, offset: float) -> float:
    """A dial moved by `offset` logits; 0 and 1 stay what they are."""
    if not 0.0 < dial < 1.0:
        return dial
    return 1.0 / (1.0 + math.exp(-(math.log(dial / (1.0 - dial)) + offset)))
