"""Promises about the tree itself: names, sizes, hosts, documents, layers."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from service.cli import app

ROOT = Path(__file__).resolve().parents[1]
# assembled, so that this file does not itself name what it forbids
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "npmjs" + ".com",
    "yarnpkg" + ".com",
]
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "manager", "managers"}


def tracked(*patterns: str) -> list[Path]:
    """Files git tracks or would track, so that the test holds before and after a commit."""
    out = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [ROOT / name for name in out.split("\0") if name and (ROOT / name).is_file()]


def test_top_level_is_as_asked() -> None:
    """The folders and files the project was asked to have at its top are there."""
    for name in [
        "pyproject.toml", "service", "drivers", "firmware_configs", "web", "tests", "simulators",
        "docker-compose.yml", "README.md", "Makefile", "docs", "benchmarks", ".ci/run",
    ]:  # fmt: skip
        assert (ROOT / name).exists(), f"{name} is missing"


def test_no_registry_host_and_no_path_of_a_machine() -> None:
    """No lock, document or source names a package registry's host or a folder of one machine."""
    machine = re.compile("/wor" + r"k/|/ro" + r"ot/|/hom" + r"e/[a-z]")
    for path in tracked():
        if path.suffix in {".png", ".ico"}:
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        for host in REGISTRY_HOSTS:
            assert host not in text, f"{path.relative_to(ROOT)} names {host}"
        found = machine.search(text)
        assert found is None, f"{path.relative_to(ROOT)} names a machine's path: {found}"


def test_files_are_short_and_named_for_what_they_hold() -> None:
    """No source file is over 400 lines, none is called utils, helpers, common, core or manager."""
    for path in tracked("*.py", "*.ts", "*.tsx", "*.css"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 400, f"{path.relative_to(ROOT)} has {lines} lines"
        assert path.stem not in FORBIDDEN_NAMES, f"{path.relative_to(ROOT)} is named for nothing"


def test_every_test_says_what_it_protects() -> None:
    """Each test function carries a docstring."""
    for path in tracked("tests/*.py"):
        text = path.read_text(encoding="utf-8")
        bare = [
            name
            for name, body in re.findall(r"def (test_\w+)\([^)]*\)[^:]*:\n(\s+\S[^\n]*)", text)
            if not body.strip().startswith(('"""', 'r"""'))
        ]
        assert not bare, f"{path.relative_to(ROOT)}: {bare} have no docstring"


def test_readme_shows_the_two_commands() -> None:
    """The README tells a newcomer make demo and make test."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text
    assert "make test" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_documents_point_to_files_that_exist() -> None:
    """Every relative link in the documents leads somewhere."""
    for path in tracked("*.md"):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} links to {target}"


def test_every_command_that_a_message_or_document_names_exists() -> None:
    """Who is told to type `myotome …` can type it."""
    there = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert "analyse" in there
    for path in tracked("*.py", "*.md", "*.ts", "*.tsx"):
        for name in re.findall(r"`myotome ([a-z]+)", path.read_text(encoding="utf-8")):
            assert name in there, f"{path.relative_to(ROOT)} names `myotome {name}`"


def test_coverage_floor_only_rises() -> None:
    """The branch-coverage floor is never below the one of the commit before."""
    now = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    floor = now["tool"]["coverage"]["report"]["fail_under"]
    before = subprocess.run(
        ["git", "show", "HEAD~1:pyproject.toml"], cwd=ROOT, capture_output=True, check=False
    )
    if before.returncode != 0:
        pytest.skip("this checkout has no earlier commit to compare with")
    earlier = tomllib.loads(before.stdout.decode()).get("tool", {}).get("coverage", {})
    assert floor >= earlier.get("report", {}).get("fail_under", 0)


def test_versions_agree() -> None:
    """pyproject and the page carry the same version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    package = json.loads((ROOT / "web/package.json").read_text(encoding="utf-8"))
    assert package["version"] == project["version"]
