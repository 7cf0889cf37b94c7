"""The calls about actions that are data: ``Client.stored_actions``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import requests

Json = dict[str, Any]


class StoredActions:
    """One method per call; what they return are the API's own documents."""

    def __init__(self, send: Callable[..., requests.Response]) -> None:
        self._send = send

    def create(self, definition: Mapping[str, Any]) -> Json:
        """Store a new action."""
        stored: Json = self._send("POST", "actions", json=definition).json()
        return stored

    def replace(self, definition: Mapping[str, Any]) -> Json:
        """Add a version of the action with this type."""
        path = _path(str(definition.get("type")))
        seen = {"If-Match": self._send("GET", path).headers["ETag"]}
        stored: Json = self._send("PUT", path, json=definition, headers=seen).json()
        return stored

    def delete(self, name: str) -> None:
        """Delete an action with all its versions; pipelines keep what they use."""
        self._send("DELETE", _path(name))

    def versions(self, name: str) -> list[Json]:
        """Return the versions of an action with their definitions, the newest first."""
        found: list[Json] = self._send("GET", f"{_path(name)}/versions").json()["versions"]
        return found


def _path(name: str) -> str:
    return f"actions/{quote(name, safe='@')}"
