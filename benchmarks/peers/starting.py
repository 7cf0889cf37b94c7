"""How a contestant gets its environment, its folder, its database and its Redis, and is started."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ledger import LEDGER_VARIABLE, Ledger
from benchmarks.peers.asking import Asked, asking
from benchmarks.peers.contestants import Contestant
from benchmarks.peers.environments import Environment, environment_in, versions_of
from benchmarks.peers.measuring import Outcome
from benchmarks.workers import REPOSITORY
from pipeline_engine.embedded.ports import free_port
from pipeline_engine.embedded.postgres import create_database

PLUGIN = Path(__file__).parent / "plugin"
PORTS = 4  #: As many as the contestant with the most servers needs


@dataclass(frozen=True, slots=True)
class Place:
    """Where contestants run: a folder, and the two servers that they may use."""

    directory: Path
    database_url: str
    redis_url: str

    def environment_of(self, contestant: Contestant) -> Environment:
        """Return its environment, made if need be.  Raises ``ContestantFailed``."""
        if not contestant.requirements:
            python = Path(sys.executable)
            return Environment(python, versions_of(python), (python.parent,))
        directory = self.directory / contestant.environment / "environment"
        return environment_in(directory, contestant.requirements, contestant.npm_packages)

    @contextmanager
    def start(self, outcome: Outcome) -> Iterator[Asked]:
        """Run a contestant with data of its own.  Raises ``ContestantFailed``."""
        contestant = outcome.contestant
        environment = self.environment_of(contestant)
        outcome.versions = environment.versions
        name = re.sub(r"\W+", "_", contestant.name).strip("_")
        home = self.directory / "data" / name
        shutil.rmtree(home, ignore_errors=True)
        create_database(self.database_url, f"peer_{name}")
        command = (str(environment.python), "-m", contestant.module, *contestant.arguments)
        ledger = Ledger(home / "ledger")
        told = self._told(name, environment, ledger)
        with asking(command, told, home, ledger) as asked:
            yield asked

    def _told(self, name: str, environment: Environment, ledger: Ledger) -> dict[str, str]:
        programs = (str(folder) for folder in environment.programs)
        return {
            "PATH": os.pathsep.join([*programs, os.environ["PATH"]]),  # as if it were activated
            "BENCHMARK_HOME": str(ledger.path.parent),
            "BENCHMARK_PORTS": " ".join(str(free_port()) for _ in range(PORTS)),
            LEDGER_VARIABLE: str(ledger.path),
            "DATABASE_URL": self.database_url.rpartition("/")[0] + f"/peer_{name}",
            "REDIS_URL": self.redis_url,
            "PIPELINE_TRUSTED_PACKAGES": "fibo-pipeline-actions",
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(PLUGIN)]),
        }
