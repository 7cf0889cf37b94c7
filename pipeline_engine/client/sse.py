"""Server-sent events, as they are read (HTML, "Interpreting an event stream")."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

LINE_END = re.compile(r"\r\n|\r|\n")
DIGITS = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Message:
    """One event of a stream."""

    name: str
    data: str
    last_id: str  #: where the client is after it


class Reader:
    """Makes events out of bytes, however these are cut."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id  #: behind which a client goes on when it comes back
        self.retry_seconds: float | None = None  #: after how long it does
        self.start_again()

    def start_again(self) -> None:
        """Forget what was half read: another connection begins with a whole event."""
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._after_return = False
        self._id = self.last_id
        self._forget()

    def _forget(self) -> None:
        self._name, self._data = "", list[str]()

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """The events that are whole with *chunk*."""
        text = self._decoder.decode(chunk)
        if self._after_return:  # the line has ended already
            text = text.removeprefix("\n")
        self._after_return = text.endswith("\r")
        *lines, self._rest = LINE_END.split(self._rest + text)
        for line in lines:
            if line:
                self._take(line)
            else:
                yield from self._whole()

    def _take(self, line: str) -> None:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        elif field == "id" and "\0" not in value:
            self._id = value
        elif field == "retry" and DIGITS.fullmatch(value):
            self.retry_seconds = int(value) / 1000

    def _whole(self) -> Iterator[Message]:
        name, data = self._name, self._data
        self._forget()
        self.last_id = self._id  # not before: what is half read has not been received
        if data:
            yield Message(name or "message", "\n".join(data), self.last_id)
