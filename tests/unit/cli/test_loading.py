"""Help and completion answer at once: they load what they need and no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

from pipeline_engine.embedded.ports import free_port

#: what takes long to load, and what neither help nor completion needs
HEAVY = {
    "alembic",
    "celery",
    "flask",
    "jinja2",
    "kombu",
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


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("doctor", "--help")], ids=str)
def test_help_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    printed, loaded = run(*words)

    assert "pipeline-engine" in printed
    assert loaded & HEAVY == set()


def test_the_names_of_commands_are_completed_without_loading_the_commands() -> None:
    offered, loaded = complete("pipeline-engine ")

    assert {"run", "show", "up", "db"} <= set(offered)
    assert loaded & HEAVY == set()


def test_completion_is_silent_when_no_api_answers() -> None:
    offered, loaded = complete("pipeline-engine show ", url=f"http://127.0.0.1:{free_port()}")

    assert offered == ["@last"]
    assert loaded & HEAVY == set()
