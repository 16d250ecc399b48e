"""Sensory nerves: single-fibre potentials add up to a triphasic SNAP, and cancel when dispersed.

Each fibre's potential is that of a travelling tripole seen from a distance, E1 minus E2 further
along the nerve. Fast fibres are large: they come first, count more and need less current.

Sources: Buchthal F, Rosenfalck A 1966, Brain Res 3:1 (fibre spectrum and shape of the potential);
Dorfman LJ 1984, Muscle Nerve 7:2 (distribution of conduction velocities); Kimura J et al. 1986,
Neurology 36:647 (SNAPs lose amplitude with distance by phase cancellation).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .anatomy import SensoryAnatomy, body_plan, split_key
from .cases import NerveCondition
from .front_end import ComplexArray, FloatArray, turns
from .nerve import BEYOND_WRIST, RELATIVE_SPREAD, lengths_mm, segments_of, weiss
from .pool import BoolArray, IntArray
from .streams import random_stream
from .subject import Person, drawn
from .temperature import coldness_c, segment_factor, sensory_amplitude_factor

FIBRES = 160
ACTIVATION_S = 0.00012
FASTER_ABOVE = {"forearm": 1.08, "elbow": 1.05, "arm": 1.12, "plexus": 1.12}
CALIBRATION_POINTS, CALIBRATION_RATE_HZ = 768, 48000.0
HIGHEST_HZ = 4000.0  # a SNAP holds nothing above
ASYMMETRY = -0.9  # the leading positivity is smaller than the one that trails
SECOND_ELECTRODE = 0.5  # what E2 sees of E1's potential, later


@dataclass(frozen=True, slots=True)
class SnapShape:
    """A noise-free SNAP, µV and seconds from the stimulus. onset_s: at the first positive peak;
    op_uv: from there to the negative peak; pp_uv: negative peak to the highest positive after."""

    onset_s: float
    peak_s: float
    op_uv: float
    pp_uv: float


def snap_shape(waveform_uv: FloatArray, rate_hz: float) -> SnapShape:
    """Measures of a noise-free SNAP whose negativity is negative."""
    peak = int(np.argmin(waveform_uv))
    first = int(np.argmax(waveform_uv[: peak + 1]))
    return SnapShape(
        onset_s=_vertex(waveform_uv, first) / rate_hz,
        peak_s=_vertex(waveform_uv, peak) / rate_hz,
        op_uv=float(waveform_uv[first] - waveform_uv[peak]),
        pp_uv=float(waveform_uv[peak:].max() - waveform_uv[peak]),
    )


def _vertex(values: FloatArray, at: int) -> float:
    """Where the parabola through a point and its neighbours turns, in samples."""
    if not 0 < at < values.size - 1:
        return float(at)
    before, here, after = values[at - 1 : at + 2]
    bend = before - 2.0 * here + after
    return at + (0.5 * (before - after) / bend if bend else 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class SensoryNerve:
    """One recording's fibres; arrays are (n_fibres,) or (n_fibres, n_segments), distal first.

    weight_uv: height of each fibre's potential. delay_s: from stimulus to the moving spike.
    """

    anatomy: SensoryAnatomy
    sites: tuple[str, ...]
    segments: tuple[str, ...]
    length_mm: FloatArray
    velocity_m_s: FloatArray
    weight_uv: FloatArray
    threshold_ma: FloatArray
    alive: BoolArray
    delay_s: float = ACTIVATION_S
    distal_delay_s: float = 0.0

    def under(
        self, condition: NerveCondition, person: Person, rng: np.random.Generator
    ) -> SensoryNerve:
        """The same fibres in a sick or cold nerve. Draws the same numbers for any condition."""
        order = rng.random(self.velocity_m_s.shape)
        lost = rng.permutation(self.alive.size)[: round(condition.sensory_loss * self.alive.size)]
        cold = coldness_c(body_plan().nerves_by_name[self.anatomy.nerve].limb, person)
        slowing, spread = (
            np.array([kind.get(name, 0.0) for name in self.segments])
            for kind in (condition.sensory_slowing, condition.dispersion)
        )
        warm = np.array([segment_factor(name, cold) for name in self.segments])
        alive = self.alive.copy()
        alive[lost] = False
        return replace(
            self,
            velocity_m_s=self.velocity_m_s * warm * (1.0 - slowing) / (1.0 + spread * order),
            weight_uv=self.weight_uv * sensory_amplitude_factor(cold),
            alive=alive,
            distal_delay_s=1e-3 * condition.distal_delay_ms,
        )

    def latency_s(self, site: str) -> FloatArray:
        """Per fibre: from stimulus to its spike's passing under E1."""
        last = self.sites.index(site) + 1
        way = 1e-3 * (self.length_mm[:last] / self.velocity_m_s[:, :last]).sum(axis=1)
        sick = self.segments[0] not in BEYOND_WRIST or last > 1
        return np.asarray(self.delay_s + (self.distal_delay_s if sick else 0.0) + way)

    def answering(
        self, current_ma: float, width_us: float, site: str, rng: np.random.Generator
    ) -> IntArray:
        """Living fibres that a pulse of this current at the nerve excites."""
        wander = 1.0 + RELATIVE_SPREAD * rng.standard_normal(FIBRES)
        excited = current_ma >= self.threshold_ma * weiss(width_us) * wander
        return np.flatnonzero(excited & self.alive & (site in self.sites))

    def spectrum(self, site: str, fibres: IntArray, frequencies_hz: FloatArray) -> ComplexArray:
        """Spectrum (µV s) of the potential of some fibres after a stimulus at time 0, at evenly
        spaced frequencies from 0 on."""
        answer = np.zeros(frequencies_hz.size, dtype=np.complex128)
        if not fibres.size:
            return answer
        heard = int(np.searchsorted(frequencies_hz, HIGHEST_HZ))
        step_hz = float(frequencies_hz[1])
        speed = 1e3 * self.velocity_m_s[fibres, 0]
        duration = np.hypot(self.anatomy.spike_s, self.anatomy.depth_mm / speed)[:, None]
        turn = (2.0 * np.pi * frequencies_hz[:heard]) * duration
        squared = turn * turn
        heights = np.sqrt(2.0 * np.pi) * self.weight_uv[fibres][:, None] * duration
        shape = (1j * ASYMMETRY * turn - squared) * (heights * np.exp(-0.5 * squared))
        late = turns(self.anatomy.reference_mm / speed, step_hz, heard)
        shape *= turns(self.latency_s(site)[fibres], step_hz, heard)
        answer[:heard] = (shape * (1.0 - SECOND_ELECTRODE * late)).sum(axis=0)
        return answer

    def waveform(self, site: str, points: int, rate_hz: float) -> FloatArray:
        """The supramaximal SNAP, (points,) µV from the stimulus on."""
        frequencies = np.asarray(np.fft.rfftfreq(points, 1.0 / rate_hz), dtype=np.float64)
        everyone = np.flatnonzero(self.alive)
        spectrum = self.spectrum(site, everyone, frequencies)
        return np.asarray(np.fft.irfft(rate_hz * spectrum, n=points))


