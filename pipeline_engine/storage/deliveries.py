"""The SQL of the inbox: accept a delivery once, find it, settle it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.audit_log import Record
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.storage import audit_log, offers
from pipeline_engine.storage.offers import Offered
from pipeline_engine.storage.postgres import driver
from pipeline_engine.storage.rows import STEP_COLUMNS, StepRow
from pipeline_engine.storage.tables.base import Json
from pipeline_engine.storage.tables.inbox import Disposition

#: Type of the event that tells a step the end of an execution that it has started.
EXECUTION_ENDED = "execution_ended"

#: Condition under which letter ``i`` is for the step of correlation ``r``: both have one owner,
#: or the id was given by a peer and the letter comes from a service that speaks for no user.
IS_FOR = (
    "r.external_id = i.external_id"
    " AND (r.owner IS NOT DISTINCT FROM i.owner OR (r.from_peer AND i.owner IS NULL))"
)
#: Correlations ``r`` with the steps ``p`` that are parked on them.
PARKED = (
    "correlations r JOIN step_executions p ON p.id = r.step_execution_id"
    " AND p.attempt = r.attempt AND p.awaiting_event"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """An event from outside, about to be kept."""

    source: str
    delivery_key: str  #: the same for another delivery of this source if it is the same one
    event_type: str
    body: dict[str, Json]
    owner: str | None = None  #: of a callback it is found in the rows
    sender_id: str | None = None
    external_id: str | None = None
    step_execution_id: int | None = None
    attempt: int | None = None
    #: what the audit log says of it; null for callbacks, which nobody but their step's peer sends
    record: Record | None = None

    @property
    def is_own(self) -> bool:
        """The engine says it itself: no event trigger hears of it."""
        return self.record is None and self.step_execution_id is None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What will probably become of a delivery; its step's lock decides later."""

    known: bool
    parked: bool
    closed: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """A delivery that came in, and whom it is for as far as can be seen."""

    id: int | None  #: null if it was kept before
    outlook: Outlook
    offered: tuple[Offered, ...] = ()  #: the event triggers that are about to be asked


def insert(connection: Connection, delivery: NewDelivery) -> Kept:
    """Keep a delivery, look, without a lock, at the steps that it is for, and offer it to triggers.

    One statement: senders wait for this.
    """
    record = delivery.record
    statement = _INSERT_CALLBACK if record is None else _INSERT_ANSWER
    if delivery.step_execution_id is None:
        statement = _INSERT_OWN_LETTER if delivery.is_own else _INSERT_LETTER
    rows = driver.fetch_prepared(
        connection,
        statement,
        {
            "owner": delivery.owner,
            "source": delivery.source,
            "key": delivery.delivery_key,
            "sender": delivery.sender_id,
            "external": delivery.external_id,
            "step": delivery.step_execution_id,
            "attempt": delivery.attempt,
            "type": delivery.event_type,
            "body": json_guard.dumps(delivery.body),
            "record": audit_log.as_param(record),
        },
    )
    delivery_id, status, awaits, attempt, *offered = rows[0]
    outlook = _outlook(status, awaits, attempt, meant=delivery.attempt)
    heard = offered[0] if offered and delivery_id is not None else ()
    return Kept(delivery_id, outlook, tuple(Offered(*one) for one in heard or ()))


# Several statements, as each is planned anew by every connection, and half of one would be idle.
def _letter(offering: str = "", told: str = "") -> str:
    return f"""
WITH kept AS (
    INSERT INTO inbox (owner, source, delivery_key, sender_id, external_id, event_type, body,
        disposition)
    VALUES (%(owner)s, %(source)s, %(key)s, %(sender)s, %(external)s, %(type)s, %(body)s,
        'pending')
    ON CONFLICT (source, delivery_key) DO NOTHING RETURNING id
), recorded AS (
    {audit_log.recording("kept", target="kept.id::text")}
){offering}
SELECT (SELECT id FROM kept), s.status, s.awaiting_event, s.attempt{told}
FROM (SELECT) AS delivery LEFT JOIN (
    SELECT p.status, p.awaiting_event, p.attempt
    FROM (SELECT %(external)s::text AS external_id, %(owner)s::text AS owner) i, {PARKED}
    WHERE {IS_FOR} LIMIT 1
) s ON true
"""


_OFFERING = offers.offering("kept", owner="%(owner)s::text", event_type="%(type)s::text")
_INSERT_LETTER = _letter(f", {_OFFERING}", f", (SELECT {offers.TOLD})")
_INSERT_OWN_LETTER = _letter()


