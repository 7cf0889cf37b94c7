"""Ids in paths."""

from __future__ import annotations

from uuid import UUID

from .bodies import InvalidRequest


def execution_id_of(text: str) -> UUID:
    """*text* as the id of an execution; what is no UUID is a wrong request (422), not a 404."""
    try:
        return UUID(text)
    except ValueError:
        problem = {
            "pointer": "/execution_id",
            "in": "path",
            "code": "wrong_type",
            "message": "Not a valid UUID.",
            "hint": None,
        }
        message = f"'{text}' is not the id of an execution."
        raise InvalidRequest(message, problems=[problem]) from None
