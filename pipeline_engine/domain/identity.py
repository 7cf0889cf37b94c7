"""How rows get their ids."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A new id that sorts by its time of birth, so that indexes grow at one end."""
    return uuid7()
