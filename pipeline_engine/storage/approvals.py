"""Steps that wait for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain.paths import path_of
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.storage.postgres import driver

MOST = 100  #: approvals that are read; with more of them, a step has to be named


class WaitingApproval(NamedTuple):
    """An attempt that is parked until a yes or a no."""

    id: int
    attempt: int
    step_id: str
    item_index: int | None
    within: str | None

    @property
    def place(self) -> str:
        """The step, or one item of it: ``deploy[2]``; in a block ``each[2]/deploy``."""
        return path_of(self.step_id, self.item_index, self.within)


def waiting(
    connection: Connection, execution_id: UUID, *, action: str, step_id: str | None
) -> Sequence[WaitingApproval]:
    """Those of an execution, or of one step of it, in their order."""
    rows = driver.fetch(
        connection,
        "SELECT id, attempt, step_id, item_index, within FROM step_executions"
        f" WHERE execution_id = %(execution)s AND status = '{StepStatus.RUNNING}'"
        " AND awaiting_event AND NOT cancelling AND split_part(action, '@', 1) = %(action)s"
        " AND (%(step)s::text IS NULL OR step_id = %(step)s) ORDER BY id LIMIT %(most)s",
        {"execution": str(execution_id), "action": action, "step": step_id, "most": MOST},
    )
    return [WaitingApproval(*row) for row in rows]
