"""Was every recorded decision of an execution the right one? Answered from its history alone.

The events of an execution are fed, in the order in which they were written, to the pure rules
of ``domain/``. What was recorded must be what those rules say: which steps began, and not
before they were ready; which were skipped, and why; what was tried again; how it all ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.definitions import PipelineDefinition, parse
from pipeline_engine.services.replay.recorded import Recorded, history_of
from pipeline_engine.services.replay.retold import Retold
from pipeline_engine.storage import rows

__all__ = ["Recorded", "differences", "replay"]


def replay(connection: Connection, execution_id: UUID) -> list[str]:
    """What the recorded history of an execution, ended or not, has against the rules.

    Raises ``KeyError`` if there is no such execution.
    """
    facts = rows.execution_facts(connection, [execution_id])
    if not facts:
        raise KeyError(execution_id)
    definition = parse(rows.revision_document(connection, facts[0].revision_id))
    return differences(definition, history_of(connection, execution_id))


def differences(definition: PipelineDefinition, history: Iterable[Recorded]) -> list[str]:
    """What a history has against the rules, in sentences; none if it is as it should be."""
    return Retold(definition, sorted(history, key=lambda event: event.id)).differences()
