"""Foreign values as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson


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
