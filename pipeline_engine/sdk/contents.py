"""What the bytes of an answer stand for: JSON, text in some charset, or neither; nothing is lost.

A value is what it says, to the last digit. What no row can hold as JSON stays the text that it
was, and what is no text is kept in base64.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from base64 import b64encode
from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.json_guard import JsonRejected

#: Values that outputs have beside a body, such as headers.
NODES_BESIDE = 500
#: Where documents say which charset they are in.
BYTES_OF_A_PROLOGUE = 1024

_LONGEST_INTEGER = 19  # digits of 2**63 - 1
_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})""")
# Python's other codecs are no charsets of documents, and some of them are slow.
_KNOWN = re.compile(
    r"ascii|big5\w*|cp\d+|euc_\w+|gb\w+|hz|iso2022_\w+|iso8859-\d+|johab|koi8-\w|kz1048"
    r"|mac-\w+|ptcp154|shift_jis\w*|tis-620|utf-8-sig|utf-(8|16|32)(-[bl]e)?"
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as UTF-16's does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TEXTUAL = frozenset(
    {"application/ecmascript", "application/javascript", "application/json", "application/xml"}
    | {"application/x-ndjson", "application/x-www-form-urlencoded", "application/yaml"}
)


@dataclass(frozen=True)
class Content:
    """A body as outputs keep it."""

    #: The JSON value, the text, or the base64.
    value: Any
    #: Which of them it is: json, text or base64; None for a body that nobody has read.
    form: str | None
    #: Whether there was more of it.
    is_cut: bool = False


def content_of(
    body: bytes, content_type: str, *, is_whole: bool, room: int, form: str = "auto"
) -> Content:
    """Return what *body* says, cut where its JSON form would be longer than *room* bytes.

    *is_whole* is false for a body that was not read to its end: it is no JSON then. *form* is
    ``auto``, or ``text`` for what is not to be read as JSON, or ``base64``.
    """
    text = None if form == "base64" else text_of(body, content_type, is_whole=is_whole)
    if text is None:
        longest = max(room - 2, 0) // 4 * 3
        encoded = b64encode(body[:longest]).decode()
        return Content(encoded, "base64", not is_whole or len(body) > longest)
    if is_whole and form == "auto":
        try:
            value = json_guard.check(
                exact_json(text),
                max_bytes=room,
                max_nodes=json_guard.MAX_NODES - NODES_BESIDE,
            )
            return Content(value, "json")
        except (ValueError, JsonRejected):
            pass  # a text, then
    kept = _cut(text, room)
    return Content(kept, "text", not is_whole or len(kept) < len(text))


def exact_json(text: str) -> Any:
    """Return the value of a JSON text, without rounding. Raises ``ValueError``.

    A number that neither 64 bits nor a float can hold is the text of its digits: more of them than
    a float keeps would come back as others. A text in which an object has a key twice has no one
    value.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def text_of(body: bytes, content_type: str, *, is_whole: bool = True) -> str | None:
    """Return *body* as text that a database can keep; None if it is none, or nobody can tell.

    In this order: a byte order mark, the charset of the header, that of the document itself,
    UTF-8, and for what is said to be text ISO 8859-1, in which every byte means something.
    """
    for charset in _charsets(body, content_type):
        decoder = codecs.getincrementaldecoder(charset)("strict")
        try:
            text = decoder.decode(body, final=is_whole)
        except UnicodeError:
            continue
        return None if "\0" in text else text
    return None


def charset_in(content_type: str) -> str | None:
    """Return the charset that a content type names, if it is one that can be read."""
    found = _CHARSET.search(content_type)
    return _known(found[1]) if found else None


def _charsets(body: bytes, content_type: str) -> list[str]:
    kind = content_type.partition(";")[0].strip().lower()
    is_textual = kind.startswith("text/") or kind.endswith(("+json", "+xml")) or kind in _TEXTUAL
    marked = next((name for mark, name in _MARKS if body.startswith(mark)), None)
    said = marked or charset_in(content_type) or _said_inside(body)
    if said:
        return [said, "utf-8"]
    if is_textual and "json" in kind:
        # JSON begins with an ASCII character, which shows how wide the characters are.
        return [json.detect_encoding(body), "utf-8", "iso8859-1"]
    return ["utf-8", "iso8859-1"] if is_textual else ["utf-8"]


def _said_inside(body: bytes) -> str | None:
    prologue = body[:BYTES_OF_A_PROLOGUE]
    found = _XML.search(prologue) or _META.search(prologue)
    charset = _known(found[1].decode("ascii", "replace")) if found else None
    # Whoever can read these words does not read them in a wider charset.
    return None if charset and charset.startswith(("utf-16", "utf-32")) else charset


def _known(name: str) -> str | None:
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return found if _KNOWN.fullmatch(found) else None


def _cut(text: str, room: int) -> str:
    """Return as much of *text* as fits into *room* bytes of JSON."""
    if _bytes_of(text) <= room:
        return text
    kept = bisect_right(range(len(text)), room, key=lambda end: _bytes_of(text[:end])) - 1
    return text[: max(kept, 0)]


def _bytes_of(text: str) -> int:
    return len(orjson.dumps(text))


def _integer(digits: str) -> int | str:
    if len(digits.lstrip("-")) > _LONGEST_INTEGER:
        return digits
    number = int(digits)
    return number if json_guard.MIN_INTEGER <= number <= json_guard.MAX_INTEGER else digits


def _float(digits: str) -> float | str:
    number = float(digits)
    if repr(number) == digits:
        return number
    return number if math.isfinite(number) and _stands_for(number, digits) else digits


def _stands_for(number: float, digits: str) -> bool:
    """Tell whether *digits* are what somebody writes for *number*: shortest, 17 digits, or all."""
    said = Decimal(digits)
    return said in (Decimal(repr(number)), Decimal(f"{number:.17g}"), Decimal(number))


def _constant(name: str) -> None:
    raise ValueError(f"JSON has no {name}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key occurs twice")
    return members


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
)
