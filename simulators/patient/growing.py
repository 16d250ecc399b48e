"""Muscles and sensory recordings of one patient, grown when a lead first asks for them."""

from __future__ import annotations

from .anatomy import body_plan, split_key
from .cases import HEALTHY_NERVE, Case, NerveCondition
from .effects import effects
from .front_end import Grid
from .muscle import Muscle
from .sensory import SensoryNerve, grown_sensory_nerve
from .streams import bounded_normal, random_stream
from .subject import Person, person_of_build


def condition_of(case: Case, key: str) -> NerveCondition:
    """What ails the nerve of a muscle or sensory recording."""
    side, name = split_key(key)
    plan = body_plan()
    anatomy = plan.muscles[name] if key in plan.muscle_keys else plan.sensory[name]
    return case.nerves.get(f"{side} {anatomy.nerve}", HEALTHY_NERVE)


def grown_muscle(case: Case, person: Person, key: str, seed: int, grid: Grid) -> Muscle:
    """A muscle with the case's dials at once. person: with skin as warm as it is now."""
    shared = effects()["corticospinal.depth"]
    limb = random_stream(seed, "corticospinal depth")
    muscle = Muscle(
        key,
        grid,
        seed=seed,
        corticospinal_depth=bounded_normal(limb, shared.value, shared.sd, limit=2.0),
        person=person,
        condition=condition_of(case, key),
        junction=case.junction,
        dials=case.dials[key],
        months=case.months,
    )
    muscle.umn_goal = case.dials[key].umn
    muscle.lmn_goal = case.dials[key].lmn
    muscle.settle()
    return muscle


def grown_sensory(case: Case, person: Person, key: str, seed: int) -> SensoryNerve:
    """A sensory recording, its nerve as the case has it. person: as for `grown_muscle`."""
    nerve = grown_sensory_nerve(key, seed, person_of_build(case.person))
    return nerve.under(condition_of(case, key), person, random_stream(seed, key, "condition"))
