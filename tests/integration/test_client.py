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
from pipeline_engine.client import ApiUnreachable, Client


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
