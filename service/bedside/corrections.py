"""Sweeps that were taken elsewhere than was thought: of one, or of many in one edit. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from service.model import Json, Sweep
from service.store.types import KeptEdit

from .efforts import is_effort
from .row_key import Taken

PLACE = ("measure", "nerve", "site", "side", "muscle")
Place = dict[str, Json]


def correction(
    row: str, taken: Sequence[tuple[str, Taken]], told: Mapping[str, Json]
) -> tuple[str, dict[str, Json], Json]:
    """Target, "to" and "was" of the edit that moves sweeps (id, where it was thought taken).

    One sweep is its own target. Several are one edit of their row, which lists them: `to` is what
    is told with `sweeps`, `was` is one place for each of them, in that order.
    """
    was: list[Json] = [{name: getattr(one, name) for name in PLACE} for _, one in taken]
    ids: list[Json] = [sweep for sweep, _ in taken]
    if len(taken) == 1:
        return taken[0][0], dict(told), was[0]
    return row, {**told, "sweeps": ids}, was


def moved_sweeps(edit: KeptEdit) -> list[tuple[str, Json]]:
    """The sweeps that a correction moves, each with where it was thought to be taken; None where
    that was not kept, as in a recording."""
    listed = edit.to.get("sweeps") if isinstance(edit.to, dict) else None
    if not isinstance(listed, list):
        return [(edit.target, edit.was)]
    was = edit.was if isinstance(edit.was, list) else [None] * len(listed)
    return [(str(sweep), before) for sweep, before in zip(listed, was, strict=True)]


def check_correction(sweep: Sweep, taken: Taken, told: Mapping[str, Any]) -> None:
    """Raises ValueError if a sweep cannot have been taken there: an epoch of effort holds its own
    channel alone, and no stimulus."""
    after = corrected(taken, told)
    if is_effort(sweep) and (after.measure, after.muscle) != (taken.measure, taken.muscle):
        raise ValueError(
            f"an epoch of effort holds {taken.muscle} alone and belongs to {taken.measure}: nerve "
            "and site can be corrected; of another muscle, mark it again"
        )


def corrected(taken: Taken, told: Mapping[str, Any]) -> Taken:
    """Where a sweep was taken after all; an assigned channel does not go with another muscle."""
    words: dict[str, Any] = {name: str(told[name]) for name in PLACE if told.get(name) is not None}
    after = replace(taken, **words)
    if after.muscle != taken.muscle:
        after = replace(after, channel="")
    if after.muscle and not after.muscle.startswith(f"{after.side} "):
        raise ValueError(f"{after.muscle} is not on the {after.side} side; correct both together")
    return after
