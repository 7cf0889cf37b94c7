"""Delete what ended long ago, with all that is its own: which executions that are, rules say."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.setting_kinds import RetentionRule

# The first rule that fits an execution decides. What the rule keeps however old it is: as many of
# the executions of a pipeline that it fits as it says, the newest. Executions without a pipeline
# are counted by their name.
_OLD = """
WITH rules AS (
    SELECT * FROM json_to_recordset(%(rules)s::json)
        AS r(number int, pipeline text, owner text, status text[], days int, keep_last int)
)
SELECT e.id, e.finished_at, r.number FROM executions e CROSS JOIN LATERAL (
    SELECT * FROM rules r WHERE {fits} ORDER BY r.number LIMIT 1
) r
WHERE e.status IN ('COMPLETED', 'FAILED', 'INTERRUPTED')
    AND e.finished_at < %(latest)s
    AND e.finished_at < %(now)s - make_interval(days => r.days)
    AND (%(after)s::timestamptz IS NULL OR (e.finished_at, e.id) > (%(after)s, %(after_id)s::uuid))
    -- The first of a tree bounds and stops the others as long as one of them is open.
    AND NOT EXISTS (SELECT 1 FROM executions below WHERE below.root_execution_id = e.id
        AND below.status IN ('PENDING', 'RUNNING'))
    AND (r.keep_last IS NULL OR r.keep_last = (SELECT count(*) FROM (
        SELECT FROM executions newer WHERE newer.status IN ('COMPLETED', 'FAILED', 'INTERRUPTED')
            AND newer.finished_at >= e.finished_at
            AND (newer.finished_at, newer.id) > (e.finished_at, e.id)
            AND newer.name = e.name AND newer.pipeline_id IS NOT DISTINCT FROM e.pipeline_id
            AND newer.user_id IS NOT DISTINCT FROM e.user_id
            -- It is kept by another rule, and must not take a place here. (Of the same name and
            -- owner, only its status may have led it to another rule.)
            AND NOT EXISTS (SELECT FROM rules n WHERE n.number < r.number AND {fits_newer})
            AND (r.status IS NULL OR newer.status = ANY(r.status))
        LIMIT r.keep_last) kept))
"""
_FITS = (
    "({r}.pipeline IS NULL OR {r}.pipeline IN ({e}.name, {e}.pipeline_id::text))"
    " AND ({r}.owner IS NULL OR {r}.owner = coalesce({e}.user_id, ''))"
    " AND ({r}.status IS NULL OR {e}.status = ANY({r}.status))"
)
#: The newest transaction of which an event was deleted: followers from before it have missed some.
DELETED = "deleted"
_QUERY = _OLD.format(fits=_FITS.format(r="r", e="e"), fits_newer=_FITS.format(r="n", e="newer"))


class Old(NamedTuple):
    """An execution that a rule lets go."""

    id: UUID
    finished_at: datetime
    rule: int  #: its place in the list


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in their order, the last of which fits everything; and from when they count."""

    rules: Sequence[RetentionRule]
    now: datetime

    @property
    def _params(self) -> dict[str, object]:
        numbered = [{"number": n, **asdict(rule)} for n, rule in enumerate(self.rules)]
        return {
            "rules": json_guard.dumps(numbered),
            "now": self.now,
            # Whatever the rules say: it lets PostgreSQL begin at the index.
            "latest": self.now,
            "after": None,
            "after_id": None,
        }

    def count(self, connection: Connection) -> dict[int, int]:
        """How many executions each rule lets go."""
        counting = f"SELECT number, count(*) FROM ({_QUERY}) old GROUP BY 1"
        return {row[0]: row[1] for row in connection.exec_driver_sql(counting, self._params)}

    def lock(self, connection: Connection, *, limit: int, after: Old | None) -> list[Old]:
        """Lock the oldest of them behind *after* that nobody else has locked.

        Behind: one that cannot be deleted does not keep the others.
        """
        place = {"after": after.finished_at, "after_id": str(after.id)} if after else {}
        rows = connection.exec_driver_sql(
            f"{_QUERY} ORDER BY e.finished_at, e.id LIMIT %(limit)s FOR UPDATE OF e SKIP LOCKED",
            {**self._params, **place, "limit": limit},
        )
        return [Old(*row) for row in rows]


def oldest_end(connection: Connection) -> datetime | None:
    """When the execution ended that ended first of all that are still there."""
    found: datetime | None = connection.exec_driver_sql(
        "SELECT min(finished_at) FROM executions"
    ).scalar_one()
    return found


def wait_for_ever(connection: Connection) -> None:
    """Let the statements of this transaction take as long as they need."""
    connection.exec_driver_sql("SET LOCAL statement_timeout TO 0")


def delete_subscriptions(connection: Connection, ids: Collection[UUID]) -> int:
    """Delete what told somebody of these executions alone, with the messages."""
    return connection.exec_driver_sql(
        "DELETE FROM subscriptions WHERE execution_id = ANY(%(ids)s::uuid[])", _named(ids)
    ).rowcount


