"""What a request carries: JSON, a form, several parts, or bytes as they are; one of them."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline_engine.sdk import ActionContext, InvalidActionParams, charset_in

from .query import encoded, pairs_of

METHODS_WITH_BODY = ("POST", "PUT", "PATCH")
BODIES = ("body", "form", "multipart", "raw_body")
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
BYTES = "application/octet-stream"

#: Name, file name, contents, content type: as ``requests`` takes them.
Part = tuple[str, tuple[str | None, bytes, str | None]]


@dataclass(frozen=True)
class Body:
    """What is sent, with the type that it has unless the author names another."""

    content_type: str | None = None
    data: bytes | None = None
    parts: tuple[Part, ...] = ()


def given_bodies(params: Mapping[str, Any]) -> list[str]:
    """Return the names of the bodies that *params* give."""
    return [name for name in BODIES if params.get(name) is not None]


def body_of(
    context: ActionContext, params: Mapping[str, Any], method: str, content_type: str | None
) -> Body:
    """Return the body that *params* say, in the charset of *content_type* if that names one."""
    given = given_bodies(params)
    if len(given) > 1:
        raise InvalidActionParams(f"only one of {' and '.join(given)} can be sent")
    if params.get("include_metadata") and given not in ([], ["body"]):
        raise InvalidActionParams("include_metadata needs a body that is an object")
    if "form" in given:
        text = encoded(pairs_of(params["form"], "form"))
        context.keep_secret(text, params["form"])
        return Body(FORM, text.encode())
    if "multipart" in given:
        if content_type:
            raise InvalidActionParams("Content-Type is set by the engine with multipart")
        return Body(parts=parts_of(params["multipart"]))
    if "raw_body" in given:
        return raw_of(params["raw_body"], content_type)
    return _json(_with_metadata(context, params, method), content_type)


def _with_metadata(context: ActionContext, params: Mapping[str, Any], method: str) -> Any:
    body = params.get("body")
    if not params.get("include_metadata"):
        return body
    if body is None and method not in METHODS_WITH_BODY:
        return None
    if not isinstance(body or {}, dict):
        raise InvalidActionParams("include_metadata needs a body that is an object")
    metadata = {"execution_id": context.execution_id, "step_id": context.step_id}
    return {**(body or {}), "_workflow_metadata": metadata}


def _json(body: Any, content_type: str | None) -> Body:
    if body is None:
        return Body()
    if isinstance(body, str):
        return Body(TEXT, _bytes(body, content_type))
    try:
        # Not orjson: it makes null of what is no number, and takes no integer beyond 64 bits.
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidActionParams(f"the body cannot be sent: {error}") from error
    return Body(JSON, _bytes(text, None))


def raw_of(given: Any, content_type: str | None = None) -> Body:
    """Return a text, or what ``{text}`` or ``{base64}`` holds, as it is."""
    if isinstance(given, str):
        return Body(TEXT, _bytes(given, content_type))
    data, said = _contents(given, "raw_body", content_type)
    return Body(said or (TEXT if "text" in given else BYTES), data)


def parts_of(given: Any) -> tuple[Part, ...]:
    """Return the fields and files of a form in several parts; null is none."""
    if not isinstance(given, Mapping):
        raise InvalidActionParams("multipart must be an object")
    return tuple(
        (name, _part(one, f"multipart.{name}"))
        for name, value in given.items()
        for one in (value if isinstance(value, list) else [value])
        if one is not None
    )


def _part(given: Any, place: str) -> tuple[str | None, bytes, str | None]:
    if isinstance(given, Mapping):
        data, said = _contents(given, place, None, "filename")
        return given.get("filename"), data, said
    [(_, text)] = pairs_of({place: given}, "multipart")
    return None, _bytes(text, None), None


def _contents(
    given: Any, place: str, content_type: str | None, *more: str
) -> tuple[bytes, str | None]:
    known = {"text", "base64", "content_type", *more}
    if (
        not isinstance(given, Mapping)
        or not set(given) <= known
        or not all(isinstance(value, str) for value in given.values())
        or ("text" in given) == ("base64" in given)
    ):
        others = "".join(f" and perhaps {name}" for name in ("content_type", *more))
        raise InvalidActionParams(
            f"{place} must be a text, or an object with text or base64{others}"
        )
    said = given.get("content_type")
    if said and any(character in said for character in "\r\n\0"):
        raise InvalidActionParams(f"{place}: content_type holds a line break")
    if "text" in given:
        return _bytes(given["text"], content_type or said), said
    try:
        return b64decode(given["base64"], validate=True), said
    except (binascii.Error, ValueError) as error:
        raise InvalidActionParams(f"{place}: base64 cannot be read: {error}") from error


def _bytes(text: str, content_type: str | None) -> bytes:
    """Return a text in the charset that its headers promise."""
    try:
        return text.encode(charset_in(content_type or "") or "utf-8")
    except UnicodeError as error:
        raise InvalidActionParams(f"the body cannot be sent: {error}") from error
