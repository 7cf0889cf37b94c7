"""What an evaluation has left to spend. Work is paid before it is done."""

from __future__ import annotations

from typing import Any

from pipeline_engine.domain.expressions.errors import FuelSpent, ValueTooLarge
from pipeline_engine.domain.expressions.limits import (
    CHARACTERS_PER_UNIT,
    FUEL,
    ITEMS_PER_UNIT,
    MAX_TEXT_CHARACTERS,
)


class Fuel:
    """A budget of work units; whoever overdraws it gets ``FuelSpent``."""

    __slots__ = ("left",)

    def __init__(self, units: int = FUEL) -> None:
        self.left = units

    def spend(self, units: int) -> None:
        """Pay for work whose size is known."""
        self.left -= units
        if self.left < 0:
            raise FuelSpent

    def spend_on_items(self, count: int) -> None:
        """Pay for going through a list or an object once."""
        self.spend(1 + count // ITEMS_PER_UNIT)

    def spend_on_text(self, characters: int) -> None:
        """Pay for reading or making a text, and refuse one that is too large."""
        if characters > MAX_TEXT_CHARACTERS:
            raise ValueTooLarge(
                f"A text of {characters} characters is more than the allowed {MAX_TEXT_CHARACTERS}."
            )
        self.spend(1 + characters // CHARACTERS_PER_UNIT)

    def spend_on_contents(self, value: Any) -> None:
        """Pay for going through everything inside a JSON value."""
        pending = [value]
        while pending:
            part = pending.pop()
            if isinstance(part, str):
                self.spend_on_text(len(part))
            elif isinstance(part, list):
                self.spend_on_items(len(part))
                pending.extend(part)
            elif isinstance(part, dict):
                self.spend_on_items(2 * len(part))
                pending.extend(part.keys())
                pending.extend(part.values())
