"""PostgreSQL and Valkey without a supervisor, for tests, benchmarks and the demo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline_engine.embedded.credentials import Credentials
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.ports import free_port
from pipeline_engine.embedded.postgres import postgres
from pipeline_engine.embedded.server import RunningServer
from pipeline_engine.embedded.valkey import valkey


class EmbeddedServers:
    """Both servers of one directory, running: ``with EmbeddedServers.start(directory) as servers``.

    As root, a directory that others may enter keeps the data inside itself.
    """

    def __init__(self, postgres: RunningServer, valkey: RunningServer) -> None:
        self.postgres = postgres
        self.valkey = valkey

    @classmethod
    def start(cls, directory: Path, *, durable: bool = True) -> Self:
        """Start both servers on free ports; not *durable* is faster and loses data in a crash."""
        home = Home.at(directory)
        known = Credentials.of(home.credentials)
        database = postgres(
            home, password=known.postgres_password, port=free_port(), durable=durable
        )
        broker = valkey(home, password=known.valkey_password, port=free_port(), durable=durable)
        running = RunningServer(database, home.logs / "postgres.log")
        return cls(running, RunningServer(broker, home.logs / "valkey.log"))

    @property
    def database_url(self) -> str:
        """The address of the stack's own database."""
        return self.postgres.url

    @property
    def redis_url(self) -> str:
        """The address of database 0 of Valkey, which has 64."""
        return self.valkey.url

    def stop(self) -> None:
        """End both servers; their data stays."""
        self.valkey.stop()
        self.postgres.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


@contextmanager
def passing_valkey(directory: Path) -> Iterator[str]:
    """Run a Valkey as long as it is needed, and keep nothing of it; yields its address."""
    home = Home.at(directory)
    with home.locked():
        password = Credentials.of(home.credentials).valkey_password
        server = valkey(home, password=password, port=free_port(), durable=False)
        running = RunningServer(server, home.logs / "valkey.log")
        try:
            yield running.url
        finally:
            running.stop()
            home.remove()
