"""Subscriptions over the API: one method per call; what they return are the API's documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

import requests

from pipeline_engine.errors import AmbiguousSubscriptionName, SubscriptionNotFound

Json = dict[str, Any]
PATH = "subscriptions"
PAGE_SIZE = 100


class Subscriptions:
    """What a client may ask of subscriptions."""

    def __init__(
        self,
        send: Callable[..., requests.Response],
        all_of: Callable[..., Iterator[Json]],
    ) -> None:
        self._send = send
        self._all_of = all_of  #: the entries of all pages

    def listed(self, **filters: Any) -> list[Json]:
        """Return subscriptions, the newest first."""
        return list(self._all_of(PATH, "subscriptions", {"page_size": PAGE_SIZE, **filters}))

    def get(self, subscription_id: str) -> Json:
        """Return one subscription, and how it stands."""
        return self._answer("GET", f"{PATH}/{subscription_id}")

    def find(self, name_or_id: str) -> Json:
        """Return the subscription with this id or name.

        Raises ``SubscriptionNotFound``, and ``AmbiguousSubscriptionName`` for a name of several.
        """
        if _is_id(name_or_id):
            return self.get(name_or_id)
        found = [one for one in self.listed() if one["name"] == name_or_id]
        if not found:
            raise SubscriptionNotFound(f"There is no subscription {name_or_id!r}.")
        if len(found) > 1:
            raise AmbiguousSubscriptionName.of(name_or_id, [one["id"] for one in found])
        return found[0]

    def create(self, wanted: Mapping[str, Any]) -> Json:
        """Subscribe; the secret in the answer is told this once."""
        return self._answer("POST", PATH, json=wanted)

    def change(self, subscription_id: str, change: Mapping[str, Any]) -> Json:
        """Change what *change* names."""
        return self._answer("PUT", f"{PATH}/{subscription_id}", json=change)

    def pause(self, subscription_id: str) -> Json:
        """Let it wait; nothing is lost."""
        return self._answer("POST", f"{PATH}/{subscription_id}/pause")

    def resume(self, subscription_id: str) -> Json:
        """Let it go on where it was."""
        return self._answer("POST", f"{PATH}/{subscription_id}/resume")

    def rotate_secret(self, subscription_id: str, *, overlap_seconds: int) -> Json:
        """Make a new secret; the one before signs, too, for so long."""
        body = {"overlap_seconds": overlap_seconds}
        return self._answer("POST", f"{PATH}/{subscription_id}/rotate-secret", json=body)

    def delete(self, subscription_id: str) -> None:
        """Delete it with its messages."""
        self._send("DELETE", f"{PATH}/{subscription_id}")

    def test(self, subscription_id: str) -> Json:
        """Let a worker send a test; what comes of it is said by ``message``."""
        return self._answer("POST", f"{PATH}/{subscription_id}/test")

    def messages(self, subscription_id: str, **filters: Any) -> list[Json]:
        """Return its messages, the newest first."""
        query = {"page_size": PAGE_SIZE, **filters}
        return list(self._all_of(f"{PATH}/{subscription_id}/messages", "messages", query))

    def message(self, subscription_id: str, message_id: str) -> Json:
        """Return one message with what it says."""
        return self._answer("GET", f"{PATH}/{subscription_id}/messages/{message_id}")

    def replay_message(self, subscription_id: str, message_id: str) -> Json:
        """Let one message be tried anew."""
        return self._answer("POST", f"{PATH}/{subscription_id}/messages/{message_id}/replay")

    def replay(self, subscription_id: str, **start: str) -> Json:
        """Let everything be sent again, ``since`` a moment or from a ``position`` on."""
        return self._answer("POST", f"{PATH}/{subscription_id}/replay", json=start)

    def _answer(self, method: str, path: str, **request: Any) -> Json:
        found: Json = self._send(method, path, **request).json()
        return found


def _is_id(word: str) -> bool:
    try:
        UUID(word)
    except ValueError:
        return False
    return True
