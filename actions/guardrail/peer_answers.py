"""Finds things in the answers of peers, which wrap them in several ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def inner(response: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Return the object under the first of *names* (``data`` by default), or the answer itself."""
    for name in names or ("data",):
        value = response.get(name)
        if isinstance(value, Mapping):
            return value
    return response


def workflow_id(response: Mapping[str, Any]) -> str | None:
    """Return the id of the workflow that a peer says it has started."""
    found = inner(response).get("workflow_id") or response.get("workflow_id")
    return str(found) if found else None
