"""The supervisor with real, tiny processes."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
from dataclasses import replace
from datetime import timedelta

import psutil
import pytest
from support.waiting import wait_until

from pipeline_engine.embedded import leftovers
from pipeline_engine.embedded.console import Console
from pipeline_engine.embedded.errors import StackFailed
from pipeline_engine.embedded.forked import ForkServer
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.programs import Program, Stage
from pipeline_engine.embedded.state import ProcessState, ProcessStatus
from pipeline_engine.embedded.supervisor import Supervisor

WAITS = "import threading; print('up', flush=True); threading.Event().wait(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {WAITS!r}])
print("child", child.pid, flush=True)
child.wait()
"""

ENDS_ITS_CHILD = """
import os, signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"])
def end(*_):
    child.terminate()
    child.wait()
    os.write(1, b"ended in order\\n")  # print may be at work when the signal comes
    sys.exit()
signal.signal(signal.SIGTERM, end)
os.write(1, b"child %d\\n" % child.pid)
while True:
    signal.pause()
"""


def a_program(name, code=WAITS, *, stage=Stage.WORKERS, stop_within=10.0, mark=""):
    return Program(
        name=name,
        command=(sys.executable, "-S", "-c", code),
        environment={leftovers.MARK: mark},
        stage=stage,
        stop_within=timedelta(seconds=stop_within),
    )


class Watched:
    """A supervisor whose states and screen a test can look at."""

    def __init__(self, home):
        self.out = io.StringIO()
        self.history: list[tuple[ProcessState, ...]] = []
        self.supervisor = Supervisor(
            logs=home.logs,
            held=home.held,
            console=Console(self.out),
            on_change=self.history.append,
        )

    def state(self, name):
        return {state.name: state for state in self.history[-1]}[name]

    def ticks_until(self, condition, within=10.0):
        def tick():
            self.supervisor.tick()
            return condition()

        return wait_until(tick, within=within)


@pytest.fixture
def home(tmp_path):
    made = Home.at(tmp_path / "stack")
    yield made
    made.remove()


@pytest.fixture
def watched(home):
    made = Watched(home)
    yield made
    made.supervisor.request_stop()
    made.supervisor.request_stop()  # twice: at once
    made.supervisor.stop()


def test_a_process_that_is_killed_comes_back(watched):
    watched.supervisor.launch([a_program("worker")])
    first = watched.state("worker").pid

    os.kill(first, signal.SIGKILL)
    watched.ticks_until(lambda: watched.state("worker").restarts == 1)

    assert watched.state("worker").status is ProcessStatus.RUNNING
    assert watched.state("worker").pid != first
    assert f"worker (pid {first}) was killed by SIGKILL" in watched.out.getvalue()


def test_all_but_the_servers_start_again_when_other_packages_are_installed(watched):
    names = {"server": Stage.SERVERS, "worker": Stage.WORKERS, "web": Stage.FRONT}
    watched.supervisor.launch([a_program(name, stage=stage) for name, stage in names.items()])
    before = {name: watched.state(name).pid for name in names}

    watched.supervisor.renew()

    after = {name: watched.state(name) for name in names}
    assert {state.status for state in after.values()} == {ProcessStatus.RUNNING}
    assert [name for name in names if after[name].pid == before[name]] == ["server"]


def test_a_process_that_cannot_start_is_tried_less_and_less_often(watched):
    watched.supervisor.launch([a_program("worker", "raise SystemExit(3)")])

    watched.ticks_until(lambda: watched.state("worker").restarts == 2)
    watched.ticks_until(lambda: watched.state("worker").status is ProcessStatus.BACKING_OFF)
    watched.supervisor.tick()

    assert watched.state("worker").restarts == 2  # the next try is a second away
    assert "ended with code 3" in watched.out.getvalue()


def test_the_children_of_a_killed_process_die_too_or_two_would_do_its_work(watched):
    watched.supervisor.launch([a_program("worker", PARENT)])
    watched.ticks_until(lambda: "up" in watched.out.getvalue())
    child = int(watched.out.getvalue().split("child ")[1].split()[0])

    os.kill(watched.state("worker").pid, signal.SIGKILL)
    watched.ticks_until(lambda: watched.state("worker").restarts == 1)

    wait_until(lambda: not psutil.pid_exists(child) or is_zombie(child))


