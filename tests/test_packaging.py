"""The wheel: our three packages, page and configurations inside, and a demo that runs from it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from this checkout, page and all."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            str(folder),
            str(ROOT),
        ],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_wheel_holds_our_three_packages_and_their_data(wheel: Path) -> None:
    """drivers, service and simulators are the only packages; their data travels along."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"drivers", "service", "simulators"}
    assert "service/page/index.html" in names
    assert any(
        name.startswith("drivers/firmware_configs/") and name.endswith(".toml") for name in names
    )
    assert any(name.startswith("simulators/patient/cases/") for name in names)
    assert {"service/protocols/mnd.toml", "service/protocols/setups.toml"} <= set(names)
    assert "service/store/migrations/versions/0001_studies.py" in names


def test_demo_runs_from_the_wheel_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """`myotome demo` from a wheel, in a foreign folder, serves the page and a device."""
    venv.create(tmp_path / "env", system_site_packages=False, with_pip=False)
    site = next((tmp_path / "env/lib").glob("python3.*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    # the running environment's dependencies without this checkout: PYTHONPATH reads no .pth
    ours = next(p for p in sys.path if p.endswith("site-packages"))
    environment = {**os.environ, "PYTHONPATH": ours, "MYOTOME_DATA_DIR": str(tmp_path / "data")}
    demo = subprocess.Popen(
        [
            str(tmp_path / "env/bin/python"),
            "-m",
            "service",
            "demo",
            "--no-browser",
            "--port",
            "18760",
        ],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert demo.stdout is not None
        url = demo.stdout.readline().strip().split()[-1]
        assert "?token=" in url, (
            demo.stderr.read() if demo.poll() is not None and demo.stderr else url
        )
        base = url.split("/?")[0]
        with urllib.request.urlopen(f"{base}/api/health", timeout=10) as answer:
            assert json.load(answer)["status"]
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert b"<title>" in opener.open(url, timeout=10).read()
    finally:
        demo.send_signal(signal.SIGTERM)
        try:
            demo.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            demo.kill()
            demo.communicate()
            raise
