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
    return id_in(response, "data.workflow_id", "workflow_id")


def id_in(response: Mapping[str, Any], *places: str) -> str | None:
    """Return the first id that stands at one of *places*, such as ``data.model.id``."""
    found = (at(response, place) for place in places)
    return next((str(one) for one in found if one and not isinstance(one, Mapping | list)), None)


def at(response: Mapping[str, Any], place: str) -> Any:
    """Return what stands at *place*, such as ``data.status``; None where nothing does."""
    value: Any = response
    for name in place.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def list_in(response: Mapping[str, Any], *places: str) -> list[Mapping[str, Any]]:
    """Return the objects of the first list that stands at one of *places*; empty if none does."""
    found = next((one for place in places if isinstance(one := at(response, place), list)), [])
    return [one for one in found if isinstance(one, Mapping)]
