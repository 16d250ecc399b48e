"""Motor axons: who answers a stimulus, when the answer reaches the muscle, and who backfires.

Sources: Weiss G 1901 (charge threshold linear in pulse width); Bostock H, Cikurel K, Burke D 1998,
Muscle Nerve 21:137 (strength-duration constant of motor axons, about 0.2-0.4 ms); Hales JP, Lin CS,
Bostock H 2004, Muscle Nerve 30:702 (threshold fluctuates with 1-2 % relative spread); Eisen A,
Odusote K 1979, Neurology 29 (F-wave about 1 % of M); Nobrega JA 2004 (ulnar persistence 83 ± 19 %).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .anatomy import CORD, MuscleAnatomy, body_plan
from .cases import NerveCondition
from .effects import effect
from .front_end import FloatArray
from .pool import BoolArray, IntArray
from .streams import random_stream
from .subject import Person, drawn, norms
from .temperature import coldness_c, segment_factor, terminal_factor

CHRONAXIE_US = 250.0
REFERENCE_WIDTH_US = 200.0
RELATIVE_SPREAD = 0.010
TURNAROUND_S = 0.001
ONSET_LEAD = 1.025  # the fastest axon over the velocity that onsets show
# How far a segment near the spine shares in what makes the limb's nerves fast or slow.
SHARED_WITH_LIMB = {"plexus": 0.7, "root": 0.5}
BEYOND_WRIST = ("hand", "foot")


def weiss(width_us: float) -> float:
    """Current needed with a pulse of this width, relative to REFERENCE_WIDTH_US."""
    wide = 1.0 + CHRONAXIE_US / max(width_us, 1e-9)
    return wide / (1.0 + CHRONAXIE_US / REFERENCE_WIDTH_US)


def lengths_mm(site_mm: dict[str, float], person: Person) -> FloatArray:
    """Length of each stretch between neighbouring sites; all but the first grow with height."""
    places = np.array([*site_mm.values()])
    lengths = np.diff(places, prepend=0.0)
    lengths[1:] *= person.height_cm / body_plan().reference_height_cm
    return np.asarray(lengths)


def segments_of(nerve: str, sites: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the stretches below each of these sites; the first is `distal` or beyond it."""
    names = [body_plan().nerves_by_name[nerve].segment[site] for site in sites]
    if names[0] not in BEYOND_WRIST:
        names[0] = "distal"
    return tuple(names)


def segment_velocity_m_s(person: Person, seed: int, nerve: str, side: str, segment: str) -> float:
    """This subject's conduction velocity in one segment, as onsets show it."""
    norm = norms()["velocity_m_s"][nerve]
    base = drawn(person, seed, "velocity_m_s", nerve, side)
    base = norm.mean + SHARED_WITH_LIMB.get(segment, 1.0) * (base - norm.mean)
    rows = norms()["segment_m_s"]
    own = f"{nerve} {segment}"
    row = own if own in rows else segment if segment in rows else "other"
    return base + drawn(person, seed, "segment_m_s", own, side, row)


