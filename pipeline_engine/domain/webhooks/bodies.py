"""What a third party has sent, as a value: JSON or a form."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from pipeline_engine.domain import json_guard
from pipeline_engine.errors import PipelineEngineError

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 1000  #: of a form or a query
#: What an execution puts around a body, which is kept in its params.
ROOM_LEVELS = 8


class UnreadableBody(PipelineEngineError):
    """The body is neither JSON nor a form; both are read as UTF-8."""

    code = "unreadable_body"


def read(raw: bytes, content_type: str, *, most: int) -> Any:
    """The value of a body; an empty one is null. Without a type it is read as JSON.

    Raises ``UnreadableBody`` and ``JsonRejected``.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if not raw:
        return None
    if kind == FORM:
        return fields(_text(raw), most=most)
    if kind in {"", "application/json"} or kind.endswith("+json"):
        return json_guard.loads(raw, max_bytes=most, max_depth=json_guard.MAX_DEPTH - ROOM_LEVELS)
    raise UnreadableBody(f"A body of the type {kind} is not read: send JSON or a form.")


def fields(encoded: str, *, most: int = json_guard.MAX_BYTES) -> dict[str, Any]:
    """The fields of a form or a query: texts, and a list where a name comes more than once.

    Raises ``UnreadableBody`` and ``JsonRejected``.
    """
    found: dict[str, Any] = {}
    try:
        pairs = parse_qsl(
            encoded, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
        )
    except ValueError as error:  # too many, or not UTF-8
        raise UnreadableBody(f"The form cannot be read: {type(error).__name__}.") from error
    for name, value in pairs:
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    clean: dict[str, Any] = json_guard.check(found, max_bytes=most)
    return clean


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise UnreadableBody("The form is not UTF-8.") from error
