"""What a revision records about the actions that it names: the version of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

#: By the name of the action in the rows of steps: ``{"greet": {"version": "2.1.0"}}``. A stored one
#: has its ``definition``, too, and what is recorded of the ``actions`` that this names.
RecordedActions: TypeAlias = Mapping[str, Mapping[str, Any]]


def versions_in(given: RecordedActions | None) -> dict[str, str]:
    """Stored versions by the name of their action."""
    return {name: entry["version"] for name, entry in (given or {}).items()}


def stored_definitions(given: RecordedActions | None) -> Iterator[Mapping[str, Any]]:
    """The definitions of the stored actions among them, and of those that these are made of."""
    for entry in (given or {}).values():
        if "definition" in entry:
            yield entry["definition"]
            yield from stored_definitions(entry.get("actions"))