def delete_events(connection: Connection, ids: Collection[UUID]) -> int:
    """Delete the histories of executions, and mark how far what is deleted reaches."""
    found: int = connection.exec_driver_sql(
        "WITH gone AS (DELETE FROM events WHERE execution_id = ANY(%(ids)s::uuid[])"
        " RETURNING transaction_id), marked AS ("
        " INSERT INTO history_readers AS m (name, transaction_id)"
        f" (SELECT '{DELETED}', transaction_id FROM gone ORDER BY transaction_id DESC LIMIT 1)"
        " ON CONFLICT (name) DO UPDATE SET"
        " transaction_id = greatest(m.transaction_id, excluded.transaction_id))"
        " SELECT count(*) FROM gone",
        _named(ids),
    ).scalar_one()
    return found


def delete_steps(connection: Connection, ids: Collection[UUID]) -> int:
    """Delete the steps of executions, items included."""
    return connection.exec_driver_sql(
        "DELETE FROM step_executions WHERE execution_id = ANY(%(ids)s::uuid[])", _named(ids)
    ).rowcount


def delete_executions(connection: Connection, ids: Collection[UUID]) -> int:
    """Delete executions whose steps and events are gone."""
    return connection.exec_driver_sql(
        "DELETE FROM executions WHERE id = ANY(%(ids)s::uuid[])", _named(ids)
    ).rowcount


def _named(ids: Collection[UUID]) -> dict[str, list[str]]:
    return {"ids": [str(one) for one in ids]}


def delete_orphaned_revisions(connection: Connection, cutoff: datetime) -> int:
    """Delete revisions that have no pipeline (any more) and that no execution is pinned to."""
    return connection.exec_driver_sql(
        "DELETE FROM pipeline_revisions r WHERE r.pipeline_id IS NULL"
        " AND r.created_at < %(cutoff)s"
        " AND NOT EXISTS (SELECT 1 FROM executions e WHERE e.revision_id = r.id)",
        {"cutoff": cutoff},
    ).rowcount


# ── Rows that have an age of their own ───────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Ledger:
    """Rows that say what happened once, and are kept for so long whatever becomes of the rest."""

    name: str  #: in answers
    table: str
    since: str  #: the column that their age is counted from
    setting: str  #: the field of ``Settings`` that says how many days they are kept
    if_: str = "true"  #: which of them may go

    def delete(self, connection: Connection, *, cutoff: datetime, limit: int) -> int:
        """Delete some of those from before *cutoff*; returns how many."""
        return connection.exec_driver_sql(
            f"DELETE FROM {self.table} WHERE ctid IN (SELECT ctid FROM {self.table} old"
            f" WHERE {self.since} < %(cutoff)s AND {self.if_} LIMIT %(limit)s)",
            {"cutoff": cutoff, "limit": limit},
        ).rowcount

    def count(self, connection: Connection, cutoff: datetime) -> int:
        """How many could go."""
        found: int = connection.exec_driver_sql(
            f"SELECT count(*) FROM {self.table} old WHERE {self.since} < %(cutoff)s AND {self.if_}",
            {"cutoff": cutoff},
        ).scalar_one()
        return found


#: A delivery that is settled, or whose step is gone, so that nobody will settle it; and that no
#: event trigger still has to decide on. What triggers made of it goes with it.
_SETTLED = (
    "(disposition <> 'pending' OR (step_execution_id IS NOT NULL AND NOT EXISTS"
    " (SELECT FROM step_executions s WHERE s.id = old.step_execution_id)))"
    " AND NOT EXISTS (SELECT FROM delivery_targets d WHERE d.delivery_id = old.id"
    " AND d.verdict IN ('pending', 'collected'))"
)
#: A due time that is decided, and whose execution has ended.
_DECIDED = (
    "outcome <> 'queued' AND (outcome <> 'fired' OR NOT EXISTS (SELECT FROM executions e"
    " WHERE e.id = old.execution_id AND e.status IN ('PENDING', 'RUNNING')))"
)
#: A workflow whose pipeline has ended, and has told so; its runs go with it.
_NOTHING_RUNS = (
    "NOT EXISTS (SELECT FROM guardrail_runs r WHERE r.workflow_id = old.id AND r.ended_at IS NULL)"
)
#: One line for each noun whose rows have an age of their own.
LEDGERS: tuple[Ledger, ...] = (
    Ledger("deliveries", "inbox", "received_at", "delivery_days", _SETTLED),
    Ledger("schedule_fires", "schedule_fires", "recorded_at", "schedule_fire_days", _DECIDED),
    Ledger(
        "guardrail_workflows",
        "guardrail_workflows",
        "updated_at",
        "guardrail_retention_days",
        _NOTHING_RUNS,
    ),
    Ledger(
        "webhook_deliveries",
        "webhook_deliveries",
        "received_at",
        "webhook_delivery_days",
        "outcome <> 'pending'",
    ),
    Ledger(
        "console_sessions",
        "console_sessions",
        "last_seen_at",
        "session_retention_days",
        # The longest silence, see services/console_sessions.py.
        "(ended_at IS NOT NULL OR expires_at < now() OR last_seen_at < now() - interval '12 h')",
    ),
    Ledger("pipeline_drafts", "pipeline_drafts", "saved_at", "draft_retention_days"),
    Ledger(
        "subscription_messages",
        "subscription_messages",
        "settled_at",
        "message_retention_days",
        "status <> 'waiting'",
    ),
    Ledger(
        "subscriptions",
        "subscriptions",
        "updated_at",
        "message_retention_days",
        "status = 'expired'",
    ),
)
