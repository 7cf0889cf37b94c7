"""Filters between values and their written forms: JSON, base64, URLs, hashes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.expressions.errors import WrongOperand
from pipeline_engine.domain.expressions.filters.operands import count, mapping, text
from pipeline_engine.domain.expressions.fuel import Fuel, refuse_large
from pipeline_engine.domain.expressions.limits import MAX_TEXT_CHARACTERS
from pipeline_engine.domain.expressions.secrecy import encodes
from pipeline_engine.domain.expressions.signatures import signed
from pipeline_engine.domain.expressions.values import as_json, as_text

_BEFORE_VALUES = (b"[", b"{", b":", b",")
_MAX_INDENT = 8


@encodes
def to_json(fuel: Fuel, subject: Any, indent: Any = None) -> str:
    """The value as JSON text with its keys in order; undefined is null."""
    value = as_json(subject, fuel)
    refuse_large(fuel.spend_on_contents(value))
    width = None if indent is None else count(indent, at_most=_MAX_INDENT)
    encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, indent=width)
    try:
        if width is None:
            return _made(fuel, encoder.encode(value))
        return "".join(_paid(fuel, encoder.iterencode(value)))
    except (TypeError, ValueError):
        raise WrongOperand("This value cannot be written as JSON.") from None


def _paid(fuel: Fuel, chunks: Iterable[str]) -> Iterator[str]:
    """Stop an indented text while it grows: its white space can be most of it."""
    written = 0
    for chunk in chunks:
        written += len(chunk)
        refuse_large(written)
        fuel.spend(2)
        yield chunk
    fuel.spend_on_text(written)


def from_json(fuel: Fuel, subject: Any) -> Any:
    """The value of a JSON text, under the same rules as every JSON that comes in."""
    written = utf8(fuel, subject)
    # Each value but the first comes after one of these.
    fuel.spend(2 * sum(map(written.count, _BEFORE_VALUES)))
    try:
        return json_guard.loads(written, max_bytes=4 * MAX_TEXT_CHARACTERS)
    except json_guard.JsonRejected as rejected:
        raise WrongOperand(f"This text is not acceptable JSON: {rejected.reason}.") from None


@encodes
def base64_encode(fuel: Fuel, subject: Any) -> str:
    """The UTF-8 bytes of a text in base64."""
    return _made(fuel, base64.b64encode(utf8(fuel, subject)).decode("ascii"))


def base64_decode(fuel: Fuel, subject: Any) -> str:
    """The text that base64 of UTF-8 stands for."""
    try:
        return base64.b64decode(utf8(fuel, subject), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise WrongOperand("This text is not base64 of UTF-8.") from None


@encodes
def url_encode(fuel: Fuel, subject: Any) -> str:
    """A text fit for a URL's path or query; an object becomes a whole query."""
    if isinstance(subject, str | int | float) or not subject:
        written = utf8(fuel, subject)
        fuel.spend_on_items(len(written))
        return _made(fuel, quote(written, safe="/"))
    members = {key: as_text(value, fuel) for key, value in mapping(fuel, subject).items()}
    characters = sum(len(key) + len(value) for key, value in members.items())
    fuel.spend_on_text(characters)
    fuel.spend(8 * len(members) + characters)
    try:
        return _made(fuel, urlencode(members))
    except UnicodeEncodeError:
        raise WrongOperand("This text has no UTF-8 form.") from None


def sha256(fuel: Fuel, subject: Any) -> str:
    """The SHA-256 of a text's UTF-8 bytes in hexadecimal digits."""
    return hashlib.sha256(utf8(fuel, subject)).hexdigest()


def utf8(fuel: Fuel, subject: Any) -> bytes:
    """A text as bytes; one with half a surrogate pair has none."""
    try:
        return text(fuel, subject).encode("utf-8")
    except UnicodeEncodeError:
        raise WrongOperand("This text has no UTF-8 form.") from None


def _made(fuel: Fuel, result: str) -> str:
    fuel.spend_on_text(len(result))
    return result


ENCODING_FILTERS = signed(
    {
        "b64decode": base64_decode,
        "b64encode": base64_encode,
        "fromjson": from_json,
        "sha256": sha256,
        "tojson": to_json,
        "urlencode": url_encode,
    }
)