def _callback(recorded: str = "") -> str:
    return f"""
WITH step AS (
    SELECT s.status, s.awaiting_event, s.attempt, e.user_id
    FROM step_executions s JOIN executions e ON e.id = s.execution_id
    WHERE s.id = %(step)s
), kept AS (
    INSERT INTO inbox (owner, source, delivery_key, sender_id, step_execution_id, attempt,
        event_type, body, disposition)
    VALUES ((SELECT user_id FROM step), %(source)s, %(key)s, %(sender)s, %(step)s, %(attempt)s,
        %(type)s, %(body)s, 'pending')
    ON CONFLICT (source, delivery_key) DO NOTHING RETURNING id
){recorded}
SELECT (SELECT id FROM kept), step.status, step.awaiting_event, step.attempt
FROM (SELECT) AS delivery LEFT JOIN step ON true
"""


_INSERT_CALLBACK = _callback()
_INSERT_ANSWER = _callback(f", recorded AS ({audit_log.recording('kept', target='r.target')})")


def _outlook(
    status: str | None, awaits: bool | None, attempt: int | None, *, meant: int | None
) -> Outlook:
    if status is None or attempt is None:
        return Outlook(known=False, parked=False, closed=False)
    closed = meant is not None and is_over(status, attempt, meant=meant)
    parked = bool(awaits) and meant in (None, attempt)
    return Outlook(known=True, parked=parked, closed=closed)


def is_over(status: str, attempt: int, *, meant: int) -> bool:
    """Whether the attempt *meant* will never wait any more, as the row of its step is now."""
    if StepStatus(status).is_final or attempt > meant:
        return True
    # It failed, or its worker died: the next claim counts the next attempt.
    return attempt == meant and status != StepStatus.RUNNING


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery that is about to be offered."""

    id: int
    owner: str | None
    external_id: str | None
    step_execution_id: int | None
    attempt: int | None
    event_type: str
    body: dict[str, Json]
    received_at: datetime
    is_queued: bool  #: to be offered to the steps that wait and have not seen it

    @property
    def is_callback(self) -> bool:
        """It is bound to one attempt, and of no use to any other."""
        return self.step_execution_id is not None


DELIVERY_COLUMNS = (
    "i.id, i.owner, i.external_id, i.step_execution_id, i.attempt, i.event_type, i.body,"
    " i.received_at, i.queued_at IS NOT NULL"
)
_DELIVERY_WIDTH = 9


def find_pending(connection: Connection, delivery_id: int) -> DeliveryRow | None:
    """An unsettled delivery, not locked: the steps that wait for it are locked first."""
    row = connection.exec_driver_sql(
        f"SELECT {DELIVERY_COLUMNS} FROM inbox i WHERE id = %(id)s AND disposition = 'pending'",
        {"id": delivery_id},
    ).first()
    return None if row is None else DeliveryRow(*row)


def lock_pending(connection: Connection, ids: Collection[int]) -> list[DeliveryRow]:
    """Those of *ids* that are pending and not locked by others, locked; in order."""
    rows = connection.exec_driver_sql(
        f"SELECT {DELIVERY_COLUMNS} FROM inbox i WHERE id = ANY(%(ids)s)"
        " AND disposition = 'pending' ORDER BY id FOR UPDATE SKIP LOCKED",
        {"ids": list(ids)},
    )
    return [DeliveryRow(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class TakenDelivery:
    """A delivery and the parked step that it is for, both locked."""

    delivery: DeliveryRow
    step: StepRow
    outputs: dict[str, Json]  #: what the step has left so far
    before: int  #: letters to the same owner and key that came earlier and are not offered yet


#: Deliveries from before, and from after, the named one that are taken along, at most.
BEFORE, AFTER = 10, 90
#: Bytes of a delivery that is taken along, at most; a larger one waits for its own message.
LARGEST_TAKEN_ALONG = 64 * 1024

# What was sent again is not taken along: one that kills its worker must go alone then. All others
# are, however old: a queue that has grown long is worked off in batches, too.
# Nothing here waits, so that no order of locks matters. The delivery is locked last: while it is
# locked its own message goes home, so it must be one that is taken indeed. One with several
# steps, or with none that is parked, is left to its message, which waits for their locks; so is
# one whose step has not read what was kept for it.
_TAKE = f"""
SELECT {DELIVERY_COLUMNS}, s.outputs,
    CASE WHEN c.external_id IS NULL THEN 0 ELSE (SELECT count(*) FROM (
        SELECT FROM inbox e WHERE e.external_id = c.external_id AND e.id < c.id
            AND e.disposition = 'pending' AND e.queued_at IS NOT NULL
            AND e.owner IS NOT DISTINCT FROM c.owner LIMIT {BEFORE + AFTER + 1}
    ) earlier) END, {STEP_COLUMNS}
