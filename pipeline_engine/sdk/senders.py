"""Who gave an answer, as the door of the API has proved it.

It travels with the answer, in a field that callers cannot send themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FIELD = "_sender"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """A user who was signed in, or for whom a service has spoken."""

    #: The user; None if a service has named none.
    user_id: str | None = None
    #: Names of the groups that he is a member of.
    groups: Sequence[str] = ()


def with_sender(body: Mapping[str, Any], sender: Sender) -> dict[str, Any]:
    """Return an answer that says whose it is."""
    return {**body, FIELD: {"user_id": sender.user_id, "groups": sorted(sender.groups)}}


def sender_in(body: Mapping[str, Any]) -> Sender | None:
    """Return whose an answer is; None if nobody has proved that."""
    said = body.get(FIELD)
    if not isinstance(said, Mapping):
        return None
    return Sender(user_id=said.get("user_id"), groups=tuple(said.get("groups") or ()))


def without_sender(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an answer as its sender has given it."""
    return {name: value for name, value in body.items() if name != FIELD}
