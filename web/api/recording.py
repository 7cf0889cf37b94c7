"""What was refused, as the audit log has it; what was done is recorded by the services."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, g, request

from pipeline_engine.services import Act, Caller, Runtime
from pipeline_engine.services.audit_log import Record, Result
from pipeline_engine.services.refusals import Refusals

from .auth import Access, access_to
from .context import close_session
from .origins import origin

REFUSALS = "pipeline_engine_refusals"
#: Refused whatever was asked for; of other refusals those count that would have changed something.
ALWAYS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
#: Facts of an error that say what was refused: names, nothing that was sent along.
OWNER = "owner"  #: among the facts of an error: whose row it is about
TOLD = ("reason", "credential", "scope", "missing", "step_id", "pipeline_id")


def install(app: Flask, runtime: Runtime) -> None:
    """Record each refusal of *app* after it was answered to the caller's face."""
    refusals = app.extensions[REFUSALS] = Refusals(runtime)

    def record(response: Response) -> Response:
        if response.status_code >= HTTPStatus.BAD_REQUEST and request.endpoint is not None:
            _record(refusals, HTTPStatus(response.status_code))
        return response

    app.after_request(record)


def note(code: str, facts: Mapping[str, Any]) -> None:
    """Remember why the present request is refused."""
    g.refusal = code, {name: facts[name] for name in TOLD if name in facts}
    g.refused_to = facts.get(OWNER)


def _record(refusals: Refusals, status: HTTPStatus) -> None:
    view = current_app.view_functions[request.endpoint or ""]
    act: Act | None = getattr(view, "act", None)
    if (act is None and status not in ALWAYS) or "refusal" not in g:
        return
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        return  # where should it be recorded
    caller: Caller | None = g.get("caller")
    code, details = g.refusal
    if caller is None and access_to(current_app, request.endpoint or "") is not Access.EVERYBODY:
        act = Act.CALLER_AUTHENTICATE
    act = act or Act.CALLER_READ
    if not act.noun:
        details |= {"operation": getattr(view, "operation", None)}
    close_session()  # it has nothing to say any more, and one connection is enough
    refusals.record(
        _refused(act, caller, code, details, status),
        is_merged=caller is None or status is HTTPStatus.TOO_MANY_REQUESTS,
    )


def _refused(
    act: Act, caller: Caller | None, code: str, details: Mapping[str, Any], status: HTTPStatus
) -> Record:
    user_id = None if caller is None else caller.user_id
    came = origin()
    return Record(
        act=act,
        principal=None if caller is None else caller.principal,
        acted_for=user_id,
        # Of what a stranger was refused its owner hears; of other refusals the caller.
        owner=user_id if caller is not None else g.refused_to,
        target=_target(act),
        result=Result.FAILED if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Result.REFUSED,
        code=code,
        request_id=came.request_id,
        address=came.address,
        details=details,
    )


def _target(act: Act) -> str | None:
    """What the path names: the id of a row, and never the token of a callback."""
    if not act.noun or act is Act.CALLBACK_SEND:
        return None
    return next(iter((request.view_args or {}).values()), None)
