"""What a stack runs beside its servers: the same commands as in the Procfile."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from pipeline_engine.embedded.ports import LOOPBACK
from pipeline_engine.embedded.programs import Program, Stage

#: Addresses at which a local client reaches a server that listens on all addresses.
LOOPBACKS = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 (compared)
#: Modules that the programs have in common, for a fork server.
COMMON = (
    "pipeline_engine.worker.app",
    "pipeline_engine.beat.scheduler",
    "pipeline_engine_web.asgi",
)
#: Command of Flower, and the columns that its list of tasks has.
FLOWER = ("celery", "-q", "-A", "pipeline_engine.worker", "flower")
COLUMNS = "--tasks_columns=name,args,state,exception,received,runtime,worker"
#: Tasks that a worker runs at a time.
FAST_SLOTS = 2
IO_SLOTS = 16
CPU_SLOTS = 2
SYSTEM_SLOTS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The addresses of the processes that listen."""

    web_port: int
    web_host: str = LOOPBACK
    flower_port: int | None = None

    @property
    def web_url(self) -> str:
        """Where a client on this machine reaches the API."""
        host = LOOPBACKS.get(self.web_host, self.web_host)
        return (
            f"http://[{host}]:{self.web_port}" if ":" in host else f"http://{host}:{self.web_port}"
        )

    @property
    def flower_url(self) -> str | None:
        """Address of Flower; None without it."""
        return f"http://{LOOPBACK}:{self.flower_port}" if self.flower_port else None


def application_programs(layout: Layout, environment: Mapping[str, str]) -> Iterator[Program]:
    """Yield the workers, the beat, the web server and, if it has a port, Flower."""
    watched = layout.flower_port is not None
    yield _worker("worker-fast", environment, watched, "-P", "prefork", "-c", FAST_SLOTS, "fast")
    yield _worker("worker-io", environment, watched, "-P", "threads", "-c", IO_SLOTS, "io")
    yield _worker("worker-cpu", environment, watched, "-P", "prefork", "-c", CPU_SLOTS, "cpu")
    system = ("-P", "threads", "-c", SYSTEM_SLOTS, "system")
    yield _worker("worker-system", environment, watched, *system)
    yield _python("beat", Stage.FRONT, environment, "pipeline_engine.beat")
    yield _web(layout, environment)
    if watched:
        address = (f"--address={LOOPBACK}", f"--port={layout.flower_port}", "--logging=warning")
        # Not forked: it has to be loaded before our app, see worker/flower.py.
        flower = _python("flower", Stage.FRONT, environment, *FLOWER, *address, COLUMNS)
        yield replace(flower, module=())


def of_python(environment: Mapping[str, str]) -> dict[str, str]:
    """Return *environment* for a Python process whose output is not to be held in a buffer."""
    return {**environment, "PYTHONUNBUFFERED": "1"}


def _worker(name: str, environment: Mapping[str, str], watched: bool, *pool: str | int) -> Program:
    *options, queues = map(str, pool)
    events = ("-E",) if watched else ()
    command = ("pipeline_engine.worker", "-n", f"{name}@%h", *options, "-Q", queues, *events)
    return _python(name, Stage.WORKERS, environment, *command)


def _web(layout: Layout, environment: Mapping[str, str]) -> Program:
    listen = ("--host", layout.web_host, f"--port={layout.web_port}")
    return _python("web", Stage.FRONT, environment, "pipeline_engine_web", *listen)


def _python(name: str, stage: Stage, environment: Mapping[str, str], *module: str) -> Program:
    return Program(
        name=name,
        # -P: the folder that we were started in is not searched for modules.
        command=(sys.executable, "-P", "-m", *module),
        environment=of_python(environment),
        stage=stage,
        module=module,
        stop_within=timedelta(seconds=10),
    )
