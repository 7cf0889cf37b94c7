"""A process loads what it needs: what it does not need costs memory for as long as it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

ENVIRONMENT = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "PIPELINE_SECRET_KEY": "key-of-the-tests-and-of-nothing-else",
    "PIPELINE_API_TOKEN": "token-of-the-tests",
}
WEB = {"flask", "flask_smorest", "pipeline_engine_web", "uvicorn"}
CELERYS_OWN_COMMANDS = {"celery.bin.celery", "flower", "prompt_toolkit"}
ROWS = {"alembic", "psycopg2", "sqlalchemy"}
ACTIONS = {"jinja2", "pipeline_engine_actions", "requests"}

#: What is imported, and what must not come with it.
PROCESSES = {
    "the supervisor of a stack": (
        "pipeline_engine.cli.stack, pipeline_engine.embedded.up",
        {"alembic", "celery", "kombu", "redis", "rich", "sqlalchemy", "structlog"} | ACTIONS | WEB,
    ),
    "beat": (
        "pipeline_engine.beat.__main__, pipeline_engine.beat.scheduler",
        CELERYS_OWN_COMMANDS | ROWS | ACTIONS | WEB,
    ),
    "a worker": (
        "pipeline_engine.worker.__main__",
        CELERYS_OWN_COMMANDS | WEB | {"alembic", "redbeat"},
    ),
    "web": (
        "pipeline_engine_web.asgi",
        CELERYS_OWN_COMMANDS | {"pipeline_engine.worker", "rich.live"},
    ),
}
LOADED = """
import json, sys
import {modules}
print(json.dumps(sorted(sys.modules)))
"""
#: What a process has open when it is to fork: kinds of sockets, and names of threads.
BEFORE_A_FORK = """
import json, threading
import psutil
{code}
connections = [one.status for one in psutil.Process().net_connections(kind="all")]
print(json.dumps([connections, [one.name for one in threading.enumerate()]]))
"""
PREPARED_WORKER = """
from pipeline_engine.worker import app, process
from pipeline_engine.worker.app import dispatcher, registry
process.prepare_child(dispatcher, registry)
"""


def printed(program: str) -> list[list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: list[list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_loads_nothing_that_it_does_not_need(name: str) -> None:
    modules, unwanted = PROCESSES[name]

    assert unwanted.intersection(printed(LOADED.format(modules=modules))) == set()


@pytest.mark.parametrize(
    "code", ["import pipeline_engine_web.asgi", PREPARED_WORKER], ids=["web", "worker"]
)
def test_what_a_process_makes_before_it_forks_is_not_connected_to_anything(code: str) -> None:
    assert printed(BEFORE_A_FORK.format(code=code)) == [[], ["MainThread"]]
