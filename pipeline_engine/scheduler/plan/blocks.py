"""A block made ready to run: the rows that each attempt of it begins with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.definitions import BLOCK, Block
from pipeline_engine.scheduler.plan.initial_rows import first_rows
from pipeline_engine.sdk import ActionContext, ActionResult, BaseActionExecutor
from pipeline_engine.storage.new_steps import NewStep
from pipeline_engine.storage.rows import Home

if TYPE_CHECKING:  # a plan keeps what is made here
    from pipeline_engine.scheduler.plan.plan import Plan

META = ActionMeta(
    type=BLOCK,
    name="Block",
    category="Control Flow",
    description="Steps that run in place of an action.",
    cheap=True,
    idempotent=True,
)


class BlockExecutor(BaseActionExecutor):
    """Stands where the others have an action; a block has steps."""

    def execute(self, context: ActionContext) -> ActionResult:
        """Never called: a block is opened."""
        raise NotImplementedError(f"the steps of {context.step_id} run, not the block")


@dataclass(frozen=True, slots=True)
class PlannedBlock:
    """The steps of a block with all that is needed to begin them."""

    rows: tuple[NewStep, ...]  #: with ranks (1, 2, 3 …) where they will have ids
    ahead: frozenset[int]  #: ranks of steps that nobody but the one who opens the block can reach

    @classmethod
    def of(cls, plan: Plan, block: Block) -> PlannedBlock:
        """Prepare *block*. Raises ``UnknownAction``."""
        rows = tuple(first_rows(plan, block.graph, block.steps))
        ahead: set[int] = set()
        ranks = {row.step_id: row.id for row in rows}
        for row in rows:  # each behind all that it waits for
            before = (ranks[one] for one in block.graph.dependencies(row.step_id))
            if plan.can_run_ahead(row.step_id) and ahead.issuperset(before):
                ahead.add(row.id)
        return cls(rows, frozenset(ahead))

    def rows_in(self, home: Home, enclosing: list[int], ids: list[int]) -> Iterator[NewStep]:
        """The rows of one attempt of the block, with these ids."""
        for row in self.rows:
            yield replace(
                row,
                id=ids[row.id - 1],
                successors=[ids[rank - 1] for rank in row.successors],
                parent_id=home.block,
                enclosing=enclosing,
                within=home.within,
            )
