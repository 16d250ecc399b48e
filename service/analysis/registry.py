"""The measures that `myotome analyse` and the service know, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from service.model import Measurement

from .clonus import clonus
from .coherence import coherence
from .fasciculation import fasciculation
from .motor import motor_response
from .quality import quality

MEASURES: Mapping[str, Callable[..., Measurement]] = MappingProxyType(
    {
        "motor_response": motor_response,
        "coherence": coherence,
        "clonus": clonus,
        "fasciculation": fasciculation,
        "quality": quality,
    }
)
