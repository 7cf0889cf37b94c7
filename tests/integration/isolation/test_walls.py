"""What a package that means no good cannot do, and what becomes of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from shutil import rmtree
from typing import Any

import psutil
import pytest
from support.contexts import a_context
from support.strangers import PACKAGE, TERMS, with_terms
from support.waiting import wait_until

from pipeline_engine.isolation.between.calls import LOCKED_SECONDS, METHODS
from pipeline_engine.isolation.between.failures import IsolationFault
from pipeline_engine.isolation.inside.landlock import version
from pipeline_engine.isolation.process import ChildProcess
from pipeline_engine.isolation.sandbox import Sandbox, bubblewrap
from pipeline_engine.registry import Registry


def misbehave(registry: Registry, how: str, **params: Any) -> Any:
    left = params.pop("seconds", None)
    deadline = None if left is None else datetime.now(UTC) + timedelta(seconds=left - 2)
    context = a_context({"how": how, **params}, deadline=deadline)
    return registry.executor("stranger_misbehave").execute(context).outputs["found"]


def fault(registry: Registry, how: str, **params: Any) -> IsolationFault:
    with pytest.raises(IsolationFault) as raised:
        misbehave(registry, how, **params)
    return raised.value


@pytest.fixture(scope="module", params=[Sandbox.BUBBLEWRAP, Sandbox.LANDLOCK])
def walled(
    request: pytest.FixtureRequest, stranger_entry_points: list[metadata.EntryPoint]
) -> Registry:
    """The package behind the walls of each kind that this machine has."""
    if request.param is Sandbox.BUBBLEWRAP and bubblewrap() is None:
        pytest.skip("bubblewrap is not installed, or may not make namespaces")
    if request.param is Sandbox.LANDLOCK and version() < 4:
        pytest.skip("the kernel has no Landlock that knows TCP (6.7)")
    return with_terms(stranger_entry_points, sandbox=request.param.value)


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_its_environment_is_empty_of_everything_that_the_engine_was_told(
    strangers: Registry, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody:password@127.0.0.1/d")
    monkeypatch.setenv("PIPELINE_SECRET_KEY", "key-of-the-installation")

    found = misbehave(strangers, "environment")

    assert sorted(found) == ["HOME", "LANG", "MALLOC_ARENA_MAX", "PATH", "TMPDIR"]


def test_behind_walls_it_reads_and_writes_no_file_of_others_and_opens_no_connection(
    walled: Registry, tmp_path: Path, listening: int
):
    (tmp_path / "key").write_text("secret")

    for path in (tmp_path / "key", Path(f"/proc/{os.getpid()}/environ"), Path("/etc/shadow")):
        with pytest.raises(Exception, match=r"Permission denied|No such file"):
            misbehave(walled, "read", path=str(path))
    with pytest.raises(Exception, match=r"Permission denied|No such file|Read-only"):
        misbehave(walled, "write", path=str(tmp_path / "new"))
    with pytest.raises(Exception, match=r"Permission denied|refused"):
        misbehave(walled, "connect", port=listening)
    assert misbehave(walled, "own_file") == "mine"


def test_the_folder_that_a_worker_stands_in_is_none_of_its_business(tmp_path: Path):
    """``python -m``, as the Procfile says, looks for modules there; and there is the ``.env``."""
    words = "from pipeline_engine.isolation import sandbox; print(*sandbox.readable(), sep='\\n')"
    (tmp_path / "as_a_worker.py").write_text(words)

    found, wanted = (
        subprocess.check_output(
            [sys.executable, "-m", "as_a_worker"], cwd=tmp_path, env=environment, text=True
        ).splitlines()
        for environment in ({}, {"PYTHONPATH": str(tmp_path)})
    )

    assert str(tmp_path) not in found
    assert str(tmp_path) in wanted


def test_without_walls_it_is_held_by_limits_alone(
    stranger_entry_points: list[metadata.EntryPoint], listening: int
):
    bare = with_terms(stranger_entry_points, sandbox="off")

    assert misbehave(bare, "connect", port=listening) == "connected"
    assert "HOME" in misbehave(bare, "environment")
    with pytest.raises(Exception, match="File too large"):
        misbehave(bare, "large_file", bytes=2 * 1024 * 1024)


def test_one_that_wants_all_memory_fails_and_the_next_call_is_fine(strangers: Registry):
    with pytest.raises(Exception) as raised:  # noqa: PT011 - the child's, or its end
        misbehave(strangers, "hog")

    assert type(raised.value).__name__ in ("MemoryError", "IsolationFault")
    assert misbehave(strangers, "own_file") == "mine"


def test_one_that_ends_its_process_is_a_failure_with_a_code(strangers: Registry):
    ended = fault(strangers, "crash")
    killed = fault(strangers, "kill")

    assert (ended.error_code, ended.retryable) == ("isolated_crashed", True)
    assert str(ended) == "The process of stranger-pipeline-actions ended with status 7"
    assert str(killed) == "The process of stranger-pipeline-actions ended by SIGSEGV"


def test_one_that_never_ends_is_killed_with_all_that_it_has_started(strangers: Registry):
    before = {one.pid for one in psutil.process_iter()}

    late = fault(strangers, "leave_sleepers", seconds=1.5)

    assert late.error_code == "isolated_timeout"
    wait_until(lambda: not _sleepers(before), within=10, what="the end of all sleepers")


def _sleepers(before: set[int]) -> list[psutil.Process]:
    left = []
    for one in psutil.process_iter(["cmdline", "status"]):
        words = " ".join(one.info["cmdline"] or ())
        if one.pid not in before and "time.sleep(600)" in words:
            left.append(one)
    return left


def test_under_the_lock_of_a_row_it_has_a_few_seconds():
    locked = ("on_event", "on_answer", "on_wake", "check_event", "validate_params")

    assert {METHODS[name].seconds for name in locked} == {LOCKED_SECONDS}


def test_endless_computing_is_ended_by_the_kernel(
    stranger_entry_points: list[metadata.EntryPoint],
):
    busy = with_terms(stranger_entry_points, cpu_seconds=1)

    assert "used up its processor time" in str(fault(busy, "loop", seconds=30))


def test_nonsense_on_the_wire_costs_it_its_process(strangers: Registry):
    garbled = fault(strangers, "garble", seconds=20)

    assert garbled.error_code == "isolated_garbled"
    assert misbehave(strangers, "own_file") == "mine"


def test_what_it_answers_and_says_is_bounded(strangers: Registry, caplog):
    for how in ("answer_much", "answer_object"):
        with pytest.raises(Exception, match="The outputs cannot be stored"):
            misbehave(strangers, how)
    assert misbehave(strangers, "shout") == 2000
    with pytest.raises(Exception, match="which cannot be shown"):
        misbehave(strangers, "raise_oddly")


def test_a_child_dies_with_the_process_that_started_it():
    child = ChildProcess(PACKAGE, TERMS)
    child.wait_until_ready()
    pid = child.pid
    rmtree(child._directory)

    child.forget()  # what the end of this process would close

    wait_until(lambda: _is_gone(pid), within=10, what="the end of the child")


def _is_gone(pid: int) -> bool:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return not psutil.pid_exists(pid)
