"""I13: a letter is used up once, by who accepts it, or it is kept, given up or too late."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from battery.evidence import Evidence
from battery.invariants.invariant import Look
from pipeline_engine.storage.deliveries import IS_FOR, PARKED

ACCEPTED = (
    "EXISTS (SELECT FROM delivery_targets d WHERE d.delivery_id = i.id AND d.verdict <> 'ignore'"
    " AND d.trigger_id IS NULL)"
)
USED = Look(
    "letter {id} is {disposition}, and that is not what the steps said to it",
    f"SELECT i.id, i.disposition FROM inbox i WHERE (i.disposition = 'applied') <> {ACCEPTED}",
)
CLOSED = Look(
    "letter {id} is closed, and no token binds it to an attempt",
    "SELECT id FROM inbox WHERE disposition = 'closed' AND attempt IS NULL",
)
KEPT_FROM = Look(
    "letter {id} is kept, and step {step_id}, which waits for it, was never offered it",
    f"""
    SELECT i.id, p.step_id FROM inbox i, {PARKED}
    WHERE {IS_FOR} AND i.disposition = 'pending' AND i.queued_at IS NULL
        AND r.read_through IS NULL AND NOT EXISTS (SELECT FROM delivery_targets d
            WHERE d.delivery_id = i.id AND d.step_execution_id = p.id AND d.attempt = p.attempt)
    """,
)
USED_TWICE = Look(
    "letter {id} was accepted by {times} steps, of which {late} began to wait after it came",
    """
    SELECT i.id, count(*) AS times, count(*) FILTER (WHERE s.since > i.received_at) AS late
    FROM inbox i JOIN delivery_targets d ON d.delivery_id = i.id AND d.verdict <> 'ignore'
        AND d.trigger_id IS NULL
    CROSS JOIN LATERAL (SELECT max(e.created_at) AS since FROM events e
        WHERE e.step_execution_id = d.step_execution_id AND e.event_type = 'step_parked'
            AND (e.details ->> 'attempt')::int = d.attempt) s
    GROUP BY i.id HAVING count(*) > 1
        AND count(*) FILTER (WHERE s.since > i.received_at + interval '1 second') > 0
    """,
)


def misused_letters(connection: Connection, _: Evidence) -> Iterator[str]:
    """Letters that were used up by nobody, kept from somebody, or used by too many."""
    for look in (USED, CLOSED, KEPT_FROM, USED_TWICE):
        yield from look.violations(connection)
