"""The stimulator's lines (docs/protocols/stimulator.md): commands → bytes → answers. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from drivers.types import StimulatorState

LINE_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of the stimulator. `fired_s`: its own clock, at a pulse that was delivered;
    `now_s`: its own clock, in the answer to hello. `state` None: the line had none."""

    ok: bool
    cause: str
    state: StimulatorState | None
    model: str = ""
    now_s: float | None = None
    fired_s: float | None = None


def line(name: str, **fields: float | str) -> bytes:
    """One command as a line."""
    return json.dumps({"do": name, **fields}, separators=(",", ":")).encode() + b"\n"


class LineReader:
    """Bytes → lines. A line longer than the protocol allows is dropped."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that these bytes complete."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LINE_BYTES:
            self._rest = b""
        return [one for one in lines if one]


def parse(data: bytes) -> Answer | None:
    """The answer in a line, None if it is none."""
    try:
        fields = json.loads(data)
        return Answer(
            ok=fields["ok"] is True,
            cause=str(fields.get("cause", "")),
            state=_state(fields["state"]) if "state" in fields else None,
            model=str(fields.get("model", "")),
            now_s=_number(fields.get("now_s")),
            fired_s=_number(fields.get("fired_s")),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _state(fields: dict[str, Any]) -> StimulatorState:
    return StimulatorState(
        armed=fields["armed"] is True,
        current_ma=float(fields["current_ma"]),
        width_us=float(fields["width_us"]),
        delivered_count=int(fields["delivered_count"]),
        cause=str(fields.get("cause", "")),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
