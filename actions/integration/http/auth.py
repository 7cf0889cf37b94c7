"""How the request says who it is: a token, a name with a password, or a key of an API."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

from pipeline_engine.sdk import ActionContext, InvalidActionParams

AUTHORIZATION = "Authorization"
#: The members that each type has, all of them required.
MEMBERS: Mapping[str, tuple[str, ...]] = {
    "bearer": ("token",),
    "basic": ("username", "password"),
    "header": ("name", "value"),
    "query": ("name", "value"),
}


@dataclass(frozen=True)
class Credentials:
    """One header, or one member of the query."""

    in_query: bool
    name: str
    value: str


def checked_auth(auth: Any) -> Mapping[str, Any]:
    """Return *auth* if it is complete, and nothing else. Raises ``InvalidActionParams``.

    Its values are never in the message.
    """
    kind = auth.get("type") if isinstance(auth, Mapping) else None
    if not isinstance(kind, str) or kind not in MEMBERS:
        raise InvalidActionParams(f"auth: type must be one of {', '.join(MEMBERS)}")
    members = MEMBERS[kind]
    for name in members:
        if not isinstance(auth.get(name), str) or not (auth[name] or name == "password"):
            raise InvalidActionParams(f"auth: {kind} needs {name}, which must be a text")
    if unknown := sorted(set(auth) - {"type", *members}):
        raise InvalidActionParams(
            f"auth: {kind} knows {', '.join(members)}, not {', '.join(unknown)}"
        )
    if ":" in auth.get("username", ""):
        raise InvalidActionParams("auth: username must hold no colon, which ends it")
    return dict(auth)


def credentials_of(context: ActionContext, params: Mapping[str, Any]) -> Credentials | None:
    """Return what *params* say; what is made of a secret is hidden as that is."""
    if params.get("auth") is None:
        return None
    auth = checked_auth(params["auth"])
    if auth["type"] == "bearer":
        return Credentials(False, AUTHORIZATION, f"Bearer {auth['token']}")
    if auth["type"] == "basic":
        pair = f"{auth['username']}:{auth['password']}"
        encoded = b64encode(pair.encode()).decode()
        context.keep_secret(encoded, auth["username"], auth["password"])
        return Credentials(False, AUTHORIZATION, f"Basic {encoded}")
    context.refuse_secrets(auth["name"], "auth: name")
    for encoded in (quote(auth["value"], safe=""), quote_plus(auth["value"])):
        context.keep_secret(encoded, auth["value"])
    return Credentials(auth["type"] == "query", auth["name"], auth["value"])
