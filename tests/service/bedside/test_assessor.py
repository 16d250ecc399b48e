"""When rows are told: at once, or for a slow series while its train runs and when it is over."""

from __future__ import annotations

from service.bedside.assessor import Assessor, Findings
from tests.service.bedside.shocks import shock, taken


def test_a_slow_row_is_told_while_its_train_runs_and_counts_when_it_is_over() -> None:
    """Stimuli faster than the pause that ends a train must not withhold its row to the end."""
    now, told = [0.0], []
    assessor = Assessor(
        Findings(
            sweep=lambda *_: None,
            card=lambda _: None,
            row=lambda name, line, _: told.append((now[0], name, len(line["sweeps"]))),
            trouble=told.append,
        ),
        lambda: now[0],
    )
    assessor.start()

    def settle() -> None:
        """What is told after a job is told once the next one has been done."""
        for _ in range(2):
            assessor.on_table(lambda _: None).result(5)

    for number in range(1, 9):
        now[0] = 1.0 * number
        sweep = shock(number)
        place = taken(sweep, measure="f_wave")
        assessor.on_table(lambda t, s=sweep, p=place: t.rows.add(s, p)).result(5)
        settle()
    running = list(told)
    name = "f_wave.left.median.wrist.APB.1"
    assert [count for _, one, count in running if one == name] == [3, 5, 7]
    now[0] = 8.0 + 1.5
    settle()
    assert told[len(running) :] == [(9.5, name, 8)]
    now[0] = 30.0
    settle()
    assert len(told) == len(running) + 1, "a train that is over is told once"
    other = shock(9, side="right")
    place = taken(other, measure="f_wave")
    assessor.on_table(lambda t: t.rows.add(other, place)).result(5)
    now[0] = 40.0
    settle()
    names = [one for _, one, _ in told[len(running) + 1 :]]
    assert names[-1] == "f_side_to_side.both.median.wrist.APB.1"
    assessor.close()