FROM inbox c
CROSS JOIN LATERAL (
    SELECT min(t.id) AS id, min(t.attempt) AS attempt FROM (
        SELECT c.step_execution_id AS id, c.attempt, true AS has_read
        WHERE c.step_execution_id IS NOT NULL
        UNION ALL
        SELECT r.step_execution_id, r.attempt, r.read_through IS NULL
        FROM (SELECT c.external_id, c.owner) i, {PARKED}
        WHERE c.step_execution_id IS NULL AND {IS_FOR}
    ) t HAVING count(*) = 1 AND bool_and(t.has_read)
) w
CROSS JOIN LATERAL (
    SELECT * FROM step_executions WHERE id = w.id
        AND CASE WHEN awaiting_event THEN status = 'RUNNING' AND attempt = w.attempt END
    FOR NO KEY UPDATE SKIP LOCKED
) s
CROSS JOIN LATERAL (
    SELECT * FROM inbox WHERE id = c.id
        AND CASE WHEN disposition = 'pending' THEN queued_at IS NOT NULL END
    FOR UPDATE SKIP LOCKED
) i
WHERE (c.id = ANY(%(ids)s::bigint[]) OR c.id BETWEEN %(first)s::bigint AND %(last)s::bigint)
    AND CASE
        WHEN c.disposition <> 'pending' OR c.queued_at IS NULL THEN false
        WHEN c.id <> ALL(%(ids)s::bigint[]) AND (c.queued_at > c.received_at
            OR pg_column_size(c.body) > %(largest)s::int) THEN false
        WHEN c.external_id IS NULL THEN true
        WHEN EXISTS (SELECT FROM delivery_targets d WHERE d.delivery_id = c.id
            AND d.step_execution_id = w.id AND d.attempt = w.attempt) THEN false
        ELSE pg_try_advisory_xact_lock(hashtextextended(c.external_id, 1))
    END
ORDER BY c.id
"""


def still_pending(connection: Connection, ids: Sequence[int]) -> list[int]:
    """The unsettled ones among *ids*; in order."""
    found = driver.fetch_prepared(connection, _STILL_PENDING, {"ids": driver.array(ids)})
    return [row[0] for row in found]


_STILL_PENDING = """
SELECT id FROM inbox WHERE id = ANY(%(ids)s::bigint[])
    AND CASE WHEN disposition = 'pending' THEN true END ORDER BY id
"""


def take(connection: Connection, ids: Sequence[int], *, along: bool) -> list[TakenDelivery]:
    """These deliveries, and with *along* their neighbours, that can be given at once; in order.

    The commit will not wait for the disk: each was kept for good before it was answered, so
    what a crash undoes is given again.
    """
    rows = driver.fetch_prepared(
        connection,
        _TAKE,
        {
            "ids": driver.array(ids),
            "first": min(ids) - (BEFORE if along else 0),
            "last": min(ids) + (AFTER if along else 0),
            "largest": LARGEST_TAKEN_ALONG,
        },
        before=driver.RELAXED,
    )
    width = _DELIVERY_WIDTH
    return [
        TakenDelivery(
            DeliveryRow(*row[:width]), StepRow(*row[width + 2 :]), row[width] or {}, row[width + 1]
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of a delivery."""

    id: int
    disposition: Disposition
    step_execution_id: int
    verdict: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetVerdict:
    """What a step said to a delivery."""

    delivery_id: int
    step_execution_id: int
    attempt: int
    owner: str | None
    verdict: str
    note: str | None


def settle(
    connection: Connection,
    settlements: Sequence[Settlement],
    targets: Sequence[TargetVerdict] = (),
    *,
    over: Collection[int] = (),
) -> None:
    """Say what became of deliveries, and what each step said; *over* wait for nothing any more."""
    if not (settlements or targets):
        return
    driver.fetch_prepared(
        connection,
        _SETTLE,
        {
            "ids": driver.array(settlement.id for settlement in settlements),
            "settled": json_guard.dumps([asdict(settlement) for settlement in settlements]),
            "targets": json_guard.dumps([asdict(target) for target in targets]),
            "over": driver.array(over),
        },
    )


