"""uvicorn, told what it has to know, and a few processes of it on one port."""

from __future__ import annotations

import resource
import sys

from uvicorn import Config, Server
from uvicorn.supervisors import Multiprocess

from .application import Door
from .protocol import Protocol

#: A proxy in front keeps its connections for less, or it sends into one that we just close.
KEEP_ALIVE_SECONDS = 75
#: Requests that are on their way have so long when the process is to end.
GRACE_SECONDS = 8
#: A process that was frozen for less is not replaced.
UNRESPONSIVE_SECONDS = 30
FILES = 65_536


def config_of(application: str | Door, host: str, port: int, workers: int) -> Config:
    """What uvicorn is told."""
    return Config(
        application,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,  # lines go where all lines go, see services/logs.py
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=UNRESPONSIVE_SECONDS,
    )


def serve(application: str, *, host: str, port: int, workers: int) -> None:
    """Serve *application* (``module:door``) until somebody stops us; replace what dies."""
    _allow_many_files()
    config = config_of(application, host, port, workers)
    if workers > 1:
        Multiprocess(config, sockets=[config.bind_socket()]).run()
        return
    server = Server(config)
    server.run()
    if not server.started:
        sys.exit(1)


def _allow_many_files() -> None:
    """Take as many open files as we may: a connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
