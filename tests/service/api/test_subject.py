"""Age, sex and height: what is taken, what is refused, and whose they are in a demo."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from service.api import study
from service.app import make_routes
from service.evidence.limits import Subject
from service.simulated import SimulatorError
from tests.service.api.quiet import quiet_session

UNKNOWN = {"age_years": None, "sex": None, "height_cm": None}


class Link:
    """A simulator's control socket that answers as told, or not at all."""

    def __init__(self, answer: dict | None) -> None:
        self.answer = answer

    async def ask(self, request: dict) -> dict:
        """The answer; SimulatorError without one."""
        assert request == {"do": "describe"}
        if self.answer is None:
            raise SimulatorError("the simulator does not answer")
        return self.answer

    def close(self) -> None:
        """Nothing to let go."""


@pytest.fixture(scope="module")
def client():
    """The routes over a session without devices."""
    with TestClient(make_routes(quiet_session(), page=None)) as made:
        yield made


@pytest.mark.parametrize(
    ("body", "known"),
    [
        ({}, {}),
        ({"age_years": 58, "sex": "M", "height_cm": 176.5},) * 2,
        ({"age_years": 0, "sex": None}, {"age_years": 0}),
        ({"height_cm": 250}, {"height_cm": 250}),
    ],
)
def test_what_is_not_given_is_not_known(client: TestClient, body: dict, known: dict) -> None:
    """The body is the whole of what is known; it comes back in the study."""
    answer = client.post("/api/subject", json=body)
    assert answer.status_code == 200
    assert answer.json()["subject"] == UNKNOWN | known
    assert client.get("/api/study").json()["study"]["subject"] == UNKNOWN | known


@pytest.mark.parametrize(
    "body",
    [
        {"age_years": -1}, {"age_years": 121}, {"sex": "male"}, {"height_cm": 39.9},
        {"height_cm": 251}, {"age": 50}, {"age_years": "old"},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_the_field(client: TestClient, body: dict) -> None:
    """422 and one sentence that names the field; what was known stays."""
    client.post("/api/subject", json={"age_years": 40})
    answer = client.post("/api/subject", json=body)
    assert answer.status_code == 422
    assert next(iter(body)) in answer.json()["error"]
    assert client.get("/api/study").json()["study"]["subject"]["age_years"] == 40


def test_in_a_demo_the_simulated_patient_says_who_it_is() -> None:
    """At start, from `describe`."""
    session = quiet_session()
    told = {"ok": True, "age_years": 45.0, "sex": "F", "height_cm": 168.0, "patient": "healthy"}
    with TestClient(make_routes(session, page=None, control=Link(told))):
        assert session.study.subject == Subject(45.0, "F", 168.0)


async def test_a_simulator_without_an_answer_leaves_the_subject_unknown() -> None:
    """It is said, and the service goes on."""
    session = quiet_session()
    said: list[str] = []
    session.alarm = lambda *told: said.append(told[1])
    await study.introduce(session, Link(None))
    assert session.study.subject == Subject()
    assert "does not answer" in said[0]
