"""The control socket: JSON lines each way, on loopback (docs/protocols/control.md)."""

from __future__ import annotations

import contextlib
import json
import math
import selectors
import socket
from collections.abc import Callable, Mapping
from typing import Any

from .assembly import choices_on_file, patients_on_file
from .bench import Bench
from .faults import checked_fault

LINE_LIMIT = 65536
READ_SIZE = 65536
Request = Mapping[str, Any]


class RequestError(ValueError):
    """The request cannot be done; the message is the answer."""


class Control:
    """Answers control requests about one bench. `identity` goes into `describe`."""

    def __init__(self, bench: Bench, identity: Mapping[str, Any]) -> None:
        self._bench = bench
        self._identity = dict(identity)
        self._handlers: dict[str, Callable[[Request], dict[str, Any]]] = {
            "describe": self._describe,
            "dial": self._dial,
            "task": self._task,
            "tap": self._tap,
            "tms": self._tms,
            "placement": self._placement,
            "montage": self._montage,
            "technique": self._technique,
            "needle": self._needle,
            "pulse": self._pulse,
            "fault": self._fault,
            "truth": self._truth,
            "templates": self._templates,
            "counts": self._counts,
            "stimulator": lambda _: self._bench.panel(),
            "front_panel": self._front_panel,
            "patients": lambda _: {"patients": patients_on_file()},
            "choices": lambda _: {"choices": choices_on_file()},
            "stop": self._stop,
        }

    def answer(self, line: bytes) -> bytes:
        """One request line in, one answer line out; never raises on what was asked."""
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise RequestError("expected one JSON object per line.")
            handler = self._handlers.get(str(request.get("do")))
            if handler is None:
                known = ", ".join(self._handlers)
                raise RequestError(f"expected do to be one of {known}; got {request.get('do')!r}.")
            answer = {"ok": True, **handler(request)}
        except json.JSONDecodeError as error:
            answer = {"ok": False, "error": f"expected one JSON object per line: {error}."}
        except (ValueError, KeyError) as error:
            text = error.args[0] if error.args else "the request cannot be done."
            answer = {"ok": False, "error": str(text)}
        return json.dumps(answer).encode() + b"\n"

    def _describe(self, _: Request) -> dict[str, Any]:
        firmware = self._bench.firmware
        return {
            **self._identity,
            **firmware.patient.describe(),
            "rate_hz": firmware.rate_hz,
            "streaming": firmware.streaming,
            "counter": firmware.sample_counter,
            "sample_index": firmware.patient.sample_index,
        }

    def _dial(self, request: Request) -> dict[str, Any]:
        dials: dict[str, float | None] = {
            axis: _number(request, axis, 0.0, 1.0) for axis in ("umn", "lmn") if axis in request
        }
        for part in ("drive", "coherence", "reflex", "tms"):
            if part in request:
                follows = request[part] is None
                dials[part] = None if follows else _number(request, part, 0.0, 1.0)
        if not dials:
            raise RequestError("dial needs umn, lmn or a part of umn, each 0 to 1.")
        self._bench.subject.set_dial(_text(request, "muscle"), **dials)
        return {}

    def _task(self, request: Request) -> dict[str, Any]:
        level = _number(request, "level", 0.0, 1.0) if "level" in request else 0.0
        how: dict[str, Any] = {}
        if request.get("muscle") is not None:
            how["muscle"] = _text(request, "muscle")
        if request.get("velocity") is not None:
            how["velocity_deg_s"] = _number(request, "velocity", 1.0, 500.0)
        if request.get("seconds") is not None:
            how["seconds"] = _number(request, "seconds", 1.0, 300.0)
        self._bench.subject.set_task(_text(request, "name"), level, **how)
        return {}

    def _tap(self, request: Request) -> dict[str, Any]:
        muscle, force_n = _text(request, "muscle"), _number(request, "force", 0.1, 300.0)
        return self._landed(self._bench.tap(muscle, force_n, _at_sample(request)))

    def _tms(self, request: Request) -> dict[str, Any]:
        muscle = None if request.get("muscle") is None else _text(request, "muscle")
        intensity = _number(request, "intensity", 1.0, 100.0)
        return self._landed(self._bench.magnetic(muscle, intensity, _at_sample(request)))

    def _placement(self, request: Request) -> dict[str, Any]:
        where = [_text(request, key) for key in ("nerve", "site", "side")]
        self._bench.subject.place(*where)
        return {}

    def _montage(self, request: Request) -> dict[str, Any]:
        leads = request.get("leads")
        if not isinstance(leads, dict) or not leads:
            raise RequestError("montage needs leads as an object: channel to muscle, SNAP or null.")
        for channel, key in leads.items():
            if not (channel.isdecimal() and (key is None or isinstance(key, str))):
                raise RequestError(f"expected a channel number and a text or null; got {channel}.")
        self._bench.subject.set_montage({int(channel): key for channel, key in leads.items()})
        return {}

    def _technique(self, request: Request) -> dict[str, Any]:
        channel = request.get("channel")
        if channel is not None:
            channel = int(_number(request, "channel", 1, 1024))
        value = _number(request, "value", 0.0, 1e6)
        self._bench.subject.set_technique(_text(request, "name"), value, channel)
        return {}

    def _needle(self, request: Request) -> dict[str, Any]:
        mm = _number(request, "mm", 0.0, 100.0) if request.get("mm") is not None else None
        along = request.get("along_mm")
        along_mm = None if along is None else _number(request, "along_mm", -100.0, 100.0)
        kind = _text(request, "electrode") if "electrode" in request else "concentric"
        muscle, action = _text(request, "muscle"), _text(request, "action")
        return dict(self._bench.subject.needle(muscle, action, mm, kind, along_mm))

    def _pulse(self, request: Request) -> dict[str, Any]:
        current_ma = _number(request, "current_ma", 0.0, 1000.0)
        width_us = _number(request, "width_us", 1.0, 10_000.0)
        return self._landed(self._bench.pulse(current_ma, width_us, _at_sample(request)))

    def _landed(self, at_sample: float | None) -> dict[str, Any]:
        if at_sample is None:
            raise RequestError("the device is not streaming, so a pulse has no place on its clock.")
        return {"at_sample": at_sample}

    def _front_panel(self, request: Request) -> dict[str, Any]:
        box = self._bench.trigger_box
        if "current_ma" in request:
            box.turn(
                _number(request, "current_ma", 0.0, 1000.0),
                _number(request, "width_us", 1.0, 10_000.0),
            )
        if "output" in request:
            box.switch(request["output"] is True)
        return box.panel()

    def _fault(self, request: Request) -> dict[str, Any]:
        values = {key: value for key, value in request.items() if key not in ("do", "name")}
        self._bench.set_fault(checked_fault(request.get("name"), values))
        return {}

    def _truth(self, request: Request) -> dict[str, Any]:
        patient, brief = self._bench.firmware.patient, request.get("brief") is True
        newest = patient.sample_index
        first = int(_number(request, "first", 0, newest))
        last = int(_number(request, "last", first, newest))
        return {"first": first, "last": last, **patient.truth(first, last, brief=brief)}

    def _templates(self, request: Request) -> dict[str, Any]:
        only = None if request.get("muscle") is None else _text(request, "muscle")
        return {"templates": self._bench.firmware.patient.templates(only)}

    def _counts(self, _: Request) -> dict[str, Any]:
        tally = self._bench.wire.tally
        return {"total": tally.total.as_dict(), "since_boot": tally.since_boot.as_dict()}

    def _stop(self, _: Request) -> dict[str, Any]:
        self._bench.stopped = True
        return {}


