"""`python -m benchmarks`: runs every benchmark and exits 1 if a budget is missed."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path


def main() -> int:
    """Run each module of this folder that has a `main`, in order of name."""
    wanted = set(sys.argv[1:])
    missed = []
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name.startswith("_") or (wanted and module.name not in wanted):
            continue
        run = getattr(importlib.import_module(f"benchmarks.{module.name}"), "main", None)
        if run is None:
            continue
        print(f"\n== {module.name}", flush=True)
        if run():
            missed.append(module.name)
    print(f"\nbudgets missed: {', '.join(missed) or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
