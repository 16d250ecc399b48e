"""`python -m simulators` on a patient whose every sample is known and like no other."""

import sys

from simulators.__main__ import checked_faults, make_bench, parser, run
from simulators.assembly import Subject
from tests.faulty_wire import HashPatient

if __name__ == "__main__":
    arguments = parser().parse_args(sys.argv[1:])
    patient = HashPatient()
    subject = Subject(lambda _: patient, 0.0)
    run(make_bench(arguments, subject, checked_faults(arguments)), arguments)