# The steps that wait for a key are looked up among its correlations: ended ones must go.
_SETTLE = """
WITH settled AS (
    UPDATE inbox i SET disposition = v.disposition, verdict = v.verdict, note = v.note,
        step_execution_id = v.step_execution_id, settled_at = now(), queued_at = NULL
    FROM json_to_recordset(%(settled)s::json)
        AS v(id bigint, disposition text, step_execution_id bigint, verdict text, note text)
    WHERE i.id = ANY(%(ids)s::bigint[]) AND i.id = v.id
), forgotten AS (
    DELETE FROM correlations WHERE step_execution_id = ANY(%(over)s::bigint[])
), told AS (
    INSERT INTO delivery_targets (delivery_id, step_execution_id, attempt, owner, verdict, note)
    SELECT delivery_id, step_execution_id, attempt, owner, verdict, note
    FROM json_to_recordset(%(targets)s::json) AS v(delivery_id bigint, step_execution_id bigint,
        attempt int, owner text, verdict text, note text)
    ON CONFLICT (delivery_id, step_execution_id, attempt)
        DO UPDATE SET verdict = excluded.verdict, note = excluded.note, decided_at = now()
)
SELECT
"""


# ── What is late, kept for too long, or sent again ───────────────────────────────────────


def deliverable(connection: Connection, *, older_than: timedelta, limit: int) -> list[int]:
    """Deliveries that lost their message: a step waits for each, or it came too late for one."""
    rows = connection.exec_driver_sql(
        "SELECT i.id FROM inbox i LEFT JOIN step_executions s ON s.id = i.step_execution_id"
        " WHERE i.disposition = 'pending' AND i.queued_at < now() - %(age)s"
        # The action that gave the address away may still run: it parks, or ends, later.
        " AND (i.attempt IS NULL OR s.awaiting_event OR s.attempt > i.attempt"
        " OR s.status <> 'RUNNING' AND s.attempt = i.attempt)"
        " ORDER BY i.id LIMIT %(limit)s",
        {"age": older_than, "limit": limit},
    )
    return [row[0] for row in rows]


def queue_again(connection: Connection, ids: Sequence[int]) -> None:
    """Say that messages for these are on their way again."""
    connection.exec_driver_sql(
        "UPDATE inbox SET queued_at = now() WHERE id = ANY(%(ids)s)"
        " AND disposition = 'pending' AND queued_at IS NOT NULL",
        {"ids": list(ids)},
    )


def give_up_unmatched(connection: Connection, *, older_than: timedelta) -> int:
    """Mark deliveries that no step has accepted; they can be listed and replayed."""
    return connection.exec_driver_sql(
        "UPDATE inbox SET disposition = 'unmatched', settled_at = now()"
        " WHERE disposition = 'pending' AND queued_at IS NULL AND step_execution_id IS NULL"
        " AND received_at < now() - %(age)s",
        {"age": older_than},
    ).rowcount


def reopen(connection: Connection, delivery_id: int) -> bool:
    """Offer an unmatched delivery again, also to steps that ignored it.

    Of the event triggers only to those that were not offered it before.
    """
    row = connection.exec_driver_sql(_REOPEN, {"id": delivery_id}).first()
    return row is not None


_REOPEN = f"""
WITH reopened AS (
    UPDATE inbox SET disposition = 'pending', settled_at = NULL, queued_at = now()
    WHERE id = %(id)s AND disposition = 'unmatched' RETURNING id, owner, event_type
), forgotten AS (
    DELETE FROM delivery_targets WHERE delivery_id = (SELECT id FROM reopened)
        AND trigger_id IS NULL
), {
    offers.offering(
        "reopened",
        owner="(SELECT owner FROM reopened)",
        event_type="(SELECT event_type FROM reopened)",
    )
}
SELECT id FROM reopened
"""


def id_of(connection: Connection, delivery: NewDelivery) -> int:
    """The id of a delivery that was kept before."""
    return int(
        connection.exec_driver_sql(
            "SELECT id FROM inbox WHERE source = %(source)s AND delivery_key = %(key)s",
            {"source": delivery.source, "key": delivery.delivery_key},
        ).scalar_one()
    )


def retire_key(connection: Connection, delivery: NewDelivery, *, after: timedelta) -> bool:
    """Free the key of an equal delivery that is settled and older than *after*.

    Its key gets its number, which no digest ends in. Of two that ask at once one gets true.
    """
    found = connection.exec_driver_sql(
        "UPDATE inbox SET delivery_key = delivery_key || ':' || id"
        " WHERE source = %(source)s AND delivery_key = %(key)s AND disposition <> 'pending'"
        " AND received_at < now() - %(after)s",
        {"source": delivery.source, "key": delivery.delivery_key, "after": after},
    )
    return found.rowcount > 0


def replace_bodies(connection: Connection, bodies: Mapping[int, Json]) -> None:
    """Keep these bodies in the place of those that came: they quoted secrets."""
    driver.run(
        connection,
        "UPDATE inbox SET body = v.body FROM json_to_recordset(%(bodies)s::json)"
        " AS v(id bigint, body jsonb) WHERE inbox.id = v.id",
        {"bodies": json_guard.dumps([{"id": i, "body": body} for i, body in bodies.items()])},
    )