def test_a_held_process_stays_down_until_it_is_released(watched, home):
    watched.supervisor.launch([a_program("worker")])
    held = home.held / "worker"
    held.touch()

    os.kill(watched.state("worker").pid, signal.SIGKILL)
    watched.ticks_until(lambda: watched.state("worker").status is ProcessStatus.HELD)
    held.unlink()
    watched.ticks_until(lambda: watched.state("worker").status is ProcessStatus.RUNNING)

    assert watched.state("worker").restarts == 1


def test_what_makes_work_stops_first_and_the_servers_last(watched):
    programs = [a_program(stage.name, stage=stage) for stage in Stage]
    watched.supervisor.launch(programs)

    watched.supervisor.stop()

    first_stopped = [
        next(
            moment
            for moment, states in enumerate(watched.history)
            if any(s.name == stage.name and s.status is ProcessStatus.STOPPED for s in states)
        )
        for stage in (Stage.FRONT, Stage.WORKERS, Stage.SERVERS)
    ]
    assert first_stopped == sorted(set(first_stopped))


def test_a_process_that_ignores_the_request_is_killed_when_its_time_is_over(watched):
    watched.supervisor.launch([a_program("deaf", DEAF, stop_within=0.3)])
    watched.ticks_until(lambda: "up" in watched.out.getvalue())
    pid = watched.state("deaf").pid

    watched.supervisor.stop()

    assert not psutil.pid_exists(pid)


def test_a_frozen_process_can_be_stopped(watched):
    watched.supervisor.launch([a_program("worker")])
    pid = watched.state("worker").pid
    os.kill(pid, signal.SIGSTOP)

    watched.supervisor.stop()

    assert not psutil.pid_exists(pid)


def test_a_frozen_child_hears_its_parent_when_the_stack_stops(watched):
    watched.supervisor.launch([a_program("worker", ENDS_ITS_CHILD)])
    watched.ticks_until(lambda: "child" in watched.out.getvalue())
    child = int(re.search(r"child (\d+)", watched.out.getvalue())[1])
    os.kill(child, signal.SIGSTOP)
    wait_until(lambda: psutil.Process(child).status() == psutil.STATUS_STOPPED, within=10)

    watched.supervisor.stop()

    assert "ended in order" in watched.out.getvalue()


def test_programs_that_are_killed_on_purpose_need_not_wait_to_come_back(home):
    states: list[tuple[ProcessState, ...]] = []
    supervisor = Supervisor(
        logs=home.logs,
        held=home.held,
        console=Console(io.StringIO()),
        on_change=states.append,
        delay=lambda _: timedelta(0),
    )
    supervisor.launch([a_program("worker", "raise SystemExit(3)")])

    wait_until(lambda: supervisor.tick() or states[-1][0].restarts > 5, within=10)
    supervisor.stop()


def test_a_program_that_ends_while_it_is_waited_for_is_reported_with_its_last_words(watched):
    watched.supervisor.launch([a_program("web", "print('no such module'); raise SystemExit(1)")])

    with pytest.raises(StackFailed, match="no such module"):
        watched.supervisor.wait_for(lambda: False, "web", timedelta(seconds=10))


def test_a_request_to_stop_ends_the_waiting(watched):
    watched.supervisor.launch([a_program("web")])
    watched.supervisor.request_stop()

    assert not watched.supervisor.wait_for(lambda: False, "web", timedelta(seconds=10))


def test_leftovers_are_ended_by_their_recorded_identity(tmp_path):
    process = a_program("worker").spawn(os.open(os.devnull, os.O_WRONLY))
    start = leftovers.started_at(process.pid)
    recorded = a_state(process.pid, start)

    names = leftovers.clean([recorded], tmp_path)

    assert names
    assert process.wait(10) is not None


def test_a_stranger_who_got_the_same_process_id_is_left_alone(tmp_path):
    process = a_program("stranger").spawn(os.open(os.devnull, os.O_WRONLY))
    an_hour_ago = leftovers.started_at(process.pid) - 3600

    names = leftovers.clean([a_state(process.pid, an_hour_ago)], tmp_path)

    assert names == ()
    assert process.poll() is None
    process.kill()
    process.wait(10)


