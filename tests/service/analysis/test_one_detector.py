"""One detector for everything: live, review, report and API call the same functions, and no second
one can appear beside them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# what finds an onset, a peak or a baseline; only the measures may call it
PIECES = {
    "onset_place", "foot_of_rise", "fit_foot", "fit_tail", "crossing", "last_below",
    "most_prominent", "remove_baseline", "background",
}  # fmt: skip
# calls with which a detector of one's own is written
TOOLS = {"find_peaks", "argrelextrema", "argrelmax", "argrelmin", "peak_prominences", "flatnonzero"}
MEASURES = {"motor_response": "motor.py", "sensory_response": "sensory.py"}


@cache
def trees(folder):
    """Every module below a folder of the service: (path, syntax tree)."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def named(tree):
    """Every name that a module imports, calls or reads as an attribute."""
    out = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            out |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute):
            out.add(node.attr)
        elif isinstance(node, ast.Name):
            out.add(node.id)
    return out


def outside():
    """Modules of the service that are no measures."""
    analysis = ROOT / "service" / "analysis"
    return [(path, tree) for path, tree in trees("service") if analysis not in path.parents]


def walks_back(tree):
    """Loops that step back through samples and compare them: range(a, b, -1), or while with -=."""
    for node in ast.walk(tree):
        back = False
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Call):
            step = node.iter.args[2] if len(node.iter.args) == 3 else None
            back = isinstance(step, ast.UnaryOp) and isinstance(step.op, ast.USub)
        elif isinstance(node, ast.While):
            back = any(
                isinstance(inner, ast.AugAssign) and isinstance(inner.op, ast.Sub)
                for inner in ast.walk(node)
            )
        compared = (one for one in ast.walk(node) if isinstance(one, ast.Compare))
        if back and any(
            isinstance(part, ast.Subscript) for one in compared for part in ast.walk(one)
        ):
            yield node.lineno


# modules that use such a call for something else, and for what
ELSEWHERE = {
    ("service/inputs/shapes.py", "flatnonzero"): "sweeps at the highest current",
}


def second_detectors(modules):
    """What looks like a detector outside the measures: (path, why)."""
    for path, tree in modules:
        names = named(tree)
        for name in sorted(names & PIECES):
            yield path, f"uses {name}, a piece of the detector"
        for name in sorted(names & TOOLS):
            where = path.relative_to(ROOT).as_posix() if path.is_absolute() else str(path)
            if (where, name) not in ELSEWHERE:
                yield path, f"uses {name}"
        for line in walks_back(tree):
            yield path, f"walks back through samples in line {line}"


def test_nothing_outside_the_measures_looks_for_an_onset():
    """No module of acquisition, bedside, API, report or storage finds a response by itself."""
    found = [f"{path.relative_to(ROOT)} {why}" for path, why in second_detectors(outside())]
    assert not found


@pytest.mark.parametrize(
    "code",
    [
        "from scipy.signal import find_peaks",
        "from service.analysis.onset import onset_place",
        "import numpy as np\ndef f(x): return np.flatnonzero(x > 5)[0]",
        "def f(x, p):\n    for i in range(p, 0, -1):\n        if x[i] < 5: return i",
        "def f(x, p):\n    while x[p] > 5:\n        p -= 1\n    return p",
    ],
)
def test_a_second_detector_would_be_seen(code):
    """The search above finds the ways in which one is usually written."""
    assert list(second_detectors([(Path("made_up.py"), ast.parse(code))]))


@pytest.mark.parametrize(("measure", "home"), list(MEASURES.items()))
def test_each_measure_is_defined_once(measure, home):
    """One function of that name in the service, in its own file, registered under its name."""
    from service.analysis.registry import MEASURES as REGISTERED

    homes = [
        path.relative_to(ROOT).as_posix()
        for path, tree in trees("service")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == measure
    ]
    assert homes == [f"service/analysis/{home}"]
    assert REGISTERED[measure].__module__ == f"service.analysis.{home.removesuffix('.py')}"


def test_onset_latencies_are_only_written_by_measures():
    """No other module builds a dictionary with an onset latency of its own."""
    for path, tree in outside():
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                values = dict(zip(node.keys, node.values, strict=True))
                written = {
                    key.value
                    for key, value in values.items()
                    # a table of words, such as units, writes no latency
                    if isinstance(key, ast.Constant) and not isinstance(value, ast.Constant)
                }
                assert "onset_latency_ms" not in written, path
