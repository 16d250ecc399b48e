"""Motor units as disease leaves them: units lost, orphaned fibres taken over, fibres lost within.

Collateral sprouts of the survivors take over fibres of the nearest territories until the unit has
grown to a cap. Taken-over fibres answer later and at scattered times, so that potentials grow
larger, longer and polyphasic; while young they also answer unsteadily.

Sources: Kugelberg E, Edstrom L, Abbruzzese M 1970, J Neurol Neurosurg Psychiatry 33:319 (grouped
fibres); Gordon T et al. 1993 and Rafuse VF, Gordon T 1996, J Neurophysiol 75 (cap on unit size);
Stalberg E, Trontelj JV, Single Fiber Electromyography (delays, jitter, blocking after sprouting);
Buchthal F, Kamieniecka Z 1982, Muscle Nerve 5:265 (fibres lost within units in myopathy).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .anatomy import FIBRES_PER_UNIT
from .body import Body, healthy_templates
from .effects import effect, effects
from .front_end import ComplexArray, FloatArray, Grid
from .pool import BoolArray, IntArray

FIBRES_PER_MM2 = 2.8  # of one unit: single-fibre EMG's density of 1.4
SPROUT_S = 0.034
BRANCHES = 2  # that take over the fibres of one unit
ROUNDS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Remodelling:
    """What became of every unit; arrays are (n_units,).

    own: share of its own fibres that still work. taken: (n_units, n_units), row s, column d: the
    share of d's fibres that s has taken over. young: share of all taken-over fibres whose
    end-plates are immature.
    """

    alive: BoolArray
    own: FloatArray
    taken: FloatArray
    young: float
    size: FloatArray

    @property
    def adopted(self) -> FloatArray:
        """Fibres taken over, as a multiple of the unit's own healthy number."""
        return np.asarray(self.taken @ self.size / self.size)

    @property
    def growth(self) -> FloatArray:
        """Working fibres relative to healthy; 0 for a lost unit."""
        return np.asarray(self.own + self.adopted)

    @property
    def orphaned(self) -> FloatArray:
        """Share of each unit's fibres that has no nerve."""
        return np.asarray(np.where(self.alive, 0.0, 1.0 - self.taken.sum(axis=0)))


def fibre_counts(size: FloatArray, mean: float = FIBRES_PER_UNIT) -> FloatArray:
    """Fibres of healthy units of the given sizes (mean 1) in a muscle with `mean` fibres a unit."""
    return np.maximum(np.round(mean * size), 4.0)


def reach_mm(size: FloatArray) -> FloatArray:
    """Radius of the circle that a unit would fill at a mean density: how far its sprouts reach is
    a share of it."""
    return np.asarray(np.sqrt(fibre_counts(size) / (np.pi * FIBRES_PER_MM2)))


def sprouting(months: float | None, share: float | None = None) -> tuple[float, float]:
    """Share of the orphaned fibres taken over, and share of these still young, when the units were
    lost at a steady pace over the last `months`. Absent months: the table's quick course.

    Closed form of nerve lost -> taken over -> mature with two time constants. share: what is taken
    over in the end; absent: the table.
    """
    if months is None:
        taken = effect("lmn.reinnervated_fraction") if share is None else share
        return taken, effect("lmn.young_share")
    most = effect("lmn.sprouting_share") if share is None else share
    if months <= 0.0:
        return 0.0, 1.0
    slow, fast = effect("lmn.maturing_months"), effect("lmn.sprouting_months")

    def waiting(constant: float) -> float:
        """Mean of exp(-age / constant) over losses spread evenly over the months."""
        return constant / months * -math.expm1(-months / constant)

    done = 1.0 - waiting(fast)
    young = slow / (slow - fast) * (waiting(slow) - waiting(fast))
    return most * done, min(young / done, 1.0)


def remodelled(
    body: Body, *, lost: int, share: float, young: float, myopathy: float = 0.0
) -> Remodelling:
    """The first `lost` units of the order of loss are gone; `share` of their fibres is taken over,
    nearest territories first, as far as reach and cap allow; the myopathy dial thins every unit."""
    size = body.properties.size
    alive = np.ones(size.size, dtype=np.bool_)
    alive[body.loss_order[:lost]] = False
    taken = np.zeros((size.size, size.size))
    living, dead = np.flatnonzero(alive), np.flatnonzero(~alive)
    if living.size and dead.size and share > 0.0:
        taken[np.ix_(living, dead)] = _taken_over(body, living, dead, share)
    thinned = 1.0 - effect("myopathy.fibres_lost") * myopathy
    own = np.where(alive, thinned, 0.0)
    return Remodelling(alive, own, thinned * taken, young, size)


