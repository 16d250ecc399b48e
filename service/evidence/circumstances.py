"""What is known about the patient and the examination besides the measurements themselves."""

from __future__ import annotations

from dataclasses import dataclass

PAIN_LIMIT = 3  # on 0-10; above it, weak activation says nothing
LEAST_CMAP_MV = 0.5  # below it, nothing that needs the muscle's response can be read


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Confounders and gates of clinical reference 6. None or empty: not known.

    neuropathy: named confounders on this muscle's nerve (block, demyelination, reduced SNAP,
    carpal tunnel). junction: named confounders of the neuromuscular junction (decrement).
    myopathy: short small potentials or early recruitment. below_lesion: the muscle
    lies below a central lesion. effort_verified: a force target was met or the examiner confirmed
    genuine effort. pain: 0-10. snaps_normal: sensory responses of the limb. unreliable_drive:
    tremor, dystonia, parkinsonism, fatigue or unsteady force, by name. cmap_mv: the distal CMAP, 0
    if absent. few_and_slow: few motor units, firing slowly, at attempted effort. shared_pattern:
    the one root or nerve that all abnormal muscles share.
    """

    neuropathy: tuple[str, ...] = ()
    junction: tuple[str, ...] = ()
    myopathy: bool = False
    below_lesion: bool = False
    effort_verified: bool | None = None
    pain: int | None = None
    snaps_normal: bool | None = None
    unreliable_drive: tuple[str, ...] = ()
    cmap_mv: float | None = None
    few_and_slow: bool = False
    shared_pattern: str | None = None

    @property
    def drive_doubt(self) -> str:
        """Why voluntary activation cannot be trusted; empty if nothing speaks against it."""
        if self.pain is not None and self.pain > PAIN_LIMIT:
            return f"pain {self.pain}/10"
        if self.effort_verified is False:
            return "effort not genuine or refused"
        return ", ".join(self.unreliable_drive)