@lru_cache(maxsize=64)
def grown_sensory_nerve(key: str, seed: int, person: Person) -> SensoryNerve:
    """The healthy fibres behind a recording (`left sural SNAP`) at the reference temperature; the
    SNAP from the distal site has this subject's onset and amplitude."""
    side, name = split_key(key)
    anatomy = body_plan().sensory[name]
    build = random_stream(seed, key, "fibres")
    sites = tuple(anatomy.site_mm)
    segments = segments_of(anatomy.nerve, sites)
    lengths = lengths_mm(dict(anatomy.site_mm), person)
    onset_s = 1e-3 * drawn(person, seed, "sensory_latency_ms", name, side)
    amplitude_uv = drawn(person, seed, "sensory_uv", name, side)
    spread = drawn(person, seed, "spread", f"{name} fibres", side, "sensory")
    place = (np.arange(FIBRES) + build.random(FIBRES)) / FIBRES
    slower = spread * place**1.0
    reach_mm = lengths[: sites.index(anatomy.distal_site) + 1].sum()
    fastest = 1e-3 * reach_mm / max(onset_s - ACTIVATION_S, 5e-4)
    above = np.array([FASTER_ABOVE.get(segment, 1.0) for segment in segments])
    velocity = fastest * above * (1.0 - slower)[:, None]
    nerve = SensoryNerve(
        anatomy,
        sites,
        segments,
        length_mm=lengths,
        velocity_m_s=velocity,
        weight_uv=(1.0 - slower) ** 1.5,
        threshold_ma=_thresholds(person, seed, anatomy.nerve, side, slower, build),
        alive=np.ones(FIBRES, dtype=np.bool_),
    )
    now = snap_shape(
        nerve.waveform(anatomy.distal_site, CALIBRATION_POINTS, CALIBRATION_RATE_HZ),
        CALIBRATION_RATE_HZ,
    )
    return replace(
        nerve,
        delay_s=nerve.delay_s + onset_s - now.onset_s,
        weight_uv=nerve.weight_uv * (amplitude_uv / now.op_uv),
    )


def _thresholds(
    person: Person, seed: int, nerve: str, side: str, slower: FloatArray, rng: np.random.Generator
) -> FloatArray:
    middle = drawn(person, seed, "threshold", "middle_ma", side)
    middle *= drawn(person, seed, "threshold", f"{nerve} sensory", side, "sensory")
    scatter = drawn(person, seed, "threshold", f"{nerve} scatter", side, "scatter")
    place = np.clip(rng.standard_normal(FIBRES), -2.2, 2.2)
    return np.asarray(middle * np.exp(scatter * place + 0.5 * (slower - slower.mean())))
