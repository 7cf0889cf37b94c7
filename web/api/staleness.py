"""Routes that answer from a copy while the database is away, and say how old it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import structlog
from flask import Response, current_app, make_response, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline_engine.services.last_known import Asked, Copy

from .context import caller, last_known
from .errors import is_storage_away
from .identities import execution_id_of

View = TypeVar("View", bound=Callable[..., Any])
STALENESS = "X-Data-Staleness"

log = structlog.get_logger(__name__)


def stale_when_away(view: View) -> View:
    """Keep what *view* answers about an execution, and answer with that while it cannot.

    The view answers with the execution, or with an object that has it as ``execution``.
    """

    @wraps(view)
    def answer(execution_id: str) -> Response:
        asked = Asked(execution_id_of(execution_id), view.__name__, request.args.to_dict())
        try:
            response = make_response(view(execution_id=execution_id))
        except (DBAPIError, PoolTimeout) as error:
            copy = last_known().find(caller(), asked) if is_storage_away(error) else None
            if copy is None:
                raise
            return _stale(copy)
        if last_known().wants(asked):
            _keep(asked, response)
        return response

    return answer  # type: ignore[return-value]


def _keep(asked: Asked, response: Response) -> None:
    body = response.get_json()
    for step in body.get("steps", ()):
        step["callback_url"] = None  # it is a key, and keys are not stored
    owner = body.get("execution", body)["user_id"]
    last_known().keep(asked, owner, current_app.json.dumps(body).encode())


def _stale(copy: Copy) -> Response:
    log.warning("answered_from_copy", age_seconds=copy.age_seconds)
    response = current_app.response_class(copy.answer, content_type="application/json")
    response.headers[STALENESS] = str(copy.age_seconds)
    return response
