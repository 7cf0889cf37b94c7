"""Requests to execute something: who it is for, how often it counts, how long to wait."""

from __future__ import annotations

import re
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from flask import Flask, current_app
from flask import request as http_request

from pipeline_engine.services import Caller, executions, queries
from pipeline_engine.services.executions import StartRequest

from ..holding import DESK, Desk, Hold
from .context import caller, runtime, session
from .schemas.executions import LONGEST_WAIT, StartedSchema

WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,6})(?:$|[,;\s])", re.IGNORECASE)
PASSED_ON = ("initiator", "subscriber_ids", "payload_type", "notification_workflow_id")


def start_request(body: dict[str, Any], key: str | None) -> StartRequest:
    """What the engine is asked to start."""
    topics = body["callback_topics"]
    request = StartRequest(
        params=body["params"],
        user_id=body.get("user_id"),
        callback_topics=None if topics is None else tuple(dict.fromkeys(topics)),
        **{name: body[name] for name in PASSED_ON},
    )
    return executions.with_key(request, key, digest_of(body))


def _owner(body: dict[str, Any]) -> Caller:
    """The caller as the one whom the execution is for: a service may name another user."""
    return caller().acting_for(body.get("user_id"))


def shown(
    started: executions.Started, body: dict[str, Any], wait_seconds: float | None
) -> queries.StartedRecord:
    """The execution that was just accepted, at its end if the client wants to wait for that."""
    seconds = wait_seconds if wait_seconds is not None else preferred_wait()
    owner = _owner(body)
    if seconds and not _is_held_back(owner, started.id, seconds):
        executions.wait(owner, runtime(), started.id, seconds)
    elif started.is_new:
        return queries.just_started(started)
    return queries.started_execution(owner, session(), started.id)


def _is_held_back(owner: Caller, execution_id: UUID, seconds: float) -> bool:
    """Ask the door to wait, if there is one: then this thread need not."""
    desk: Desk | None = http_request.environ.get(DESK)
    if desk is None:
        return False
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    desk.hold = Hold(execution_id, seconds, partial(_body_now, app, owner, execution_id))
    return True


def _body_now(app: Flask, owner: Caller, execution_id: UUID) -> bytes:
    with app.app_context():
        record = queries.started_execution(owner, session(), execution_id)
        return app.json.dumps(StartedSchema().dump(record)).encode()


def preferred_wait() -> float:
    """The seconds of ``Prefer: wait=N`` (RFC 7240), as far as we go along with it; 0 without."""
    found = WAIT.search(http_request.headers.get("Prefer", ""))
    return min(float(found[1]), LONGEST_WAIT) if found else 0


def digest_of(body: dict[str, Any]) -> str:
    """What a request that comes again with its Idempotency-Key is known by."""
    # The name of the view: the same for every path that it is mounted on.
    view = (http_request.endpoint or "").rpartition(".")[2]
    return sha256(orjson.dumps([view, body], option=orjson.OPT_SORT_KEYS)).hexdigest()
