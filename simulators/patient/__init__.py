"""The simulated patient: one physiology, two independent lesion dials per muscle, known truth.

Samples come out as a front end would give them; the truth is at the electrode. Negative at E1 is
negative in the samples (a display turns it up).
"""

from .cases import cases
from .front_end import FrontEnd
from .leads import Lead
from .patient import Patient, load_patient

__all__ = ["FrontEnd", "Lead", "Patient", "cases", "load_patient"]
