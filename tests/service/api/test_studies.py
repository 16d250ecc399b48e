"""The routes of studies, steps, rows and sweeps, over a bed with a store and sweeps of its own."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from service.app import make_routes
from service.store import keeper
from tests.service.api.quiet import quiet_session
from tests.service.bedside.shocks import COUNT, shock
from tests.service.bedside.test_bed import a_bed, give

WRIST = "motor_response.left.median.wrist.APB"
ELBOW = "motor_response.left.median.elbow.APB"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """Routes over a bed; `client.bed` to hand it sweeps."""
    bed = a_bed(tmp_path_factory.mktemp("data"))
    with TestClient(make_routes(bed, page=None)) as made:
        made.bed = bed
        yield made


@pytest.fixture
def client(running):
    """A fresh study of the upper limb with two sites of the median nerve."""
    body = {"patient": "P-1", "visit": "v1", "operator": "KS", "protocol": "upper_limb"}
    assert running.post("/api/studies", json=body).status_code == 200
    for step, sweeps in (
        (WRIST, [shock(1), shock(2, current_ma=36.0)]),
        (ELBOW, [shock(3, site="elbow", latency_ms=7.7), shock(4, site="elbow", latency_ms=7.7,
                                                              current_ma=36.0)]),
    ):  # fmt: skip
        assert running.post(f"/api/steps/{step}/start").status_code == 200
        running.portal.call(give, running.bed, *sweeps)
    return running


def row(client: TestClient, row_id: str) -> dict:
    """A row as the table has it."""
    return next(one for one in client.get("/api/rows").json() if one["id"] == row_id)


def test_protocols_are_offered_with_all_that_a_technician_needs(running: TestClient) -> None:
    """Electrodes, place, filter, sweep, gain, distance, pulse, train."""
    told = {one["id"]: one for one in running.get("/api/protocols").json()}
    assert len(told) == 7
    step = next(s for s in told["mnd"]["steps"] if s["measure"] == "f_wave")
    assert step["train"]["count"] == 20
    assert set(step["montage"]) == {"e1", "e2", "ground"}
    assert step["stimulate"]
    assert (step["filter_hz"], step["sweep_ms"], step["width_us"]) == ([2, 10000], 100, 200)


def test_steps_are_done_in_any_order_skipped_repeated_added(client: TestClient) -> None:
    """What was left is open or done by its result; a skip needs a reason; a repeat a run."""
    steps = {one["id"]: one for one in client.get("/api/steps").json()}
    assert steps[WRIST]["state"] == "done"
    assert steps[WRIST]["rows"] == [f"{WRIST}.1"]
    assert steps[ELBOW]["state"] == "open"
    f_wave = "f_wave.left.median.wrist.APB"
    assert client.post(f"/api/steps/{f_wave}/skip", json={"reason": " "}).status_code == 422
    skipped = client.post(f"/api/steps/{f_wave}/skip", json={"reason": "pain"}).json()
    assert (skipped["state"], skipped["reason"]) == ("skipped", "pain")
    assert skipped["next"]["id"] == "motor_response.left.ulnar.wrist.ADM"
    assert client.post(f"/api/steps/{f_wave}/reopen").json()["state"] == "open"
    assert client.post(f"/api/steps/{ELBOW}/done").json()["next"]["id"] == f_wave
    assert client.post(f"/api/steps/{WRIST}/repeat").json()["run"] == 2
    body = {
        "nerve": "median",
        "site": "axilla",
        "side": "left",
        "muscle": "left APB",
        "after": ELBOW,
    }
    added = client.post("/api/steps", json=body).json()
    assert added["added"]
    assert added["stimulate"]
    order = [one["id"] for one in client.get("/api/steps").json()]
    assert order[order.index(ELBOW) + 1] == added["id"]
    assert client.post("/api/steps", json=body | {"muscle": "right APB"}).status_code == 400
    assert client.post("/api/steps", json=body | {"site": "../x"}).status_code == 400
    assert client.post("/api/steps/nobody/start").status_code == 404
    study = client.get("/api/study").json()["study"]
    assert study["step"]["id"] == WRIST


def test_markers_move_by_sample_and_by_latency_and_go_back(client: TestClient) -> None:
    """The row answers at once; history holds every state; a crossing is refused in a sentence."""
    before = row(client, f"{WRIST}.1")
    url = f"/api/rows/{WRIST}.1/markers"
    onset = next(m for m in before["measurement"]["markers"] if m["name"] == "onset")
    moved = client.post(url, json={"name": "onset", "index": onset["index"] - 8}).json()
    change = (
        before["measurement"]["values"]["onset_latency_ms"]
        - moved["measurement"]["values"]["onset_latency_ms"]
    )
    assert change == pytest.approx(0.5)
    assert moved["revision"] > before["revision"]
    assert not moved["automatic"]
    crossed = client.post(url, json={"name": "onset", "latency_ms": 30.0})
    assert crossed.status_code == 400
    assert "cross" in crossed.json()["error"]
    assert client.post(url, json={"name": "onset"}).status_code == 400
    back = client.post(f"{url}/reset", json={"name": None}).json()
    assert back["automatic"]
    assert back["measurement"]["id"] == before["measurement"]["id"]
    history = client.get(f"/api/rows/{WRIST}.1/history").json()
    assert history[0]["id"] == before["measurement"]["id"]
    assert history[1]["supersedes"] == before["measurement"]["id"]
    absent = client.post(f"/api/rows/{WRIST}.1/absent", json={"absent": True}).json()
    assert absent["measurement"]["state"] == "absent"
    assert client.post(url.replace("median", "nobody"), json={"name": "onset"}).status_code == 404


def test_a_distance_gives_a_velocity(client: TestClient) -> None:
    """And null takes it away; out of reason is refused."""
    url = f"/api/rows/{ELBOW}.1/distance"
    told = client.post(url, json={"mm": 215.0}).json()
    found = {one["quantity"]: one for one in told["values"]}
    assert found["velocity_m_s"]["value"] == pytest.approx(51, abs=2)
    assert row(client, f"{WRIST}.1")["distance_mm"] is None
    assert "velocity_m_s" not in {
        one["quantity"] for one in client.post(url, json={"mm": None}).json()["values"]
    }
    assert client.post(url, json={"mm": 5}).status_code == 422


def test_a_run_after_exercise_is_compared_with_rest_and_kept(client: TestClient) -> None:
    """Marked as such, a row made of both is there, has no trace, and is there in the review."""
    assert client.post(f"/api/steps/{WRIST}/repeat").status_code == 200
    again = partial(give, client.bed, shock(5, size_uv=16_000.0), run=2)
    client.portal.call(again)
    url = f"/api/rows/{WRIST}.2/condition"
    told = client.post(url, json={"after_exercise_s": 10}).json()
    assert (told["after_exercise_s"], told["flexion_deg"]) == (10, None)
    made = row(client, f"{WRIST}.2".replace("motor_response", "exercise_increment"))
    assert (made["derived"], made["inputs"]) == (True, [f"{WRIST}.1", f"{WRIST}.2"])
    assert client.get(f"/api/rows/{made['id']}/trace").status_code == 404
    assert client.post(f"/api/rows/{made['id']}/distance", json={"mm": 80}).status_code == 400
    assert client.post(url, json={"flexion_deg": 200}).status_code == 422
    no_train = client.post(f"/api/rows/{WRIST}.1/exercise", json={"ended": True})
    assert (no_train.status_code, "has no trains" in no_train.json()["error"]) == (400, True)
    study = client.get("/api/study").json()["study"]["id"]
    assert client.post("/api/studies/current/close", json={}).status_code == 200
    seen = client.get(f"/api/studies/{study}").json()
    (kept,) = [one for one in seen["rows"] if one["id"] == made["id"]]
    assert kept["measurement"]["id"] == made["measurement"]["id"]
    assert {one["what"] for one in seen["edits"]} == {"step", "condition", "study"}


def test_a_sweep_is_left_out_corrected_and_read(client: TestClient) -> None:
    """Both rows are told; what it was at first stays with it."""
    out = client.post("/api/sweeps/r:emg:1:2", json={"included": False}).json()
    assert not out["included"]
    assert row(client, f"{WRIST}.1")["used"] == ["r:emg:1:1"]
    moved = client.post("/api/sweeps/r:emg:1:4", json={"site": "axilla", "by": "AB"}).json()
    assert moved["row"] == "motor_response.left.median.axilla.APB.1"
    assert (moved["corrected"]["from"]["site"], moved["corrected"]["by"]) == ("elbow", "AB")
    assert row(client, f"{ELBOW}.1")["sweeps"] == ["r:emg:1:3"]
    assert client.post("/api/sweeps/r:emg:1:4", json={}).status_code == 400
    trace = np.frombuffer(client.get(f"/api/rows/{WRIST}.1/trace").content, "<f4")
    assert trace.size == COUNT
    np.testing.assert_allclose(trace, shock(1).samples_uv[0], rtol=1e-5, atol=1e-3)
    study = client.get("/api/study").json()["study"]["id"]
    samples = client.get(f"/api/studies/{study}/sweeps/r:emg:1:1/samples")
    np.testing.assert_array_equal(
        np.frombuffer(samples.content, "<f4"), shock(1).samples_uv.astype("<f4").ravel()
    )
    assert client.get(f"/api/studies/{study}/sweeps/x/samples").status_code == 404


def test_a_whole_row_is_corrected_with_provenance_or_not_at_all(client: TestClient) -> None:
    """All its sweeps move, each keeps what it was; a place that cannot be leaves all."""
    url = f"/api/rows/{ELBOW}.1/correct"
    assert client.post(url, json={"by": "AB"}).status_code == 400
    wrong = client.post(url, json={"side": "right", "by": "AB"})
    assert wrong.status_code == 400
    assert "correct both together" in wrong.json()["error"]
    assert row(client, f"{ELBOW}.1")["sweeps"] == ["r:emg:1:3", "r:emg:1:4"]
    moved = client.post(url, json={"site": "axilla", "by": "AB"}).json()
    assert moved == {"row": ELBOW.replace("elbow", "axilla") + ".1",
                     "sweeps": ["r:emg:1:3", "r:emg:1:4"]}  # fmt: skip
    assert f"{ELBOW}.1" not in [one["id"] for one in client.get("/api/rows").json()]
    told = {one["id"]: one["corrected"] for one in client.get("/api/sweeps").json()}
    assert {told[one]["from"]["site"] for one in moved["sweeps"]} == {"elbow"}
    assert told["r:emg:1:1"] is None
    edits = client.get("/api/studies/current").json()["edits"]
    (edit,) = [one for one in edits if one["what"] == "correction"]
    assert (edit["by"], edit["target"]) == ("AB", f"{ELBOW}.1")
    assert edit["to"] == {"site": "axilla", "sweeps": moved["sweeps"]}
    assert [one["site"] for one in edit["from"]] == ["elbow", "elbow"]
    back = client.post(f"/api/rows/{moved['row']}/correct", json={"site": "elbow", "by": "AB"})
    assert back.json()["row"] == f"{ELBOW}.1"
    assert row(client, f"{ELBOW}.1")["used"] == ["r:emg:1:3", "r:emg:1:4"]
    assert client.post("/api/rows/x/correct", json={"site": "elbow"}).status_code == 404


def test_the_halves_of_an_average_are_its_odd_and_its_even_sweeps(client: TestClient) -> None:
    """Their mean is the average; one sweep has no halves."""
    found = np.frombuffer(client.get(f"/api/rows/{WRIST}.1/halves").content, "<f4")
    odd, even = found.reshape(2, COUNT)
    np.testing.assert_allclose(odd, shock(1).samples_uv[0], rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(even, shock(2).samples_uv[0], rtol=1e-5, atol=1e-3)
    client.post("/api/sweeps/r:emg:1:2", json={"included": False})
    one = client.get(f"/api/rows/{WRIST}.1/halves")
    assert one.status_code == 400
    assert "at least two" in one.json()["error"]


def test_a_study_is_closed_looked_at_and_reopened(client: TestClient) -> None:
    """The review of a closed study is the table as it was; then it goes on at its step."""
    client.post(f"/api/rows/{ELBOW}.1/distance", json={"mm": 215.0})
    before = client.get("/api/studies/current").json()
    study = before["study"]["id"]
    assert before["study"]["current"]
    assert {one["what"] for one in before["edits"]} == {"step", "distance"}
    closed = client.post("/api/studies/current/close", json={}).json()
    assert (closed["state"], closed["current"], closed["sweeps"]) == ("closed", False, 4)
    assert client.get("/api/rows").json() == []
    seen = client.get(f"/api/studies/{study}").json()

    def lines(told: dict) -> list[dict]:
        return [
            {k: v for k, v in one.items() if k != "revision"}
            | {"measurement": one["measurement"] | {"supersedes": None}}
            for one in told["rows"]
        ]

    assert lines(seen) == lines(before)
    assert [one["id"] for one in seen["sweeps"]] == [one["id"] for one in before["sweeps"]]
    url = f"/api/studies/{study}/rows/{WRIST}.1/sweeps"
    drawn = np.frombuffer(client.get(url).content, "<f4").reshape(3, COUNT)
    for line, number in zip(drawn[1:], (1, 2), strict=True):
        np.testing.assert_allclose(line, shock(number).samples_uv[0], rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(drawn[0], drawn[1:].mean(axis=0), rtol=1e-4, atol=1e-2)
    assert client.get(f"/api/studies/{study}/rows/x/sweeps").status_code == 404
    listed = client.get("/api/studies", params={"patient": "P-1", "state": "closed"}).json()
    assert study in {one["id"] for one in listed}
    again = client.post(f"/api/studies/{study}/open").json()
    assert (again["state"], again["current"], again["step"]) == ("open", True, ELBOW)
    assert len(again["recordings"]) == 2
    assert client.get("/api/studies/nobody").status_code == 404
    assert client.post("/api/studies", json={"patient": "P", "protocol": "x"}).status_code == 400


def test_a_full_disk_refuses_an_edit_in_one_sentence(client: TestClient, monkeypatch) -> None:
    """507, nothing has changed, and the page is told that it is not on the disk."""
    monkeypatch.setattr(keeper, "RETRY_S", 0.05)
    engine = client.bed._engine

    def full(connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    before = row(client, f"{WRIST}.1")
    event.listen(engine, "begin", full)
    try:
        for _ in range(200):  # until the last free page is used
            answer = client.post(
                f"/api/rows/{WRIST}.1/markers", json={"name": "onset", "latency_ms": 3.2}
            )
            if answer.status_code != 200:
                break
    finally:
        event.remove(engine, "begin", full)
        engine.dispose()  # connections remember how many pages they may have
    assert answer.status_code == 507
    assert "disk is full" in answer.json()["error"]
    assert row(client, f"{WRIST}.1")["sweeps"] == before["sweeps"]


def test_who_edits_must_be_known(running: TestClient) -> None:
    """Without an operator of the study, an edit needs initials."""
    assert running.post("/api/studies", json={"patient": "P-2"}).status_code == 200
    running.portal.call(give, running.bed, shock(1))
    url = f"/api/rows/{WRIST}.1/distance"
    refused = running.post(url, json={"mm": 80})
    assert refused.status_code == 400
    assert "initials" in refused.json()["error"]
    assert running.post(url, json={"mm": 80, "by": "AB"}).status_code == 200


def test_without_a_store_the_list_says_why() -> None:
    """409 and a sentence; steps and rows work all the same."""
    with TestClient(make_routes(quiet_session(), page=None)) as client:
        assert client.get("/api/studies").status_code == 409
        assert "keeps no studies" in client.get("/api/studies/current").json()["error"]
        assert client.get("/api/rows").json() == []
        assert client.get("/api/limits").json()["problem"] is None
