"""A stored action as it was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAction:
    """What both kinds say."""

    type: str
    name: str
    category: str | None = None
    description: str | None = None
    icon: str | None = None
    color: str | None = None
    exposed: Sequence[Mapping[str, Any]] | None = None  #: each with a ``name``; None: not said

    @property
    def exposed_names(self) -> Sequence[str]:
        """What a step may give it."""
        return [entry["name"] for entry in self.exposed or ()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template(StoredAction):
    """Another action with some of its params filled in."""

    base: str  #: as it was written, with or without a version
    defaults: Mapping[str, Any]

    @property
    def uses(self) -> Sequence[str]:
        """What it is made of; its base may need another one: ``inner.py``."""
        return [self.base]

    @property
    def filled(self) -> Mapping[str, Any]:
        """What the base is given, unless a step says it: exposed params may have defaults, too."""
        said = {one["name"]: one["default"] for one in self.exposed or () if "default" in one}
        return {**said, **self.defaults}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One step of a composite."""

    id: str
    action: str  #: as it was written
    params: Mapping[str, Any] | None  #: None: those of the composite that it knows
    condition: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite(StoredAction):
    """Several actions, one after the other."""

    parts: Sequence[Part]
    outputs: Mapping[str, Any] = field(default_factory=dict)  #: empty: those of each part

    @property
    def uses(self) -> Sequence[str]:
        """The actions that it needs, each once."""
        return list(dict.fromkeys(part.action for part in self.parts))


def parse(given: Mapping[str, Any]) -> Template | Composite:
    """Read a definition that has passed the check."""
    about = {
        name: given.get(name)
        for name in ("type", "name", "category", "description", "icon", "color")
    }
    said: Any = {**about, "exposed": _exposed(given.get("exposed_params"))}
    if given.get("template"):
        return Template(**said, base=given["template"], defaults=given.get("defaults") or {})
    return Composite(**said, parts=_parts(given), outputs=given.get("outputs") or {})


def _exposed(given: Sequence[Any] | None) -> Sequence[Mapping[str, Any]] | None:
    if given is None:
        return None
    return [{"name": entry} if isinstance(entry, str) else entry for entry in given]


def _parts(given: Mapping[str, Any]) -> Sequence[Part]:
    if given.get("sub_actions"):
        return [Part(id=name, action=name, params=None) for name in given["sub_actions"]]
    return [
        Part(
            id=step["id"],
            action=step["action"],
            params=step.get("params") or {},
            condition=step.get("condition"),
        )
        for step in given["steps"]
    ]