@dataclass(frozen=True, slots=True, eq=False)
class MotorAxons:
    """The axons of one muscle; arrays are (n_units,) or (n_units, n_segments), distal first.

    terminal_s: slow last stretch and end-plate, common to all; scatter_s: its scatter.
    threshold_ma: current at the nerve with a pulse of REFERENCE_WIDTH_US. passes: whether an axon
    conducts through each segment; unreached: whether a stimulus above a segment misses it. detour:
    which axons take the muscle's detour. backfire: each unit's probability of an F-wave. branch:
    how far up the way from the site to the cord an axon has a branch that returns an A-wave, as a
    share of it; nan without. delayed_from: first segment that `distal_delay_s` lies in.
    """

    muscle: MuscleAnatomy
    sites: tuple[str, ...]
    segments: tuple[str, ...]
    length_mm: FloatArray
    velocity_m_s: FloatArray
    scatter_s: FloatArray
    threshold_ma: FloatArray
    passes: BoolArray
    unreached: BoolArray
    detour: BoolArray
    backfire: FloatArray
    branch: FloatArray
    delayed_from: int
    terminal_s: float = 0.0
    distal_delay_s: float = 0.0

    def later(self, by_s: float) -> MotorAxons:
        """The same axons with a longer last stretch."""
        return replace(self, terminal_s=self.terminal_s + by_s)

    def under(
        self, condition: NerveCondition, person: Person, rng: np.random.Generator
    ) -> MotorAxons:
        """The same axons in a sick or cold nerve. Draws the same numbers for any condition."""
        order, who, ways = (rng.random(self.velocity_m_s.shape) for _ in range(3))
        sprouts, places = rng.random((2, self.branch.size))
        cold = coldness_c(body_plan().nerves_by_name[self.muscle.nerve].limb, person)
        slowing, spread, block = (
            np.array([kind.get(name, 0.0) for name in self.segments])
            for kind in (condition.slowing, condition.dispersion, condition.block)
        )
        warm = np.array([segment_factor(name, cold) for name in self.segments])
        rank = np.argsort(np.argsort(who, axis=0), axis=0) + 0.5
        ailing = max(slowing.max(), spread.max(), block.max(), condition.distal_delay_ms > 0)
        branching = effect("nerve.a_wave_healthy") + effect("nerve.a_wave") * min(ailing, 1.0)
        taken = getattr(condition, self.muscle.detour) if self.muscle.detour else 0.0
        return replace(
            self,
            velocity_m_s=self.velocity_m_s * warm * (1.0 - slowing) / (1.0 + spread * order),
            passes=self.passes & (rank > block * who.shape[0]),
            detour=ways[:, 0] < taken,
            terminal_s=self.terminal_s * terminal_factor(cold),
            branch=np.where(sprouts < branching, 0.15 + 0.85 * places, np.nan),
            distal_delay_s=1e-3 * condition.distal_delay_ms,
        )

    # --- ways ------------------------------------------------------------------------------------

    def latency_s(self, site: str) -> FloatArray:
        """Per unit: from stimulus to the firing of its end-plates."""
        last = self.sites.index(site) + 1
        way = 1e-3 * (self.length_mm[:last] / self.velocity_m_s[:, :last]).sum(axis=1)
        delay = self.distal_delay_s if last > self.delayed_from else 0.0
        return np.asarray(self.terminal_s + delay + self.scatter_s + way)

    def f_latency_s(self, site: str) -> FloatArray:
        """Per unit: up to the cord, turnaround, and down again past the stimulus to the muscle."""
        return 2.0 * self.latency_s(CORD) - self.latency_s(site) + TURNAROUND_S

    def site_reached(self, nerve: str, site: str) -> str | None:
        """The site of this muscle's own nerve that a stimulus there amounts to, if any."""
        if nerve == self.muscle.nerve:
            return site if site in self.muscle.sites else None
        if self.muscle.detour is None:
            return None
        return body_plan().detours[self.muscle.detour].reached_from.get((nerve, site))

    def reachable(self, nerve: str, site: str) -> BoolArray:
        """Which units a strong stimulus to a nerve at a site makes the muscle show."""
        own = self.site_reached(nerve, site)
        if own is None:
            return np.zeros_like(self.detour)
        last = self.sites.index(own) + 1
        through = (self.passes & ~self.unreached)[:, :last].all(axis=1)
        if nerve != self.muscle.nerve:
            return np.asarray(through & self.detour)
        if self.muscle.detour is not None:
            way = body_plan().detours[self.muscle.detour]
            if site in way.absent_at:
                through &= ~self.detour
            if site in way.only_at:
                through &= self.detour
        return np.asarray(through)

    @property
    def connected(self) -> BoolArray:
        """Which units' motor neurons reach the muscle: no block anywhere between."""
        return np.asarray(self.passes.all(axis=1))

    # --- answers ---------------------------------------------------------------------------------

    def answering(
        self, current_ma: float, width_us: float, nerve: str, site: str, rng: np.random.Generator
    ) -> IntArray:
        """Units that the muscle shows after a pulse of this current at the nerve; thresholds
        fluctuate from pulse to pulse."""
        wander = 1.0 + RELATIVE_SPREAD * rng.standard_normal(self.threshold_ma.size)
        excited = current_ma >= self.threshold_ma * weiss(width_us) * wander
        return np.flatnonzero(excited & self.reachable(nerve, site))

    def a_waves(self, site: str, answering: IntArray) -> tuple[IntArray, FloatArray]:
        """Answering units with a branch above the site, and when their A-waves come back."""
        up_s = self.latency_s(CORD) - self.latency_s(site)
        returns_s = self.latency_s(site) + 2.0 * up_s * self.branch
        units = answering[np.isfinite(self.branch[answering])]
        return units, returns_s[units]

    def backfiring(
        self, answering: IntArray, rng: np.random.Generator, raised: float = 1.0
    ) -> IntArray:
        """Which of the answering units return an F-wave; `raised`: factor on the probability."""
        thrown = rng.random(self.backfire.size)[answering] < raised * self.backfire[answering]
        return answering[thrown & self.connected[answering]]


