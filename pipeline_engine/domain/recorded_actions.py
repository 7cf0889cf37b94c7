"""What a revision records about the actions that it names: the version of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

#: By the name of the action in the rows of steps: ``{"greet": {"version": "2.1.0"}}``.
RecordedActions: TypeAlias = Mapping[str, Mapping[str, Any]]


def recorded(versions: Mapping[str, str]) -> dict[str, dict[str, Any]] | None:
    """Versions as they are stored; None if there are none."""
    return {name: {"version": version} for name, version in versions.items()} or None


def versions_in(given: RecordedActions | None) -> dict[str, str]:
    """Stored versions by the name of their action."""
    return {name: entry["version"] for name, entry in (given or {}).items()}