def _taken_over(body: Body, living: IntArray, dead: IntArray, share: float) -> FloatArray:
    """(n_living, n_dead): who takes which share of whose fibres."""
    size, centre = body.properties.size, body.bundle.centre_mm
    radius = reach_mm(size)
    distance = np.hypot(*(centre[living][:, None] - centre[dead][None]).transpose(2, 0, 1))
    reach = 0.5 * (radius[living][:, None] + radius[dead][None]) * effect("lmn.sprout_reach")
    near = np.where(distance < 3.0 * reach, np.exp(-0.5 * (distance / reach) ** 2), 0.0)
    pull = near * size[living][:, None]
    room = (effect("lmn.reinnervation_cap") - 1.0) * size[living]
    taken = np.zeros(pull.shape)
    for _ in range(ROUNDS):
        wanted = np.maximum(share - taken.sum(axis=0), 0.0)
        given = wanted * pull / np.maximum(pull.sum(axis=0), 1e-12)
        load = given @ size[dead]
        given *= np.minimum(1.0, room / np.maximum(load, 1e-12))[:, None]
        taken += given
        room = np.maximum(room - given @ size[dead], 0.0)
        pull = pull * (room > 1e-9)[:, None]
    return taken


class MotorUnits:
    """The units of one muscle with their surface potentials, for the dials as they were last set.

    spectra, templates: as `Body.spectra` and `healthy_templates`, of what is left of each unit and,
    late, of the fibres it took over, where these lie; worked out when they are first asked for.
    growth: working fibres relative to healthy.
    """

    def __init__(self, body: Body, grid: Grid, rng: np.random.Generator) -> None:
        self._body, self._grid = body, grid
        delay = effects()["lmn.sprout_delay_ms"]
        shape = (delay.value / delay.sd) ** 2
        units = body.loss_order.size
        self._delays_s = 1e-3 * rng.gamma(shape, delay.value / shape, (units, BRANCHES))
        self._late: tuple[float, ComplexArray] | None = None
        self._late_table: FloatArray | None = None
        self._spectra: ComplexArray | None = None
        self._templates: FloatArray | None = None
        self.state = remodelled(body, lost=0, share=0.0, young=0.0)
        self.growth = self.state.growth
        self.myopathy = 0.0

    def settle(
        self,
        *,
        lmn: float,
        myopathy: float = 0.0,
        reinnervation: float | None = None,
        months: float | None = None,
    ) -> None:
        """Take these dials; `reinnervation` and `months` as for `sprouting`."""
        body = self._body
        lost = round(effect("lmn.lost_fraction") * lmn * body.loss_order.size)
        share, young = sprouting(months, reinnervation)
        self.myopathy = myopathy
        self.state = remodelled(body, lost=lost, share=share, young=young, myopathy=myopathy)
        self.growth = self.state.growth
        self._spectra = self._templates = None

    @property
    def spectra(self) -> ComplexArray:
        """(n_units, n_frequencies) µV at the electrode."""
        if self._spectra is None:
            self._spectra = self.state.own[:, None] * self._body.spectra
            if self.state.taken.any():
                shares, dead = self._heirs
                self._spectra += shares @ self._late_spectra()[dead]
        return self._spectra

    @property
    def templates(self) -> FloatArray:
        """(n_units * (phases + 1), n_drawn) µV behind the front end."""
        if self._templates is None:
            healthy = healthy_templates(self._body, self._grid)
            own, phases = self.state.own, self._grid.phases + 1
            left = healthy if (own == 1.0).all() else np.repeat(own, phases)[:, None] * healthy
            if self.state.taken.any():
                shares, dead = self._heirs
                late = shares @ self._late_templates(healthy.shape[1])[dead]
                late = late.reshape(own.size * phases, -1)
                late[:, : left.shape[1]] += left
                left = late
            self._templates = left
        return self._templates

    @property
    def _heirs(self) -> tuple[FloatArray, IntArray]:
        """(n_units, n_dead) what each unit has of the fibres of the dead, and who these are."""
        dead = np.flatnonzero(~self.state.alive)
        return self.state.taken[:, dead], dead

    def _late_spectra(self) -> ComplexArray:
        """Spectra of the fibres of each unit if all were taken over by others, as long ago as in
        the present state."""
        young = self.state.young
        if self._late is None or self._late[0] != young:
            old = effect("lmn.old_sprout_delay")
            first, *others = self._delays_s.T * (old + (1.0 - old) * young)
            late = self._grid.turns(first)
            for delay_s in others:
                late += self._grid.turns(delay_s)
            late *= self._body.spectra
            late /= BRANCHES
            self._late, self._late_table = (young, late), None
        return self._late[1]

    def _late_templates(self, least: int) -> FloatArray:
        """Their phase table, (n_units, n), with at least so many drawn samples in each row."""
        spectra = self._late_spectra()
        if self._late_table is None:
            table = self._grid.phase_table(spectra, SPROUT_S)
            missing = max(least - table.shape[2], 0)
            if missing:
                table = np.pad(table, ((0, 0), (0, 0), (0, missing)))
            self._late_table = table.reshape(table.shape[0], -1)
        return self._late_table
