"""I14: nobody's delivery moves a step of somebody else."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from battery.evidence import Evidence
from battery.invariants.invariant import Look

# A service that speaks for nobody may report about the jobs of peers, for whomever they run;
# and a token is for one attempt of one step.
STRANGERS = Look(
    "delivery {id} of {sender} was offered to step {step_id} of {owner}",
    """
    SELECT i.id, coalesce(i.owner, 'the system') AS sender, s.step_id,
        coalesce(e.user_id, 'the system') AS owner
    FROM delivery_targets d JOIN inbox i ON i.id = d.delivery_id
    JOIN step_executions s ON s.id = d.step_execution_id JOIN executions e ON e.id = s.execution_id
    WHERE i.owner IS DISTINCT FROM e.user_id
        AND (i.owner IS NOT NULL OR s.action = 'wait_for_event')
    """,
)
WRONG_TOKENS = Look(
    "callback {id} is for attempt {meant} of step {addressee}, and was offered to {attempt} of"
    " {step_execution_id}",
    """
    SELECT i.id, i.step_execution_id AS addressee, i.attempt AS meant, d.step_execution_id,
        d.attempt
    FROM delivery_targets d JOIN inbox i ON i.id = d.delivery_id
    WHERE i.attempt IS NOT NULL
        AND (i.step_execution_id, i.attempt) <> (d.step_execution_id, d.attempt)
    """,
)
MISLABELLED = Look(
    "{owner} is noted as the owner of step {step_id}, which is of another",
    """
    SELECT d.owner, s.step_id FROM delivery_targets d
    JOIN step_executions s ON s.id = d.step_execution_id JOIN executions e ON e.id = s.execution_id
    WHERE d.owner IS DISTINCT FROM e.user_id
    """,
)


def deliveries_of_strangers(connection: Connection, _: Evidence) -> Iterator[str]:
    """Deliveries that were offered to whom they were not meant for."""
    for look in (STRANGERS, WRONG_TOKENS, MISLABELLED):
        yield from look.violations(connection)
