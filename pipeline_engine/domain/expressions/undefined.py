"""What a look-up yields that finds nothing: it renders empty, is false and can be looked into."""

from __future__ import annotations

from typing import Final


class Undefined:
    """The type of ``UNDEFINED``; there is one instance."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()
