"""What an evaluation has left to spend. Work is paid before it is done."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pipeline_engine.domain.expressions.errors import FuelSpent, TimeSpent, ValueTooLarge
from pipeline_engine.domain.expressions.limits import (
    CHARACTERS_PER_UNIT,
    FUEL,
    ITEMS_PER_UNIT,
    MAX_TEXT_CHARACTERS,
    UNITS_BETWEEN_LOOKS,
)


class Fuel:
    """A budget of work units; whoever overdraws it gets ``FuelSpent``.

    One attempt of a step has one: its condition, its params and whatever its action evaluates
    pay from it. *deadline* is a moment of ``time.monotonic()``: spending later than that raises
    ``TimeSpent``. The clock is looked at every ``UNITS_BETWEEN_LOOKS`` units, so between two
    looks lies less than a millisecond of work, and by ``look_at_the_clock``.
    """

    __slots__ = ("_next_look", "deadline", "left")

    def __init__(self, units: int = FUEL, *, deadline: float | None = None) -> None:
        self.left = units
        self.deadline = deadline
        self._next_look = 0 if deadline is None else units - UNITS_BETWEEN_LOOKS

    def spend(self, units: int) -> None:
        """Pay for work whose size is known."""
        self.left -= units
        if self.left < self._next_look:
            self._look()

    def look_at_the_clock(self) -> None:
        """Raise ``TimeSpent`` if the deadline has passed."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise TimeSpent

    def _look(self) -> None:
        if self.left < 0:
            raise FuelSpent
        self.look_at_the_clock()
        self._next_look = max(0, self.left - UNITS_BETWEEN_LOOKS)

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


_PAYING: ContextVar[Fuel | None] = ContextVar("fuel", default=None)


@contextmanager
def paying(fuel: Fuel) -> Iterator[None]:
    """Let everything that is evaluated in this block pay from *fuel*.

    For code that evaluates without knowing of budgets, such as actions: what an ``async`` one
    evaluates is paid from it too, what it evaluates in a thread of its own is not.
    """
    token = _PAYING.set(fuel)
    try:
        yield
    finally:
        _PAYING.reset(token)


def current_fuel() -> Fuel:
    """The budget of the ``paying`` block around the caller, or one for this evaluation alone."""
    return _PAYING.get() or Fuel()
