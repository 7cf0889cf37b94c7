"""What the check has to know about the installed actions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from pipeline_engine.domain.actions import ActionMeta


class ActionCatalogue(Protocol):
    """The actions of this installation."""

    def find(self, action_type: str) -> ActionMeta | None:
        """The metadata of a usable action; None if it is not installed, or broken."""

    def broken_reason(self, action_type: str) -> str | None:
        """Why an installed action cannot be used."""

    def fans_out(self, action_type: str) -> bool:
        """Whether a usable action makes items of its own."""

    def types(self) -> Collection[str]:
        """The types of all usable actions."""
