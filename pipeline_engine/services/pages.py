"""Lists that are read a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted; the first page is 1."""

    number: int = 1
    size: int = 20

    @property
    def offset(self) -> int:
        """How many entries come before this page."""
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """One page of a list, and how long the whole list is."""

    entries: Sequence[T]
    total: int
    page: Page

    @property
    def total_pages(self) -> int:
        """How many pages there are; 0 when there is nothing to list."""
        return -(-self.total // self.page.size)
