"""``python -m pipeline_engine.demo.peers``: run the stand-ins until told to stop."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

import click

from pipeline_engine.demo.peers.behaviour import Behaviour
from pipeline_engine.demo.peers.server import PeersServer


@click.command()
@click.option("--port", type=int, default=0, help="0 takes a free one.")
@click.option("--callback-url", help="Where events are sent: the address of the engine's API.")
@click.option("--token", default="", help="Sent with events: one that may `events:send`.")
@click.option("--event-delay", type=(float, float), help="Seconds to the first and last event.")
@click.option("--answer-delay", type=(float, float), help="Seconds until a start is answered.")
@click.option("--seed", type=int, help="The same seed plans the same events.")
@click.option("--duplicates", type=float, help="Share of events that are sent twice.")
@click.option("--early", type=float, help="Share of jobs whose last event overtakes the answer.")
@click.option("--shuffle", is_flag=True, default=None, help="Send events out of order.")
@click.option("--silent", is_flag=True, default=None, help="Send no events at all.")
@click.option("--failing", multiple=True, help="A model URI whose job fails; repeatable.")
@click.option("--leashed", is_flag=True, help="Stop when the standard input is closed.")
def main(port: int, leashed: bool, **switches: Any) -> None:
    """Run stand-ins for budapp, budcluster and budsim in one process."""
    given = {name: value for name, value in switches.items() if value is not None}
    server = PeersServer(Behaviour().changed(given), port=port)
    signal.signal(signal.SIGTERM, _interrupt)
    if leashed:
        threading.Thread(target=_watch_leash, args=[server], daemon=True).start()
    click.echo(json.dumps({"url": server.url}))
    try:
        server.serve_forever(poll_interval=0.1)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _watch_leash(server: PeersServer) -> None:
    # Ends when the parent has ended, however it ended. Not sys.stdin: a thread that waits in it
    # holds a lock that the interpreter wants at its own end.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    server.shutdown()


if __name__ == "__main__":
    main()
