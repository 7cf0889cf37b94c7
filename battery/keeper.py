"""The product's own supervisor, in a thread: it starts again at once whatever dies, and counts."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import psutil

from pipeline_engine.embedded.console import Console
from pipeline_engine.embedded.forked import FORK_SERVER
from pipeline_engine.embedded.programs import Program
from pipeline_engine.embedded.state import ProcessState
from pipeline_engine.embedded.supervisor import Supervisor

START_WITHIN_SECONDS = 60.0


class Keeper:
    """Keeps programs running; one thread owns them all, for they die with whoever forked them.

    A fork server that has loaded *modules*, and has their environment, forks them.
    """

    def __init__(
        self,
        programs: Iterable[Program],
        logs: Path,
        modules: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:
        self._programs = list(programs)
        self._forks = modules, environment
        self._logs = logs
        self._states: dict[str, ProcessState] = {}
        self._started = Event()
        self._thread = Thread(target=self._keep, name="keeper")
        logs.mkdir(parents=True, exist_ok=True)
        self._said = (logs / "supervisor.log").open("w")
        self._supervisor = Supervisor(
            logs=logs,
            held=logs / "held",
            console=Console(self._said),
            on_change=self._note,
            delay=lambda _: timedelta(0),  # who is killed all the time is in no crash loop
            keep_bytes=sys.maxsize,  # all of it is searched for secrets
        )

    def start(self) -> None:
        """Start all programs."""
        self._thread.start()
        if not self._started.wait(START_WITHIN_SECONDS):
            raise TimeoutError("The processes were not started.")

    def stop(self) -> None:
        """Stop all programs, what makes work first."""
        self._supervisor.request_stop()
        if self._thread.is_alive():
            self._thread.join()
        self._said.close()

    @property
    def deaths(self) -> Counter[str]:
        """How often each program died and was started again."""
        return Counter({name: state.restarts for name, state in self._states.items()})

    @property
    def logs(self) -> list[Path]:
        """The log of each program, over all its lives, and of what forks them."""
        names = [*(program.name for program in self._programs), FORK_SERVER]
        return [self._logs / f"{name}.log" for name in names]

    def pids(self) -> list[int]:
        """Return every process that is ours: programs, their children, and what forks them."""
        ours = [process.pid for one in self._programs for process in self.family(one.name)]
        forks = self._supervisor.fork_server_pid
        return ours if forks is None else [*ours, forks]

    def family(self, name: str) -> list[psutil.Process]:
        """Return a program's process and its children; empty while it is dead."""
        pid = self._states[name].pid
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(pid) if pid else None
            return [parent, *parent.children(recursive=True)] if parent else []
        return []

    def _keep(self) -> None:
        try:
            self._supervisor.start_fork_server(*self._forks)
            self._supervisor.launch(self._programs)
            self._started.set()
            self._supervisor.run()
        finally:
            self._supervisor.stop()

    def _note(self, states: tuple[ProcessState, ...]) -> None:
        self._states = {state.name: state for state in states}
