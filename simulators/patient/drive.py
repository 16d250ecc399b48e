"""What reaches all muscles of the patient alike: task, effort, the shared 15-30 Hz input, stretch,
taps and magnetic pulses.

Source of the shared input: Farmer SF et al. 1993, J Physiol 470:127 (15-30 Hz coherence between
muscles needs an intact corticospinal tract); Fisher KM 2012, Brain 135:2849.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace

import numpy as np

from .behaviour import Conduct
from .cases import Behaviour
from .clonus import Beat, ClonusClock
from .effects import effects
from .front_end import STEP_S as TIME_STEP_S
from .front_end import FloatArray
from .joint import Joint
from .pool import STEP_S
from .reflexes import Tap
from .streams import bounded_normal, random_stream
from .tasks import Task
from .tms import MagneticPulse

MIDDLES_S = STEP_S * (np.arange(round(TIME_STEP_S / STEP_S), dtype=np.float64) + 0.5)
AHEAD = 500  # values of the shared input made at once
BAND_HZ = (15.0, 30.0)
TAPS = 512  # what is cut off is below 1e-11 of the largest tap


def band_taps(rate_hz: float) -> FloatArray:
    """Impulse response of a Butterworth band-pass of 2nd order, (TAPS,), of unit energy.

    In numpy, because importing scipy.signal takes longer than everything else at the start.
    """
    z = np.exp(2j * np.pi * np.fft.rfftfreq(8 * TAPS)[:-1])
    s = 2.0 * rate_hz * (z - 1.0) / (z + 1.0)
    low, high = (2.0 * rate_hz * np.tan(np.pi * hz / rate_hz) for hz in BAND_HZ)
    width, centre = (high - low) * s, s * s + low * high
    gain = width**2 / (centre**2 + np.sqrt(2.0) * width * centre + width**2)
    taps = np.fft.irfft(np.append(gain, 0.0))[:TAPS]
    return taps / float(np.linalg.norm(taps))


class CorticospinalInput:
    """One 15-30 Hz noise of unit variance for the whole limb, on steps of STEP_S."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._taps = band_taps(1 / STEP_S)
        self._before = np.zeros(TAPS - 1)
        self._ready: FloatArray = np.empty(0)

    def next(self, steps: int) -> FloatArray:
        """The next `steps` values."""
        while self._ready.size < steps:
            white = np.concatenate((self._before, self._rng.standard_normal(AHEAD)))
            self._before = white[AHEAD:]
            shaped = np.convolve(white, self._taps, "valid")
            self._ready = np.concatenate((self._ready, shaped))
        now, self._ready = self._ready[:steps], self._ready[steps:]
        return now


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """One time step as it reaches every muscle. times_s: middle of each pool.STEP_S. level: effort
    made, tone: effort at rest, both as shares of maximal. corticospinal: a value per pool.STEP_S.
    """

    start_s: float
    times_s: FloatArray
    task: Task
    level: float
    tone: float
    corticospinal: FloatArray
    beats: tuple[Beat, ...]
    clonus_hz: float
    joint: Joint
    conduct: Conduct
    taps: tuple[Tap, ...]
    magnetic: tuple[MagneticPulse, ...]

    @property
    def stretching(self) -> bool:
        """Whether the joint is moved at a given velocity."""
        return self.joint.moving and self.task.velocity_deg_s is not None


class Drive:
    """The patient as a whole, in consecutive time steps of front_end.STEP_S."""

    def __init__(self, behaviour: Behaviour, seed: int) -> None:
        self.conduct = Conduct(behaviour, seed)
        self.joint = Joint(random_stream(seed, "joint"))
        self.task = Task("rest")
        frequency = effects()["clonus.frequency_hz"]
        limb = random_stream(seed, "limb")
        self._clonus = ClonusClock(
            random_stream(seed, "clonus"), bounded_normal(limb, frequency.value, frequency.sd)
        )
        self._corticospinal = CorticospinalInput(random_stream(seed, "corticospinal"))
        self._waiting: list[tuple[float, int, Tap | MagneticPulse]] = []
        self._count = 0

    def ask(self, task: Task, start_s: float) -> None:
        """A task from the time step that begins at `start_s` on."""
        self.task = replace(task, began_s=start_s)

    def provoke(self, event: Tap | MagneticPulse) -> None:
        """A tap or magnetic pulse still to come."""
        self._count += 1
        heapq.heappush(self._waiting, (event.at_s, self._count, event))

    def step(self, start_s: float) -> Order:
        """The next time step."""
        end_s = start_s + TIME_STEP_S
        due: list[Tap | MagneticPulse] = []
        while self._waiting and self._waiting[0][0] < end_s - 1e-9:
            due.append(heapq.heappop(self._waiting)[2])
        clonic = self.task.name == "stretch" and self.task.velocity_deg_s is None
        self.joint.step(self.task, start_s)
        return Order(
            start_s=start_s,
            times_s=start_s + MIDDLES_S,
            task=self.task,
            level=self.conduct.effort(self.task.level_at(end_s), start_s),
            tone=self.conduct.tone(self.task, start_s),
            corticospinal=self._corticospinal.next(MIDDLES_S.size),
            beats=tuple(self._clonus.beats(start_s, end_s, clonic)),
            clonus_hz=self._clonus.frequency_hz,
            joint=self.joint,
            conduct=self.conduct,
            taps=tuple(event for event in due if isinstance(event, Tap)),
            magnetic=tuple(event for event in due if isinstance(event, MagneticPulse)),
        )
