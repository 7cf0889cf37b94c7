"""A stand-in for a peer, as a table of what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import orjson

from pipeline_engine.contract_kit.marks import NEW_ID, filled

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Table:
    """A WSGI application made of ``{"POST /jobs/{id}": answer}``.

    An answer is JSON with status 200, or a pair of a status and JSON. A part of a path in braces
    stands for any one part. A route that is not in the table is answered with 404.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._routes = [(_pattern(route), answer) for route, answer in answers.items()]

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        asked = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        status, body = self._answer(asked)
        start_response(
            f"{status} {HTTPStatus(status).phrase}", [("Content-Type", "application/json")]
        )
        return [orjson.dumps(filled(body, {NEW_ID: str(uuid4())}))]

    def _answer(self, asked: str) -> tuple[int, Any]:
        for pattern, answer in self._routes:
            if pattern.fullmatch(asked):
                return answer if isinstance(answer, tuple) else (200, answer)
        return 404, {"detail": f"No route {asked}"}


def _pattern(route: str) -> re.Pattern[str]:
    method, _, path = route.partition(" ")
    parts = re.split(r"(\{[^{}/]*\})", "/" + path.lstrip("/"))
    written = "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts)
    return re.compile(f"{re.escape(method.upper())} {written}")
