"""A patient whose every sample is known: whole counts at a chosen gain, no noise, no filter."""

import numpy as np

from simulators.ads1299 import step_uv

SPAN = 60_000


def ramp_counts(first, n, channels=8):
    """(channels, n) counts of samples [first, first + n): each channel its own ramp, both signs."""
    index = first + np.arange(n)
    return np.stack([(index * (c + 1) + 977 * c) % SPAN - SPAN // 2 for c in range(channels)])


class RampPatient:
    """Stands in for `simulators.patient.Patient`."""

    def __init__(self, channels=8, gain=8):
        self.channels = channels
        self.step_uv = step_uv(gain)
        self.sample_index = 0
        self.pulses = []
        self.dials = []
        self.tasks = []
        self.places = []
        self.montages = []
        self.techniques = []
        self.needles = []
        self.parts, self.how, self.provoked = {}, {}, []

    def advance(self, n):
        """Whole counts as microvolts."""
        counts = ramp_counts(self.sample_index, n, self.channels)
        self.sample_index += n
        return counts * self.step_uv

    def reset_clock(self):
        """Count from 0."""
        self.sample_index = 0

    def stimulate(self, at_sample, *, current_ma, width_us):
        """Remember the pulse."""
        assert at_sample >= self.sample_index
        self.pulses.append((at_sample, current_ma, width_us))

    def place(self, nerve, site, side):
        """Remember the place; two nerves are known."""
        if nerve not in ("median", "ulnar"):
            raise ValueError(f"nerve {nerve!r} is unknown.")
        self.places.append((nerve, site, side))

    def set_dial(self, muscle, *, umn=None, lmn=None, **parts):
        """Remember the dials."""
        self.dials.append((muscle, umn, lmn))
        self.parts.update(parts)

    def set_task(self, name, level=0.0, **how):
        """Remember the task."""
        self.tasks.append((name, level))
        self.how = how

    def tap(self, muscle, force_n, at_sample=None):
        """Remember the tap; at once if no sample is given."""
        return self._provoked(muscle, force_n, at_sample)

    def magnetic(self, muscle, intensity, at_sample=None):
        """Remember the pulse; at once if no sample is given."""
        return self._provoked(muscle, intensity, at_sample)

    def _provoked(self, muscle, strength, at_sample):
        at = self.sample_index if at_sample is None else at_sample
        self.provoked.append((muscle, strength, at))
        return at

    def set_montage(self, montage):
        """Remember the leads."""
        self.montages.append(dict(montage))

    def needle(self, muscle, action, mm=None, kind="concentric", along_mm=None):
        """Remember the move."""
        self.needles.append((muscle, action, mm, kind, along_mm))
        return {"electrode": kind, "inserted": True, "depth_mm": mm}

    def set_technique(self, name, value, channel=None):
        """Remember the error."""
        self.techniques.append((name, value, channel))

    def truth(self, first, last, *, brief=False):
        """The pulses."""
        return {"stimuli": [pulse for pulse in self.pulses if first <= pulse[0] < last]}

    def templates(self, only=None):
        """One made-up template."""
        return {"left FDI": {"ulnar": {"amplitude_mv": 10.0}}}

    def describe(self):
        """Nobody."""
        return {"muscles": []}


def vectors(path):
    """name -> bytes of a tests/vectors file."""
    lines = (line.partition("#")[0] for line in path.read_text().splitlines())
    pairs = (line.split(":") for line in lines if line.strip())
    return {name.strip(): bytes.fromhex(text) for name, text in pairs}
