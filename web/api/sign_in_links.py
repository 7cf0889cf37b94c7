"""``/sign-in-links``: let a browser in without typing a token."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import request

from pipeline_engine.services import Act
from pipeline_engine.services import console_sessions as services

from .auth import AuthenticationRequired, bearer_of
from .blueprint import Blueprint
from .context import caller, runtime, session
from .schemas.sign_in_links import SignInLinkSchema

sign_in_links = Blueprint("sign_in_links", __name__, description="Links into the console.")


@sign_in_links.on("POST", operation="create_sign_in_link", scope=None, act=Act.SIGN_IN_LINK_CREATE)
@sign_in_links.answers(201, SignInLinkSchema)
def create() -> Any:
    """Make a link by which a browser signs in to the console with the token of this request.

    It can be used once, within ten minutes. Somebody who is signed in there already cannot make
    one: that would let a session outlive its end.
    """
    token = bearer_of(request.headers)
    if token is None:
        raise AuthenticationRequired
    made = services.create_link(caller(), session(), runtime(), token)
    path = f"/console/sign-in?{urlencode({'code': made.code})}"
    return {"id": made.id, "path": path, "expires_at": made.expires_at}
