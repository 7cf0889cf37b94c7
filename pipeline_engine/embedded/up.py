"""``up``: the whole stack in the foreground, from the first server to the last stop signal."""

from __future__ import annotations

import dataclasses
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from sqlalchemy.exc import OperationalError

from pipeline_engine.config import Settings
from pipeline_engine.embedded import leftovers
from pipeline_engine.embedded.console import Console
from pipeline_engine.embedded.credentials import Credentials
from pipeline_engine.embedded.errors import StackFailed
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.ports import LOOPBACK, free_port
from pipeline_engine.embedded.postgres import postgres
from pipeline_engine.embedded.processes import Layout, application_programs
from pipeline_engine.embedded.server import Server
from pipeline_engine.embedded.state import ProcessState, StackState
from pipeline_engine.embedded.supervisor import Supervisor
from pipeline_engine.embedded.valkey import valkey

SERVER_WITHIN = timedelta(seconds=30)
WEB_WITHIN = timedelta(seconds=60)
FLOWER_USER = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the user of ``up`` may choose."""

    host: str = LOOPBACK
    port: int | None = None
    flower: bool = False

    def layout(self) -> Layout:
        """Fill what was not chosen with free ports."""
        flower_port = free_port() if self.flower else None
        port = self.port or free_port()
        return Layout(web_port=port, web_host=self.host, flower_port=flower_port)


class StackRun:
    """One run of a stack, in the process of its supervisor."""

    def __init__(
        self,
        directory: Path,
        *,
        environment: Mapping[str, str],
        wishes: Wishes,
        migrate: Callable[[str], None],
        console: Console,
    ) -> None:
        self._home = Home.at(directory)
        self._given = {key: value for key, value in environment.items() if value}
        self._layout = wishes.layout()
        self._migrate = migrate
        self._console = console
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
                    self._supervisor.run()
                    self._console.say("supervisor", "stopping")
            finally:
                self._note(ready=False)
                self._supervisor.stop()

    def _start(self) -> bool:
        """Start all stages; False if a stop was requested meanwhile."""
        credentials = Credentials.of(self._home.credentials)
        servers = tuple(self._servers(credentials))
        environment = self._environment(credentials, servers)
        settings = Settings.from_env(environment)
        self._note(exports=self._exports(environment, settings))
        self._supervisor.launch(server.program for server in servers)
        for server in servers:
            if not self._supervisor.wait_for(server.answers, server.program.name, SERVER_WITHIN):
                return False
        self._bring_schema_up(settings.database_url)
        self._supervisor.launch(application_programs(self._layout, environment))
        if not self._supervisor.wait_for(self._web_answers, "web", WEB_WITHIN):
            return False
        self._note(ready=True)
        self._announce()
        return True

    def _servers(self, credentials: Credentials) -> Iterator[Server]:
        """Yield what has to be started because the environment names no server of its kind."""
        if "DATABASE_URL" not in self._given:
            password = credentials.postgres_password
            yield postgres(self._home, password=password, port=free_port())
        if "REDIS_URL" not in self._given:
            yield valkey(self._home, password=credentials.valkey_password, port=free_port())

    def _environment(self, credentials: Credentials, servers: tuple[Server, ...]) -> dict[str, str]:
        """Return what the processes are told: the given environment, and what it left open."""
        made = {
            "PIPELINE_API_TOKEN": credentials.api_token,
            "PIPELINE_SECRET_KEY": credentials.secret_key,
            "PIPELINE_PUBLIC_URL": self._layout.web_url,
        }
        if self._layout.flower_port:
            made["PIPELINE_WORKER_EVENTS"] = "true"
            made["FLOWER_BASIC_AUTH"] = f"{FLOWER_USER}:{credentials.flower_password}"
        urls = {server.variable: server.url for server in servers}
        return made | self._given | urls | {leftovers.MARK: str(self._home.directory)}

    def _exports(self, environment: Mapping[str, str], settings: Settings) -> dict[str, str]:
        """Return what a client of this stack needs in its environment."""
        exports = {
            "PIPELINE_API_URL": self._layout.web_url,
            "PIPELINE_API_TOKEN": next(iter(settings.api_tokens), ""),
            "DATABASE_URL": environment["DATABASE_URL"],
            "REDIS_URL": environment["REDIS_URL"],
            "PIPELINE_SECRET_KEY": environment["PIPELINE_SECRET_KEY"],
        }
        if self._layout.flower_url:
            exports["FLOWER_URL"] = self._layout.flower_url
            exports["FLOWER_BASIC_AUTH"] = environment["FLOWER_BASIC_AUTH"]
        return exports

    def _bring_schema_up(self, database_url: str) -> None:
        try:
            self._migrate(database_url)
        except OperationalError as error:
            raise StackFailed(f"The database cannot be reached: {error.orig}") from error

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

    def _announce(self) -> None:
        self._console.say("supervisor", f"ready: {self._layout.web_url}")
        if self._layout.flower_url:
            self._console.say("supervisor", f"flower: {self._layout.flower_url}")
        self._console.say("supervisor", "addresses and token: pipeline-engine env")

    def _clean(self) -> None:
        """End what a killed supervisor has left, and take over the state file."""
        previous = StackState.read(self._home.state)
        for name in leftovers.clean(previous.processes if previous else (), self._home.directory):
            self._console.say("supervisor", f"ended {name}, left over from a run that was killed")
        for held in self._home.held.iterdir():
            held.unlink()
        self._note()

    def _note_processes(self, processes: tuple[ProcessState, ...]) -> None:
        self._note(processes=processes)

    def _note(self, **changes: object) -> None:
        self._state = dataclasses.replace(self._state, **changes)  # type: ignore[arg-type]
        self._state.write(self._home.state)
