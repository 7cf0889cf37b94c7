"""What has to become of every job, whatever was done to the installation meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from threading import Event

from sqlalchemy import Connection, Engine

from battery.traffic import Started

REST_WITHIN_SECONDS = 120.0
LOOK_EVERY_SECONDS = 0.2
#: Only work that must not be repeated may end otherwise than well, and only for this reason.
UNKNOWN = "outcome_unknown"


def wait_for_rest(engine: Engine, started: Sequence[Started]) -> bool:
    """Wait until these executions have ended; False if that takes too long."""
    ids = [str(one.execution_id) for one in started]
    ends_at = time.monotonic() + REST_WITHIN_SECONDS
    while _open(engine, ids):
        if time.monotonic() > ends_at:
            return False
        Event().wait(LOOK_EVERY_SECONDS)
    return True


def wait_for_deliveries(engine: Engine) -> None:
    """Wait until every delivery for a known step has been dealt with; I5 says if it was not."""
    ends_at = time.monotonic() + REST_WITHIN_SECONDS
    while _undelivered(engine) and time.monotonic() < ends_at:
        Event().wait(LOOK_EVERY_SECONDS)


def wait_for_webhooks(engine: Engine) -> None:
    """Wait until all that came in by webhooks has been started and has ended; I19 says if not."""
    ends_at = time.monotonic() + REST_WITHIN_SECONDS
    while _unfollowed(engine) and time.monotonic() < ends_at:
        Event().wait(LOOK_EVERY_SECONDS)


def wait_for_messages(engine: Engine) -> None:
    """Wait until subscribers were told everything; I18 says if they were not."""
    ends_at = time.monotonic() + REST_WITHIN_SECONDS
    while _untold(engine) and time.monotonic() < ends_at:
        Event().wait(LOOK_EVERY_SECONDS)


def unmet(engine: Engine, started: Sequence[Started]) -> Iterator[str]:
    """Say which jobs did not become what their pipelines say."""
    with engine.connect() as connection:
        for one in started:
            yield from _unmet(connection, one)


def _open(engine: Engine, ids: Sequence[str]) -> int:
    with engine.connect() as connection:
        query = (
            "SELECT count(*) FROM executions WHERE id = ANY(%(ids)s::uuid[])"
            " AND status IN ('PENDING', 'RUNNING')"
        )
        return int(connection.exec_driver_sql(query, {"ids": list(ids)}).scalar_one())


def _unfollowed(engine: Engine) -> int:
    with engine.connect() as connection:
        query = (
            "SELECT (SELECT count(*) FROM webhook_deliveries WHERE outcome = 'pending')"
            " + (SELECT count(*) FROM executions WHERE initiator = 'webhook'"
            " AND status IN ('PENDING', 'RUNNING'))"
        )
        return int(connection.exec_driver_sql(query).scalar_one())


def _undelivered(engine: Engine) -> int:
    with engine.connect() as connection:
        query = (
            "SELECT count(*) FROM inbox i LEFT JOIN step_executions s ON s.id = i.step_execution_id"
            " WHERE i.disposition = 'pending' AND i.queued_at IS NOT NULL AND"
            " (i.step_execution_id IS NULL OR s.awaiting_event OR s.finished_at IS NOT NULL)"
        )
        return int(connection.exec_driver_sql(query).scalar_one())


def _untold(engine: Engine) -> int:
    with engine.connect() as connection:
        query = (
            "SELECT count(*) FROM subscriptions s WHERE s.status = 'active' AND ("
            "s.news_before > s.cursor_transaction OR s.retry_at IS NOT NULL"
            " OR EXISTS (SELECT FROM events e JOIN history_readers r"
            " ON r.name = 'subscriptions' AND e.transaction_id >= r.transaction_id))"
        )
        return int(connection.exec_driver_sql(query).scalar_one())


def _unmet(connection: Connection, one: Started) -> Iterator[str]:
    label = f"{one.job.shape} {one.execution_id}"
    status = connection.exec_driver_sql(
        "SELECT status FROM executions WHERE id = %(id)s", {"id": str(one.execution_id)}
    ).scalar()
    if status != ("INTERRUPTED" if one.job.cancels else "COMPLETED"):
        yield f"{label} is {status}"
    rows = connection.exec_driver_sql(
        "SELECT step_id, action, status, error_code, outputs FROM step_executions"
        " WHERE execution_id = %(id)s AND parent_id IS NULL AND kind = 'step'",
        {"id": str(one.execution_id)},
    ).all()
    wanted = {waiting.step_id: waiting.wanted for waiting in one.job.waiting}
    wanted |= dict.fromkeys(one.job.asks, 1)
    for step_id, action, step_status, code, outputs in rows:
        right = "SKIPPED" if step_id in one.job.skipped else "COMPLETED"
        unknown = action == "battery_work_once" and code == UNKNOWN
        stopped = one.job.cancels and step_status == "SKIPPED"
        if step_status != right and not (unknown or stopped):
            yield f"{label}: {step_id} is {step_status} ({code}), not {right}"
        numbers = list(range(1, wanted.get(step_id, 0) + 1))
        if numbers and sorted((outputs or {}).get("seen", ())) != numbers:
            yield f"{label}: {step_id} has the events {outputs}, not {numbers} each once"
