"""The inbox: keep every delivery before it is answered, then wake the steps that wait for it.

PostgreSQL keeps it, once: its unique key finds the doubles. Redis takes deliveries in while the
database is away.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from redis.exceptions import RedisError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.audit_log import Act, Record
from pipeline_engine.domain.callers import Caller
from pipeline_engine.errors import ExternalIdTooLong, InvalidAnswer, StorageUnavailable
from pipeline_engine.failpoints import Failpoint, failpoint
from pipeline_engine.scheduler.actions.callback_tokens import CallbackToken, read_token
from pipeline_engine.scheduler.resume.check_callback import check_callback
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk import problem, read_answer
from pipeline_engine.sdk.senders import FIELD
from pipeline_engine.services.spool import Spool
from pipeline_engine.storage import deliveries, offers
from pipeline_engine.storage.deliveries import NewDelivery
from pipeline_engine.storage.offers import Offered
from pipeline_engine.storage.postgres.session import autocommit, is_unreachable
from pipeline_engine.storage.tables.steps import MAX_EXTERNAL_ID

log = logging.getLogger(__name__)

ACCEPTED = "accepted"  #: a step waits for it, and is about to be offered it
EARLY = "early"  #: no step waits for it yet; it is kept for the next one that does
DUPLICATE = "duplicate"  #: the same delivery was accepted before
CLOSED = "closed"  #: the attempt that its token names had ended

CALLBACKS = "callbacks"
#: Fields of a delivery that hold words of its sender.
SAID = ("source", "sender_id", "external_id", "event_type", "body")

# What the outputs of a step, of a fan-out or of a pipeline may put around an event.
ROOM_BYTES = 1024
ROOM_LEVELS = 8
ROOM_NODES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An event that has just come in."""

    source: str
    body: dict[str, Any]
    delivery_id: str | None = None  #: what the sender calls it
    event_type: str | None = None  #: what its envelope says; without one the body may say it


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receipt for the sender of a delivery."""

    delivery_id: str  #: of a duplicate, that of the first
    outcome: str  #: what can be seen at the door; who locks the step decides later
    routed: bool  #: a step is known that it is for
    offered: tuple[Offered, ...] = ()  #: the event triggers that decide on it, or have decided


def accept(caller: Caller, runtime: Runtime, arrival: Arrival) -> Receipt:
    """Keep an event for the steps of its owner that wait for its key, now or later.

    Its owner is the user for whom the sender speaks, or else the system.

    Raises ``StorageUnavailable`` if it cannot be kept anywhere, and ``JsonRejected`` and
    ``ExternalIdTooLong`` for what no step could take.
    """
    external_id = external_id_of(arrival.body)
    _check_deliverable(runtime, arrival.body)
    told = _told(arrival.delivery_id, arrival.body, arrival.event_type)
    return _keep(
        runtime,
        NewDelivery(
            owner=caller.user_id,
            source=arrival.source,
            delivery_key=_digest(caller.user_id, external_id, *told),
            sender_id=arrival.delivery_id,
            external_id=external_id,
            event_type=arrival.event_type or str(arrival.body.get("type") or ""),
            body=arrival.body,
        ),
        Record.of(caller, Act.EVENT_SEND, None, caller.user_id),
    )


def accept_own(runtime: Runtime, source: str, external_id: str, body: dict[str, Any]) -> Receipt:
    """Keep what the engine itself has found out for the steps that wait for *external_id*, once.

    Raises ``JsonRejected`` for what no step could take.
    """
    _check_deliverable(runtime, body)
    return _keep(
        runtime,
        NewDelivery(
            source=source,
            delivery_key=_digest(external_id),
            external_id=external_id,
            event_type=str(body["type"]),
            body=body,
        ),
        None,
    )


def _masked(runtime: Runtime, delivery: NewDelivery) -> NewDelivery:
    """A delivery with the secrets of the installation masked: none has to be sent.

    Those that an execution was given are not known before its step has read the delivery.
    """
    said = {name: getattr(delivery, name) for name in SAID}
    if not runtime.masker.finds(said):
        return delivery
    return replace(delivery, **runtime.masker.mask(said))


def accept_callback(
    runtime: Runtime,
    token: str,
    body: dict[str, Any],
    delivery_id: str | None = None,
    *,
    event_type: str | None = None,
) -> Receipt:
    """Keep a callback for the attempt that its token names.

    Raises ``InvalidCallbackToken``, and ``InvalidAnswer`` or ``AnswerNotAllowed`` for what its
    step would refuse.
    """
    target = read_token(runtime.settings, token)
    if FIELD in body:
        message = "Says who is signed in, which only the API itself may."
        raise InvalidAnswer(f"{FIELD}: {message}", problems=[problem(f"/{FIELD}", message)])
    return accept_answer(runtime, target, body, delivery_id, event_type=event_type)


def accept_answer(
    runtime: Runtime,
    target: CallbackToken,
    body: dict[str, Any],
    delivery_id: str | None = None,
    *,
    event_type: str | None = None,
    record: Record | None = None,
) -> Receipt:
    """Keep an answer to one attempt of one step, from a sender that is authorised elsewhere.

    Without a *record* the inbox alone says that it came: it was a machine, by the step's token.

    Raises ``InvalidAnswer`` and ``AnswerNotAllowed`` for what the step would refuse.
    """
    _check_deliverable(runtime, body)
    read_answer(body)
    if target.is_checked:
        check_callback(runtime, target, body)
    step, attempt = target.step_execution_id, target.attempt
    return _keep(
        runtime,
        NewDelivery(
            source=CALLBACKS,
            delivery_key=_digest(step, attempt, *_told(delivery_id, body, event_type)),
            sender_id=delivery_id,
            step_execution_id=step,
            attempt=attempt,
            event_type=event_type or str(body.get("type") or "callback"),
            body=body,
        ),
        record,
    )


def _check_deliverable(runtime: Runtime, body: Mapping[str, Any]) -> None:
    """What is accepted can become the outputs of a step, with room for what is put around it.

    Raises ``JsonRejected``.
    """
    json_guard.check(
        body,
        max_bytes=runtime.settings.max_output_bytes - ROOM_BYTES,
        max_depth=json_guard.MAX_DEPTH - ROOM_LEVELS,
        max_nodes=json_guard.MAX_NODES - ROOM_NODES,
    )


def external_id_of(body: Mapping[str, Any]) -> str | None:
    """The id that an event is about: the first of the known places that holds a text or a number.

    White space around it does not count, nor does it around the ids that steps wait for.

    Raises ``ExternalIdTooLong``.
    """
    payload = _object(body.get("payload"))
    content = _object(payload.get("content"))
    places = (
        body.get("workflow_id"),
        payload.get("workflow_id"),
        _object(body.get("notification_metadata")).get("workflow_id"),
        _object(content.get("result")).get("workflow_id"),
        _object(content.get("results")).get("workflow_id"),
        body.get("event_key"),
    )
    found = next((text for text in map(_id, places) if text), None)
    if found is not None and len(found) > MAX_EXTERNAL_ID:
        raise ExternalIdTooLong
    return found


def _id(place: Any) -> str:
    return "" if place is None or isinstance(place, Mapping | list) else str(place).strip()


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _told(
    delivery_id: str | None, body: Mapping[str, Any], event_type: str | None
) -> tuple[Any, ...]:
    """What the sender has said: the id, the content, and the type if an envelope names one."""
    return delivery_id, body, *(() if event_type is None else (event_type,))


def _digest(*parts: Any) -> str:
    """What makes a delivery the same as another of its source.

    That is the id that its sender gave it *and* its address *and* its content, with the type that
    an envelope names. As columns they would be too long for an index entry; as a JSON array no two
    of them can be mistaken.
    """
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()


# ── Keeping ──────────────────────────────────────────────────────────────────────────────


def _keep(runtime: Runtime, delivery: NewDelivery, record: Record | None) -> Receipt:
    delivery = _masked(runtime, delivery)
    if record is not None:
        about = {"source": delivery.source, "external_id": delivery.external_id}
        details = {**record.details, **about} if delivery.external_id else record.details
        delivery = replace(delivery, record=replace(record, details=details))
    try:
        return _stored(runtime, delivery)
    except (DBAPIError, PoolTimeout) as error:
        if not is_unreachable(error):
            raise
        return _spooled(runtime, delivery, error)


def _stored(runtime: Runtime, delivery: NewDelivery) -> Receipt:
    failpoint(Failpoint.BEFORE_INBOX_INSERT)
    with autocommit(runtime.engine) as connection:
        kept = deliveries.insert(connection, delivery)
        if kept.id is None and _may_come_again(runtime, connection, delivery):
            kept = deliveries.insert(connection, delivery)
        if kept.id is None:
            known = deliveries.id_of(connection, delivery)
            told = offers.offered(connection, known)
            return Receipt(str(known), DUPLICATE, routed=kept.outlook.known, offered=told)
    failpoint(Failpoint.AFTER_INBOX_COMMIT)
    # Even a closed one is handed over: only the worker that locks the step can be sure.
    runtime.dispatch.announce(kept.id)
    if kept.offered:
        runtime.dispatch.announce_offer(kept.id)
    outcome = CLOSED if kept.outlook.closed else ACCEPTED if kept.outlook.parked else EARLY
    return Receipt(str(kept.id), outcome, routed=kept.outlook.known, offered=kept.offered)


def _may_come_again(runtime: Runtime, connection: Connection, delivery: NewDelivery) -> bool:
    """Whether this is news, although it says what another event has said.

    With an id it never is. Without one the repetition of a request cannot be told from the next
    event of its kind, except by the time between them.
    """
    if delivery.sender_id is not None or delivery.step_execution_id is not None:
        return False
    after = timedelta(seconds=runtime.settings.event_repeat_seconds)
    return deliveries.retire_key(connection, delivery, after=after)


# ── While the database is away ───────────────────────────────────────────────────────────


def spool_of(runtime: Runtime) -> Spool:
    """The stream."""
    return Spool(runtime.redis, f"{runtime.settings.key_prefix}spool:deliveries", "delivery")


def _spooled(runtime: Runtime, delivery: NewDelivery, reason: Exception) -> Receipt:
    if delivery.record is not None:  # it is recorded when it is kept
        details = {**delivery.record.details, "accepted_at": datetime.now(UTC).isoformat()}
        delivery = replace(delivery, record=replace(delivery.record, details=details))
    try:
        entry = spool_of(runtime).add(json_guard.dumps(asdict(delivery)))
    except RedisError as error:
        raise StorageUnavailable from error
    log.warning("a delivery was spooled, the database is away: %s", reason)
    return Receipt(f"spool:{entry}", EARLY, routed=False)


def drain_spool(runtime: Runtime, *, limit: int = 500) -> int:
    """Move spooled deliveries to the inbox; an entry goes only after its row is committed."""
    return spool_of(runtime).drain(lambda said: _stored(runtime, _unspooled(said)), limit=limit)


def _unspooled(fields: dict[str, Any]) -> NewDelivery:
    said = fields.pop("record", None)
    if said is None:
        return NewDelivery(**fields)
    word = said.pop("act")
    act = next(act for act in Act if act == word)
    return NewDelivery(**fields, record=Record(**said, act=act))
