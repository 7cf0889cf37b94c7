"""What came back, as far as it came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import requests

from pipeline_engine.sdk import Content, content_of, read_into

MAX_BYTES = 1_048_576
MAX_HEADER_BYTES = 32_768
BYTES_BESIDE = 512  #: of the other outputs, as JSON
#: Statuses of answers that have no content.
EMPTY = (204, 205, 304)

#: What ``response`` may ask for.
FORMS = ("auto", "json", "text", "base64", "metadata")


@dataclass
class Answer:
    """What has come of an answer; it may break off anywhere."""

    form: str = "auto"  #: how its body is wanted
    response: requests.Response | None = None
    body: bytearray = field(default_factory=bytearray)
    is_whole: bool = False

    def receive(
        self, session: requests.Session, request: requests.Request, *, seconds: float, until: float
    ) -> None:
        """Send *request*, and read what is wanted of the answer; *until* is of ``monotonic()``."""
        self.response = session.send(
            session.prepare_request(request), timeout=seconds, stream=True, allow_redirects=False
        )
        if self.form == "metadata":
            self.response.close()
            self.is_whole = True
            return
        self.is_whole = read_into(self.body, self.response, max_bytes=MAX_BYTES, deadline=until)

    @property
    def status(self) -> int:
        """The status; 0 when there was no answer."""
        return 0 if self.response is None else self.response.status_code

    @property
    def headers(self) -> dict[str, Any]:
        """The headers by their names in lower case, for expressions."""
        if self.response is None:
            return {}
        return {name.lower(): value for name, value in _headers(self.response)}

    def content(self, room: int) -> Content:
        """Return what the body is, cut where it is longer than *room* bytes of JSON."""
        if self.response is None or self.form == "metadata":
            return Content(None, None)
        if self.form == "json" and not self.body and self.status in EMPTY:
            return Content(None, None)
        wanted = "auto" if self.form == "json" else self.form
        kind = _content_type(self.response)
        return content_of(bytes(self.body), kind, is_whole=self.is_whole, room=room, form=wanted)

    def outputs(self, room: int, *, with_body: bool = True) -> dict[str, Any]:
        """Return all of it that fits into *room* bytes of JSON."""
        headers, all_headers = self._kept_headers(min(MAX_HEADER_BYTES, room // 4))
        room -= len(orjson.dumps(headers)) + BYTES_BESIDE
        content = self.content(room) if with_body else Content(None, None)
        return {
            "status_code": self.status,
            "body": content.value,
            "headers": headers,
            "body_format": content.form,
            "truncated": content.is_cut or not all_headers,
            "size": len(self.body),
        }

    def _kept_headers(self, room: int) -> tuple[dict[str, Any], bool]:
        """Return the headers that fit into *room* bytes of JSON, and whether these are all."""
        kept: dict[str, Any] = {}
        for name, value in () if self.response is None else _headers(self.response):
            cost = len(orjson.dumps({name: value}))
            if cost > room:
                return kept, False
            room -= cost
            kept[name] = value
        return kept, True


def _headers(response: requests.Response) -> Iterator[tuple[str, Any]]:
    """Return values in one text, as HTTP joins them; a cookie may hold a comma itself."""
    cookies = response.raw.headers.getlist("Set-Cookie")
    for name, value in response.headers.items():
        if name.lower() == "set-cookie":
            yield name, [_storable(cookie) for cookie in cookies]
        else:
            yield _storable(name), _storable(value)


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd")  # PostgreSQL keeps no NUL in a text


def _content_type(response: requests.Response) -> str:
    """Say what the body is; of one that nobody here can decompress, that it is bytes."""
    codings = response.headers.get("Content-Encoding", "").lower().split(",")
    known = {"", "identity", *response.raw.CONTENT_DECODERS}
    if any(coding.strip() not in known for coding in codings):
        return "application/octet-stream"
    return str(response.headers.get("Content-Type", ""))
