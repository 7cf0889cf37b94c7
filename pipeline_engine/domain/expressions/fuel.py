"""What an evaluation has left to spend. Work is paid before it is done."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any

from pipeline_engine.domain.expressions.errors import (
    FuelSpent,
    SecretMisused,
    TimeSpent,
    TooMuchMade,
    ValueTooLarge,
)
from pipeline_engine.domain.expressions.limits import (
    BYTES_PER_VALUE,
    CHARACTERS_PER_UNIT,
    FUEL,
    ITEMS_PER_UNIT,
    LONGEST_COMPARED,
    MAX_TEXT_CHARACTERS,
    PRODUCTS_PER_UNIT,
    ROOM,
    SMALL_VALUE,
    UNITS_BETWEEN_LOOKS,
    VALUES_WEIGHED_PER_UNIT,
)
from pipeline_engine.domain.expressions.secrecy import Secret


class Fuel:
    """A budget of work units; spending more than is left raises ``FuelSpent``.

    One attempt of a step has one: its condition, its params and whatever its action evaluates
    pay from it. *deadline* is a moment of ``time.monotonic()``: spending later than that raises
    ``TimeSpent``. The clock is looked at every ``UNITS_BETWEEN_LOOKS`` units, so between two
    looks lies a millisecond or two of work, and by ``look_at_the_clock``.

    *room* bounds what is made: bytes of all values that were handed out (``hand_out``). A value
    that occurs a thousand times counts a thousand times, because storing or sending it will
    write it as often.
    """

    __slots__ = ("_met", "_next_look", "_weights", "deadline", "left", "room")

    def __init__(
        self, units: int = FUEL, *, deadline: float | None = None, room: int = ROOM
    ) -> None:
        self.left = units
        self.room = room
        self.deadline = deadline
        self._weights: dict[int, tuple[Any, int]] = {}  # of values that live as long as we do
        self._met: set[str] | None = None  # patterns that were paid for
        self._next_look = 0 if deadline is None else units - UNITS_BETWEEN_LOOKS

    def spend(self, units: int) -> None:
        """Pay for work of a known size."""
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
        """Pay for copying a list or an object; work on each item costs ``count`` more."""
        self.spend(1 + count // ITEMS_PER_UNIT)

    def spend_on_text(self, characters: int) -> None:
        """Pay for reading or making a text, and refuse one that is too large."""
        refuse_large(characters)
        self.spend(1 + characters // CHARACTERS_PER_UNIT)

    def spend_on_search(self, text: str, part: str) -> None:
        """Pay for looking for *part* everywhere in *text*.

        Python compares a short part anew at every place where it may begin, a long one not.
        """
        compared = min(len(part), LONGEST_COMPARED)
        self.spend(1 + len(text) // CHARACTERS_PER_UNIT + len(text) * compared // PRODUCTS_PER_UNIT)

    def spend_on_contents(self, value: Any) -> int:
        """Pay for going through everything inside a JSON value; a secret has no inside.

        Returns how many characters and values it holds: as many as its text has at least.
        """
        size = 0
        pending = [value]
        while pending:
            part = pending.pop()
            if isinstance(part, str):
                size += len(part)
                self.spend(len(part) // CHARACTERS_PER_UNIT)
            elif isinstance(part, list):
                size += len(part)
                self.spend(1 + len(part))
                pending.extend(part)
            elif isinstance(part, dict):
                size += len(part)
                self.spend(1 + 2 * len(part))
                pending.extend(part.keys())
                pending.extend(part.values())
            elif isinstance(part, Secret):
                raise SecretMisused("This cannot be done with a value that holds a secret.")
        return size

    def meets_again(self, pattern: str) -> bool:
        """Whether this budget was asked about the same regular expression before."""
        met = self._met = self._met or set()
        if pattern in met:
            return True
        met.add(pattern)
        return False

    def hand_out(self, value: Any) -> Any:
        """Take room for a value that becomes a part of params or outputs; returns the value.

        Raises ``TooMuchMade`` before anybody copies or writes it.
        """
        if isinstance(value, str):
            size = BYTES_PER_VALUE + len(value)
        elif isinstance(value, list | dict):
            size = self._weight(value)
        else:
            size = BYTES_PER_VALUE
        self.take_room(size)
        return value

    def take_room(self, size: int) -> None:
        """Take these bytes of the room."""
        self.room -= size
        if self.room < 0:
            raise TooMuchMade

    def _weight(self, value: Any) -> int:
        known = self._weights.get(id(value))
        if known is not None:
            self.spend(1)
            return known[1]
        size = self._weighed(value)
        if size > SMALL_VALUE:
            self._weights[id(value)] = (value, size)
        return size

    def _weighed(self, value: Any) -> int:
        """The size of all that is inside; stops as soon as there is no room for it."""
        size = 0
        pending = [value]
        while pending:
            part = pending.pop()
            count = len(part)
            self.spend(1 + count // VALUES_WEIGHED_PER_UNIT)
            size += BYTES_PER_VALUE * (1 + count)
            if isinstance(part, dict):
                size += sum(map(len, part))
                part = part.values()
            for inner in part:
                if isinstance(inner, str):
                    size += len(inner)
                elif isinstance(inner, list | dict):
                    pending.append(inner)
            if size > self.room:
                raise TooMuchMade
        return size


def refuse_large(characters: int) -> None:
    """Raise ``ValueTooLarge`` if a text of this many characters would be too long."""
    if characters > MAX_TEXT_CHARACTERS:
        raise ValueTooLarge(
            f"A text of {characters} characters is more than the allowed {MAX_TEXT_CHARACTERS}."
        )


_PAYING: ContextVar[Fuel | None] = ContextVar("fuel", default=None)


class paying:  # noqa: N801 - used as a function
    """Let everything that is evaluated in this block pay from *fuel*.

    For code that evaluates without knowing of budgets, such as actions: what an ``async`` one
    evaluates is paid from it too, what it evaluates in a thread of its own is not.
    """

    __slots__ = ("_fuel", "_token")

    def __init__(self, fuel: Fuel) -> None:
        self._fuel = fuel

    def __enter__(self) -> None:
        self._token = _PAYING.set(self._fuel)

    def __exit__(self, *_: object) -> None:
        _PAYING.reset(self._token)


def current_fuel() -> Fuel:
    """The budget of the ``paying`` block around the caller, or one for this evaluation alone."""
    return _PAYING.get() or Fuel()
