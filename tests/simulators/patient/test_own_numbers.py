"""What the patient computes itself so that scipy need not be imported: equal to scipy's."""

import subprocess
import sys

import numpy as np
from scipy.fft import next_fast_len
from scipy.signal import butter, sosfilt

from simulators.patient.drive import BAND_HZ, TAPS, band_taps
from simulators.patient.front_end import fast_length


def test_fast_lengths_are_scipys():
    """Every length that a drawing may ask for."""
    assert all(fast_length(n) == next_fast_len(n, real=True) for n in range(1, 5000))


def test_the_band_of_the_shared_input_is_a_butterworth_band_pass():
    """Tap by tap, at unit energy."""
    impulse = np.zeros(TAPS)
    impulse[0] = 1.0
    other = sosfilt(butter(2, BAND_HZ, "bandpass", fs=500.0, output="sos"), impulse)
    assert np.allclose(band_taps(500.0), other / np.linalg.norm(other), rtol=0.0, atol=1e-12)


def test_starting_a_simulator_imports_no_scipy():
    """Its import alone takes longer than all the rest."""
    code = "import sys, simulators.__main__, simulators.patient; print('scipy' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
