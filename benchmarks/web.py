"""Two web servers of the same kind: the engine's API, and a route that inserts one row."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from benchmarks.workers import REPOSITORY, running, with_actions
from pipeline_engine.embedded.ports import LOOPBACK, free_port
from pipeline_engine.embedded.processes import Layout, application_programs
from pipeline_engine.embedded.programs import Program

ENGINE = "pipeline_engine_web.asgi:door"
PLAIN = "benchmarks.plain_door:door"
ANSWERS_WITHIN_SECONDS = 30.0
POLL_SECONDS = 0.05


class WebMissing(Exception):
    """A web server did not come up; its log says why."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a web server answers, and its process."""

    port: int
    pid: int


@contextmanager
def running_web(
    name: str, application: str, environment: Mapping[str, str], logs: Path
) -> Iterator[Site]:
    """Serve *application* as ``pipeline-engine up`` serves the API.  Raises ``WebMissing``."""
    port = free_port()
    program = _program(name, application, port, with_actions(environment))
    with running(program, logs) as process:
        wait_until_it_answers(port, logs)
        yield Site(port, process.pid)


def _program(name: str, application: str, port: int, environment: Mapping[str, str]) -> Program:
    """The web of a stack, options and all, with another application in it."""
    programs = application_programs(Layout(web_port=port, web_host=LOOPBACK), environment)
    web = next(program for program in programs if program.name == "web")
    return Program(
        name=name,
        command=(*web.command, application),
        environment=web.environment,
        stage=web.stage,
        directory=REPOSITORY,
    )


def wait_until_it_answers(port: int, logs: Path) -> None:
    """Come back when something answers on *port*.  Raises ``WebMissing``."""
    ends_at = time.monotonic() + ANSWERS_WITHIN_SECONDS
    while not _answers(port):
        if time.monotonic() > ends_at:
            raise WebMissing(f"No answer within {ANSWERS_WITHIN_SECONDS:g} s; see {logs}")
        time.sleep(POLL_SECONDS)


def _answers(port: int) -> bool:
    connection = HTTPConnection(LOOPBACK, port, timeout=1)
    try:
        connection.request("GET", "/health")
        connection.getresponse()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True
