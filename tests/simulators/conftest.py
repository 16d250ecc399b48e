"""The rig that several tests share."""

import pytest

from .rig import Rig


@pytest.fixture
def rig():
    """A HackEEG rig."""
    made = Rig()
    yield made
    made.bench.close()
