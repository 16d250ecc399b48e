"""The demo as a process, Debian's Chromium, and a stand-in service for what is rare."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.end_to_end.fake_service import PAGE, create_fake_app
from tests.end_to_end.fake_study import FakeService

ROOT = Path(__file__).parents[2]
# Debian's, by preference the build without windows: a page there costs a third of the processor.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium"))), None)
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
START_S = 30.0
SCREEN = {"width": 1440, "height": 900}


def absent(what: str) -> None:
    """A missing part of the test bench: a failure in CI, a skip elsewhere."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@dataclass(frozen=True, slots=True)
class Demo:
    """A running `myotome demo`: `url` carries the token, `origin` is without it."""

    url: str
    origin: str
    process: subprocess.Popen[str]


def start_demo(*arguments: str) -> Demo:
    """Start the demo on a free port; its only line on stdout is the URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "demo", "--no-browser", "--port", "0", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    killer = threading.Timer(START_S, process.kill)
    killer.start()
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    killer.cancel()
    if not url.startswith("http://127.0.0.1:"):
        process.kill()
        process.wait()
        pytest.fail(f"myotome demo printed {url!r} and no URL within {START_S} s")
    return Demo(url, url.split("/?")[0], process)


def end_demo(demo: Demo) -> None:
    """SIGTERM, and within 10 s the end."""
    demo.process.terminate()
    try:
        demo.process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        demo.process.kill()
        demo.process.wait()
    if demo.process.stdout is not None:
        demo.process.stdout.close()


@pytest.fixture(scope="session")
def built_page() -> Path:
    """The built page; `make` builds it before the tests."""
    if not (PAGE / "index.html").exists():
        absent("web/dist is not built: run `npm ci && npm run build` in web/")
    return PAGE


class SharedDemo:
    """One demo for all tests that ask for it, which run one after another; it ends with the last
    of them, since a simulated patient works while others' pages are looked at."""

    def __init__(self) -> None:
        self._running: Demo | None = None

    def running(self) -> Demo:
        """Started by the first who asks."""
        if self._running is None:
            self._running = start_demo()
        return self._running

    def end(self) -> None:
        """Nobody asks any more."""
        if self._running is not None:
            end_demo(self._running)
        self._running = None


SHARED = SharedDemo()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    """The shared demo ends after its last test, and after that test's page."""
    yield
    if "demo" not in getattr(nextitem, "fixturenames", ()):
        SHARED.end()


@pytest.fixture
def demo(built_page: Path) -> Demo:
    """`myotome demo` with the HackEEG and a healthy patient; what a test turns in it stays so."""
    return SHARED.running()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, one for the session."""
    if CHROMIUM is None:
        absent("Debian's Chromium is not installed: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[OpenPage]:
    """Open a URL in a fresh context; the test fails if its console showed an error.

    With reduced motion, where the test does not say otherwise: four pictures a second show the same
    as sixty, and a screenless browser draws them on the processor that other tests need.
    """
    contexts = []
    errors: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    def opened(url: str, *, theme: str = "dark", size: dict[str, int] = SCREEN, **more) -> Page:
        more = {"reduced_motion": "reduce", **more}
        context = chromium.new_context(viewport=size, color_scheme=theme, **more)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(url)
        page.get_by_test_id("status-device").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


@dataclass(frozen=True, slots=True)
class Stage:
    """The stand-in service and the address of the page on it."""

    fake: FakeService
    origin: str

    def show(self, what: str) -> None:
        """Put it into a state: live, lost, stalled, cyton, failed, replay."""
        request = urllib.request.Request(f"{self.origin}/test/{what}", method="POST")
        with urllib.request.urlopen(request, timeout=5):
            pass


@pytest.fixture
def stage(built_page: Path) -> Iterator[Stage]:
    """A fresh stand-in service on a free port of loopback."""
    fake = FakeService()
    config = uvicorn.Config(
        create_fake_app(fake), host="127.0.0.1", port=0, log_level="warning", ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline_s = time.monotonic() + START_S
    while not server.started and time.monotonic() < deadline_s:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Stage(fake, f"http://127.0.0.1:{port}")
    server.should_exit = True
    thread.join(timeout=10)
