"""A process loads what it needs: what it does not need costs memory for as long as it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

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
#: What those do that are to fork, before they do.
PREPARED = {
    "a worker": """
from pipeline_engine.worker import app, process
from pipeline_engine.worker.app import dispatcher, registry
process.prepare_child(dispatcher, registry)
""",
    "web": "",
}
#: What it has loaded; and then what it has open when it is to fork: sockets, and threads.
PROGRAM = """
import json, sys
import {modules}
print(json.dumps(sorted(sys.modules)))
{prepare}
import threading
import psutil
connections = [one.status for one in psutil.Process().net_connections(kind="all")]
print(json.dumps([connections, [one.name for one in threading.enumerate()]]))
"""


@cache
def printed(name: str) -> list[Any]:
    """What the process says of itself, which takes it two seconds."""
    modules, _ = PROCESSES[name]
    program = PROGRAM.format(modules=modules, prepare=PREPARED.get(name, ""))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_loads_nothing_that_it_does_not_need(name: str) -> None:
    loaded, _ = printed(name)

    assert PROCESSES[name][1].intersection(loaded) == set()


@pytest.mark.parametrize("name", PREPARED)
def test_what_a_process_makes_before_it_forks_is_not_connected_to_anything(name: str) -> None:
    _, is_open = printed(name)

    assert is_open == [[], ["MainThread"]]
