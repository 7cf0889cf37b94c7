"""The guard at every door for JSON: API bodies, callbacks, action outputs, plug-in results.

What it lets in, PostgreSQL stores and every process reads back. ``jsonb`` alone takes a
5,000-digit integer or 9,000 nested brackets and then breaks each listing that holds the row, and
it refuses NUL and half surrogate pairs only when the statement runs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson

from pipeline_engine.errors import PipelineEngineError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 50_000
MAX_KEY_CHARACTERS = 256
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1

#: Bytes of a value beside its characters: the longest number, or brackets, quotes and a colon.
_MOST_PER_NODE = 32
_LONGEST_INTEGER = 20  # digits and sign of -(2**63)


class JsonRejected(PipelineEngineError):
    """This JSON cannot be accepted.

    ``pointer`` is the JSON pointer of the culprit. ``reason`` is one of: duplicate_key,
    integer_out_of_range, key_too_long, lone_surrogate, not_a_number, not_json, nul_character,
    too_deep, too_large, too_many_nodes, unsupported_type.
    """

    code = "json_rejected"

    def __init__(self, reason: str, message: str, *, pointer: str = "") -> None:
        text = f"{message} (at {pointer!r})" if pointer else message
        super().__init__(text, reason=reason, pointer=pointer)
        self.reason = reason
        self.pointer = pointer


def loads(
    raw: bytes,
    *,
    max_bytes: int = MAX_BYTES,
    max_depth: int = MAX_DEPTH,
    max_nodes: int = MAX_NODES,
    max_key_characters: int = MAX_KEY_CHARACTERS,
    keeps_digits: bool = False,
) -> Any:
    """The value of a JSON text in UTF-8 from outside. Raises ``JsonRejected``.

    The parser is the standard library's, which can tell duplicate keys and leaves huge integers
    to us; orjson keeps the last key and turns them into floats. With *keeps_digits* numbers that
    ``dumps`` might write otherwise, or not at all, are fragments for it that have their digits.
    """
    if len(raw) > max_bytes:
        raise JsonRejected("too_large", f"More than {max_bytes} bytes.")
    value = _parsed(raw, keeps_digits=keeps_digits)
    inspection = _Verbatim if keeps_digits else _Inspection
    return inspection(max_bytes, max_depth, max_nodes, max_key_characters).clean(value)


def check(
    value: Any,
    *,
    max_bytes: int = MAX_BYTES,
    max_depth: int = MAX_DEPTH,
    max_nodes: int = MAX_NODES,
    max_key_characters: int = MAX_KEY_CHARACTERS,
) -> Any:
    """A clean copy of a value from Python code, such as the outputs of an action.

    Tuples become lists, mappings objects, enums their values, decimals numbers; UUIDs, dates and
    times become texts. Raises ``JsonRejected``.
    """
    inspection = _Inspection(max_bytes, max_depth, max_nodes, max_key_characters)
    clean = inspection.clean(value)
    if inspection.most_bytes > max_bytes and len(orjson.dumps(clean)) > max_bytes:
        raise JsonRejected("too_large", f"More than {max_bytes} bytes.")
    return clean


def dumps(value: Any) -> str:
    """Compact JSON text of a checked value, for a jsonb column. Raises ``JsonRejected``."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:
        raise JsonRejected("unsupported_type", str(error)) from error


def as_stored(value: Any) -> Any:
    """A checked value as a jsonb column gives it back, in lists and objects of its own.

    ``jsonb`` orders the keys of an object, shorter ones first, and writes out exponents.
    """
    if isinstance(value, dict):
        keys = sorted(value, key=_jsonb_order)
        return {key: as_stored(value[key]) for key in keys}
    if isinstance(value, list):
        return [as_stored(member) for member in value]
    return _number_as_stored(value) if isinstance(value, float) else value


def _jsonb_order(key: str) -> tuple[int, bytes]:
    text = key.encode()
    return len(text), text


def _number_as_stored(number: float) -> float | int:
    """Large floats are written with an exponent, come back as integers, and if huge as floats."""
    if abs(number) < _SHORTEST_WITH_EXPONENT:
        return number + 0.0  # there is no negative zero
    written_out = int(Decimal(repr(number)))
    return written_out if -(2**63) <= written_out < 2**64 else number


_SHORTEST_WITH_EXPONENT = 1e16


def _parsed(raw: bytes, *, keeps_digits: bool) -> Any:
    numbers: dict[str, Any] = {"parse_int": _integer}
    if keeps_digits:
        numbers = {"parse_int": _written_integer, "parse_float": orjson.Fragment}
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_object, **numbers)
    except RecursionError:
        raise JsonRejected("too_deep", "Nested too deeply.") from None
    except ValueError as error:
        raise JsonRejected("not_json", f"Not JSON in UTF-8: {error}") from None


