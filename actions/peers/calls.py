"""Calls to budapp and the others: for whom they are, and how one that failed is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.sdk import (
    ActionContext,
    ActionError,
    ActionResult,
    EventContext,
    ServiceError,
    ServiceResponse,
    in_words,
    settings,
)

#: Seconds that a peer has to find something.
LOOK_UP_SECONDS = 30


def for_user(context: ActionContext | EventContext) -> dict[str, Any]:
    """Return the query that tells budapp on whose behalf it is asked; params never say so."""
    return {"user_id": context.acting_user_id}


def max_wait_seconds(context: ActionContext, default: float) -> float:
    """Return how long the step may wait for its events."""
    return float(context.params.get("max_wait_seconds") or default)


def looked_up(
    context: ActionContext | EventContext, path: str, *, seconds: float = LOOK_UP_SECONDS
) -> ServiceResponse:
    """Return what budapp has at *path*. Raises ``ServiceError``."""
    return context.invoke_service(
        settings.budapp_app_id,
        path,
        http_method="GET",
        params=for_user(context),
        timeout_seconds=seconds,
    )


def accepted(response: ServiceResponse) -> ServiceResponse:
    """Return *response*; some refusals come with status 200, and their own status as ``code``.

    Raises ``ServiceError`` for one.
    """
    code = response.get("code")
    if isinstance(code, int) and code >= 400:
        words = in_words(response.get("message")) or f"code {code}"
        raise ServiceError(words, status=code, retryable=code >= 500)
    return response


def not_done(what: str, error: ActionError, outputs: Mapping[str, Any]) -> ActionResult:
    """Fail with the words and the code of *error*, and with all outputs; *what* says what failed.

    ``message`` of the outputs repeats the words.
    """
    words = f"{what}: {error}"
    return ActionResult(
        success=False,
        error=words,
        error_code=error.error_code,
        retryable=error.retryable,
        retry_after_seconds=error.retry_after_seconds,
        outputs={**outputs, "message": words},
    )
