"""Ids in paths."""

from __future__ import annotations

from uuid import UUID

from pipeline_engine.errors import StepNotFound

from .bodies import InvalidRequest
from .schemas.fields import MAX_ID, WHOLE


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


def step_execution_id_of(text: str) -> int:
    """*text* as the id of a step execution; what cannot be one is that of no step (404)."""
    if WHOLE.fullmatch(text) and 0 < int(text) <= MAX_ID:
        return int(text)
    raise StepNotFound(f"There is no step {text[:40]}")
