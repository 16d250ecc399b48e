"""Pictures of every simulated patient, for an electromyographer's eye.

`python -m tests.simulators.patient.plots FOLDER [CASE …]` writes a PNG per case.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from simulators.patient.anatomy import body_plan, split_key
from simulators.patient.cases import Case, cases, read_case

from .exam import STRONG_MA, during, patient_with, scan_currents, stimulated, worst_muscle

LEVELS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
INK, SECOND, THIRD = "#1b2a34", "#b3541e", "#2f6f8f"


def _trace(axes: Axes, times_s: np.ndarray, values: np.ndarray, **style: object) -> None:
    axes.plot(times_s, values, lw=0.5, color=style.pop("color", INK), **style)


def surface(axes: Axes, case: Case, key: str) -> None:
    """Rest, 20 % and all: three leads, one scale each, negative up."""
    others = [lead for lead in case.montage if lead in case.dials and lead != key][:2]
    keys = [key, *others]
    patient = patient_with(case, keys)
    parts = [during(patient, *task, 0.8) for task in (("rest", 0), ("hold", 0.2), ("maximal", 1))]
    whole = -np.concatenate(parts, axis=1)
    times = np.arange(whole.shape[1]) / 16000.0
    for row, lead in enumerate(keys):
        size = max(np.abs(whole[row]).max(), 50.0)
        _trace(axes, times, whole[row] / size / 2.1 - row)
        axes.text(0, 0.36 - row, f"{lead}  ±{size / 1000:.2f} mV", fontsize=6)
    axes.set_title("surface: rest, 20 %, maximal", fontsize=7)
    axes.set_yticks([])


def needle_rest(axes: Axes, case: Case, key: str) -> None:
    """Three sites at rest, 50 µV a division, negative up; the first 0.4 s hold the insertion."""
    patient = patient_with(case, [f"needle {key}"])
    for row in range(3):
        patient.needle(key, "insert")
        got = -patient.advance(32000)[0]
        _trace(axes, np.arange(got.size) / 16000.0, np.clip(got, -290, 290) / 300 - 2 * row)
    axes.set_title(f"needle {key}: insertion and rest, 3 sites, clipped at ±290 µV", fontsize=7)
    axes.set_yticks([])


def needle_effort(axes: Axes, case: Case, key: str) -> None:
    """Slight, moderate and maximal effort."""
    patient = patient_with(case, [f"needle {key}"])
    patient.needle(key, "insert")
    patient.advance(32000)
    for row, level in enumerate((0.05, 0.25, 1.0)):
        got = -during(patient, "hold", level, 0.5)[0]
        size = max(np.abs(got).max(), 100.0)
        _trace(axes, np.arange(got.size) / 16000.0, got / size / 2.1 - row)
        axes.text(0, 0.36 - row, f"{100 * level:.0f} %  ±{size / 1000:.2f} mV", fontsize=6)
    axes.set_title(f"needle {key}: effort", fontsize=7)
    axes.set_yticks([])


def muaps(axes: Axes, case: Case, key: str) -> None:
    """Twelve units from several sites, 30 ms each, one scale."""
    patient = patient_with(case, [f"needle {key}"])
    shown: list[np.ndarray] = []
    for _ in range(12):
        patient.needle(key, "insert")
        patient.advance(640)
        told = patient.templates()["needles"][0]
        rate = told["rate_hz"]
        units = sorted(told["units"], key=lambda u: -u["peak_to_peak_uv"])[:1]
        shown += [-np.array(unit["waveform_uv"]) for unit in units]
    size = max([np.abs(one).max() for one in shown], default=1.0)
    for number, one in enumerate(shown[:12]):
        column, row = number % 4, number // 4
        part = one[: int(0.03 * rate)]
        at = np.arange(part.size) / rate * 1e3 + 34 * column
        _trace(axes, at, part / size - 1.6 * row)
    axes.set_title(f"largest MUP of 12 sites, 30 ms, full scale {size:.0f} µV", fontsize=7)
    axes.set_yticks([])


def recruitment(axes: Axes, case: Case, key: str) -> None:
    """Mean rate of each unit that fires, by level of effort."""
    patient = patient_with(case, [key])
    for level in LEVELS:
        patient.set_task("hold", level)
        patient.advance(16000)
        first = patient.sample_index
        patient.advance(48000)
        firings = patient.truth(first, patient.sample_index)["firings"].get(key, {})
        rates = [len(times) / 3.0 for times in firings.values() if len(times) > 3]
        axes.plot([100 * level] * len(rates), rates, ".", ms=2, color=THIRD)
        if rates:
            axes.text(100 * level, max(rates) + 1, str(len(rates)), fontsize=5, ha="center")
    axes.set_title(f"{key}: firing rates (Hz) by effort (%), units counted", fontsize=7)
    axes.set_ylim(0, 48)


def m_waves(axes: Axes, case: Case, key: str) -> None:
    """Supramaximal responses from every site of the nerve, distal above."""
    sites = body_plan().muscles[split_key(key)[1]].sites
    patient = patient_with(case, [key])
    sweeps = []
    for site in sites:
        sweeps.append(stimulated(patient, key, site, [STRONG_MA]))
        patient.advance(16000 * 10)
    heights = [float(sweep.negative_mv(2.0, 60.0)[0]) for sweep in sweeps]
    size, longest = max(*heights, 0.2), 60 if "TA" in key or "EDB" in key or "AH" in key else 32
    for row, (site, sweep, height) in enumerate(zip(sites, sweeps, heights, strict=True)):
        got = -sweep.window(0, longest)[0] / 1000
        _trace(axes, np.arange(got.size) / 16, np.clip(got / size, -1.5, 1.5) - 1.8 * row)
        axes.text(0.7 * longest, 0.2 - 1.8 * row, f"{site} {height:.1f} mV", fontsize=6)
    axes.set_title(f"{key}: M-waves by site (ms)", fontsize=7)
    axes.set_yticks([])


def f_raster(axes: Axes, case: Case, key: str) -> None:
    """Twenty sweeps, 300 µV a line, negative up."""
    site = body_plan().muscles[split_key(key)[1]].distal_site
    patient = patient_with(case, [key])
    sweeps = stimulated(patient, key, site, [STRONG_MA] * 20, every_s=0.16)
    got = -sweeps.window(20, 78)
    for row, one in enumerate(got):
        _trace(axes, 20 + np.arange(one.size) / 16, np.clip(one, -400, 400) / 600 - row)
    axes.set_title(f"{key}: late answers after {site} (ms)", fontsize=7)
    axes.set_yticks([])


def h_curve(axes: Axes, case: Case, key: str) -> None:
    """M and H of soleus by current, 1 ms pulses, peak to peak."""
    del key
    soleus = f"{'left' if 'left SOL' in case.dials else 'right'} SOL"
    patient = patient_with(case, [soleus])
    top = scan_currents(patient, soleus, "knee", 2)[0] * 0.5
    currents = np.linspace(0.06, 1.0, 30) * top
    sweeps = stimulated(patient, soleus, "knee", currents, width_us=1000, every_s=3.0)
    for (low, high), colour, name in (((4, 22), INK, "M"), ((25, 48), SECOND, "H")):
        axes.plot(currents, np.ptp(sweeps.window(low, high), axis=1) / 1000, ".-", ms=2, lw=0.6,
                  color=colour, label=name)  # fmt: skip
    axes.legend(fontsize=6, frameon=False)
    axes.set_title("soleus: M and H, mV peak to peak, by mA (1 ms)", fontsize=7)


def scan(axes: Axes, case: Case, key: str) -> None:
    """CMAP by current, 300 pulses downwards."""
    site = body_plan().muscles[split_key(key)[1]].distal_site
    patient = patient_with(case, [key], rate_hz=8000.0)
    currents = scan_currents(patient, key, site, 300)
    sweeps = stimulated(patient, key, site, currents, every_s=0.5, sweep_s=0.03)
    axes.plot(sweeps.current_ma, sweeps.negative_mv(), ".", ms=2, color=INK)
    axes.set_title(f"{key}: CMAP scan (mV by mA)", fontsize=7)


def snaps(axes: Axes, case: Case, key: str) -> None:
    """Noise-free sensory responses of the left side, each with its amplitude."""
    del key
    plan = body_plan()
    keys = [f"left {name} SNAP" for name in ("median D2", "ulnar D5", "radial", "sural")]
    patient = patient_with(case, [*keys, "left APB"])
    told = patient.templates()["snaps"]
    for row, lead in enumerate(keys):
        distal = plan.sensory[split_key(lead)[1]].distal_site
        one = next(t for t in told if t["recording"] == lead and t["site"] == distal)
        got = -np.array(one.get("waveform_uv", [0.0]))[: int(0.009 * one["rate_hz"])]
        _trace(axes, 1e3 * np.arange(got.size) / one["rate_hz"], got / 40 - row)
        axes.text(5.5, 0.2 - row, f"{lead[5:-5]} {one['amplitude_uv']:.1f} µV", fontsize=6)
    axes.set_title("SNAPs, 40 µV a line (ms)", fontsize=7)
    axes.set_yticks([])


def repetitive(axes: Axes, case: Case, key: str) -> None:
    """Trains at 3 Hz: at rest, after 10 s of effort, 2 min later; share of the first response."""
    site = body_plan().muscles[split_key(key)[1]].distal_site
    patient = patient_with(case, [key], rate_hz=8000.0)

    def train(name: str, colour: str) -> None:
        got = stimulated(patient, key, site, [STRONG_MA] * 8, every_s=1 / 3, sweep_s=0.03)
        axes.plot(got.negative_mv(), ".-", ms=3, lw=0.6, color=colour, label=name)

    train("rest", INK)
    patient.advance(8000 * 10)
    patient.set_task("maximal", 1.0)
    patient.advance(8000 * 10)
    patient.set_task("rest")
    patient.advance(8000 * 2)
    train("after 10 s of effort", SECOND)
    patient.advance(8000 * 120)
    train("2 min later", THIRD)
    axes.set_ylim(0, 1.15 * axes.get_ylim()[1])
    axes.legend(fontsize=6, frameon=False)
    axes.set_title(f"{key}: 3 Hz, mV", fontsize=7)


def spectra(axes: Axes, case: Case, key: str) -> None:
    """Amplitude spectral density of rest and 30 % effort, µV/√Hz."""
    patient = patient_with(case, [key])
    for task, level, colour in (("rest", 0.0, THIRD), ("hold", 0.3, INK)):
        got = during(patient, task, level, 8.0)[0].reshape(-1, 8000)
        power = (np.abs(np.fft.rfft(got * np.hanning(8000), axis=1)) ** 2).mean(axis=0)
        density = np.sqrt(2 * power / (16000 * (np.hanning(8000) ** 2).sum()))
        axes.loglog(np.fft.rfftfreq(8000, 1 / 16000)[2:], density[2:], lw=0.6, color=colour)
    axes.set_xlim(4, 8000)
    axes.set_ylim(1e-3, 1e2)
    axes.set_title(f"{key}: spectrum at rest and 30 %, µV/√Hz", fontsize=7)


PANELS: tuple[Callable[[Axes, Case, str], None], ...] = (
    surface, needle_rest, needle_effort, muaps, recruitment, m_waves,
    f_raster, h_curve, scan, snaps, repetitive, spectra,
)  # fmt: skip


def draw(name: str, folder: Path) -> Path:
    """The picture of one case."""
    case = read_case(name)
    key = worst_muscle(case)
    dials = {k: v for k, v in ((f, getattr(case.dials[key], f)) for f in ("umn", "lmn")) if v}
    figure, grid = plt.subplots(4, 3, figsize=(15, 17))
    for panel, axes in zip(PANELS, grid.flat, strict=True):
        panel(axes, case, key)
        axes.tick_params(labelsize=6)
        axes.spines[["top", "right"]].set_visible(False)
    person = case.person
    who = f"{person.age_years:.0f} y, {person.sex}, {person.height_cm:.0f} cm"
    figure.suptitle(f"SIMULATED  {name}: {case.title}  ({who}; {key} {dials or 'healthy'})")
    figure.tight_layout(rect=(0, 0, 1, 0.985))
    path = folder / f"{name}.png"
    figure.savefig(path, dpi=90, metadata={"Description": "simulated patient, no person"})
    plt.close(figure)
    return path


def main(arguments: list[str]) -> None:
    """Every case named, or all."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name in arguments[1:] or cases():
        print(draw(name, folder))


if __name__ == "__main__":
    main(sys.argv[1:])
