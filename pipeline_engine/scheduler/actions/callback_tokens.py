"""Callback tokens: signed, expiring, good for one attempt of one step."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from pipeline_engine.config import Settings
from pipeline_engine.errors import InvalidCallbackToken

ALGORITHM = "HS256"
AUDIENCE = "pipeline-engine/callback"
#: Late callbacks are told so rather than refused, for this long after the step's deadline.
GRACE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CallbackToken:
    """The step execution and the attempt that a callback is for."""

    step_execution_id: int
    attempt: int
    is_checked: bool = False  #: its action looks at the answer before it is accepted


def callback_url(settings: Settings, target: CallbackToken, *, valid_for: timedelta) -> str:
    """The address at which the outside world completes *target*."""
    claims = {
        "aud": AUDIENCE,
        "sub": str(target.step_execution_id),
        "attempt": target.attempt,
        **({"checked": True} if target.is_checked else {}),
        "exp": datetime.now(UTC) + valid_for + GRACE,
    }
    token = jwt.encode(claims, settings.secret_key, algorithm=ALGORITHM)
    return f"{settings.public_url.rstrip('/')}/api/v1/callbacks/{token}"


def read_token(settings: Settings, token: str) -> CallbackToken:
    """What a token is for. Raises ``InvalidCallbackToken``."""
    try:
        claims = _claims(settings, token)
        checked = claims.get("checked") is True
        return CallbackToken(int(claims["sub"]), int(claims["attempt"]), is_checked=checked)
    except (jwt.InvalidTokenError, KeyError, ValueError) as error:
        raise InvalidCallbackToken from error


def _claims(settings: Settings, token: str) -> dict[str, Any]:
    """What is said under the key, or under one that was rotated out."""
    *others, last = (settings.secret_key, *settings.old_secret_keys)
    for key in others:
        with suppress(jwt.InvalidSignatureError):
            return _said(token, key)
    return _said(token, last)


def _said(token: str, key: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=[ALGORITHM], audience=AUDIENCE)
    return claims
