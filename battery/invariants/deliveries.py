"""I5: a delivery that was answered with 2xx is kept and applied once, a refused one nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from sqlalchemy import Connection

from battery.evidence import Evidence, SentDelivery
from battery.invariants.invariant import Look
from battery.invariants.lost import PATIENCE
from pipeline_engine.storage import deliveries

LISTED = 20

_KEPT = """
SELECT v.source, v.key, count(i.id) FROM unnest(%(sources)s::text[], %(keys)s::text[])
    AS v(source, key) LEFT JOIN inbox i ON i.source = v.source AND i.sender_id = v.key
GROUP BY 1, 2 HAVING count(i.id) {wrong}
"""
#: Its step ended as the events wanted, but no event is said to have done that.
_UNTOLD = """
SELECT v.external_id FROM unnest(%(external)s::text[]) AS v(external_id)
WHERE EXISTS (SELECT 1 FROM step_executions s
    WHERE s.external_workflow_id = v.external_id AND s.status = 'COMPLETED')
AND NOT EXISTS (SELECT 1 FROM inbox i WHERE i.external_id = v.external_id
    AND i.disposition = 'applied')
"""
TWICE = Look(
    "delivery {source} {sender_id} is in the inbox {times} times",
    """
    SELECT source, sender_id, count(*) AS times FROM inbox
    GROUP BY owner, source, sender_id, external_id, step_execution_id, attempt, body
    HAVING count(*) > 1
    """,
)
UNSETTLED = Look(
    "delivery {source} {sender_id} is {disposition}, and its row contradicts that",
    """
    SELECT source, sender_id, disposition FROM inbox
    WHERE (disposition = 'pending') = (settled_at IS NOT NULL)
        OR (disposition <> 'pending' AND queued_at IS NOT NULL)
        OR (disposition = 'applied') <> (verdict IS NOT NULL)
    """,
)


def mistreated_deliveries(connection: Connection, evidence: Evidence) -> Iterator[str]:
    """Deliveries that are lost, doubled, forgotten, or kept although they were refused."""
    accepted = {(sent.source, sent.key) for sent in evidence.deliveries if sent.accepted}
    for name in _wrongly_kept(connection, accepted, wrong="= 0"):
        yield f"delivery {name} was accepted, and is not in the inbox"
    refused = {(sent.source, sent.key) for sent in evidence.deliveries if _is_refused(sent)}
    for name in _wrongly_kept(connection, refused - accepted, wrong="> 0"):
        yield f"delivery {name} was refused, and is in the inbox"
    yield from TWICE.violations(connection)
    yield from UNSETTLED.violations(connection)
    yield from _forgotten(connection, evidence)


def _wrongly_kept(
    connection: Connection, sent: Iterable[tuple[str, str]], *, wrong: str
) -> Iterator[str]:
    pairs = sorted(sent)
    rows = connection.exec_driver_sql(
        _KEPT.format(wrong=wrong),
        {"sources": [source for source, _ in pairs], "keys": [key for _, key in pairs]},
    )
    return (f"{source} {key}" for source, key, _ in rows)


def _is_refused(sent: SentDelivery) -> bool:
    return sent.status is not None and 400 <= sent.status < 500


def _forgotten(connection: Connection, evidence: Evidence) -> Iterator[str]:
    """What waits although its step is there, and steps that ended without their event."""
    # The query by which the sweep finds them: there is one truth about what can be delivered.
    for id_ in deliveries.deliverable(connection, older_than=PATIENCE, limit=LISTED):
        yield f"delivery {id_} is pending, and its step has been there for a while"
    external_ids = {sent.external_id for sent in evidence.deliveries if sent.accepted}
    rows = connection.exec_driver_sql(_UNTOLD, {"external": sorted(external_ids)})
    for external_id in chain.from_iterable(rows):
        yield f"a step that waited for {external_id} is COMPLETED, and no delivery was applied"
