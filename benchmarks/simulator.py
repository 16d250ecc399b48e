"""How much faster than real time the simulated patient is: 8 channels at 16 kHz, one core.

Prints one line per task as a ratio of signal to CPU time; the budget is 10. A dial turned and a
stimulus given are priced beside it, since they must not stall the wire.
"""

import sys
from time import process_time

from simulators.patient import FrontEnd, load_patient

RATE_HZ = 16000.0
SECONDS = 4.0
BUDGET = 10.0


def cpu_s(work) -> float:
    """The least CPU time of three runs: other load on the machine only ever adds."""
    taken = []
    for _ in range(3):
        begun = process_time()
        work()
        taken.append(process_time() - begun)
    return min(taken)


def main() -> int:
    """Run and judge."""
    patient = load_patient("als_hand", seed=1, front_end=FrontEnd(RATE_HZ, "sinc3"))
    ratios = {}
    for task, level in (("rest", 0.0), ("stretch", 0.0), ("hold", 0.15), ("maximal", 0.0)):
        patient.set_task(task, level)
        patient.advance(int(RATE_HZ))
        ratios[task] = SECONDS / cpu_s(lambda: patient.advance(int(SECONDS * RATE_HZ)))
        print(f"{task:10} {ratios[task]:6.1f} x real time")
    spastic = load_patient("pls", seed=1, front_end=FrontEnd(RATE_HZ, "sinc3"))
    spastic.set_task("stretch", velocity_deg_s=200.0)
    ratios["reflex"] = 5.0 / cpu_s(lambda: spastic.advance(int(5.0 * RATE_HZ)))  # a whole stretch
    print(f"{'reflex':10} {ratios['reflex']:6.1f} x real time (eight spastic muscles, 200 °/s)")

    def turn() -> None:
        low = patient.describe()["dials"]["left BB"]["lmn"] < 0.3
        patient.set_dial("all", lmn=0.5 if low else 0.2)
        patient.advance(640)

    def shoot() -> None:
        patient.stimulate(patient.sample_index + 1.5, current_ma=12.0, width_us=200.0)

    patient.advance(100)  # into a time step, so that the answer is drawn at once
    print(f"{'dial':10} {1e3 * cpu_s(turn):6.1f} ms CPU for the next 40 ms of signal")
    print(f"{'stimulus':10} {1e3 * cpu_s(shoot):6.1f} ms CPU")
    worst = min(ratios.values())
    print(f"budget {BUDGET:.0f} x: {'met' if worst >= BUDGET else 'MISSED'}")
    return 0 if worst >= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
