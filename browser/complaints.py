"""What a page says in a browser that no page should: errors, refusals, what did not come."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

LOUD = frozenset({"error", "warning", "assert"})
#: A page that is left lets go of what it was waiting for.
LET_GO = "net::ERR_ABORTED"


class Complaints:
    """All that was wrong with the pages of those whom we listen to.

    A violation of the content security policy comes as an error of the console.
    """

    def __init__(self) -> None:
        self._found: list[str] = []

    @contextmanager
    def heard_in(self, context: BrowserContext) -> Iterator[None]:
        """Hear what its pages say meanwhile."""
        ears: dict[Any, Callable[..., None]] = {
            "console": self._said,
            "weberror": self._thrown,
            "requestfailed": self._failed,
            "response": self._answered,
        }
        for event, ear in ears.items():
            context.on(event, ear)
        try:
            yield
        finally:
            for event, ear in ears.items():
                context.remove_listener(event, ear)

    def __str__(self) -> str:
        return "\n".join(self._found)

    def __bool__(self) -> bool:
        return bool(self._found)

    def expect(self, pattern: str) -> None:
        """Take back what was to be; it must be there.  Raises ``AssertionError``."""
        left = [line for line in self._found if not re.search(pattern, line)]
        assert len(left) < len(self._found), f"no complaint is like {pattern}: {self}"
        self._found = left

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in LOUD:
            self._found.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _thrown(self, error: WebError) -> None:
        self._found.append(f"thrown: {error.error}")

    def _failed(self, request: Request) -> None:
        if request.failure != LET_GO:
            self._found.append(f"failed: {request.method} {request.url} ({request.failure})")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._found.append(f"{response.status}: {response.request.method} {response.url}")
