"""Surface potentials of motor units: travelling action potentials of their fibres, seen by E1 - E2.

Each fibre carries two waves from its end-plate to its tendons. Its potential is the convolution of
the first derivative of the intracellular action potential with the potential of a dipole that runs
along the fibre and is extinguished at its end.

Sources: Dimitrov GV, Dimitrova NA 1998, Med Eng Phys 20:374-381 (fibre as a linear system);
Rosenfalck P 1969 (spike of the intracellular action potential); McGill KC, Lateva ZC 2001, IEEE
Trans Biomed Eng 48:1480 (spike plus negative afterpotential: the slow repolarization that makes the
last phase of a surface potential shallow and long).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .anatomy import MuscleAnatomy
from .effects import effect
from .front_end import ComplexArray, FloatArray, Grid

FIBRES_PER_UNIT = 8
DISC_RADIUS_MM = 5.0
HALF_WIDTH_MM = 8.0  # of the muscle under the electrodes
ACTION_POTENTIAL_PER_MM = 0.75  # Rosenfalck's spike, at the skin a third longer (CMAP durations)
SPIKE_PEAK = 96.0 * 27.0 * float(np.exp(-3.0))  # of 96 z³ e^-z, at z = 3
SHORTEST = 0.4  # half length of a fibre, relative to the mean
LASTING = 9.0  # time constants of the afterpotential that are reckoned; cut at five it shows


@dataclass(frozen=True, slots=True)
class FibreBundle:
    """Representative fibres of every unit of a muscle; arrays are (n_units, n_fibres), velocities
    (n_units,). Positions lie along the fibres from E1; `distance_mm` is from the fibre to the skin
    line through the electrodes. centre_mm: (n_units, 2) middle of each unit's territory, depth
    below the skin and distance to the side of E1."""

    endplate_mm: FloatArray
    proximal_mm: FloatArray
    distal_mm: FloatArray
    distance_mm: FloatArray
    velocity_m_s: FloatArray
    centre_mm: FloatArray


def tendon_scatter(shape: int | tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """Half lengths of fibres relative to their muscle's mean: they end along an aponeurosis."""
    scattered = rng.normal(1.0, effect("fibre.tendon_scatter"), shape)
    return np.asarray(np.clip(scattered, SHORTEST, 2.0 - SHORTEST))


def scatter_fibres(
    muscle: MuscleAnatomy, velocity_m_s: tuple[float, float], rng: np.random.Generator
) -> FibreBundle:
    """Fibres of each unit scattered around the unit's centre in a muscle of the given anatomy."""
    shape = (muscle.units, FIBRES_PER_UNIT)
    middle = rng.uniform(*muscle.depth_mm, size=(muscle.units, 1))
    depth = middle + rng.normal(0, 1.2, shape)
    beside = rng.uniform(-HALF_WIDTH_MM, HALF_WIDTH_MM, size=(muscle.units, 1))
    side = beside + rng.normal(0, 2.0, shape)
    mean, sd = velocity_m_s
    return FibreBundle(
        endplate_mm=rng.normal(0, 3.0, (muscle.units, 1)) + rng.normal(0, 2.5, shape),
        proximal_mm=muscle.half_length_mm * tendon_scatter(shape, rng),
        distal_mm=muscle.half_length_mm * tendon_scatter(shape, rng),
        distance_mm=np.sqrt(np.maximum(depth, 1.5) ** 2 + side**2),
        velocity_m_s=np.clip(rng.normal(mean, sd, muscle.units), mean - 3 * sd, mean + 3 * sd),
        centre_mm=np.concatenate((middle, beside), axis=1),
    )


def _dipoles(along_mm: FloatArray, off_axis_mm2: FloatArray, out: FloatArray) -> None:
    """Potentials of unit dipoles whose axis is the fibre, `along_mm` ahead of it positive: along
    over the cube of the distance."""
    squared = along_mm * along_mm
    squared += off_axis_mm2
    np.sqrt(squared, out=out)
    out *= squared
    np.divide(along_mm, out, out=out)


def _impulse_response(
    bundle: FibreBundle, electrodes_mm: tuple[float, float], times_s: FloatArray
) -> FloatArray:
    """(n_units, n_times): both waves of all fibres as the first electrode sees them, less what the
    second one sees. Unit by unit, and no further than its longest fibre reaches, so that the
    numbers stay in the processor's own memory."""
    units, fibres = bundle.endplate_mm.shape
    seen = np.zeros((units, times_s.size))
    off_axis_mm2 = (bundle.distance_mm**2 + DISC_RADIUS_MM**2)[:, :, None]
    ahead_mm = np.array(electrodes_mm)[:, None, None, None] - bundle.endplate_mm[:, :, None]
    ways = ((ahead_mm, bundle.distal_mm), (-ahead_mm, bundle.proximal_mm))
    weights = np.repeat((1.0 / fibres, -1.0 / fibres), fibres)
    along, wave = np.empty((2, 2 * fibres * times_s.size))
    for unit, velocity in enumerate((1e3 * bundle.velocity_m_s).tolist()):
        travelled = velocity * times_s
        for ahead, ends_mm in ways:
            ends = np.searchsorted(travelled, ends_mm[unit]).tolist()
            last = max(ends)
            shape = 2, fibres, last
            here = along[: weights.size * last].reshape(shape)
            waves = wave[: weights.size * last].reshape(shape)
            np.subtract(ahead[:, unit], travelled[:last], out=here)
            _dipoles(here, off_axis_mm2[unit], waves)
            for fibre, end in enumerate(ends):
                waves[:, fibre, end:] = 0.0
            seen[unit, :last] += weights @ waves.reshape(weights.size, last)
    return seen


def _action_potential_slope(velocity_m_s: FloatArray, times_s: FloatArray) -> FloatArray:
    """Time derivative of 96 z³ e^-z, z the distance travelled, and of the afterpotential that
    rises with this spike and outlasts it; (n_units, n_times)."""
    per_s = 1e3 * ACTION_POTENTIAL_PER_MM * velocity_m_s[:, None]
    z = per_s * times_s
    fading = np.exp(-z)
    spike = 96.0 * (3.0 - z) * z * z * fading * per_s
    fall_s = 1e-3 * effect("fibre.afterpotential_ms")
    begun = 1.0 - fading
    after = (3.0 * fading * per_s - begun / fall_s) * begun * begun * np.exp(-times_s / fall_s)
    return np.asarray(spike + effect("fibre.afterpotential") * SPIKE_PEAK * after)


def unit_spectra(muscle: MuscleAnatomy, bundle: FibreBundle, grid: Grid) -> ComplexArray:
    """Spectra (n_units, n_frequencies) of every unit's E1 - E2 potential, as if all had the same
    number of fibres (arbitrary units). Time zero is the firing of the end-plates; the potential
    begins negative because E1 lies over them."""
    longest_s = (2.0 - SHORTEST) * muscle.half_length_mm / (1e3 * float(bundle.velocity_m_s.min()))
    times = np.arange(int(longest_s * grid.source_rate_hz)) / grid.source_rate_hz
    seen = _impulse_response(bundle, (0.0, muscle.reference_mm), times)
    lasting_s = LASTING * 1e-3 * effect("fibre.afterpotential_ms")
    after_s = np.arange(int(lasting_s * grid.source_rate_hz)) / grid.source_rate_hz
    slope = _action_potential_slope(bundle.velocity_m_s, after_s)
    return np.asarray(
        np.fft.rfft(seen, n=grid.points) * np.fft.rfft(slope, n=grid.points) / grid.source_rate_hz
    )