def test_children_that_outlived_their_parent_are_found_by_the_mark_of_the_stack(tmp_path):
    process = a_program("child", mark=str(tmp_path)).spawn(os.open(os.devnull, os.O_WRONLY))
    wait_until(lambda: psutil.Process(process.pid).environ())

    leftovers.clean([], tmp_path)

    assert process.wait(10) is not None


def a_state(pid, started_at):
    return ProcessState(
        name="worker", status=ProcessStatus.RUNNING, pid=pid, started_at=started_at, restarts=0
    )


def is_zombie(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# ── The fork server ──────────────────────────────────────────────────────────────────────


@pytest.fixture
def forking(watched, tmp_path):
    """The supervisor with a fork server that knows the module ``waits``."""
    (tmp_path / "waits.py").write_text(f"import sys; print(sys.argv[1:], end=' '); {WAITS}")
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    watched.supervisor.start_fork_server((), environment)
    return watched


def a_module(*words):
    return replace(a_program("worker"), module=("waits", *words))


def test_a_forked_program_has_its_words_its_session_and_its_output(forking):
    forking.supervisor.launch([a_module("-c", "2")])
    pid = forking.state("worker").pid

    forking.ticks_until(lambda: "worker        | ['-c', '2'] up" in forking.out.getvalue())

    assert (os.getpgid(pid), os.getsid(pid)) == (pid, pid)
    assert psutil.Process(pid).name() == "worker"


def test_a_forked_program_that_dies_is_told_of_and_forked_again(forking):
    forking.supervisor.launch([a_module()])
    before = forking.state("worker").pid
    os.kill(before, signal.SIGTERM)

    forking.ticks_until(lambda: forking.state("worker").restarts == 1)

    assert forking.state("worker").pid != before
    assert f"(pid {before}) was killed by SIGTERM" in forking.out.getvalue()


def test_how_a_process_ended_is_told_once_since_another_may_have_its_number_later(tmp_path):
    with (tmp_path / "output").open("wb") as output:
        server = ForkServer((), os.environ, output.fileno())
        program = replace(a_program("short"), module=("platform",))
        forked = server.fork(program, output.fileno())
        code, later = forked.wait(), server.code_of(forked.pid)
        server.stop()

    assert (code, later, forked.wait()) == (0, None, 0)


def test_a_fork_server_that_never_ends_loading_is_given_up_or_no_stack_could_be_stopped(tmp_path):
    (tmp_path / "endless.py").write_text("import threading\nthreading.Event().wait()\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with (tmp_path / "output").open("wb") as output:
        server = ForkServer(("endless",), environment, output.fileno(), answers_within=0.2)
        program = replace(a_program("short"), module=("platform",))

        assert server.fork(program, output.fileno()) is None
        assert server.fork(program, output.fileno()) is None
        server.stop()


def test_a_fork_server_that_dies_takes_its_programs_along_and_they_are_started_without_it(forking):
    forking.supervisor.launch([a_module()])
    forked = psutil.Process(forking.state("worker").pid)
    forked.parent().kill()

    forking.ticks_until(lambda: forking.state("worker").restarts == 1)

    psutil.wait_procs([forked], timeout=10)
    assert not forked.is_running()
    assert psutil.Process(forking.state("worker").pid).ppid() == os.getpid()


def test_what_is_said_while_the_common_modules_are_loaded_is_shown(watched, tmp_path):
    """Such as the reason why a plug-in cannot be loaded."""
    (tmp_path / "common.py").write_text("print('action_broken')")
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    watched.supervisor.start_fork_server(("common",), environment)
    watched.supervisor.launch([a_program("worker")])

    watched.ticks_until(lambda: "fork-server   | action_broken" in watched.out.getvalue())


def test_nothing_that_was_forked_is_left_when_the_supervisor_has_stopped(forking):
    forking.supervisor.launch([a_module(), a_program("stranger")])
    forked = psutil.Process(forking.state("worker").pid)
    server = forked.parent()

    forking.supervisor.request_stop()
    forking.supervisor.stop()

    assert not forked.is_running()
    assert not server.is_running()
