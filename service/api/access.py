"""Who may ask: Host, Origin and login, checked before anything else sees a request or a socket.

Plain ASGI, around the whole application, so that no route can be forgotten. Two routes need no
login: STOP and health.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN_ROUTES = frozenset({("POST", "/api/stop"), ("GET", "/api/health")})
SAFE_METHODS = frozenset({"GET", "HEAD"})
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
LOGIN_PAGE = (
    b"<!doctype html><html lang=en><meta charset=utf-8><title>Myotome</title>"
    b"<h1>Not logged in</h1><p>Open the address that the service printed when it started "
    b"(it ends in <code>?token=&hellip;</code>), then <a href=/>go on</a>."
)


@dataclass(frozen=True, slots=True)
class Gate:
    """What is let through. `ports` are those the service answers on; the cookie is named for the
    first, since browsers share cookies between ports."""

    token: str
    ports: tuple[int, ...]

    @property
    def cookie_name(self) -> str:
        """`myotome-PORT`."""
        return f"myotome-{self.ports[0]}"

    @property
    def cookie_value(self) -> str:
        """Follows from the token, and does not give it away."""
        return hashlib.sha256(f"myotome session {self.token}".encode()).hexdigest()

    @property
    def hosts(self) -> frozenset[str]:
        """Values of `Host` that are ours."""
        names = ("127.0.0.1", "localhost", "[::1]")
        return frozenset(f"{name}:{port}" for name in names for port in self.ports)

    def token_fits(self, given: str | None) -> bool:
        """Compared in constant time."""
        return given is not None and hmac.compare_digest(given.encode(), self.token.encode())

    def cookie_fits(self, header: str) -> bool:
        """True if the Cookie header holds our session."""
        try:
            found = SimpleCookie(header).get(self.cookie_name)
        except CookieError:
            return False
        return found is not None and hmac.compare_digest(
            found.value.encode(), self.cookie_value.encode()
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """status 200: let through. `sentence` says why not. token: the query's token was good."""

    status: int
    sentence: str = ""
    token_in_query: bool = False


def judge(gate: Gate, scope: Scope) -> Verdict:
    """May this request or websocket handshake go on? Pure."""
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
    socket = scope["type"] == "websocket"
    method, path = scope.get("method", "GET"), scope["path"]
    host = headers.get("host", "").lower()
    if host not in gate.hosts:
        return Verdict(403, "this name is not the service's own; use the address it printed")
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"http://{host}":
        return Verdict(403, "the request comes from another site's page")
    in_query = gate.token_fits(_query_token(scope)) if socket or path == "/" else False
    by_token = in_query or gate.token_fits(_bearer(headers.get("authorization", "")))
    if (method, path) in OPEN_ROUTES and not socket:
        verdict = Verdict(200)
    elif not (by_token or gate.cookie_fits(headers.get("cookie", ""))):
        verdict = Verdict(401, "log in with the address that the service printed")
    elif origin is None and not by_token and (socket or method not in SAFE_METHODS):
        verdict = Verdict(403, "a request that changes something needs an Origin or a bearer token")
    else:
        verdict = Verdict(200, token_in_query=in_query)
    return verdict


class Access:
    """The application behind `judge`, with the headers that every answer carries."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        verdict = judge(self._gate, scope)
        if scope["type"] == "websocket":
            await self._socket(verdict, scope, receive, send)
        elif verdict.status != HTTPStatus.OK:
            await self._refuse(verdict, scope, send)
        elif verdict.token_in_query:
            await _answer(send, 303, b"", [("location", "/"), ("set-cookie", self._cookie())])
        else:
            await self._app(scope, receive, _with_headers(send, scope["path"]))

    async def _socket(self, verdict: Verdict, scope: Scope, receive: Receive, send: Send) -> None:
        if verdict.status == HTTPStatus.OK:
            await self._app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": verdict.sentence})

    async def _refuse(self, verdict: Verdict, scope: Scope, send: Send) -> None:
        if scope["path"] == "/" and verdict.status == HTTPStatus.UNAUTHORIZED:
            html = [("content-type", "text/html; charset=utf-8")]
            await _answer(send, verdict.status, LOGIN_PAGE, html)
            return
        body = json.dumps({"error": verdict.sentence}).encode()
        await _answer(send, verdict.status, body, [("content-type", "application/json")])

    def _cookie(self) -> str:
        gate = self._gate
        return f"{gate.cookie_name}={gate.cookie_value}; HttpOnly; SameSite=Strict; Path=/"


def _bearer(header: str) -> str | None:
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _query_token(scope: Scope) -> str | None:
    values = parse_qs(scope["query_string"].decode("latin-1")).get("token")
    return values[0] if values else None


def _security_headers(path: str) -> list[tuple[bytes, bytes]]:
    fixed = [(key.encode(), value.encode()) for key, value in SECURITY_HEADERS.items()]
    changing = path == "/" or path.startswith(("/api", "/metrics"))
    return [*fixed, (b"cache-control", b"no-store" if changing else b"no-cache")]


def _with_headers(send: Send, path: str) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *_security_headers(path)]
        await send(message)

    return with_headers


async def _answer(send: Send, status: int, body: bytes, headers: Iterable[tuple[str, str]]) -> None:
    own = [(key.encode(), value.encode("latin-1")) for key, value in headers]
    length = [(b"content-length", str(len(body)).encode())]
    start = {"type": "http.response.start", "status": status}
    await send({**start, "headers": [*own, *length, *_security_headers("/api")]})
    await send({"type": "http.response.body", "body": body})
