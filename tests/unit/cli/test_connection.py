"""Which stack a command means, if the line, the environment and the folder name several."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from pipeline_engine.cli import main
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.ports import free_port
from pipeline_engine.embedded.state import StackState

DATABASE_URL = "postgresql://me:secret@127.0.0.1:1/pipelines"


def output(*arguments: str, **environment: str) -> str:
    clean = {"PIPELINE_API_URL": "", "PIPELINE_API_TOKEN": "", "PIPELINE_SECRET_KEY": None}
    return CliRunner().invoke(main, arguments, env=clean | environment).output


@pytest.fixture
def api_url() -> str:
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def stack(tmp_path: Path, api_url: str) -> Iterator[str]:
    """The folder of a stack that counts as running, with an API that does not answer."""
    home = Home.at(tmp_path / "stack")
    servers = {
        "DATABASE_URL": DATABASE_URL,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "PIPELINE_SECRET_KEY": "short",
    }
    exports = {"PIPELINE_API_URL": api_url, "PIPELINE_API_TOKEN": "token"}
    with home.locked():
        own = psutil.Process(os.getpid())
        StackState(
            pid=own.pid, started_at=own.create_time(), exports=exports, servers=servers
        ).write(home.state)
        yield str(home.directory)


def test_a_folder_in_the_line_counts_more_than_an_exported_address(
    stack: str, api_url: str
) -> None:
    elsewhere = f"http://127.0.0.1:{free_port()}"

    assert api_url in output("executions", "--directory", stack, PIPELINE_API_URL=elsewhere)
    assert elsewhere in output("executions", PIPELINE_API_URL=elsewhere)


def test_an_address_in_the_line_counts_more_than_a_folder(stack: str) -> None:
    elsewhere = f"http://127.0.0.1:{free_port()}"

    assert elsewhere in output("executions", "--directory", stack, "--url", elsewhere)


def test_without_a_stack_the_folder_that_was_looked_at_is_named(tmp_path: Path) -> None:
    folder = str(tmp_path / "none")

    said = output("executions", "--directory", folder)

    assert folder in said
    assert "--directory" in said


def test_the_doctor_looks_at_the_stack_in_a_folder_that_the_line_names(stack: str) -> None:
    other = "postgresql://me@127.0.0.1:1/other"

    said = output("doctor", "--directory", stack, DATABASE_URL=other)

    assert "PIPELINE_SECRET_KEY: Shorter than" in said  # the stack's key was read


def test_the_doctor_knows_the_keys_of_the_stack_that_serves_our_own_database(
    stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(stack).rename(Path(stack).with_name(".pipeline"))
    monkeypatch.chdir(folder.parent)

    assert "PIPELINE_SECRET_KEY: Shorter than" in output("doctor", DATABASE_URL=DATABASE_URL)
    other = output("doctor", DATABASE_URL="postgresql://me@127.0.0.1:1/other")
    assert "PIPELINE_SECRET_KEY: Missing" in other
