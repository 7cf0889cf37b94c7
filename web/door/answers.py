"""What is sent: a status, headers, a body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import orjson

from .. import marks
from ..problems import PROBLEM_TYPE, Problem

Headers = list[tuple[bytes, bytes]]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
#: The extension of a scope that closes its connection at once, whatever is still to be sent.
ABORT = "pipeline_engine.abort"

RETRY_AFTER = (b"retry-after", b"1")
OVERLOADED = Problem(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    code="overloaded",
    title="The server has more to do than it can.",
    detail="Nothing was done. Try again in a moment.",
)
SHUTTING_DOWN = Problem(
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    code="shutting_down",
    title="The server is being stopped.",
    detail="Whether the request was carried out is not known.",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response."""

    status: int
    headers: Headers
    body: bytes

    def with_body(self, body: bytes) -> Answer:
        """The same answer with another body."""
        kept = [h for h in self.headers if h[0].lower() != b"content-length"]
        return replace(self, headers=[*kept, length_of(body)], body=body)

    def with_header(self, name: bytes, value: bytes) -> Answer:
        """The same answer with one more header."""
        return replace(self, headers=[*self.headers, (name, value)])

    async def send(self, send: Send) -> None:
        """Send it whole."""
        start = {"status": self.status, "headers": self.headers}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def length_of(body: bytes) -> tuple[bytes, bytes]:
    """The header that says how long *body* is."""
    return b"content-length", str(len(body)).encode()


def marked_json(
    status: int, document: Any, *, scheme: str, name: str, kind: str = "application/json"
) -> Answer:
    """An answer of the door's own, with the marks of every response."""
    body = orjson.dumps(document)
    fields: Iterable[tuple[str, str]] = marks.of_response(name, is_secure=scheme == "https")
    encoded = [(key.lower().encode(), value.encode()) for key, value in fields]
    content_type = (b"content-type", kind.encode())
    return Answer(status, [content_type, length_of(body), *encoded], body)


def problem(found: Problem, *, path: str, scheme: str, given_name: str) -> Answer:
    """*found* as an answer to a request for *path* whose client called it *given_name*."""
    name = marks.correlation_id(given_name)
    document = found.document(path=path, correlation_id=name)
    answer = marked_json(found.status, document, scheme=scheme, name=name, kind=PROBLEM_TYPE)
    if found.status is HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers.append(RETRY_AFTER)
    return answer


def header_of(scope: Scope, wanted: bytes) -> str:
    """The first header called *wanted* (in lower case), or an empty text."""
    return next((v.decode("latin-1") for n, v in scope["headers"] if n == wanted), "")


def problem_for(scope: Scope, found: Problem) -> Answer:
    """*found* as the answer to the request of *scope*."""
    given = header_of(scope, marks.CORRELATION.lower().encode())
    return problem(found, path=scope["path"], scheme=scope["scheme"], given_name=given)


async def until_left(receive: Receive) -> None:
    """Come back when the client of a request has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
