"""Answers that are the same for everybody until something is installed: written once, then kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from hashlib import sha256
from typing import Any, NamedTuple

from flask import Response, current_app, request

KEPT = "pipeline_engine_kept"


class Answer(NamedTuple):
    """A body as it is sent, and its strong validator."""

    body: bytes
    etag: str


def kept(key: Hashable, make: Callable[[], Any], *, most: int | None = None) -> Response:
    """The answer of this key, made once in this process; 304 if the client has it already.

    Whoever may change what it says puts that into the *key*. Of those that differ from owner to
    owner the newest ones are kept, *most* of them.
    """
    rooms: dict[int | None, dict[Hashable, Answer]] = current_app.extensions.setdefault(KEPT, {})
    answers = rooms.setdefault(most, {})
    answer = answers.get(key)
    if answer is None:
        body = current_app.json.dumps(make()).encode()
        answers[key] = answer = Answer(body, sha256(body).hexdigest()[:32])
        if most is not None and len(answers) > most:
            answers.pop(next(iter(answers)), None)
    body, etag = answer
    response = Response(body, mimetype="application/json")
    response.set_etag(etag)
    response.headers["Cache-Control"] = "private, no-cache"  # to be asked about every time
    response.vary.update(("Authorization", "X-Owner"))
    response.make_conditional(request)
    response.headers.pop("Date", None)  # the server says it, too; twice is once too often
    return response