class _Repetitive(dict[str, Any]):
    """An object in which a key occurs twice; the walk that knows the pointer reports it."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _Repetitive(members)


def _integer(digits: str) -> int:
    """Any number past the limits stands for a huge one, which would be slow to read."""
    return int(digits) if len(digits) <= _LONGEST_INTEGER else MAX_INTEGER + 1


def _written_integer(digits: str) -> int | orjson.Fragment:
    """A number, if it is written again as it was."""
    is_plain = len(digits) < _LONGEST_INTEGER - 1 and digits != "-0"
    return int(digits) if is_plain else orjson.Fragment(digits)


@dataclass(slots=True)
class _Inspection:
    """One walk through a value. It stops at the first offence, so its cost is bounded."""

    max_bytes: int
    max_depth: int
    max_nodes: int
    max_key_characters: int
    nodes: int = 0
    characters: int = 0

    @property
    def most_bytes(self) -> int:
        """As many as the JSON text of what was met can have: each character is an escape."""
        return 6 * self.characters + _MOST_PER_NODE * self.nodes

    def clean(self, value: Any, pointer: str = "", depth: int = 0) -> Any:
        """The value as plain JSON types, in new containers."""
        self._count_node(pointer)
        if isinstance(value, str):
            return self._text(value, pointer)
        if type(value) is dict:  # the usual case; what else is a mapping takes longer to know
            return self._members(value, pointer, self._deeper(depth, pointer))
        if value is None or isinstance(value, int | float):
            return _number(value, pointer)
        if isinstance(value, Mapping):
            return self._members(value, pointer, self._deeper(depth, pointer))
        if isinstance(value, list | tuple):
            depth = self._deeper(depth, pointer)
            return [self.clean(item, f"{pointer}/{i}", depth) for i, item in enumerate(value)]
        return self._other(value, pointer, depth)

    def _other(self, value: Any, pointer: str, depth: int) -> Any:
        if isinstance(value, Enum):
            return self.clean(value.value, pointer, depth)
        return _foreign(value, pointer)

    def _count_node(self, pointer: str) -> None:
        self.nodes += 1
        if self.nodes > self.max_nodes:
            raise JsonRejected(
                "too_many_nodes", f"More than {self.max_nodes} values.", pointer=pointer
            )

    def _deeper(self, depth: int, pointer: str) -> int:
        if depth >= self.max_depth:
            raise JsonRejected("too_deep", f"More than {self.max_depth} levels.", pointer=pointer)
        return depth + 1

    def _members(self, value: Mapping[Any, Any], pointer: str, depth: int) -> dict[str, Any]:
        if isinstance(value, _Repetitive):
            raise JsonRejected("duplicate_key", "A key occurs twice.", pointer=pointer)
        members: dict[str, Any] = {}
        for key, member in value.items():
            name = self._key(key, pointer)
            if name in members:
                raise JsonRejected("duplicate_key", "A key occurs twice.", pointer=pointer)
            place = f"{pointer}/{name if name.isalnum() else _escaped(name)}"
            members[name] = self.clean(member, place, depth)
        return members

    def _key(self, key: Any, pointer: str) -> str:
        """The key as text. Its object's pointer is reported: a bad key may not be printable."""
        if not isinstance(key, str):
            key = self._as_text(key, pointer)
        if len(key) > self.max_key_characters:
            raise JsonRejected(
                "key_too_long",
                f"A key has more than {self.max_key_characters} characters.",
                pointer=pointer,
            )
        return self._text(key, pointer)

    def _as_text(self, key: Any, pointer: str) -> str:
        if isinstance(key, Enum):
            key = key.value
        if type(key) is int:
            key = str(_number(key, pointer))
        if isinstance(key, UUID):
            key = str(key)
        if not isinstance(key, str):
            raise JsonRejected("unsupported_type", "A key is not a text.", pointer=pointer)
        return key

    def _text(self, text: str, pointer: str) -> str:
        self.characters += len(text)
        if self.characters > self.max_bytes:
            raise JsonRejected("too_large", f"More than {self.max_bytes} bytes.", pointer=pointer)
        if "\0" in text:
            raise JsonRejected("nul_character", "A text holds NUL.", pointer=pointer)
        if not text.isascii() and not _has_utf8(text):
            raise JsonRejected(
                "lone_surrogate", "A text holds half of a surrogate pair.", pointer=pointer
            )
        return str.__str__(text)


class _Verbatim(_Inspection):
    """The same for a value in which numbers may stand as they were written."""

    def _other(self, value: Any, pointer: str, depth: int) -> Any:
        if isinstance(value, orjson.Fragment):
            return value
        return super()._other(value, pointer, depth)


def _number(value: Any, pointer: str) -> Any:
    """A number that every reader of JSON can take, or null or a boolean as it is."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return _finite(float(value), pointer)
    if MIN_INTEGER <= value <= MAX_INTEGER:
        return int(value)
    raise JsonRejected("integer_out_of_range", "More than 64 bits.", pointer=pointer)


def _foreign(value: Any, pointer: str) -> Any:
    """The JSON form of the few other types that have an obvious one."""
    if isinstance(value, Decimal):
        return _from_decimal(value, pointer)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    name = type(value).__name__
    raise JsonRejected("unsupported_type", f"JSON has no {name}.", pointer=pointer)


def _from_decimal(value: Decimal, pointer: str) -> int | float:
    """An integer where it is one; through float first, because 1E+999999 has a million digits."""
    try:
        number = _finite(float(value), pointer)
    except ValueError:  # a signalling NaN
        raise JsonRejected("not_a_number", "Not a finite number.", pointer=pointer) from None
    if abs(number) < MAX_INTEGER and value == value.to_integral_value():
        return int(value)
    return number


def _finite(number: float, pointer: str) -> float:
    if math.isfinite(number):
        return number
    raise JsonRejected("not_a_number", "Not a finite number.", pointer=pointer)


def _has_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
