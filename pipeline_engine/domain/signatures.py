"""Signatures of what is sent, by Standard Webhooks (standardwebhooks.com)."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

#: Prefix of a secret; what follows is its key in base64.
PREFIX = "whsec_"
KEY_BYTES = 32


def new_secret() -> str:
    """A secret that nobody can guess."""
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def headers(
    message_id: str, body: bytes, secrets_of_now: Iterable[str], *, at: datetime
) -> dict[str, str]:
    """The headers that let a receiver check *body*, which has to be sent as it is.

    While a secret is being changed, both sign: the receiver may know either.
    """
    moment = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), moment.encode(), body))
    signatures = (f"v1,{_signature(secret, signed)}" for secret in secrets_of_now)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
