"""What a stack tells its processes, its clients, and whoever looks at it."""

from __future__ import annotations

import io
import sys

import pytest

from pipeline_engine.embedded import told
from pipeline_engine.embedded.announcement import announcement, typed
from pipeline_engine.embedded.console import Console
from pipeline_engine.embedded.credentials import Credentials
from pipeline_engine.embedded.processes import Layout
from pipeline_engine.embedded.state import ProcessState, ProcessStatus, StackState

API = {"PIPELINE_API_URL": "http://127.0.0.1:9082", "PIPELINE_API_TOKEN": "t"}
YOURS = {"DATABASE_URL": "postgresql://me:hush@db.local:5432/work", "REDIS_URL": "redis://r/0"}


def state_of(*processes, exports=API, servers=YOURS):
    running = ProcessStatus.RUNNING
    states = (
        ProcessState(name=name, status=running, pid=1, started_at=1.0, restarts=0)
        for name in processes
    )
    return StackState(
        pid=1, started_at=1.0, exports=exports, servers=servers, processes=tuple(states)
    )


def test_servers_that_a_shell_has_from_env_are_this_stack_s_own():
    known = Credentials()
    given = {
        "DATABASE_URL": f"postgresql://pipeline:{known.postgres_password}@127.0.0.1:1/pipeline",
        "REDIS_URL": f"redis://:{known.valkey_password}@127.0.0.1:2/0",
        "LOG_LEVEL": "DEBUG",
        "PIPELINE_API_URL": "",
    }

    assert told.without_ours(given, known) == {"LOG_LEVEL": "DEBUG"}


@pytest.mark.parametrize("url", ["postgresql://me:other@h/d", "postgresql://h/d", "http://[", "x"])
def test_any_other_server_is_the_user_s(url):
    assert told.without_ours({"DATABASE_URL": url}, Credentials()) == {"DATABASE_URL": url}


def test_a_client_is_told_of_no_server():
    layout = Layout(web_port=9082, flower_port=5555)

    exports = told.for_clients({"FLOWER_BASIC_AUTH": "admin:p", **YOURS}, layout, "t")

    assert exports == {
        **API,
        "FLOWER_URL": "http://127.0.0.1:5555",
        "FLOWER_BASIC_AUTH": "admin:p",
    }


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:1"),  # noqa: S104 (compared)
        ("::", "http://[::1]:1"),
        ("fd00::2", "http://[fd00::2]:1"),
        ("pipes.local", "http://pipes.local:1"),
    ],
)
def test_a_client_here_reaches_the_api_wherever_it_listens(host, url):
    assert Layout(web_port=1, web_host=host).web_url == url


def test_an_announcement_says_what_is_needed_next_within_80_columns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = io.StringIO()
    exports = {**API, "FLOWER_URL": "http://127.0.0.1:5555", "FLOWER_BASIC_AUTH": "admin:secret"}

    for line in announcement(
        state_of("postgres", "valkey", exports=exports), tmp_path / ".pipeline", stop="Ctrl-C"
    ):
        Console(shown).say("stack", line)

    text = shown.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert 'eval "$(pipeline-engine env)"' in text
    assert "http://127.0.0.1:9082 " in text
    assert "http://127.0.0.1:5555" in text
    assert ".pipeline/logs" in text
    assert "secret" not in text


def test_a_command_is_named_by_its_path_where_no_path_variable_leads_to_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program = tmp_path / ".venv" / "bin" / "pipeline-engine"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(program), "up"])

    monkeypatch.setenv("PATH", str(tmp_path))
    elsewhere = typed("down", tmp_path / "own stack")
    monkeypatch.setenv("PATH", str(program.parent))
    on_the_path = typed("down", tmp_path / ".pipeline")

    assert elsewhere == ".venv/bin/pipeline-engine down --directory 'own stack'"
    assert on_the_path == "pipeline-engine down"


def test_an_announcement_names_the_servers_that_are_yours_without_their_passwords(tmp_path):
    text = "\n".join(announcement(state_of("web"), tmp_path / "s", stop="Ctrl-C"))

    assert "db.local:5432/work" in text
    assert "hush" not in text
    assert f"--directory {tmp_path / 's'}" in text


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-27T02:15:20.006394Z [info     ] Connected to redis [celery.worker]",
        '{"event": "ready", "level": "info", "logger": "celery"}',
        "worker: Warm shutdown (MainProcess)",
        "",
    ],
)
def test_a_line_that_says_that_all_is_well_is_for_the_file(line):
    quiet, verbose = io.StringIO(), io.StringIO()

    Console(quiet).pass_on("worker-io", line, speaks=True)
    Console(verbose, verbose=True).pass_on("worker-io", line, speaks=True)

    assert (quiet.getvalue(), bool(verbose.getvalue())) == ("", True)


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-27T02:15:20.006394Z [warning  ] sending failed [pipeline_engine.dispatch]",
        '{"event": "at \\"level\\": \\"info\\"", "level": "error"}',
        "Traceback (most recent call last):",
        "an action says [info] by print",
    ],
)
def test_a_warning_and_a_line_without_a_level_are_shown(line):
    shown = io.StringIO()

    Console(shown).pass_on("worker-io", line, speaks=True)

    assert line in shown.getvalue()


def test_a_server_speaks_to_its_file_only():
    shown = io.StringIO()

    Console(shown).pass_on("postgres", "FATAL:  the database system is starting up", speaks=False)

    assert shown.getvalue() == ""
