"""`python -m simulators` on the ramp patient, as a process, for the makers' own clients."""

import sys

from simulators.__main__ import checked_faults, make_bench, parser, run
from simulators.assembly import Subject

from .ramp_patient import RampPatient

if __name__ == "__main__":
    arguments = parser().parse_args(sys.argv[1:])
    channels = 16 if arguments.device == "daisy" else 8
    gain = 24 if arguments.device != "hackeeg" else 8
    patient = RampPatient(channels, gain)
    subject = Subject(lambda _: patient, 0.0)
    run(make_bench(arguments, subject, checked_faults(arguments)), arguments)
