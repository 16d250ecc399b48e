"""Order: tests in a browser come last, since Playwright keeps an event loop in the main thread;
of these, tests that share the running demo come first, so that it can end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from coverage import Coverage
from hypothesis import settings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests behind all others, the shared demo's before the rest; else the order stays."""
    items.sort(
        key=lambda item: (
            item.get_closest_marker("browser") is not None
            and 2 - ("demo" in getattr(item, "fixturenames", ()))
        )
    )


def pytest_configure(config: pytest.Config) -> None:
    """Random examples are the same ones in every run; the long runs look for others."""
    settings.register_profile("fixed", derandomize=True)
    settings.register_profile("searching", derandomize=False)
    searching = config.option.markexpr == "soak"
    settings.load_profile("searching" if searching else "fixed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Where counting lines would double a test's time, it pauses."""
    counter = Coverage.current() if item.get_closest_marker("uncounted") else None
    if counter is not None:
        counter.stop()
    try:
        return (yield)
    finally:
        if counter is not None:
            counter.start()
