"""A server that answers every request after 50 ms, many at once: ``python -m benchmarks.peer``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.web import wait_until_it_answers
from benchmarks.workers import REPOSITORY, running, with_actions
from pipeline_engine.embedded.ports import LOOPBACK, free_port
from pipeline_engine.embedded.programs import Program, Stage

SECONDS = 0.05
BACKLOG = 1024
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def running_peer(logs: Path) -> Iterator[str]:
    """Run the server until the block ends; where it answers."""
    port = free_port()
    program = Program(
        name="peer",
        command=(sys.executable, "-m", "benchmarks.peer", str(port)),
        environment=with_actions({}),
        stage=Stage.SERVERS,
        directory=REPOSITORY,
    )
    with running(program, logs):
        wait_until_it_answers(port, logs)
        yield f"http://{LOOPBACK}:{port}/"


async def serve(port: int) -> None:
    """Answer until the process is ended."""
    server = await asyncio.start_server(_answer, LOOPBACK, port, backlog=BACKLOG)
    async with server:
        await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(SECONDS)
            writer.write(ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client has what it wanted
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
