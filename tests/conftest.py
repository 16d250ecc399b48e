"""Order: tests in a browser come last, since Playwright keeps an event loop in the main thread."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests behind all others; within each half the order stays."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