def _number(request: Request, key: str, low: float, high: float) -> float:
    value = request.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RequestError(f"{request.get('do')} needs {key} as a number; got {value!r}.")
    if not low <= value <= high:
        raise RequestError(f"{key} must lie in {low:g} to {high:g}; got {value!r}.")
    return float(value)


def _at_sample(request: Request) -> float | None:
    """Where on the device's clock; None: as soon as can be."""
    if request.get("at_sample") is None:
        return None
    return _number(request, "at_sample", 0.0, 2.0**53)


def _text(request: Request, key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str) or not value:
        raise RequestError(f"{request.get('do')} needs {key} as text; got {value!r}.")
    return value


class ControlServer:
    """The listening socket and its clients, served by the bench's own thread."""

    def __init__(self, control: Control, selector: selectors.BaseSelector) -> None:
        self._control = control
        self._selector = selector
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._inputs: dict[socket.socket, bytearray] = {}
        self._outputs: dict[socket.socket, bytearray] = {}
        host, port = self._listener.getsockname()
        self.address = f"{host}:{port}"
        selector.register(self._listener, selectors.EVENT_READ, self)

    def serve(self, ready: socket.socket, events: int) -> None:
        """What one ready socket asks for."""
        if ready is self._listener:
            with contextlib.suppress(BlockingIOError, ConnectionError):
                client, _ = self._listener.accept()
                client.setblocking(False)
                self._inputs[client], self._outputs[client] = bytearray(), bytearray()
                self._selector.register(client, selectors.EVENT_READ, self)
            return
        try:
            if events & selectors.EVENT_READ:
                self._read(ready)
            self._write(ready)
        except (ConnectionError, EOFError):
            self._drop(ready)

    def _read(self, client: socket.socket) -> None:
        data = client.recv(READ_SIZE)
        if not data:
            raise EOFError
        buffer = self._inputs[client]
        buffer += data
        *lines, rest = bytes(buffer).split(b"\n")
        buffer[:] = rest
        for line in lines:
            if line.strip():
                self._outputs[client] += self._control.answer(line)
        if len(buffer) > LINE_LIMIT:
            raise EOFError

    def _write(self, client: socket.socket) -> None:
        output = self._outputs[client]
        with contextlib.suppress(BlockingIOError):
            while output:
                del output[: client.send(output)]
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if output else 0)
        self._selector.modify(client, events, self)

    def _drop(self, client: socket.socket) -> None:
        self._selector.unregister(client)
        del self._inputs[client], self._outputs[client]
        client.close()

    def close(self) -> None:
        """Every socket."""
        for client in list(self._inputs):
            self._drop(client)
        self._selector.unregister(self._listener)
        self._listener.close()
