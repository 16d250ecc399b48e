"""What the stand-in service holds: study, cards, sweeps, states. For tests of the page only."""

from __future__ import annotations

import struct
import time
from datetime import UTC, datetime

import numpy as np
from fastapi import WebSocket

from tests.end_to_end.fake_rows import MOTOR, FakeTable, placed, protocol_steps

NAMES = ("APB", "FDI", "ADM", "EDC", "FDS", "FCR", "BB", "TB")
LABELS = tuple(f"left {name}" for name in NAMES)
NERVES = ("median", "ulnar", "ulnar", "radial", "median", "median", "musculocutaneous", "radial")
RATE_HZ = 16_000.0
SUGGESTED = [("wrist" if i < 3 else "erb", i) for i in range(8)] + [("elbow", 0)]
PLACE = ("nerve", "site", "side", "muscle")
HEADER = struct.Struct("<BBHIQIIHHdI")


def item(family: str, state: str, sentence: str, **more: object) -> dict[str, object]:
    """One line of a card."""
    return {
        "family": family,
        "state": state,
        "sentence": sentence,
        "measurement_id": None,
        "progress": None,
        "would_change_grade": False,
        "counted": True,
        **more,
    }


def indicator(axis: str, grade: str, for_: list, against: list, missing: list) -> dict:
    """One axis of a card."""
    return {
        "axis": axis,
        "grade": grade,
        "attribution": "clear",
        "items_for": for_,
        "items_against": against,
        "missing": missing,
        "rule": f"{axis.upper()}-1",
        "severity": "",
    }


