"""What hides the secrets of those executions whose events were told of late."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, select

from pipeline_engine.domain.redaction import Redactor, redactor_for
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.pipelines import PipelineRevision

MOST_REMEMBERED = 500


class Redactors:
    """The redactors of some executions; what these are given and declare does not change."""

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, Redactor] = OrderedDict()

    def of(self, connection: Connection, ids: Collection[UUID]) -> dict[UUID, Redactor]:
        """The redactor of each of these executions."""
        found = {one: self._known[one] for one in ids if one in self._known}
        found |= self._read(connection, set(ids) - found.keys())
        self._remember(found)
        return found

    def _read(self, connection: Connection, ids: Collection[UUID]) -> dict[UUID, Redactor]:
        if not ids:
            return {}
        declared = PipelineRevision.document["parameters"]
        rows = connection.execute(
            select(Execution.id, Execution.params, declared)
            .join(PipelineRevision, PipelineRevision.id == Execution.revision_id)
            .where(Execution.id.in_(ids))
        )
        # One that was deleted a moment ago has no secrets any more.
        found = dict.fromkeys(ids, Redactor())
        return found | {one: redactor_for(params, names) for one, params, names in rows}

    def _remember(self, found: dict[UUID, Redactor]) -> None:
        for one, redactor in found.items():
            self._known[one] = redactor
            self._known.move_to_end(one)
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)
