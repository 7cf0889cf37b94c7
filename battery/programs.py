"""What the battery's installation runs: the processes of the Procfile, with the bug if asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pipeline_engine.embedded.ports import LOOPBACK
from pipeline_engine.embedded.programs import Program, Stage

REPOSITORY = Path(__file__).parents[1]
CELERY = ("celery", "-A", "battery.worker_app")
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=INFO", "-E")
POOLS: Mapping[str, tuple[str, ...]] = {
    "worker-io": ("-P", "threads", "-c", "16", "-Q", "io,fast"),
    "worker-cpu": ("-P", "prefork", "-c", "2", "-Q", "fast,cpu"),
    "worker-system": ("-P", "threads", "-c", "16", "-Q", "system"),
}
BEAT = ("beat", "-S", "pipeline_engine.beat.scheduler:PipelineScheduler", "--loglevel=INFO")
WEB = ("pipeline_engine_web", "battery.asgi:door", "--workers", "2")
#: Modules that the programs have in common, for a fork server: they die all the time, and most of
#: the way back is loading them.
COMMON = ("battery.worker_app", "pipeline_engine.beat.scheduler", "battery.asgi")


def twins(programs: Sequence[Program], name: str) -> Iterator[Program]:
    """The second program of those that are called so."""
    for program in programs:
        if program.name == name:
            other = f"{name}-2"
            words = (program.command, program.module)
            command, module = (
                tuple(part.replace(f"{name}@", f"{other}@") for part in parts) for parts in words
            )
            yield replace(program, name=other, command=command, module=module)


def programs(environment: Mapping[str, str], web_port: int, flower_port: int) -> list[Program]:
    """Return the workers, the beat, the web server and Flower, as an installation has them."""
    return list(_programs(environment, web_port, flower_port))


def of_programs(environment: Mapping[str, str]) -> dict[str, str]:
    """Return *environment* for them; the package `battery` is found with the rest."""
    path = f"{environment['PYTHONPATH']}{os.pathsep}{REPOSITORY}"
    return {**os.environ, **environment, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def _programs(environment: Mapping[str, str], web_port: int, flower_port: int) -> Iterator[Program]:
    told = of_programs(environment)
    for name, pool in POOLS.items():
        command = (*CELERY, "worker", "-n", f"{name}@%h", *pool, *QUIET)
        yield _python(name, Stage.WORKERS, told, command)
    yield _python("beat", Stage.FRONT, told, (*CELERY, *BEAT))
    shown = ("flower", f"--address={LOOPBACK}", f"--port={flower_port}")
    # Not forked: it has to be loaded before our app.
    yield replace(_python("flower", Stage.FRONT, told, (*CELERY, *shown)), module=())
    yield _python("web", Stage.FRONT, told, (*WEB, "--host", LOOPBACK, "--port", str(web_port)))


def _python(
    name: str, stage: Stage, environment: Mapping[str, str], module: tuple[str, ...]
) -> Program:
    return Program(
        name=name,
        command=(sys.executable, "-P", "-m", *module),
        module=module,
        environment=environment,
        stage=stage,
        stop_within=timedelta(seconds=10),
    )
