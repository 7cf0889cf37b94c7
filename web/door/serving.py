"""uvicorn, told what it has to know, and a few processes of it on one port."""

from __future__ import annotations

import resource
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib import import_module

from uvicorn import Config, Server

from .application import Door
from .protocol import Protocol
from .supervising import Supervisor

#: A proxy in front keeps its connections for less, or it sends into one that we just close.
KEEP_ALIVE_SECONDS = 75
#: Requests that are on their way have so long when the process is to end.
GRACE_SECONDS = 8
FILES = 65_536


def config_of(
    application: str | Door,
    host: str,
    port: int,
    *,
    moves: Callable[[], Awaitable[None]] | None = None,
) -> Config:
    """What uvicorn is told; its loop calls *moves* every second or so."""
    return Config(
        application,
        host=host,
        port=port,
        workers=1,  # the supervisor counts them, whatever WEB_CONCURRENCY says
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,  # lines go where all lines go, see pipeline_engine/logs.py
        access_log=False,
        server_header=False,
        proxy_headers=False,  # it would believe whoever calls from this machine: ``proxies.py``
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        callback_notify=moves,
        timeout_notify=1,
    )


def serve(application: str, *, host: str, port: int, workers: int) -> None:
    """Serve *application* (``module:door``) until somebody stops us; replace what dies.

    Its module is imported once, before the processes are forked: they share its memory, and a
    new one is there at once. So nothing in it may be connected, and no thread run, by then.
    """
    _allow_many_files()
    listening = config_of(application, host, port).bind_socket()

    def work(show: Callable[[], None]) -> None:
        async def moves() -> None:
            show()

        server = Server(config_of(application, host, port, moves=moves))
        server.run(sockets=[listening])
        if not server.started:
            sys.exit(1)

    import_module(application.partition(":")[0])
    Supervisor(work, workers, grace=timedelta(seconds=GRACE_SECONDS + 1)).run()


def _allow_many_files() -> None:
    """Take as many open files as we may: a connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
