"""``/stream`` and ``/executions/{id}/stream``: what happens, as server-sent events."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from pipeline_engine.services import Scope
from pipeline_engine.services import streams as services
from pipeline_engine.services.streams import Opening

from .. import sse
from ..holding import DESK, Desk, Stream
from .auth import right_of_request
from .blueprint import Blueprint
from .context import caller, runtime, session
from .identities import execution_id_of
from .schemas.streams import EveryStreamQuery, StreamHeaders, StreamQuery
from .telling import Teller, begun

streams = Blueprint("streams", __name__, description="What happens, as it happens.")


@streams.on(
    "GET",
    "/executions/<execution_id>/stream",
    operation="stream_execution",
    scope=Scope.EXECUTIONS_READ,
)
@streams.query(StreamQuery)
@streams.header(StreamHeaders)
@streams.goes_on()
def of_execution(query: dict[str, Any], headers: dict[str, Any], execution_id: str) -> Any:
    """Tell the events of an execution from its first to its last, as server-sent events.

    It ends with an `end` event once the execution has ended; who comes back then is answered 204.
    """
    opening = services.open_execution(
        caller(),
        session(),
        execution_id_of(execution_id),
        last_id=_last_id(query, headers),
        types=query.get("event_types"),
    )
    return _followed(opening)


@streams.on("GET", "/stream", operation="stream_events", scope=Scope.EXECUTIONS_READ)
@streams.query(EveryStreamQuery)
@streams.header(StreamHeaders)
@streams.goes_on()
def of_everything(query: dict[str, Any], headers: dict[str, Any]) -> Any:
    """Tell the events of all executions that the caller may see, from now on."""
    opening = services.open_everything(
        caller(),
        session(),
        pipeline_id=query.get("pipeline_id") or query.get("workflow_id"),
        last_id=_last_id(query, headers),
        types=query.get("event_types"),
    )
    return _followed(opening)


def _last_id(query: dict[str, Any], headers: dict[str, Any]) -> str | None:
    """Where the client was. A browser that comes back repeats the first query: the header wins."""
    return headers.get("last_event_id") or query.get("last_event_id") or None


def _followed(opening: Opening) -> Response:
    """The answer that the door goes on with."""
    if opening.is_over:
        return Response(status=204)
    answer = Response(begun(opening), content_type=sse.CONTENT_TYPE, headers=sse.HEADERS)
    desk: Desk | None = request.environ.get(DESK)
    if desk is None:
        answer.data += _piece(opening)
    elif request.method != "HEAD":
        desk.stream = Stream(opening.follow, answer.data, right_of_request())
    return answer


def _piece(opening: Opening) -> bytes:
    """What there is to tell now, if there is no door: clients come back for the rest by the id."""
    (told,) = Teller(runtime()).look([opening.follow])
    news = b"" if told is None else told.body + sse.place(told.follow.at)
    return news + sse.retry(sse.ASK_AGAIN)
