"""``/tokens``: make, list and revoke API tokens."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Act, Scope
from pipeline_engine.services import tokens as services
from pipeline_engine.services.pages import Page
from pipeline_engine.services.tokens import TokenRequest

from .blueprint import Blueprint
from .context import caller, runtime, session
from .schemas.tokens import MadeTokenSchema, TokenBody, TokenListSchema, TokenQuery, TokenSchema

tokens = Blueprint("tokens", __name__, description="Tokens for programs.")


@tokens.on("POST", operation="create_token", scope=Scope.TOKENS_MANAGE, act=Act.TOKEN_CREATE)
@tokens.body(TokenBody)
@tokens.answers(201, MadeTokenSchema)
def create(body: dict[str, Any]) -> Any:
    """Make a token with some of the caller's rights. Its text is told this once only.

    A field with a wrong name is refused, for a slip would leave a token that may too much, and so
    is the `user_id` of somebody else, unless a service names it.
    """
    request = TokenRequest(rights=body.pop("scopes"), **body)
    return services.create(caller(), session(), runtime(), request)


@tokens.on("GET", operation="list_tokens", scope=Scope.TOKENS_MANAGE)
@tokens.query(TokenQuery)
@tokens.answers(200, TokenListSchema)
def list_tokens(query: dict[str, Any]) -> Any:
    """List the caller's tokens, newest first; never their texts."""
    page = Page(query["page"], query["page_size"])
    return services.listed(caller(), session(), page, with_revoked=query["include_revoked"])


@tokens.on("GET", "/<token_id>", operation="get_token", scope=Scope.TOKENS_MANAGE)
@tokens.answers(200, TokenSchema)
def show(token_id: str) -> Any:
    """Return what a token may do, and when it was used."""
    return services.get(caller(), session(), token_id)


@tokens.on(
    "DELETE",
    "/<token_id>",
    operation="revoke_token",
    scope=Scope.TOKENS_MANAGE,
    act=Act.TOKEN_REVOKE,
)
@tokens.answers(204)
def revoke(token_id: str) -> None:
    """Revoke a token: the next request with it is refused. What it has started goes on."""
    services.revoke(caller(), session(), token_id)
