"""Messages between the engine and a child: JSON in frames of a known length, never pickle."""

from __future__ import annotations

import socket
import struct
import threading
from typing import Any, TypeAlias

import orjson

Message: TypeAlias = dict[str, Any]

#: Bytes of one message; a joined fan-out or the body of an answer fits in.
LARGEST_FRAME = 64 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_PIECE = 256 * 1024


class Garbled(Exception):
    """What came is no message."""


class Channel:
    """One end of the connection; several threads may send, one receives."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._received = bytearray()
        self._sending = threading.Lock()

    def send(self, message: Message) -> None:
        """Send a message. Raises ``OSError`` when nobody is there, ``Garbled`` if it is no JSON."""
        try:
            body = orjson.dumps(message)
        except orjson.JSONEncodeError as error:
            raise Garbled(f"It cannot be written as JSON: {error}") from error
        if len(body) > LARGEST_FRAME:
            raise Garbled(f"It has more than {LARGEST_FRAME} bytes")
        with self._sending:
            self.sock.sendall(_LENGTH.pack(len(body)) + body)

    def receive(self) -> Message | None:
        """Wait for the next message; None when the other end is gone. Raises ``Garbled``."""
        while (message := self.next_message()) is None:
            if not self.read_more():
                return None
        return message

    def read_more(self) -> bool:
        """Take what has come, or wait for it; False when the other end is gone."""
        try:
            piece = self.sock.recv(_PIECE)
        except ConnectionError:
            return False
        self._received += piece
        return bool(piece)

    def next_message(self) -> Message | None:
        """The next message, if all of it has come. Raises ``Garbled``."""
        if len(self._received) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._received)
        if length > LARGEST_FRAME:
            raise Garbled(f"A message of {length} bytes was announced")
        end = _LENGTH.size + length
        if len(self._received) < end:
            return None
        body = bytes(self._received[_LENGTH.size : end])
        del self._received[:end]
        return _read(body)

    def close(self) -> None:
        """Hang up."""
        self.sock.close()


def _read(body: bytes) -> Message:
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Garbled(f"It is not JSON: {error}") from error
    if not isinstance(message, dict):
        raise Garbled("It is not an object")
    return message
