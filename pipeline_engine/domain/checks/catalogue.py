"""What the check has to know about the installed actions."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Protocol, TypeAlias

from pipeline_engine.domain.actions import ActionMeta

#: A plug-in's own check of params: returns what is wrong, in words.
OwnCheck: TypeAlias = Callable[[dict[str, Any]], list[str]]


class ActionCatalogue(Protocol):
    """The actions of this installation."""

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
