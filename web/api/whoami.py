"""``/whoami``: what a token says of its bearer."""

from __future__ import annotations

from typing import Any

from .blueprint import Blueprint
from .context import caller
from .schemas.tokens import CallerSchema

whoami = Blueprint("whoami", __name__, description="Who is calling.")


@whoami.on("GET", operation="get_caller", scope=None)
@whoami.answers(200, CallerSchema)
def show() -> Any:
    """Return for whom the caller acts, what else is its own, and its rights."""
    asks = caller()
    bound = asks.only_pipelines
    return {
        "principal": asks.principal,
        "user_id": asks.user_id,
        "owners": sorted(asks.owners),
        "scopes": sorted(asks.rights),
        "pipelines": None if bound is None else sorted(bound),
        "expires_at": asks.expires_at,
    }
