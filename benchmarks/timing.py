"""CPU time of rivals, taken in turns in one run: only their ratios mean anything."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """`first` must cost at most `ratio` times `second` (a ratio of 0.01: 100 times cheaper)."""

    first: str
    second: str
    ratio: float
    source: str


def cpu_seconds(
    rivals: Mapping[str, Callable[[], object]], *, repeats: int = 9, at_least_s: float = 0.02
) -> dict[str, float]:
    """Median process CPU seconds of one call of each, interleaved, after a warm-up.

    Each repeat calls a rival often enough to last `at_least_s`.
    """
    calls = {name: _calls(run, at_least_s) for name, run in rivals.items()}
    taken: dict[str, list[float]] = {name: [] for name in rivals}
    gc.disable()
    try:
        for _ in range(repeats):
            for name, run in rivals.items():
                begun = time.process_time()
                for _ in range(calls[name]):
                    run()
                taken[name].append((time.process_time() - begun) / calls[name])
    finally:
        gc.enable()
    return {name: statistics.median(times) for name, times in taken.items()}


def _calls(run: Callable[[], object], at_least_s: float) -> int:
    """How many calls last long enough; the calls made here are the warm-up."""
    calls = 1
    while True:
        begun = time.process_time()
        for _ in range(calls):
            run()
        taken_s = time.process_time() - begun
        if taken_s >= at_least_s:
            return calls
        calls *= 2 if taken_s <= 0 else max(2, min(100, int(at_least_s / taken_s) + 1))


def judge(title: str, seconds: Mapping[str, float], budgets: list[Budget]) -> int:
    """Print every time and every ratio against its budget; 0 if all hold, else 1."""
    print(title)
    for name, value in seconds.items():
        print(f"  {name:<44} {1e6 * value:12.2f} µs")
    missed = 0
    for budget in budgets:
        ratio = seconds[budget.first] / seconds[budget.second]
        holds = ratio <= budget.ratio
        missed += not holds
        said = f"{ratio:.3g}x" if ratio >= 0.5 else f"1/{1 / ratio:.0f}"
        limit = f"{budget.ratio:g}x" if budget.ratio >= 0.5 else f"1/{1 / budget.ratio:.0f}"
        print(
            f"  {'ok  ' if holds else 'MISS'} {budget.first} : {budget.second} = {said}, "
            f"at most {limit} ({budget.source})"
        )
    return 1 if missed else 0
