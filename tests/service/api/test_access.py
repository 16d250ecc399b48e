"""Who may ask: every route and the socket, against Host, Origin, cookie and token."""

from __future__ import annotations

import re
from typing import ClassVar

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from service.api.access import OPEN_ROUTES
from service.app import create_app, make_routes
from service.simulated import ControlLink
from tests.service.api.quiet import COOKIE, GATE, HOST, OURS, TOKEN, quiet_session

BEARER = {"authorization": f"Bearer {TOKEN}"}


def all_routes() -> list[tuple[str, str]]:
    """Every (method, path) that the application has, its own description and the page included."""
    app = make_routes(quiet_session(), page=None, control=ControlLink("127.0.0.1:1"))
    found = {("GET", "/"), ("GET", "/assets/x.js"), ("GET", "/api/openapi.json")}
    for path, methods in app.openapi()["paths"].items():
        found |= {(method.upper(), re.sub(r"\{\w+\}", "x", path)) for method in methods}
    return sorted(found)


ROUTES = all_routes()
CLOSED = [route for route in ROUTES if route not in OPEN_ROUTES]


@pytest.fixture(scope="module")
def client():
    """The whole application, started."""
    app = create_app(quiet_session(), GATE, page=None)
    with TestClient(app, base_url=f"http://{HOST}", follow_redirects=False) as made:
        yield made


def test_the_routes_are_all_there() -> None:
    """The matrix below is over the real list, socket routes aside."""
    expected = {
        ("POST", "/api/stop"), ("GET", "/api/health"), ("GET", "/metrics"), ("GET", "/api/study"),
        ("POST", "/api/task"), ("POST", "/api/step"), ("POST", "/api/temperature"),
        ("POST", "/api/subject"),
        ("GET", "/api/cards"), ("GET", "/api/sweeps"), ("GET", "/api/sweeps/x/samples"),
        ("POST", "/api/sweeps/x"), ("GET", "/api/samples"), ("GET", "/api/readout"),
        ("GET", "/api/stimulator"), ("POST", "/api/stimulator/configure"),
        ("POST", "/api/stimulator/arm"), ("POST", "/api/stimulator/disarm"),
        ("POST", "/api/stimulator/fire"), ("POST", "/api/demo/dial"), ("POST", "/api/demo/task"),
        ("POST", "/api/demo/fault"), ("POST", "/api/demo/placement"), ("GET", "/api/demo/truth"),
        ("GET", "/api/demo/templates"), ("GET", "/api/demo/describe"),
    }  # fmt: skip
    assert expected <= set(ROUTES)


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_without_login_nothing_is_said(client: TestClient, method: str, path: str) -> None:
    """401 without cookie or token, from our own origin or none."""
    assert client.request(method, path).status_code == 401
    assert client.request(method, path, headers=OURS).status_code == 401
    wrong = {"cookie": f"{GATE.cookie_name}=0", "authorization": "Bearer no"}
    assert client.request(method, path, headers=wrong).status_code == 401


@pytest.mark.parametrize(("method", "path"), sorted(OPEN_ROUTES))
def test_stop_and_health_need_no_login(client: TestClient, method: str, path: str) -> None:
    """The two exceptions."""
    assert client.request(method, path).status_code == 200


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_foreign_host_or_origin_is_refused_even_with_login(
    client: TestClient, method: str, path: str
) -> None:
    """DNS rebinding and other sites' pages get 403 everywhere, also on STOP and health."""
    for host in ("evil.example", "evil.example:8760", "127.0.0.1:8761", ""):
        headers = {**COOKIE, **BEARER, "host": host}
        assert client.request(method, path, headers=headers).status_code == 403
    for origin in ("http://evil.example", "null", "https://127.0.0.1:8760", "http://localhost:1"):
        headers = {**COOKIE, **BEARER, "origin": origin}
        assert client.request(method, path, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"), [r for r in CLOSED if r[0] == "POST" and "demo" not in r[1]]
)
def test_changing_something_needs_an_origin_or_a_token(
    client: TestClient, method: str, path: str
) -> None:
    """A cookie alone is what another site's form could send."""
    assert client.request(method, path, headers=COOKIE).status_code == 403
    for headers in ({**COOKIE, **OURS}, BEARER):
        assert client.request(method, path, headers=headers).status_code not in (401, 403)


def test_demo_routes_exist_in_a_demo_only(client: TestClient) -> None:
    """Otherwise not even their names are known."""
    for method, path in ROUTES:
        if path.startswith("/api/demo"):
            assert client.request(method, path, headers=BEARER).status_code == 404


def test_the_printed_address_sets_the_cookie_and_redirects(client: TestClient) -> None:
    """As Jupyter: once opened, the token is gone from the address bar."""
    answer = client.get(f"/?token={TOKEN}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"myotome-8760={GATE.cookie_value};")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    client.cookies.clear()
    assert client.get("/?token=wrong").status_code == 401


def test_a_token_in_the_query_of_another_route_is_no_login(client: TestClient) -> None:
    """Tokens in addresses end up in logs: only `/` and the socket take them."""
    client.cookies.clear()
    assert client.get(f"/api/study?token={TOKEN}").status_code == 401


@pytest.mark.parametrize("path", ["/", "/api/health", "/api/study", "/nothing"])
def test_every_answer_carries_the_security_headers(client: TestClient, path: str) -> None:
    """Refusals too; no inline script, no framing, no sniffing, no referrer."""
    for headers in ({}, BEARER):
        answer = client.get(path, headers=headers).headers
        policy = answer["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer["x-content-type-options"] == "nosniff"
        assert answer["referrer-policy"] == "no-referrer"
    assert "no-store" in client.get("/api/health").headers["cache-control"]


class TestSocket:
    """The same for the handshake, before accept."""

    URL: ClassVar = "/api/live"

    @pytest.mark.parametrize(
        ("query", "headers"),
        [
            ("", OURS),
            ("", COOKIE),
            ("", {**COOKIE, "origin": "http://evil.example"}),
            ("", {**COOKIE, **OURS, "host": "evil.example"}),
            ("?token=wrong", OURS),
            (f"?token={TOKEN}", {"origin": "http://evil.example"}),
            (f"?token={TOKEN}", {"host": "evil.example"}),
        ],
    )
    def test_refused_before_accept(self, client: TestClient, query: str, headers: dict) -> None:
        """No socket for a foreign page, a foreign name, or without login."""
        client.cookies.clear()
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect(self.URL + query, headers={"host": HOST, **headers}),
        ):
            pass

    @pytest.mark.parametrize(
        ("query", "headers"),
        [("", {**COOKIE, **OURS}), (f"?token={TOKEN}", {}), ("", BEARER)],
    )
    def test_let_in(self, client: TestClient, query: str, headers: dict) -> None:
        """The page with its cookie, or a program with the token: hello comes."""
        with client.websocket_connect(
            self.URL + query, headers={"host": HOST, **headers}
        ) as socket:
            hello = socket.receive_json()
        assert (hello["type"], hello["seq"], hello["protocol"]) == ("hello", 1, 1)
