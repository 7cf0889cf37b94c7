"""``up``: the whole stack in the foreground, from the first server to the last stop signal."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from pipeline_engine.config import Settings
from pipeline_engine.embedded import leftovers, told
from pipeline_engine.embedded.announcement import announcement
from pipeline_engine.embedded.console import Console
from pipeline_engine.embedded.credentials import Credentials
from pipeline_engine.embedded.errors import StackFailed
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.installed import InstalledPackages
from pipeline_engine.embedded.ports import ANY, LOOPBACK, Ports
from pipeline_engine.embedded.processes import COMMON, Layout, application_programs, of_python
from pipeline_engine.embedded.server import Server
from pipeline_engine.embedded.sign_in_link import sign_in_link
from pipeline_engine.embedded.state import ProcessState, StackState
from pipeline_engine.embedded.supervisor import Supervisor
from pipeline_engine.isolation.terms import Terms, untrusted

SERVER_WITHIN = timedelta(seconds=30)
WEB_WITHIN = timedelta(seconds=60)
WEB_PORT = 9082
FLOWER_PORT = 5555
RELOAD = "PIPELINE_RELOAD"
STOP = "Ctrl-C; the data stays"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The choices of the user of ``up``."""

    host: str = LOOPBACK
    port: int | None = None
    flower: bool = False
    reload: bool = False

    def layout(self, ports: Ports) -> Layout:
        """Fill what was not chosen with the ports of the last run, or the usual ones."""
        web = ports.of("the API", wish=self.port, usual=WEB_PORT, host=self.host)
        wish = ANY if self.port == ANY else None
        flower = ports.of("Flower", wish=wish, usual=FLOWER_PORT) if self.flower else None
        return Layout(web_port=web, web_host=self.host, flower_port=flower)


class StackRun:
    """One run of a stack, in the process of its supervisor."""

    def __init__(
        self,
        directory: Path,
        *,
        environment: Mapping[str, str],
        wishes: Wishes,
        console: Console,
    ) -> None:
        self._home = Home.at(directory)
        self._given = environment
        self._wishes = wishes
        self._layout = Layout(web_port=ANY)
        self._console = console
        self._packages = InstalledPackages()
        pid = os.getpid()
        self._state = StackState(pid=pid, started_at=leftovers.started_at(pid) or 0.0)
        self._supervisor = Supervisor(
            logs=self._home.logs,
            held=self._home.held,
            console=console,
            on_change=self._note_processes,
        )

    def run(self) -> None:
        """Start everything, look after it, and stop it when told to.

        Raises ``AlreadyRunning``, ``InvalidSettings``, ``ServerFailed`` or ``StackFailed``.
        """
        with self._home.locked():
            self._clean()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, self._supervisor.request_stop)
            try:
                if self._start():
                    self._look_after_it()
            finally:
                self._note(ready=False)
                self._say("stopping; a second Ctrl-C does not wait for running steps")
                self._supervisor.stop()
                self._say(f"stopped; all data stays in {self._home.directory}")

    def _look_after_it(self) -> None:
        if not self._wishes.reload:
            self._supervisor.run()
            return
        self._say("--reload: a saved file of an action that can be edited is live on the next step")
        self._supervisor.run(self._look_for_packages)

    def _look_for_packages(self) -> None:
        """Start the processes again if actions were installed: they know none that they met not."""
        if self._packages.have_changed():
            self._say("packages with actions were installed or removed: starting again")
            self._supervisor.renew()

    def _start(self) -> bool:
        """Start all stages; False if a stop was requested meanwhile."""
        credentials = Credentials.of(self._home.credentials)
        given = told.without_ours(self._given, credentials)
        ports = Ports(self._home.ports, self._remark)
        self._layout = self._wishes.layout(ports)
        if self._wishes.reload:
            given[RELOAD] = "true"
        if wanted := [name for variable, name in told.SERVERS.items() if variable not in given]:
            self._say(f"starting {' and '.join(wanted)}")
        servers = tuple(told.servers(self._home, credentials, given, ports))
        environment = told.environment(
            self._home, credentials, given, layout=self._layout, started=servers
        )
        settings = Settings.from_env(environment)
        token = next(iter(settings.api_tokens), "")
        self._note(
            exports=told.for_clients(environment, self._layout, token),
            servers={name: environment[name] for name in told.OF_SERVERS},
        )
        if sys.platform == "linux":  # elsewhere, libraries do not survive a fork
            self._supervisor.start_fork_server(COMMON, of_python(environment))
        return (
            self._start_servers(servers)
            and self._bring_schema_up(settings.database_url)
            and self._start_processes(environment)
        )

    def _start_servers(self, servers: tuple[Server, ...]) -> bool:
        self._supervisor.launch(server.program for server in servers)
        return all(
            self._supervisor.wait_for(server.answers, server.program.name, SERVER_WITHIN)
            for server in servers
        )

    def _bring_schema_up(self, database_url: str) -> bool:
        """Migrate in a process of its own: what it loads would stay in our memory for good."""
        self._say("bringing the schema up")
        done = subprocess.run(
            (sys.executable, "-P", "-m", "pipeline_engine", "db", "upgrade"),
            env={**self._given, "DATABASE_URL": database_url},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            start_new_session=True,  # Ctrl-C stops us, between two steps of the start
            check=False,
        )
        if done.returncode:
            raise StackFailed(f"The schema could not be brought up. {done.stderr.strip()}")
        return True

    def _start_processes(self, environment: Mapping[str, str]) -> bool:
        programs = tuple(application_programs(self._layout, environment))
        self._say(f"starting {', '.join(program.name for program in programs)}")
        self._supervisor.launch(programs)
        if not self._supervisor.wait_for(self._web_answers, "web", WEB_WITHIN):
            return False
        self._note(ready=True)
        isolated = untrusted(Terms.from_env())
        # In a log, where it would be kept, nobody needs it.
        link = sign_in_link(self._state.exports) if self._console.is_terminal else None
        for line in announcement(
            self._state,
            self._home.directory,
            stop=STOP,
            isolated=isolated,
            link=link,
        ):
            self._say(line)
        self._say("warnings and errors of the processes follow; --verbose shows all lines")
        return True

    def _web_answers(self) -> bool:
        connection = HTTPConnection(LOOPBACK, self._layout.web_port, timeout=0.5)
        try:
            connection.request("GET", "/health")
            connection.getresponse()
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
        return True

    def _clean(self) -> None:
        """End what a killed supervisor has left, and take over the state file."""
        previous = StackState.read(self._home.state)
        for name in leftovers.clean(previous.processes if previous else (), self._home.directory):
            self._say(f"ended {name}, left over from a run that was killed")
        for held in self._home.held.iterdir():
            held.unlink()
        self._note()

    def _say(self, line: str) -> None:
        self._console.say("stack", line)

    def _remark(self, line: str) -> None:
        """Say a line, and keep it for those who look at the stack later."""
        self._say(line)
        self._note(remarks=(*self._state.remarks, line))

    def _note_processes(self, processes: tuple[ProcessState, ...]) -> None:
        self._note(processes=processes)

    def _note(self, **changes: object) -> None:
        self._state = dataclasses.replace(self._state, **changes)  # type: ignore[arg-type]
        self._state.write(self._home.state)
