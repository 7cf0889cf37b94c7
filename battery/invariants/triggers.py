"""I17: an event starts one execution at each trigger that takes it, and is lost at none."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from battery.evidence import Evidence
from battery.invariants.invariant import Look

#: What an execution says of the event that has started it.
OF_EVENTS = (
    "SELECT id, params #>> '{_trigger,trigger_id}' AS trigger_id,"
    " params #>> '{_trigger,delivery_id}' AS delivery_id"
    " FROM executions WHERE initiator = 'event'"
)

DOUBLED = Look(
    "delivery {delivery_id} has started {times} executions at trigger {trigger_id}",
    f"SELECT trigger_id, delivery_id, count(*) AS times FROM ({OF_EVENTS}) e"
    " GROUP BY 1, 2 HAVING count(*) > 1",
)
UNRECORDED = Look(
    "execution {id} says that delivery {delivery_id} has started it, which does not",
    f"""
    SELECT e.id, e.delivery_id FROM ({OF_EVENTS}) e
    WHERE NOT EXISTS (SELECT FROM delivery_targets d WHERE d.execution_id = e.id
        AND d.verdict = 'fired' AND d.trigger_id::text = e.trigger_id
        AND d.delivery_id::text = e.delivery_id)
    """,
)
UNSTARTED = Look(
    "delivery {delivery_id} has fired at trigger {trigger_id}, and there is no execution",
    """
    SELECT d.delivery_id, d.trigger_id FROM delivery_targets d
    WHERE d.verdict = 'fired' AND NOT EXISTS (SELECT FROM executions e WHERE e.id = d.execution_id)
    """,
)
MISCOUNTED = Look(
    "trigger {name} counts {trigger_count} firings, of which {times} are known",
    """
    SELECT t.name, t.trigger_count, count(d.delivery_id) AS times FROM event_triggers t
    LEFT JOIN delivery_targets d ON d.trigger_id = t.id AND d.verdict = 'fired'
    GROUP BY t.id HAVING count(d.delivery_id) <> t.trigger_count
    """,
)
NOT_OFFERED = Look(
    "delivery {id} is of the type of trigger {name}, and was not offered to it",
    """
    SELECT i.id, t.name FROM inbox i JOIN event_triggers t ON t.event_type = i.event_type
        AND t.user_id IS NOT DISTINCT FROM i.owner AND t.enabled AND t.created_at < i.received_at
    WHERE NOT EXISTS (SELECT FROM delivery_targets d
        WHERE d.delivery_id = i.id AND d.trigger_id = t.id)
    """,
)
FORGOTTEN = Look(
    "trigger {trigger_id} has not decided on delivery {delivery_id} for long",
    """
    SELECT d.trigger_id, d.delivery_id FROM delivery_targets d JOIN inbox i ON i.id = d.delivery_id
    WHERE d.verdict = 'pending' AND i.received_at < now() - interval '30 seconds'
    """,
)


def wrong_firings(connection: Connection, _: Evidence) -> Iterator[str]:
    """Events that have started too much or nothing, or that nobody has decided on."""
    for look in (DOUBLED, UNRECORDED, UNSTARTED, MISCOUNTED, NOT_OFFERED, FORGOTTEN):
        yield from look.violations(connection)
