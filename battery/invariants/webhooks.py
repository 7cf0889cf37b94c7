"""I19: what a webhook has accepted is started once, or a row says why not."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from battery.evidence import Evidence
from battery.invariants.invariant import Look

PENDING = Look(
    "webhook delivery {id} has been pending for half a minute",
    """
    SELECT id FROM webhook_deliveries
    WHERE outcome = 'pending' AND received_at < now() - interval '30 seconds'
    """,
)
UNSTARTED = Look(
    "webhook delivery {id} is said to be started, and there is no execution {execution_id}",
    """
    SELECT id, execution_id FROM webhook_deliveries d WHERE outcome = 'started'
    AND NOT EXISTS (SELECT 1 FROM executions e WHERE e.id = d.execution_id)
    """,
)
UNASKED = Look(
    "execution {id} was started by a webhook, and no delivery has asked for it",
    """
    SELECT id FROM executions e WHERE initiator = 'webhook' AND NOT EXISTS (
        SELECT 1 FROM webhook_deliveries d
        WHERE d.execution_id = e.id AND d.outcome = 'started'
    )
    """,
)
UNEXPLAINED = Look(
    "webhook delivery {id} was refused, and its row does not say why",
    "SELECT id FROM webhook_deliveries WHERE outcome = 'refused' AND code IS NULL",
)
#: What came while the database was away is told apart only when it is kept; that row has no key.
DOUBLED = Look(
    "{times} executions were started for the webhook delivery {key}",
    """
    SELECT params ->> 'key' AS key, count(*) AS times FROM executions
    WHERE initiator = 'webhook' GROUP BY pipeline_id, 1 HAVING count(*) > 1
    """,
)
KNOWN = "SELECT execution_id::text, key FROM webhook_deliveries"


def wrong_starts(connection: Connection, evidence: Evidence) -> Iterator[str]:
    """Deliveries that are lost, doubled or made up, and executions that nobody has asked for."""
    for look in (PENDING, UNSTARTED, UNASKED, UNEXPLAINED, DOUBLED):
        yield from look.violations(connection)
    rows = connection.exec_driver_sql(KNOWN).all()
    told, keys = {row[0] for row in rows}, {row[1] for row in rows}
    for sent in evidence.webhooks:
        if sent.execution_id is not None and sent.execution_id not in told:
            yield f"webhook delivery {sent.key} was accepted, and is not in the list"
        if sent.execution_id is None and sent.key in keys:
            yield f"webhook delivery {sent.key} was refused, and is in the list"
