"""The client of the API, and web processes that die while they have its request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from click.testing import CliRunner, Result
from support.local_service import Answer, LocalService, local_service

from pipeline_engine.cli import main
from pipeline_engine.client import ApiUnreachable, Client, follow, stream


class Mortal(ThreadingHTTPServer):
    """Hangs up on the first requests, as a process does that is killed."""

    daemon_threads = True

    def __init__(self, deaths: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.deaths = deaths
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Mortal

    def _answer(self) -> None:
        self.server.asked.append(self.command)
        self.close_connection = True
        if len(self.server.asked) <= self.server.deaths:
            return
        body = json.dumps({"execution_id": "1"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815 (the names that the library asks for)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def mortal(deaths: int) -> Iterator[tuple[Mortal, Client]]:
    with Mortal(deaths) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server, Client(f"http://127.0.0.1:{server.server_port}", "a token")
        server.shutdown()


def test_a_read_goes_once_more_when_the_web_process_that_had_it_dies():
    with mortal(deaths=1) as (server, client):
        assert client.execution("1") == {"execution_id": "1"}

    assert server.asked == ["GET", "GET"]


def test_a_read_that_nobody_answers_twice_says_that_the_api_does_not_answer():
    with mortal(deaths=2) as (server, client), pytest.raises(ApiUnreachable):
        client.execution("1")

    assert server.asked == ["GET", "GET"]


def test_a_write_is_not_repeated_because_it_may_have_been_done():
    with mortal(deaths=1) as (server, client), pytest.raises(ApiUnreachable):
        client.run({}, {})

    assert server.asked == ["POST"]


# ── Retry-After ──────────────────────────────────────────────────────────────────────────

SLOW_DOWN = {"code": "too_many_requests", "detail": "Slow down."}
BUSY = Answer(429, SLOW_DOWN, {"Retry-After": "0"})
LATER = Answer(429, SLOW_DOWN, {"Retry-After": "3600"})
AWAY = Answer(503, {"code": "storage_unavailable"}, {"Retry-After": "0"})


def run(service: LocalService, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--json", "--url", service.url])


def test_who_is_told_when_to_come_back_comes_back():
    with local_service() as service:
        service.answer_in_turn("GET /api/v1/executions", BUSY, Answer(200, {"executions": []}))

        result = run(service, "executions")

    assert result.exit_code == 0, result.output
    assert "Slow down. Trying again in 0 s." in result.stderr


def test_what_may_be_started_and_not_read_is_started_without_a_refusal():
    with local_service() as service:
        service.answer("GET /api/v1/whoami", {"scopes": ["executions:read", "executions:run"]})
        service.answer("POST /api/v1/executions", {"execution_id": "e1"})
        service.answer("GET /api/v1/executions/e1", {"id": "e1"})

        result = run(service, "run", "release")

    asked = [(r.method, r.path.split("?")[0]) for r in service.received]
    assert result.exit_code == 0, result.output
    assert ("GET", "/api/v1/pipelines") not in asked


def test_a_start_is_repeated_with_the_key_that_it_has_had(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    started = Answer(201, {"execution_id": "e1"})
    with local_service() as service:
        service.answer_in_turn("POST /api/v1/executions/run", AWAY, started)
        service.answer("GET /api/v1/executions/e1", {"id": "e1"})

        result = run(service, "run", str(tmp_path / "x.json"))

    keys = [r.headers["idempotency-key"] for r in service.received if r.method == "POST"]
    assert result.exit_code == 0, result.output
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_nobody_waits_an_hour():
    with local_service() as service:
        service.answer_in_turn("GET /api/v1/executions", LATER)

        result = run(service, "executions")

    assert (result.exit_code, json.loads(result.stderr)["code"]) == (4, "too_many_requests")


# ── Following ────────────────────────────────────────────────────────────────────────────


def a_progress(status: str) -> Answer:
    execution = {
        "id": "e1",
        "pipeline_definition": {"workflow_name": "release"},
        "status": status,
        "final_outputs": None,
        "error_info": None,
    }
    aggregate = {"overall_progress": "0.00", "eta_seconds": None}
    return Answer(200, {"execution": execution, "aggregated_progress": aggregate, "steps": []})


def test_an_api_without_streams_is_asked_every_so_often():
    with local_service() as service:
        turns = ["RUNNING", "RUNNING", "COMPLETED"]
        service.answer_in_turn("GET /api/v1/executions/e1/progress", *map(a_progress, turns))

        found = follow(Client(service.url, "a token"), "e1", every_seconds=0.01)
        seen = [snapshot.status for snapshot in found]

    assert seen == turns


def test_a_stream_that_breaks_is_asked_for_again_behind_its_last_event():
    event = b'event: step_started\nid: 1\ndata: {"n": 1}\n\nretry: 10\n\nid: 2\nda'
    end = b'event: end\nid: 2\ndata: {"status": "COMPLETED"}\n\n'
    with local_service() as service:
        cut = Answer(200, event, missing=10)
        service.answer_in_turn(
            "GET /api/v1/executions/e1/stream", cut, AWAY, Answer(200, b": x\n\n"), Answer(200, end)
        )

        told = list(stream(Client(service.url, "a token"), "e1", event_types=["step_started"]))

    asked = [r for r in service.received if r.path.endswith("stream")]
    assert [(one.type, one.data, one.last_id) for one in told] == [
        ("step_started", {"n": 1}, "1"),
        ("end", {"status": "COMPLETED"}, "2"),
    ]
    assert [r.headers.get("last-event-id") for r in asked] == [None, "1", "1", "1"]
    assert asked[0].query == {"event_types": ["step_started"]}


def test_a_stream_that_nobody_answers_is_given_up():
    with mortal(deaths=9) as (_, client), pytest.raises(ApiUnreachable):
        next(stream(client, "e1", patience_seconds=0))
