"""Help and completion answer at once: they load what they need and no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping

from pipeline_engine.embedded.ports import free_port

#: Packages that take long to load, none of which help or completion needs.
HEAVY = {
    "alembic",
    "asyncio",
    "celery",
    "cryptography",
    "flask",
    "jinja2",
    "jsonschema",
    "kombu",
    "marshmallow",
    "psutil",
    "psycopg2",
    "redis",
    "requests",
    "rich",
    "sqlalchemy",
    "structlog",
}
RUN = """
import sys
try:
    from pipeline_engine.cli import main
    main(prog_name="pipeline-engine")
finally:
    import json
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""
#: Prints for each command, in one process, the packages that its help has loaded in addition.
HELP_OF_ALL = """
import json, sys
import click
from pipeline_engine.cli import main

known, loaded = set(), {}

def look(command, context):
    command.get_help(context)
    now = {name.partition(".")[0] for name in sys.modules}
    loaded[context.command_path.partition(" ")[2]] = sorted(now - known)
    known.update(now)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            part = command.get_command(context, name)
            look(part, click.Context(part, parent=context, info_name=name))

look(main, click.Context(main, info_name="pipeline-engine"))
print(json.dumps(loaded))
"""


def run(*words: str, environment: Mapping[str, str] | None = None) -> tuple[str, set[str]]:
    """What a command prints, and the packages that it has loaded."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words],
        env={**os.environ, "PIPELINE_API_URL": "", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


def complete(line: str, *, url: str = "") -> tuple[list[str], set[str]]:
    """What is offered at the end of *line*."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()))}
    asked = {"_PIPELINE_ENGINE_COMPLETE": "bash_complete", "PIPELINE_API_URL": url, **words}
    printed, loaded = run(environment=asked)
    return [offer.partition(",")[2] for offer in printed.splitlines()], loaded


def test_help_loads_nothing_heavy() -> None:
    printed, loaded = run("--help")

    assert "pipeline-engine" in printed
    assert loaded & HEAVY == set()


def test_no_command_and_no_group_loads_anything_heavy_for_its_help() -> None:
    printed = subprocess.run(
        [sys.executable, "-c", HELP_OF_ALL], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    loaded: dict[str, list[str]] = json.loads(printed)

    assert {"demo", "up", "db upgrade", "pipelines list"} <= set(loaded)
    assert {name: found for name, new in loaded.items() if (found := HEAVY & set(new))} == {}


def test_a_command_that_calls_the_api_loads_what_it_calls_with_and_no_more() -> None:
    _, loaded = run("show", "@last", "--url", f"http://127.0.0.1:{free_port()}")

    assert "requests" in loaded
    assert loaded & {"celery", "cryptography", "jinja2", "redis", "sqlalchemy"} == set()


def test_the_names_of_commands_are_completed_without_loading_the_commands() -> None:
    offered, loaded = complete("pipeline-engine ")

    assert {"run", "show", "up", "db"} <= set(offered)
    assert loaded & HEAVY == set()


def test_completion_is_silent_when_no_api_answers() -> None:
    offered, loaded = complete("pipeline-engine show ", url=f"http://127.0.0.1:{free_port()}")

    assert offered == ["@last"]
    assert loaded & HEAVY == set()
