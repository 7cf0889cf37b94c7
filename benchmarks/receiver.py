"""``python -m benchmarks.receiver``: takes every message and counts them; below /hang it is silent.

It prints its address first. One process, and no more work than has to be: what is measured is who
sends.
"""

from __future__ import annotations

import asyncio
import re

from pipeline_engine.embedded.ports import LOOPBACK

LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
END = b"\r\n\r\n"
TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
COUNT, HANG = b"GET /count ", b"POST /hang"


class Receiver(asyncio.Protocol):
    """One connection."""

    taken = 0  #: messages, of all connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._read = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._read += data
        while END in self._read:
            head, _, rest = self._read.partition(END)
            found = LENGTH.search(head)
            length = int(found[1]) if found else 0
            if len(rest) < length:
                return
            self._read = rest[length:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        if head.startswith(COUNT):
            text = str(Receiver.taken).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(text))
            self._transport.write(b"Connection: close\r\n\r\n" + text)
            self._transport.close()
        elif not head.startswith(HANG):
            Receiver.taken += 1
            self._transport.write(TAKEN)


async def main() -> None:
    """Listen until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Receiver, LOOPBACK, 0, backlog=512)
    print(f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
