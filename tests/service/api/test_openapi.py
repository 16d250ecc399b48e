"""The described API under schemathesis: whatever is sent, no 500 and no undescribed answer."""

from __future__ import annotations

import threading
import time

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error

from service.api.access import Gate
from service.api.socket import LiveProtocol
from service.app import create_app
from service.ports import listen
from tests.service.api.quiet import TOKEN, quiet_session

BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def address():
    """The whole application under the real server, on a loopback port."""
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        app = create_app(quiet_session(), Gate(TOKEN, (port,)), page=None)
        server = uvicorn.Server(uvicorn.Config(app, ws=LiveProtocol, log_level="critical"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join()


def test_no_request_is_a_server_error(address: str) -> None:
    """Seeded, short, every operation: malformed bodies, odd numbers, foreign words."""
    schema = schemathesis.openapi.from_url(f"{address}/api/openapi.json", headers=BEARER)
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) >= 38
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(
            max_examples=5,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def run(case) -> None:
            case.call_and_validate(headers=BEARER, checks=(not_a_server_error,))

        run()
