"""I18: whoever has subscribed is told of each event, under one id, in its order."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from battery.evidence import Evidence

#: What a subscriber of the system is to hear: the history of the executions that are nobody's.
_HISTORY = """
SELECT e.execution_id::text, row_number() OVER (
    PARTITION BY e.execution_id ORDER BY e.transaction_id, e.id) AS number, e.event_type
FROM events e JOIN executions x ON x.id = e.execution_id WHERE x.user_id IS NULL
"""
_GIVEN_UP = "SELECT message_id FROM subscription_messages WHERE status = 'dead'"


def untold_events(connection: Connection, evidence: Evidence) -> Iterator[str]:
    """Events that nobody was told of, told under two ids, or told too early."""
    if evidence.told is None:
        return
    ids: dict[tuple[str, int], str] = {}
    last: dict[str, int] = {}
    for one in evidence.told:
        key = (one.execution_id, one.sequence_number)
        if ids.setdefault(key, one.message_id) != one.message_id:
            yield f"event {key} was told as {ids[key]} and as {one.message_id}"
        elif one.sequence_number > last.get(one.execution_id, 0) + 1:
            missing = last.get(one.execution_id, 0) + 1
            yield f"event {key} was told before number {missing}"
        last[one.execution_id] = max(last.get(one.execution_id, 0), one.sequence_number)
    for execution_id, number, event_type in connection.exec_driver_sql(_HISTORY):
        if (execution_id, number) not in ids:
            yield f"nobody was told of event {number} of {execution_id}, {event_type}"
    for (message_id,) in connection.exec_driver_sql(_GIVEN_UP):
        yield f"the message {message_id} was given up"