class FakeService:
    """State of the stand-in; `what` chooses it: live, lost, stalled, cyton, failed, replay."""

    def __init__(self) -> None:
        self.what = "live"
        self.patient = "P-0412"
        self.armed = "safe"
        self.current_ma = 20.0
        self.stopped = 0
        self.step = {"nerve": "median", "site": "wrist", "side": "left", "muscle": "left APB"}
        self.listed = [placed(NERVES[i], site, LABELS[i]) for site, i in SUGGESTED]
        self.protocol = "montage"
        self.study_id = "s1"
        self.table = FakeTable()
        self.train: str | None = None
        self.hunting = False
        self.kind = "controlled"
        self.pains: list[dict] = []
        self.task = "rest"
        self.subject = {"age_years": None, "sex": None, "height_cm": None}
        self.sweeps: list[dict] = []
        self.given = 0
        self.data: dict[str, np.ndarray] = {}
        self.sockets: list[WebSocket] = []
        self.rng = np.random.default_rng(1)
        self.began_s = time.monotonic()

    def device_state(self) -> dict:
        """`state`."""
        state = self.what if self.what in {"lost", "stalled"} else "live"
        now = time.monotonic()
        sentence = {
            "lost": "the port is gone; replug: goes on as a new epoch",
            "stalled": "no block for 1.2 s",
        }
        return {
            "type": "state",
            "device": {
                "id": "hackeeg",
                "state": state,
                "sentence": sentence.get(state, ""),
                "rate_hz": 15_998.6,
                "received": 1_200_000,
                "lost": 12,
                "rejected": 0,
                "age_s": {"live": 0.02, "stalled": 1.2, "lost": 14.0}[state],
                "since_s": now - (14 if state == "lost" else 1.2),
                "epoch": 1,
            },
        }

    def stimulator(self) -> dict:
        """`stimulator`."""
        return {
            "type": "stimulator",
            "state": self.armed,
            "current_ma": self.current_ma,
            "width_us": 200.0,
            "expires_in_s": 43.0 if self.armed == "armed" else None,
            "sentence": "",
            "ceiling_ma": 50.0,
            "longest_us": 1000.0,
            **{name: self.step[name] for name in PLACE},
            "delivered_count": len(self.sweeps),
            "implant": "none",
            "train": self.train,
            "kind": self.kind,
            "stated": None if self.kind == "controlled" else "stated, not measured",
            "hunting": self.hunting,
        }

    def recording(self) -> dict:
        """`recording`."""
        failed = self.what == "failed"
        return {
            "type": "recording",
            "state": "failed" if failed else "recording",
            "seconds": 754.0,
            "bytes": 96_000_000,
            "sentence": "the disk is full" if failed else "",
            "path_name": "study.mcap",
        }

    def cards(self) -> list[dict]:
        """One card per muscle; on the Cyton, what cannot be measured says why."""
        missing_lmn = [
            item("L4", "unknown", "Surface fasciculations: 12 of 60 s at rest", progress=[12, 60])
        ]
        if self.what == "cyton":
            reason = "CMAP not assessable: 250 Hz; needs ≥ 10 kHz"
            missing_lmn.insert(0, item("L1", "unknown", reason))
        else:
            missing_lmn.insert(
                0, item("L1", "unknown", "CMAP: no stimulus yet", would_change_grade=True)
            )
        umn_missing = [
            item(
                "U1", "unknown", "Coherence with EDC", progress=[34, 200], would_change_grade=True
            ),
            item("U3", "unknown", "Clonus: no stretch asked"),
        ]
        cards = []
        for i, label in enumerate(LABELS):
            strong = i == 0
            umn = indicator(
                "umn",
                "possible" if strong else "insufficient",
                [item("U3", "abnormal", "Clonus 5.8 Hz, 7 beats")] if strong else [],
                [],
                umn_missing,
            )
            lmn = indicator(
                "lmn",
                "probable" if strong else "none" if i == 1 else "insufficient",
                [item("L1", "abnormal", "CMAP 3.1 mV (limit ≥ 4.1)")] if strong else [],
                [item("L4", "normal", "No fasciculation in 60 s")] if i == 1 else [],
                missing_lmn,
            )
            cards.append({"muscle": label, "umn": umn, "lmn": lmn, "revision": 1})
        return cards

    def steps(self) -> list[dict]:
        """The list, each with its rows."""
        rows = {row["step"]: row["id"] for row in self.rows()}
        return [
            {**one, "rows": [rows[one["id"]]] if one["id"] in rows else []} for one in self.listed
        ]

    def begin(self, protocol: str) -> None:
        """Another study: other steps, nothing recorded."""
        self.protocol, self.study_id = protocol, "s2"
        if protocol == "carpal_tunnel":
            self.listed = protocol_steps()
        self.sweeps, self.data, self.table = [], {}, FakeTable()

    def study(self) -> dict:
        """`study`."""
        return {
            "patient": self.patient,
            "id": self.study_id,
            "task": self.task,
            "step": self.step,
            "steps": self.steps(),
            "subject": self.subject,
            "protocol": self.protocol,
            "operator": "KS",
            "visit": "2",
            "temperature_c": self.table.celsius,
            "temperatures": {} if self.table.celsius is None else {"left hand": self.table.celsius},
        }

    def rows(self) -> list[dict]:
        """Every row as it stands."""
        names = dict.fromkeys(sweep["row"] for sweep in self.sweeps)
        return [self.row(name) for name in names]

    def row(self, name: str) -> dict:
        """One row."""
        return self.table.row([sweep for sweep in self.sweeps if sweep["row"] == name])

    def halves(self, name: str) -> np.ndarray:
        """The average of the odd and of the even ones."""
        row = self.row(name)
        channel = LABELS.index(row["channel"])
        used = [self.data[sweep][channel] for sweep in row["used"]]
        return np.stack([np.mean(used[i::2], axis=0, dtype="f4") for i in (0, 1)])

    def row_sweeps(self, name: str) -> np.ndarray:
        """The average, then every sweep."""
        row = self.row(name)
        channel = LABELS.index(row["channel"])
        return np.stack([self.trace(name), *(self.data[one][channel] for one in row["sweeps"])])

    def trace(self, name: str) -> np.ndarray:
        """The average of what the row uses."""
        row = self.row(name)
        channel = LABELS.index(row["channel"])
        return np.mean([self.data[sweep][channel] for sweep in row["used"]], axis=0, dtype="f4")

    def hello(self) -> dict:
        """`hello`."""
        channels = [{"label": x, "kind": "emg", "unit": "µV", "muscle": x} for x in LABELS]
        channels.append({"label": "GPIO1", "kind": "digital", "unit": "", "muscle": None})
        cyton = self.what == "cyton"
        allowance = {"allowance": "no", "reason": "250 Hz; needs ≥ 10 kHz: use the HackEEG"}
        permission = {
            "study": "motor_ncs",
            **(allowance if cyton else {"allowance": "yes", "reason": ""}),
        }
        return {
            "type": "hello",
            "protocol": 1,
            "version": "0.1.0",
            "server_s": time.monotonic(),
            "utc": datetime.now(UTC).isoformat(),
            "client": "c1",
            "mode": "replay" if self.what == "replay" else "simulated",
            "study": self.study(),
            "rows": self.rows(),
            "devices": [
                {
                    "id": "hackeeg",
                    "model": "Cyton" if cyton else "HackEEG",
                    "driver": "hackeeg",
                    "state": "live",
                    "permissions": [permission],
                    "streams": [{"name": "emg", "rate_hz": RATE_HZ, "channels": channels}],
                }
            ],
            "muscles": [
                {
                    "key": x,
                    "name": x.split()[1],
                    "side": "left",
                    "nerve": nerve,
                    "roots": ["C8", "T1"],
                    "region": "cervical",
                    "channel": x,
                    "device": "hackeeg",
                    "stream": "emg",
                }
                for x, nerve in zip(LABELS, NERVES, strict=True)
            ],
            "presets": [
                {"id": "raw", "label": "raw"},
                {"id": "surface", "label": "surface 20-450 Hz, notch"},
                {"id": "ncs", "label": "2 Hz–10 kHz"},
            ],
            "stimulator": self.stimulator(),
            "recording": self.recording(),
            "cards": self.cards(),
            "steps": self.steps(),
        }

    def _placed(self) -> dict:
        measure = self.step.get("measure", MOTOR)
        place = placed(self.step["nerve"], self.step["site"], self.step["muscle"], measure)
        run = self.step.get("run", 1)
        return {"measure": measure, "row": f"{place['id']}.{run}", "run": run, "corrected": None}

    def columns(self, n: int) -> np.ndarray:
        """Min/max columns of 8 bursts of EMG."""
        wide = self.rng.gamma(1.0, np.array([60, 8, 5, 90, 12, 30, 8, 50])[:, None], (8, n))
        noise = self.rng.normal(0, 3, (8, n, 2))
        noise[..., 0] -= wide
        noise[..., 1] += wide * 0.8
        return noise.astype("f4")

    def sweep(self) -> tuple[dict, bytes]:
        """A CMAP of 6 mV with a little scatter, 3.6 ms after the stimulus (later at the elbow)."""
        n, zero = 800, 80.0
        late = 3.6 if self.step["site"] == "wrist" else 8.0
        t = (np.arange(n) - zero) / RATE_HZ * 1000
        size = self.current_ma / 50 * 9000 * self.rng.normal(1, 0.02)
        wave = np.where(
            t > late, -size * np.sin((t - late) / 5.2 * np.pi) * np.exp(-(t - late) / 4), 0
        )
        wave += np.where(np.abs(t - 0.2) < 0.15, -2500, 0) + self.rng.normal(0, 25, n)
        data = np.zeros((8, n), "f4")
        channel = self.step["muscle"] if self.step["muscle"] in LABELS else LABELS[0]
        data[LABELS.index(channel)] = wave
        self.given += 1
        number = self.given
        values = {
            "onset_latency_ms": late,
            "peak_latency_ms": late + 2.1,
            "amplitude_mv": 5.9,
            "area_mv_ms": 14.2,
            "duration_ms": 5.3,
        }
        marks = {"onset": late, "peak": late + 2.1, "end": late + 5.3}
        measurement = {
            "id": f"m{number}",
            "measure": "motor_response",
            "state": "measured",
            "reasons": [],
            "values": values,
            "detector": "motor_response 1",
            "version": "1",
            "markers": [{"name": k, "index": zero + v * 16} for k, v in marks.items()],
        }
        text = {
            "type": "sweep",
            "id": f"w{number}",
            "number": number,
            "device": "hackeeg",
            "stream": "emg",
            "epoch": 1,
            **{name: self.step[name] for name in PLACE},
            **self._placed(),
            "channel": channel,
            "channels": list(LABELS),
            "rate_hz": RATE_HZ,
            "zero_index": zero,
            "count": n,
            "gap": False,
            "included": True,
            "at_utc": datetime.now(UTC).isoformat(),
            "current_ma": self.current_ma,
            "measurement": measurement,
            "average": {"sweeps": number, "measurement": measurement},
        }
        if self.hunting:
            text |= {"hunting": True, "row": None}
        else:
            self.sweeps.append(text)
            self.data[text["id"]] = data
        head = HEADER.pack(1, 3, number & 0xFFFF, 1, 0, n, 0, 8, 1, time.monotonic(), 0)
        return text, head + data.tobytes()
