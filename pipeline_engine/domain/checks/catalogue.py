"""What the check has to know about the installed actions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from pipeline_engine.domain.actions import ActionMeta

#: A plug-in's own check of params: returns what is wrong, in words.
OwnCheck: TypeAlias = Callable[[dict[str, Any]], list[str]]


class ActionCatalogue(Protocol):
    """The actions of this installation, by the names that a definition uses."""

    def find(self, action_type: str) -> ActionMeta | None:
        """The metadata of a usable action; None if it is not installed, or broken."""

    def broken_reason(self, action_type: str) -> str | None:
        """Why an installed action cannot be used."""

    def fans_out(self, action_type: str) -> bool:
        """Whether a usable action makes items of its own."""

    def own_check(self, action_type: str) -> OwnCheck | None:
        """How a usable action checks its params itself; None if it does not."""

    def types(self) -> Collection[str]:
        """The types of all usable actions."""

    def versions(self, action_type: str) -> Sequence[str]:
        """All usable versions of the action in a name, newest first; empty if there is none."""

    def choices(self, action_type: str) -> Sequence[str]:
        """The versions among which a name that says none may choose, the best first."""

    def taking(self, versions: Mapping[str, str]) -> ActionCatalogue:
        """These actions, with names that say no version meaning the one that is given here."""
