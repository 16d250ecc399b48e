"""The HackEEG's command lines and its answers. Pure: text in, text out.

It boots in text mode; `jsonlines` switches it to one JSON object per line, and `messagepack` after
that changes only how samples are sent. Answers are always a JSON line, and stand between whole
samples. Source: hackeeg_driver.ino v0.3.0, JsonCommand.cpp.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

OK: Final = 200
NO_ACTIVE_CHANNELS: Final = 502
READY: Final = b"Ready\r\n"
"""What the firmware prints when it has started: inside a stream, that the board restarted."""
_BEGIN, _END = b'{"STATUS_CODE":', b"}\r\n"

QUIET: Final = (
    b'\nsdatac\nstop\n{"COMMAND":"stop","PARAMETERS":[]}\n{"COMMAND":"sdatac","PARAMETERS":[]}\n'
)
"""Stops a board whatever mode it is in; the lines that its mode does not know are refused."""
TO_JSON_LINES: Final = b"jsonlines\n"
VERSION: Final = re.compile(r"v\d")


@dataclass(frozen=True, slots=True)
class Answer:
    """`data` is None for commands that answer with a status only."""

    code: int
    text: str
    data: Any = None


def command(name: str, *parameters: int) -> bytes:
    """One command as a JSON line."""
    line = json.dumps({"COMMAND": name, "PARAMETERS": list(parameters)}, separators=(",", ":"))
    return line.encode() + b"\n"


def find_answer(data: bytes) -> tuple[Answer, bytes] | None:
    """(the first whole answer, what follows it); None if there is none yet. Anything before it,
    samples among it, is passed over."""
    begin = data.find(_BEGIN)
    end = data.find(_END, begin)
    if begin < 0 or end < 0:
        return None
    rest = data[end + len(_END) :]
    try:
        fields = json.loads(data[begin : end + 1])
        return Answer(
            int(fields["STATUS_CODE"]), str(fields["STATUS_TEXT"]), fields.get("DATA")
        ), rest
    except (ValueError, KeyError, TypeError):
        return find_answer(data[begin + len(_BEGIN) :])
