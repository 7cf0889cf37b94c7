"""Foreign values as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

LONGEST_REASON = 500


def in_words(value: Any) -> str:
    """Return *value* for a message: a text as it is, an error object by its ``message``.

    Anything else is written as JSON, which everybody can read, and never as Python writes it;
    nothing is the empty text.
    """
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, Mapping) and isinstance(value.get("message"), str):
        return str(value["message"])
    if not isinstance(value, bool | Mapping | list | tuple):
        return str(value)
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:  # such as an integer of a hundred digits
        return str(value)


def reason_of(error: BaseException) -> str:
    """Return why a request got no answer, without the Python objects that libraries put around.

    They wrap one exception in another, as its ``reason`` or among its arguments, and begin with
    the connection itself.
    """
    inner = getattr(error, "reason", None)
    if isinstance(inner, BaseException):
        return reason_of(inner)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    causes = [cause for cause in error.args if isinstance(cause, BaseException)]
    said = next((words for words in error.args if isinstance(words, str)), "")
    said = said.removeprefix(f"{getattr(error, 'conn', '')}: ").strip().removesuffix(".")
    if not causes or repr(causes[0]) in said:
        return (said or type(error).__name__)[:LONGEST_REASON]
    return ": ".join(filter(None, (said, reason_of(causes[0]))))[:LONGEST_REASON]
