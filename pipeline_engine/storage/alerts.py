"""What alert rules find: for the sweep, a few statements for all rules whose turn it is.

A rule sees the executions of its owner. Each alert is a row and an event of its execution's
history, both written by the statement that finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.alerts import LEAST_COMPLETED, MOST_COMPLETED, AlertKind
from pipeline_engine.storage.tables.events import EventType
from pipeline_engine.storage.tables.executions import OPEN

MOST_RULES = 100  #: for one look
MOST_FOUND = 200  #: of one kind, for one look; the next one finds the others
USUAL_FOR_SECONDS = 300  #: how long it is known how long executions take
#: A commit may be so much later than the time that it writes down.
LATE_COMMITS_SECONDS = 120

_SAME_OWNER = "coalesce(x.user_id, '') = coalesce(r.user_id, '')"
_NEW = (
    "NOT EXISTS (SELECT FROM alerts a WHERE a.rule_id = r.id AND a.execution_id = x.id"
    " AND coalesce(a.step_execution_id, 0) = {step})"
)
_OF_EXECUTION = "NULL::bigint AS step"
_FOUND: Mapping[AlertKind, str] = {
    AlertKind.LATE: f"""
        SELECT r.*, x.id AS execution_id, {_OF_EXECUTION}, jsonb_build_object(
            'seconds', extract(epoch FROM now() - x.started_at)::bigint, 'limit', l.seconds,
            'usual_seconds', r.usual_seconds) AS facts
        FROM alert_rules r
        CROSS JOIN LATERAL (
            SELECT greatest(r.after_seconds, r.times_p95 * r.usual_seconds) AS seconds) l
        JOIN executions x ON x.pipeline_id = r.pipeline_id AND {_SAME_OWNER} AND x.{OPEN}
            AND x.started_at < now() - make_interval(secs => l.seconds)
        WHERE r.id = ANY(%(ids)s::uuid[]) AND r.kind = 'late' AND {_NEW.format(step="0")}""",
    AlertKind.FAILED: f"""
        SELECT r.*, x.id AS execution_id, {_OF_EXECUTION}, jsonb_build_object(
            'error_code', x.error ->> 'code', 'failed_step', x.error ->> 'step_id') AS facts
        FROM alert_rules r
        JOIN executions x ON x.pipeline_id = r.pipeline_id AND {_SAME_OWNER}
            AND x.status = 'FAILED' AND x.finished_at >= greatest(r.since,
                r.looked_at - make_interval(secs => {LATE_COMMITS_SECONDS}))
        WHERE r.id = ANY(%(ids)s::uuid[]) AND r.kind = 'failed' AND {_NEW.format(step="0")}""",
    # Of a fan-out, however many of its items are parked, there is one alert.
    AlertKind.PARKED: f"""
        SELECT r.*, x.id AS execution_id, s.id AS step, jsonb_build_object(
            'step_id', s.step_id, 'step_name', s.name, 'within', s.within, 'parked', p.parked,
            'seconds', p.seconds, 'limit', r.after_seconds) AS facts
        FROM alert_rules r
        JOIN executions x ON x.pipeline_id = r.pipeline_id AND {_SAME_OWNER} AND x.{OPEN}
        CROSS JOIN LATERAL (
            SELECT CASE WHEN w.item_index IS NULL THEN w.id ELSE w.parent_id END AS id,
                count(*) AS parked, extract(epoch FROM now() - min(w.started_at))::bigint AS seconds
            FROM step_executions w WHERE w.execution_id = x.id AND w.status = 'RUNNING'
                AND w.awaiting_event
                AND w.started_at < now() - make_interval(secs => r.after_seconds)
            GROUP BY 1) p
        JOIN step_executions s ON s.id = p.id
        WHERE r.id = ANY(%(ids)s::uuid[]) AND r.kind = 'parked' AND {_NEW.format(step="s.id")}""",
}
_TELL = """
INSERT INTO events (execution_id, event_type, details)
SELECT execution_id, '{told}', details FROM {whom}"""
_RAISE = """
WITH found AS MATERIALIZED ({found} LIMIT %(most)s), raised AS (
    INSERT INTO alerts (rule_id, user_id, pipeline_id, kind, execution_id, step_execution_id,
        details)
    SELECT id, user_id, pipeline_id, kind, execution_id, step, jsonb_strip_nulls(facts
        || jsonb_build_object('rule_id', id, 'rule', name, 'kind', kind))
    FROM found ON CONFLICT DO NOTHING RETURNING execution_id, details
), told AS ({tell} RETURNING 1)
SELECT count(*) FROM told"""
_OVER: Mapping[AlertKind, str] = {
    AlertKind.LATE: "x.finished_at IS NOT NULL",
    # It works again.
    AlertKind.FAILED: "x.created_at < (SELECT g.at FROM good g WHERE g.rule_id = a.rule_id)",
    AlertKind.PARKED: "NOT EXISTS (SELECT FROM step_executions w WHERE w.execution_id = x.id"
    " AND w.status = 'RUNNING' AND w.awaiting_event AND (w.id = a.step_execution_id"
    " OR (w.parent_id = a.step_execution_id AND w.item_index IS NOT NULL)))",
}
_RESOLVE = """
WITH good AS MATERIALIZED (
    -- Asked once for each rule, and not for each of the thousands of alerts that it may have.
    SELECT r.id AS rule_id, (SELECT x.created_at FROM executions x
        WHERE x.pipeline_id = r.pipeline_id AND {same_owner} AND x.status = 'COMPLETED'
        ORDER BY x.created_at DESC LIMIT 1) AS at
    FROM alert_rules r WHERE r.id = ANY(%(ids)s::uuid[])
), over AS MATERIALIZED (
    SELECT a.id FROM alerts a JOIN executions x ON x.id = a.execution_id
    WHERE a.rule_id = ANY(%(ids)s::uuid[]) AND a.kind = '{kind}' AND a.resolved_at IS NULL
        AND {over}
    LIMIT %(most)s
), resolved AS (
    UPDATE alerts SET resolved_at = now() FROM over
    WHERE alerts.id = over.id RETURNING alerts.execution_id, alerts.details
), told AS ({tell} RETURNING 1)
SELECT count(*) FROM told"""
_RAISES = {
    kind: _RAISE.format(found=found, tell=_TELL.format(told=EventType.ALERT_RAISED, whom="raised"))
    for kind, found in _FOUND.items()
}
_RESOLVES = {
    kind: _RESOLVE.format(
        kind=kind,
        over=over,
        same_owner=_SAME_OWNER,
        tell=_TELL.format(told=EventType.ALERT_RESOLVED, whom="resolved"),
    )
    for kind, over in _OVER.items()
}


def due(connection: Connection) -> dict[AlertKind, list[str]]:
    """The ids of the rules whose turn it is, by kind; nobody else looks for them meanwhile."""
    rows = connection.exec_driver_sql(
        "SELECT kind, id::text FROM alert_rules WHERE enabled AND look_at <= now()"
        " ORDER BY look_at LIMIT %(most)s FOR UPDATE SKIP LOCKED",
        {"most": MOST_RULES},
    )
    found: dict[AlertKind, list[str]] = {}
    for kind, rule_id in rows:
        found.setdefault(AlertKind(kind), []).append(rule_id)
    return found


def measure(connection: Connection, ids: Sequence[str]) -> None:
    """Learn how long executions take of which that has to be known, if it is long ago."""
    connection.exec_driver_sql(
        "UPDATE alert_rules r SET usual_at = now(), usual_seconds = (SELECT"
        f" CASE WHEN count(*) >= {LEAST_COMPLETED}"
        " THEN percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) END"
        " FROM (SELECT extract(epoch FROM x.finished_at - x.started_at) AS seconds"
        f" FROM executions x WHERE x.pipeline_id = r.pipeline_id AND {_SAME_OWNER}"
        " AND x.status = 'COMPLETED' AND x.started_at IS NOT NULL"
        f" ORDER BY x.created_at DESC LIMIT {MOST_COMPLETED}) newest)"
        " WHERE r.id = ANY(%(ids)s::uuid[]) AND r.times_p95 IS NOT NULL AND (r.usual_at IS NULL"
        f" OR r.usual_at < now() - make_interval(secs => {USUAL_FOR_SECONDS}))",
        {"ids": list(ids)},
    )


def raise_new(connection: Connection, kind: AlertKind, ids: Sequence[str]) -> int:
    """Raise what these rules of one kind find and have not found before; how many alerts."""
    return _counted(connection, _RAISES[kind], ids)


def resolve(connection: Connection, kind: AlertKind, ids: Sequence[str]) -> int:
    """Resolve the alerts of these rules of one kind that are over; how many."""
    return _counted(connection, _RESOLVES[kind], ids)


def _counted(connection: Connection, statement: str, ids: Sequence[str]) -> int:
    given = {"ids": list(ids), "most": MOST_FOUND}
    found: int = connection.exec_driver_sql(statement, given).scalar_one()
    return found


def looked(connection: Connection, ids: Sequence[str], *, every_seconds: float) -> None:
    """Say when these rules have their next turn."""
    connection.exec_driver_sql(
        "UPDATE alert_rules SET looked_at = now(),"
        " look_at = now() + make_interval(secs => %(every)s) WHERE id = ANY(%(ids)s::uuid[])",
        {"ids": list(ids), "every": every_seconds},
    )


def open_of(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many alerts of these rules are open."""
    rows = connection.exec_driver_sql(
        "SELECT rule_id, count(*) FROM alerts WHERE rule_id = ANY(%(ids)s::uuid[])"
        " AND resolved_at IS NULL GROUP BY 1",
        {"ids": [str(one) for one in ids]},
    )
    return {row[0]: row[1] for row in rows}