def grow_axons(
    muscle: MuscleAnatomy, person: Person, seed: int, side: str, size: FloatArray
) -> MotorAxons:
    """The axons of a healthy subject's muscle, for units of the given sizes, at the reference
    temperature; `terminal_s` is still 0. Large units are faster and need less current, but their
    place in the nerve matters more."""
    build = random_stream(seed, f"{side} {muscle.name}", "axons")
    sites = tuple(muscle.site_mm)
    segments = segments_of(muscle.nerve, sites)
    rank = np.argsort(np.argsort(size)) / max(size.size - 1, 1)
    spread = drawn(person, seed, "spread", "axons", side)
    slower = spread * np.clip(0.75 * (1 - rank) + 0.25 * build.random(size.size), 0, 1)
    wobble = np.array(
        [
            drawn(person, seed, "spread", f"{muscle.name} {name}", side, "segment")
            if name not in SHARED_WITH_LIMB
            else 0.0
            for name in segments
        ]
    )
    ripple = 1.0 + np.clip(wobble, 0.0, 0.12) * build.standard_normal((size.size, len(segments)))
    fastest = (
        ONSET_LEAD
        * muscle.velocity_factor
        * np.array(
            [segment_velocity_m_s(person, seed, muscle.nerve, side, name) for name in segments]
        )
    )
    velocity = np.maximum(fastest, 15.0) * (1.0 - slower)[:, None] * np.clip(ripple, 0.6, 1.05)
    scatter = np.clip(build.normal(0.0, 1.0, size.size), -2.0, 3.0) * muscle.scatter_s
    share, late_s = _late_zone(person, seed, muscle.name, side)
    scatter[build.random(size.size) < share] += late_s
    return MotorAxons(
        muscle,
        sites,
        segments,
        length_mm=lengths_mm(dict(muscle.site_mm), person),
        velocity_m_s=velocity,
        scatter_s=scatter,
        threshold_ma=_thresholds(person, seed, muscle.nerve, side, rank, build),
        passes=np.ones(velocity.shape, dtype=np.bool_),
        unreached=_unreached(person, seed, muscle, side, segments, build),
        detour=np.zeros(size.size, dtype=np.bool_),
        backfire=_backfire(person, seed, muscle.name, side, size.size, build),
        branch=np.full(size.size, np.nan),
        delayed_from=1 if segments[0] in BEYOND_WRIST else 0,
    )


def _late_zone(person: Person, seed: int, muscle: str, side: str) -> tuple[float, float]:
    """What belongs to a second, later zone: share of the units, and by how many seconds it answers
    later: the other muscles of the nerve that the electrodes see."""
    if muscle not in norms()["late_share"]:
        return 0.0, 0.0
    share = drawn(person, seed, "late_share", muscle, side)
    return share, 1e-3 * drawn(person, seed, "late_ms", muscle, side)


def _unreached(
    person: Person,
    seed: int,
    muscle: MuscleAnatomy,
    side: str,
    segments: tuple[str, ...],
    rng: np.random.Generator,
) -> BoolArray:
    """(n_units, n_segments): axons that stimuli above a segment miss; none up to the first site."""
    place, rows = rng.random((muscle.units, len(segments))), norms()["unreached"]
    first = list(muscle.site_mm).index(muscle.distal_site) + 1
    for number, segment in enumerate(segments[first:], start=first):
        own = f"{muscle.nerve} {segment}"
        row = own if own in rows else segment if segment in rows else "other"
        place[:, number] -= min(drawn(person, seed, "unreached", own, side, row), 0.8)
    place[:, :first] = 1.0
    return np.asarray(place < 0.0)


def _thresholds(
    person: Person, seed: int, nerve: str, side: str, rank: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Thresholds in mA, spread as a lognormal: shape of real CMAP scans (norms.toml)."""
    middle = drawn(person, seed, "threshold", "middle_ma", side)
    scatter = drawn(person, seed, "threshold", f"{nerve} scatter", side, "scatter")
    place = rng.standard_normal(rank.size)
    by_size = (0.5 - rank) * np.sqrt(12.0)
    return np.asarray(middle * np.exp(scatter * np.clip(0.35 * by_size + 0.937 * place, -2.2, 2.2)))


def _backfire(
    person: Person, seed: int, muscle: str, side: str, units: int, rng: np.random.Generator
) -> FloatArray:
    """Each unit's probability of an F-wave: some units give most of them."""
    row = muscle if muscle in norms()["backfire"] else "other"
    mean = drawn(person, seed, "backfire", muscle, side, row)
    shares = np.exp(effect("nerve.backfire_spread") * rng.standard_normal(units))
    return np.asarray(np.minimum(mean * shares / shares.mean(), 0.9))
