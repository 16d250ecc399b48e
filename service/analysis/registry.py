"""The measures that `myotome analyse` and the service know, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

from service.model import Measurement

from .blink import blink
from .clonus import clonus
from .cmap_scan import cmap_scan
from .coherence import coherence
from .comparison import (
    exercise_increment,
    f_side_to_side,
    h_side_to_side,
    median_comparison,
    side_to_side,
    split_hand,
)
from .conduction import conduction
from .elbow import across_elbow, inching
from .f_wave import f_wave
from .fasciculation import fasciculation
from .h_reflex import h_reflex
from .motor import motor_response
from .mune import mune
from .munix import munix
from .quality import quality
from .rns import rns
from .sensory import sensory_response

MEASURES: Mapping[str, Callable[..., Measurement]] = MappingProxyType(
    {
        "motor_response": motor_response,
        "sensory_response": sensory_response,
        "conduction": conduction,
        "across_elbow": across_elbow,
        "inching": inching,
        "median_comparison": median_comparison,
        "side_to_side": side_to_side,
        "f_side_to_side": f_side_to_side,
        "h_side_to_side": h_side_to_side,
        "split_hand": split_hand,
        "exercise_increment": exercise_increment,
        "coherence": coherence,
        "clonus": clonus,
        "fasciculation": fasciculation,
        "quality": quality,
        "cmap_scan": cmap_scan,
        "munix": munix,
        "mune": mune,
        "f_wave": f_wave,
        "h_reflex": h_reflex,
        "rns": rns,
        "blink": blink,
    }
)


class Takes(StrEnum):
    """What a measure is called with, before its keyword arguments.

    STRETCH: (n_samples,) µV, rate_hz. PAIR: (2, n_samples) µV, rate_hz. SWEEPS: (n_sweeps,
    n_samples) µV, rate_hz, zero_index, and by keyword `current_ma`, `site` and `stimulus_s`, a
    value per sweep, where the measure has such a parameter. SIDES: the same, or (2, n_sweeps,
    n_samples) when two channels are named. SCAN: current_ma, response_uv, (n_stimuli,) each.
    EPOCHS: CMAP sweeps (n_sweeps, n_samples) µV, rate_hz, zero_index, voluntary (n_epochs, n) µV.
    MEASUREMENTS: other measurements; such a measure is not made from a file.
    """

    STRETCH = "stretch"
    PAIR = "pair"
    SWEEPS = "sweeps"
    SIDES = "sides"
    SCAN = "scan"
    EPOCHS = "epochs"
    MEASUREMENTS = "measurements"


TAKES: Mapping[str, Takes] = MappingProxyType(
    {
        "motor_response": Takes.SWEEPS,
        "sensory_response": Takes.SWEEPS,
        "conduction": Takes.MEASUREMENTS,
        "across_elbow": Takes.MEASUREMENTS,
        "inching": Takes.MEASUREMENTS,
        "median_comparison": Takes.MEASUREMENTS,
        "side_to_side": Takes.MEASUREMENTS,
        "f_side_to_side": Takes.MEASUREMENTS,
        "h_side_to_side": Takes.MEASUREMENTS,
        "split_hand": Takes.MEASUREMENTS,
        "exercise_increment": Takes.MEASUREMENTS,
        "coherence": Takes.PAIR,
        "clonus": Takes.STRETCH,
        "fasciculation": Takes.STRETCH,
        "quality": Takes.STRETCH,
        "cmap_scan": Takes.SCAN,
        "munix": Takes.EPOCHS,
        "mune": Takes.SWEEPS,
        "f_wave": Takes.SWEEPS,
        "h_reflex": Takes.SWEEPS,
        "rns": Takes.SWEEPS,
        "blink": Takes.SIDES,
    }
)
