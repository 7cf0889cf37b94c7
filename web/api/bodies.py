"""How requests are read: strict JSON of limited size, and every problem with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import marshmallow as ma
from flask import Request, request
from webargs import core
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.services import load_json

from .context import runtime


class InvalidRequest(PipelineEngineError):
    """The request does not have the form that this route expects."""

    code = "invalid_request"


class GuardedParser(FlaskParser):
    """Reads bodies by the JSON guard, and reports every problem at once."""

    def load_json(self, req: Request, _schema: ma.Schema) -> Any:
        """Return the body, or "missing" for an empty one."""
        return read_json(req) if has_body(req) else core.missing

    def handle_error(self, error: ma.ValidationError, *_: Any, **__: Any) -> NoReturn:
        """Turn what marshmallow says into problems with pointers."""
        located = error.messages_dict
        problems = [p for place, found in located.items() for p in problems_in(found, place)]
        raise InvalidRequest(f"{len(problems)} problem(s) in the request.", problems=problems)


class VerbatimParser(GuardedParser):
    """The same, and numbers keep the digits that they are written with."""

    def load_json(self, req: Request, _schema: ma.Schema) -> Any:
        """Return the body, or "missing" for an empty one."""
        return read_json(req, keeps_digits=True) if has_body(req) else core.missing


def has_body(req: Request) -> bool:
    """Tell whether there is anything to read."""
    return bool(req.content_length) or "chunked" in req.headers.get("Transfer-Encoding", "")


def read_json(req: Request, *, keeps_digits: bool = False) -> Any:
    """The body as JSON; raises ``JsonRejected``, or 413 and 415 of HTTP."""
    if req.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("Compressed bodies are not accepted.")
    if req.mimetype and not req.is_json:
        raise UnsupportedMediaType("Send JSON, with Content-Type: application/json.")
    return load_json(
        req.get_data(), max_bytes=req.max_content_length or 0, keeps_digits=keeps_digits
    )


def require_body() -> None:
    """Refuse a request without a body, where an empty one would pass for an object."""
    if not has_body(request):
        message = "This route expects a JSON object."
        problem = {"pointer": "", "in": "body", "code": "required", "message": message}
        raise InvalidRequest("There is no body.", problems=[{**problem, "hint": None}])


def limit_deliveries() -> None:
    """Allow as many bytes as a delivery may have, instead of those of a body."""
    request.max_content_length = runtime().settings.max_delivery_bytes


def problems_in(messages: Any, place: str, pointer: str = "") -> Iterator[dict[str, Any]]:
    """The problems in marshmallow's nested *messages*, each with its JSON pointer."""
    if isinstance(messages, Mapping):
        for name, nested in messages.items():
            step = "" if name == "_schema" else f"/{_escaped(name)}"
            yield from problems_in(nested, place, pointer + step)
        return
    for message in messages if isinstance(messages, list) else [messages]:
        yield {
            "pointer": pointer,
            "in": "body" if place == "json" else place,
            "code": _code_of(str(message)),
            "message": str(message),
            "hint": None,
        }


def _escaped(name: object) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


def _code_of(message: str) -> str:
    """A word for programs; marshmallow has sentences only."""
    if message.startswith("Missing data"):
        return "required"
    if message.startswith("Unknown field"):
        return "unknown_field"
    return "wrong_type" if message.startswith("Not a") else "invalid_value"
