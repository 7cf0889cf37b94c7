"""The files that a stack keeps: credentials, state, logs, and the folder that holds them."""

from __future__ import annotations

import fcntl
import io
import os
import stat

import pytest

from pipeline_engine.embedded.console import Console, ProcessLog
from pipeline_engine.embedded.credentials import Credentials
from pipeline_engine.embedded.errors import AlreadyRunning
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.privileges import copy_for_all, is_open_to_all, open_folder
from pipeline_engine.embedded.state import ProcessState, ProcessStatus, StackState


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def home(tmp_path):
    made = Home.at(tmp_path / "stack")
    yield made
    made.remove()


@pytest.fixture
def strict_umask():
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_credentials_are_made_once_because_the_data_is_bound_to_them(tmp_path):
    path = tmp_path / "credentials.json"

    first, second = Credentials.of(path), Credentials.of(path)

    assert first == second
    assert len({first.postgres_password, first.valkey_password, first.api_token}) == 3


def test_credentials_are_readable_by_their_owner_only(tmp_path):
    path = tmp_path / "credentials.json"

    Credentials.of(path)

    assert mode_of(path) == 0o600


def test_credentials_do_not_show_in_a_traceback(tmp_path):
    credentials = Credentials.of(tmp_path / "credentials.json")

    assert credentials.api_token not in repr(credentials)


def test_the_state_file_gives_back_what_was_written(tmp_path):
    worker = ProcessState(
        name="worker-io", status=ProcessStatus.RUNNING, pid=7, started_at=1.5, restarts=2
    )
    state = StackState(
        pid=5, started_at=0.5, ready=True, exports={"A": "b"}, processes=(worker,), remarks=("c",)
    )

    state.write(tmp_path / "state.json")

    assert StackState.read(tmp_path / "state.json") == state
    assert state.process("worker-io") is worker


def test_no_state_file_means_no_state(tmp_path):
    assert StackState.read(tmp_path / "state.json") is None


def test_a_second_supervisor_is_refused_because_two_would_fight(home):
    with home.locked(), pytest.raises(AlreadyRunning, match="already"), home.locked():
        pass

    assert not home.is_locked()


def test_nobody_else_can_hold_the_lock_because_nobody_else_can_open_it(home):
    with home.locked():
        assert stat.S_IMODE((home.directory / "lock").stat().st_mode) == 0o600


def test_a_lock_that_a_stranger_holds_does_not_keep_a_stack_from_running(home):
    """One that was made for all to open, by whom ever, and that no supervisor of ours holds."""
    lock = home.directory / "lock"
    lock.touch()
    lock.chmod(0o644)
    with lock.open() as strangers:
        fcntl.flock(strangers, fcntl.LOCK_EX)

        with home.locked():
            assert home.is_locked()


def test_a_lock_is_no_link_to_a_file_elsewhere(home, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    (home.directory / "lock").symlink_to(elsewhere)

    with home.locked():
        pass

    assert elsewhere.read_text() == "mine"


def test_what_a_stack_keeps_is_for_its_owner_only(home):
    Credentials.of(home.credentials)
    StackState(pid=1, started_at=1.0).write(home.state)
    with home.locked():
        files = [path for path in home.directory.rglob("*") if path.name != ".gitignore"]

    open_to_others = [path.name for path in files if path.stat().st_mode & 0o077]
    assert len(files) == 5
    assert open_to_others == []


def test_removing_a_stack_leaves_what_somebody_else_put_there(home):
    note = home.directory / "note.txt"
    note.write_text("mine")

    home.remove()

    assert (home.not_ours(), list(home.directory.iterdir())) == ([note], [note])
    assert not home.servers.exists()


def test_a_gitignore_that_somebody_else_wrote_is_kept(tmp_path):
    theirs = tmp_path / ".gitignore"
    theirs.write_text("*.pyc\n")

    Home.at(tmp_path).remove()

    assert theirs.read_text() == "*.pyc\n"


def test_a_log_prints_whole_lines_under_the_name_of_the_process(tmp_path):
    out = io.StringIO()
    log = ProcessLog("web", tmp_path, Console(out))

    log.take(b"first li")
    log.take(b"ne\nsecond\nunfini")
    log.take(b"shed")
    log.close()

    assert out.getvalue().splitlines() == [
        "web           | first line",
        "web           | second",
        "web           | unfinished",
    ]
    assert log.last_words() == "first line\nsecond\nunfinished"


def test_a_log_that_grows_too_big_starts_anew_so_that_the_disk_lasts(tmp_path):
    log = ProcessLog("web", tmp_path, Console(io.StringIO()), keep_bytes=10)

    log.take(b"a long line\n")
    log.take(b"short\n")
    log.close()

    assert (tmp_path / "web.log").read_text() == "short\n"
    assert (tmp_path / "web.log.1").read_text() == "a long line\n"


def test_a_folder_is_open_only_if_each_folder_above_it_is(tmp_path):
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)

    assert not is_open_to_all(inner)


def test_our_folders_can_be_entered_whatever_the_umask_is(tmp_path, strict_umask):
    open_folder(tmp_path / "a" / "b")

    assert (mode_of(tmp_path / "a"), mode_of(tmp_path / "a" / "b")) == (0o711, 0o711)


def test_copied_programs_can_be_run_by_all_even_if_the_original_could_not(tmp_path, strict_umask):
    source = tmp_path / "source"
    (source / "bin").mkdir(parents=True)
    (source / "bin" / "run").touch(mode=0o700)
    (source / "text").touch(mode=0o600)

    copy_for_all(source, tmp_path / "copy")

    assert mode_of(tmp_path / "copy" / "bin") == 0o755
    assert mode_of(tmp_path / "copy" / "bin" / "run") == 0o755
    assert mode_of(tmp_path / "copy" / "text") == 0o644
    assert mode_of(source / "text") == 0o600
