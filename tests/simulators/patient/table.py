"""Simulated against published, as the tables of docs/patient.md.

`python -m tests.simulators.patient.table` computes them anew and writes them there.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from .needle_measured import mean_of, subject
from .population import EFNS, LIMITS, MEANS, SHAPES, Subject, examined
from .split_hand import LIMIT_MV, indices
from .test_interference import PEOPLE, RECORDED, simulated
from .test_needle import HELD_OUT, LESIONS, PUBLISHED, held_out
from .test_nerve import _scan_shape, _simulated_scan

PAGE = Path(__file__).parents[3] / "docs" / "patient.md"
BEGIN, END = "<!-- computed: begin -->", "<!-- computed: end -->"
MANY, SEED = 420, 11


def _spread(mean: float, sd: float | None) -> str:
    return f"{mean:.3g}" if sd is None else f"{mean:.3g} ± {sd:.2g}"


def means_table(subjects: list[Subject]) -> list[str]:
    """Published and simulated mean and SD of each quantity."""
    lines = ["| quantity | published | simulated | source |", "|---|---|---|---|"]
    for row in MEANS:
        mean, sd = row.found(subjects)
        found = _spread(mean, sd)
        note = f" ({row.loose})" if row.loose else ""
        lines.append(
            f"| {row.id}, {row.unit} | {_spread(row.mean, row.sd)} | {found} | {row.source}{note} |"
        )
    return lines


def limits_table(subjects: list[Subject]) -> list[str]:
    """How many of the simulated healthy lie beyond each published limit."""
    lines = ["| limit | abnormal | crossed by | source |", "|---|---|---|---|"]
    for row in LIMITS:
        sign = "<" if row.op == "min" else ">"
        note = f"; against it: {row.against}" if row.against else ""
        lines.append(
            f"| `{row.id}` | {sign} {row.value:g} | {100 * row.crossed(subjects):.1f} % "
            f"| {row.source}{note} |"
        )
    return lines


def shapes_table(subjects: list[Subject]) -> list[str]:
    """How long the negative phase lasts, and how many have two peaks in it."""
    lines = ["| shape | published | simulated | source |", "|---|---|---|---|"]
    peaks = {"APB": "none", "ADM": "often"}
    for row in SHAPES:
        lines.append(
            f"| {row.muscle} negative phase, ms | below {row.longest_ms:g} "
            f"| {_spread(*row.duration(subjects))} | {EFNS} |"
        )
    for row in SHAPES[: len(peaks)]:
        lines.append(
            f"| {row.muscle} with two negative peaks, % | {peaks[row.muscle]} "
            f"| {100 * row.two_peaks(subjects):.0f} | Kincaid 1993, Muscle Nerve 16:392 |"
        )
    return lines


def needle_table() -> list[str]:
    """Motor unit potentials of biceps, and interference patterns of tibialis anterior."""
    lines = ["| needle | published | simulated | of |", "|---|---|---|---|"]
    for name, ((duration, dsd), (height, hsd)) in PUBLISHED.items():
        people = [subject(seed, **LESIONS[name]) for seed in range(8)]
        how = "fitted" if name == "healthy" else "predicted"
        for quantity, unit, mean, sd in (
            ("duration_ms", "ms", duration, dsd), ("amplitude_mv", "mV", height, hsd),
        ):  # fmt: skip
            found = [mean_of(person, quantity) for person in people]
            lines.append(
                f"| MUP {quantity.split('_')[0]}, {name}, {unit} | {_spread(mean, sd)} "
                f"| {_spread(np.mean(found), np.std(found, ddof=1))} "
                f"| University of Cyprus, biceps; {how} |"
            )
    for (muscle, quantity), found in held_out().items():
        what, _, unit = quantity.partition("_")
        lines.append(
            f"| MUP {what}, healthy {muscle}{unit and ', ' + {'mv': 'mV'}.get(unit, unit)} "
            f"| {_spread(*HELD_OUT[muscle, quantity])} "
            f"| {_spread(found.mean(), found.std(ddof=1))} | not fitted, but seen while modelling |"
        )
    for name, recorded in RECORDED.items():
        told, found = (
            ", ".join(f"{value:.0f}" for value in row)
            for row in (recorded, simulated(name, PEOPLE))
        )
        lines.append(
            f"| pattern, {name}: rms µV, turns/s, mean turn µV | {told} | {found} "
            "| one recording each (PhysioNet); effort set by the rms |"
        )
    return lines


def others_table() -> list[str]:
    """CMAP scans and the split-hand index."""
    shapes = np.array([_scan_shape(*_simulated_scan(seed)) for seed in range(9)])
    als, others = (indices(150, 3, als=ill) for ill in (True, False))
    middle = np.median(shapes, axis=0)
    scans = "27 real scans of nine people"
    caught, spared = 100 * (als <= LIMIT_MV).mean(), 100 * (others > LIMIT_MV).mean()
    menon = "Menon 2013; severities set to the published means"
    return [
        "| measure | published | simulated | of |",
        "|---|---|---|---|",
        f"| CMAP scan, S95 / S5 | 1.67 (1.31-2.86) | {middle[0]:.2f} "
        f"({shapes[:, 0].min():.2f}-{shapes[:, 0].max():.2f}) | {scans} |",
        f"| CMAP scan, fifth largest step, % | 3-7.3 | {middle[1]:.1f} "
        f"({shapes[:, 1].min():.1f}-{shapes[:, 1].max():.1f}) | {scans} |",
        f"| split-hand index ≤ {LIMIT_MV:g}: sensitivity, % | 74 | {caught:.0f} | {menon} |",
        f"| split-hand index ≤ {LIMIT_MV:g}: specificity, % | 80 | {spared:.0f} | {menon} |",
        f"| split-hand index, ALS and others, mean | 3.5 and 9.1 | {als.mean():.1f} and "
        f"{others.mean():.1f} | {menon} |",
    ]


def computed() -> str:
    """All tables."""
    subjects = examined(MANY, SEED)
    parts = (
        f"Nerve conduction of {MANY} healthy adults, both sexes, 20-79 years:",
        *(
            "\n".join(lines)
            for lines in (
                means_table(subjects),
                limits_table(subjects),
                shapes_table(subjects),
            )
        ),
        "Needle:",
        "\n".join(needle_table()),
        "Units and groups:",
        "\n".join(others_table()),
    )
    return "\n\n".join(parts)


def committed() -> dict[str, str]:
    """What docs/patient.md holds now: first cell -> simulated cell."""
    block = PAGE.read_text("utf-8").split(BEGIN)[1].split(END)[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| .+? \|$", block, re.MULTILINE)
    return {name.strip("`"): found for name, _, found in rows}


def main() -> None:
    """Write the tables into the page."""
    text = PAGE.read_text("utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{computed()}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
