"""What a muscle is made of, apart from any lesion: drawn once per seed and kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .anatomy import body_plan, split_key
from .fibres import FibreBundle, scatter_fibres, unit_spectra
from .front_end import ComplexArray, FloatArray, Grid
from .nerve import MotorAxons, grow_axons
from .pool import IntArray, PoolProperties
from .streams import random_stream
from .subject import REFERENCE_PERSON, Person, drawn

TEMPLATE_S = 0.026
ONSET_SHARE = 0.02
FIRST_GUESS_S = 0.002


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One muscle: neurons, axons and what each unit looks like.

    spectra: (n_units, n_frequencies), µV at the electrode. loss_order: in which order units die.
    bundle: where its fibres lie.
    """

    properties: PoolProperties
    axons: MotorAxons
    spectra: ComplexArray
    loss_order: IntArray
    bundle: FibreBundle


def base_to_negative_peak(waveform_uv: FloatArray) -> float:
    """Amplitude in µV of a noise-free response whose baseline is 0; negative is negative."""
    return float(-waveform_uv.min())


def onset_s(waveform_uv: FloatArray, rate_hz: float) -> float:
    """Where a noise-free response first leaves 2 % of its negative peak, walking back from it."""
    up = -waveform_uv
    peak = int(np.argmax(up))
    level = ONSET_SHARE * up[peak]
    before = int(np.flatnonzero(up[:peak] <= level)[-1])
    return float(before + (level - up[before]) / (up[before + 1] - up[before])) / rate_hz


def delayed(spectra: ComplexArray, latency_s: FloatArray, grid: Grid) -> ComplexArray:
    """Spectra (n_units, n_frequencies), each begun at its own latency."""
    return np.asarray(spectra * grid.turns(latency_s))


def delayed_sum(spectra: ComplexArray, latency_s: FloatArray, grid: Grid) -> ComplexArray:
    """Spectrum of all rows together, each begun at its own latency."""
    return np.asarray(delayed(spectra, latency_s, grid).sum(axis=0))


@lru_cache(maxsize=40)
def grown_body(key: str, seed: int, grid: Grid, person: Person = REFERENCE_PERSON) -> Body:
    """The muscle `key` of subject `seed` under the electrodes of a front end, nerve and limb warm
    and healthy.

    Potentials and terminal latencies are scaled so that the healthy distal CMAP has this subject's
    amplitude and onset.
    """
    table = body_plan()
    side, name = split_key(key)
    anatomy = table.muscles[name]
    build = random_stream(seed, key, "build")
    properties = PoolProperties.draw(anatomy.units, build)
    bundle = scatter_fibres(anatomy, table.fibre_velocity_m_s, build)
    spectra = unit_spectra(anatomy, bundle, grid) * properties.size[:, None]
    axons = grow_axons(anatomy, person, seed, side, properties.size)
    amplitude_uv = 1e3 * drawn(person, seed, "amplitude_mv", name, side)
    latency_s = 1e-3 * drawn(person, seed, "latency_ms", name, side)
    axons = axons.later(FIRST_GUESS_S)
    waveform = grid.waveform(delayed_sum(spectra, axons.latency_s(anatomy.distal_site), grid))
    axons = axons.later(latency_s - onset_s(waveform, grid.source_rate_hz))
    spectra = spectra * (amplitude_uv / base_to_negative_peak(waveform))
    return Body(
        properties=properties,
        axons=axons,
        spectra=spectra,
        loss_order=build.permutation(anatomy.units),
        bundle=bundle,
    )


@lru_cache(maxsize=40)
def healthy_sizes_uv(body: Body, grid: Grid) -> FloatArray:
    """(n_units,) peak to peak of each healthy unit in the samples."""
    return grid.sampled_uv(body.spectra)


@lru_cache(maxsize=40)
def healthy_templates(body: Body, grid: Grid) -> FloatArray:
    """(n_units * (phases + 1), n_drawn) µV behind the front end: `Grid.phase_table` of all units in
    health, worked out when the first of them fires."""
    table = grid.phase_table(body.spectra, TEMPLATE_S)
    return table.reshape(-1, table.shape[2])
