"""Values of the SDK as JSON and back: metadata, results, items.

What comes back is made by the constructors of the SDK's own classes, field by field, so a child
can say nothing with it that their types do not say.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


class Misshapen(ValueError):
    """A value does not have the shape that was agreed."""


def to_json(value: Any) -> Any:
    """A value of the SDK as JSON; what is neither stays as it is."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: to_json(getattr(value, one.name)) for one in fields(value) if one.init}
    if isinstance(value, Mapping):
        return {str(key): to_json(member) for key, member in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(to_json, value))
    if isinstance(value, list | tuple):
        return [to_json(member) for member in value]
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, datetime) else value


def from_json(kind: type[T], value: Any) -> T:
    """The value of this class again. Raises ``Misshapen``, and what its constructor raises."""
    read: Callable[[Any], T] = _reader(cast(Any, kind))
    return read(value)


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """How a value of this type is read."""
    origin = get_origin(kind)
    if kind is Any:
        return lambda value: value
    if origin in (Union, types.UnionType):
        return _optional(kind)
    if origin is not None:
        return _container(origin, get_args(kind))
    return _dataclass(kind) if is_dataclass(kind) else _scalar(kind)


def _scalar(kind: Any) -> Callable[[Any], Any]:
    if kind is datetime:
        return _moment
    return _choice(kind) if issubclass(kind, Enum) else _simple(kind)


def _dataclass(kind: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    names = [one.name for one in fields(kind) if one.init]

    def read(value: Any) -> Any:
        if not isinstance(value, dict) or not value.keys() <= set(names):
            raise Misshapen(f"no {kind.__name__}")
        # Looked up here: a class may hold others of its own kind.
        return kind(**{name: _reader(hints[name])(member) for name, member in value.items()})

    return read


def _optional(kind: Any) -> Callable[[Any], Any]:
    (inner,) = (one for one in get_args(kind) if one is not type(None))

    def read(value: Any) -> Any:
        return None if value is None else _reader(inner)(value)

    return read


def _container(origin: Any, inner: tuple[Any, ...]) -> Callable[[Any], Any]:
    if issubclass(origin, Mapping):

        def read_mapping(value: Any) -> Any:
            if not isinstance(value, dict):
                raise Misshapen("no object")
            return {key: _reader(inner[1])(member) for key, member in value.items()}

        return read_mapping

    make = frozenset if issubclass(origin, frozenset) else tuple
    if not issubclass(origin, frozenset | Sequence):
        raise Misshapen(f"{origin} cannot be sent")

    def read_list(value: Any) -> Any:
        if not isinstance(value, list):
            raise Misshapen("no list")
        return make(_reader(inner[0])(member) for member in value)

    return read_list


def _choice(kind: type[Enum]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        try:
            return kind(value)
        except ValueError as error:
            raise Misshapen(str(error)) from error

    return read


def _moment(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise Misshapen(str(error)) from error


def _simple(kind: Any) -> Callable[[Any], Any]:
    accepted = (int, float) if kind is float else kind

    def read(value: Any) -> Any:
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            raise Misshapen(f"{type(value).__name__} in place of {kind.__name__}")
        return value

    return read
