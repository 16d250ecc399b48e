"""Protocols, steps and rows of the stand-in service (docs/protocols/study.md); for tests of the
page only: the numbers are made up, the forms are the service's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

MOTOR = "motor_response"
AVERAGE = 3
SOURCE = "made up for a test of the page"
_SITE_MS = {"wrist": 3.6, "elbow": 8.0}
_TRAINS = {
    "f_wave": {"kind": "f", "count": 20, "rate_hz": 0.47, "ceiling_count": 100, "note": "relaxed"},
    "cmap_scan": {"kind": "scan", "count": 500, "rate_hz": 1.9, "ceiling_count": 600, "note": ""},
}


def placed(nerve: str, site: str, muscle: str, measure: str = MOTOR) -> dict[str, Any]:
    """A step as the list holds it."""
    side, _, name = muscle.partition(" ")
    return {
        "id": f"{measure}.{side}.{nerve}.{site}.{name.replace(' ', '_')}",
        "label": f"{nerve.capitalize()} {measure.partition('_')[0]}, {site}, {muscle}",
        "measure": measure,
        "nerve": nerve,
        "site": site,
        "side": side,
        "muscle": muscle,
        "channel": muscle,
        "montage": {
            "e1": "over the belly of abductor pollicis brevis",
            "e2": "over the proximal phalanx of the thumb",
            "ground": "back of the hand",
        },
        "stimulate": "wrist, between the tendons",
        "filter_hz": [2, 10000],
        "sweep_ms": 30,
        "record_ms": 100.0,
        "gain_uv": 5000,
        "distance_mm": 80 if site == "wrist" else 230,
        "width_us": 200,
        "train": _TRAINS.get(measure),
        "needs": None,
        "note": "",
        "state": "open",
        "reason": None,
        "run": 1,
        "rows": [],
        "added": False,
    }


def protocol_steps() -> list[dict[str, Any]]:
    """A short protocol, both sides."""
    return [
        placed("median", "wrist", "left APB"),
        placed("median", "elbow", "left APB"),
        placed("median", "wrist", "left APB", "f_wave"),
        placed("median", "wrist", "left APB", "cmap_scan"),
        placed("median", "wrist", "left median D2", "sensory_response"),
        placed("median", "wrist", "right APB"),
    ]


def protocols() -> list[dict[str, Any]]:
    """What `GET /api/protocols` answers."""
    return [
        {
            "id": "carpal_tunnel",
            "title": "Carpal tunnel",
            "about": "Median against ulnar",
            "sides": ["left", "right"],
            "steps": protocol_steps(),
        }
    ]


class FakeTable:
    """Rows by id, made of the stand-in's sweeps; every edit raises a row's revision."""

    def __init__(self) -> None:
        self.hand: dict[str, dict[str, Any]] = {}
        self.revisions: dict[str, int] = {}
        self.celsius: float | None = None

    def edit(self, row: str, **change: Any) -> None:
        """What a person said of a row."""
        hand = self.hand.setdefault(row, {"markers": {}})
        hand["markers"] |= change.pop("markers", {})
        hand.update(change)

    def row(self, sweeps: list[dict[str, Any]]) -> dict[str, Any]:
        """The row of these sweeps, all of one place, as it stands now."""
        newest = sweeps[-1]
        row, measure = newest["row"], newest["measure"]
        used = [s["id"] for s in sweeps if s["included"]][-AVERAGE:] or [newest["id"]]
        hand = self.hand.get(row, {"markers": {}})
        self.revisions[row] = self.revisions.get(row, 0) + 1
        absent = bool(hand.get("absent"))
        values = {} if absent else self._values(newest, hand, measure)
        told = {name: newest[name] for name in ("nerve", "site", "side", "muscle", "channel")}
        elbow = newest["site"] == "elbow"
        return {
            **told,
            "id": row,
            "step": row.rpartition(".")[0],
            "measure": measure,
            "run": newest["run"],
            "revision": self.revisions[row],
            "sweeps": [s["id"] for s in sweeps],
            "used": used,
            "current_ma": newest["current_ma"],
            "width_us": 200.0,
            "rate_hz": newest["rate_hz"],
            "zero_index": newest["zero_index"],
            "measurement": {
                **newest["measurement"],
                "measure": measure,
                "state": "absent" if absent else "measured",
                "reasons": [f"no response, said by {hand.get('by')}"] if absent else [],
                "values": values or {"detection_floor_uv": 20.0, "sweep_count": len(sweeps)},
                "markers": [] if absent else self._markers(newest, hand),
                "items": self._items(measure, used),
                "supersedes": None,
            },
            "automatic": not hand["markers"] and not absent,
            "edit_note": None,
            "supramaximal": {
                "proven": len(sweeps) > AVERAGE,
                "sentence": "supramaximal: stable from here on"
                if len(sweeps) > AVERAGE
                else "not proven supramaximal: give two more stimuli 20 % apart",
                "from_ma": newest["current_ma"] if len(sweeps) > AVERAGE else None,
            },
            "distance_mm": hand.get("mm"),
            "distance_to": "wrist" if elbow else "E1",
            "rejected": self.artefacts(sweeps),
            "exercise_ended": None,
            "derived": False,
            "inputs": [],
            "flexion_deg": hand.get("flexion_deg"),
            "after_exercise_s": hand.get("after_exercise_s"),
            "temperature_c": self.celsius,
            "temperature_where": f"{newest['side']} hand",
            "values": [self._judged(k, v, hand) for k, v in values.items()],
            "gates": []
            if self.celsius
            else [
                {
                    "gate": "no_temperature",
                    "sentence": "the skin was not measured: measure the hand.",
                    "falsifies": ["onset_latency_ms"],
                }
            ],
            "hints": [],
        }

    def artefacts(self, sweeps: list[dict]) -> list[dict[str, str]]:
        """The first of four or more, unless it was kept by hand."""
        first = sweeps[0]
        out = len(sweeps) > AVERAGE and first["included"] and not first.get("kept")
        return [{"sweep": first["id"], "why": "artefact: 9 times as far as usual"}] if out else []

    def _values(self, newest: dict, hand: dict, measure: str) -> dict[str, float]:
        if measure == "f_wave":
            return {"f_min_ms": 27.4, "f_mean_ms": 28.6, "persistence_percent": 85.0}
        if measure == "cmap_scan":
            return {"maximum_mv": 5.9, "s50_ma": 12.0, "scan_unit_count": 91.0}
        late = hand["markers"].get("onset", (_SITE_MS.get(newest["site"], 3.6), ""))[0]
        found = {
            "onset_latency_ms": late,
            "amplitude_mv": 3.1,
            "area_mv_ms": 14.2,
            "duration_ms": 5.3,
        }
        if newest["site"] == "elbow" and hand.get("mm"):
            found |= {"velocity_m_s": hand["mm"] / 4.4, "amplitude_drop_percent": 4.0}
        return found

    def _markers(self, newest: dict, hand: dict) -> list[dict[str, Any]]:
        zero, per_ms = newest["zero_index"], newest["rate_hz"] / 1000
        told = []
        for marker in newest["measurement"]["markers"]:
            ms, by = hand["markers"].get(marker["name"], (None, "automatic"))
            told.append(
                {
                    "name": marker["name"],
                    "index": marker["index"] if ms is None else zero + ms * per_ms,
                    "automatic_index": marker["index"],
                    "by": by,
                    "at_utc": None if ms is None else datetime.now(UTC).isoformat(),
                }
            )
        return told

    def _items(self, measure: str, used: list[str]) -> list[dict[str, Any]]:
        if measure != "f_wave":
            return []
        return [
            {"kind": "f", "sweep": i, "group": None, "peak_to_peak_uv": 180.0, "latency_ms": 28.0}
            for i, _ in enumerate(used)
        ]

    def _judged(self, quantity: str, value: float, hand: dict) -> dict[str, Any]:
        limit = {
            "op": "min",
            "value": 4.1,
            "unit": "mV",
            "percentile": 3,
            "source": SOURCE,
            "verified": False,
            "table": "test 1",
        }
        low = quantity == "amplitude_mv"
        velocity = quantity == "velocity_m_s"
        unit = {"amplitude_mv": "mV", "area_mv_ms": "mV·ms", "velocity_m_s": "m/s"}
        return {
            "quantity": quantity,
            "value": value,
            "unit": unit.get(quantity, "ms"),
            "low": value - 3 if velocity else None,
            "high": value + 3 if velocity else None,
            "state": "abnormal" if low else "unknown",
            "limit": limit if low else None,
            "z": -2.4 if low else None,
            "reasons": [] if low else ["no limit for this age"],
            "other_side": {"row": "x", "value": 7.0, "difference": -3.9, "percent": -55.7}
            if low
            else None,
        }
