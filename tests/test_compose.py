"""docker-compose.yml and the Dockerfile, as far as a machine without an engine can prove them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
PORT = 18761


def test_compose_file_satisfies_the_compose_schema() -> None:
    """The file is valid by the compose specification's own schema."""
    subprocess.run(
        [
            str(Path(sys.executable).parent / "check-jsonschema"),
            "--builtin-schema",
            "vendor.compose-spec",
            "docker-compose.yml",
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )


def test_the_service_is_locked_down_and_on_loopback() -> None:
    """Non-root, read-only, no capabilities, a healthcheck, and nothing but loopback."""
    service = COMPOSE["services"]["service"]
    assert service["user"].split(":")[0] not in {"0", "root"}
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "ports" not in service
    assert service["command"][service["command"].index("--host") + 1] == "127.0.0.1"
    assert service["healthcheck"]["test"][0] == "CMD"
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER (?!root)\w+", dockerfile, re.M)


def test_its_own_command_starts_a_healthy_service(tmp_path: Path) -> None:
    """The compose file's command and environment, run as a process, pass its own healthcheck."""
    service = COMPOSE["services"]["service"]
    arguments = [str(PORT) if word == "8760" else word for word in service["command"]]
    environment = {**os.environ, **service["environment"], "MYOTOME_DATA_DIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "service", *arguments],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    check = [word.replace("8760", str(PORT)) for word in service["healthcheck"]["test"][1:]]
    check[0] = sys.executable
    try:
        deadline = time.monotonic() + 30
        while subprocess.run(check, capture_output=True, check=False).returncode != 0:
            assert process.poll() is None, "the service ended by itself"
            assert time.monotonic() < deadline, "the healthcheck never passed"
        while True:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/api/health", timeout=5) as answer:
                health = json.load(answer)
            if any(device["state"] == "live" for device in health["devices"]):
                break
            assert time.monotonic() < deadline, health
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
