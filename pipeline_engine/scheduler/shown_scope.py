"""What the templates of a step see, for people: of what is hidden the mask alone.

Nothing secret gets into this scope, so nothing that is made of it can tell one: no length, no
first letter, no comparison. It is built anew from rows, and writes none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from pipeline_engine.domain.expressions import Fuel, KnownSecrets
from pipeline_engine.domain.masking import MASK
from pipeline_engine.domain.redaction import Redactor
from pipeline_engine.scheduler.actions.own_address import hand_out
from pipeline_engine.scheduler.actions.scope import (
    StepResults,
    View,
    as_it_ends,
    load_blocks,
    make_scope,
    step_results,
)
from pipeline_engine.scheduler.plan.plan import Plan
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage import rows
from pipeline_engine.storage.rows import BlockItem, ExecutionFacts, StepResult, StepRow

#: Each of them reads as the mask, whatever its name.
NONE_GIVEN = KnownSecrets(is_lenient=True)


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step whose templates are evaluated for somebody who looks at it."""

    runtime: Runtime
    connection: Connection
    plan: Plan
    facts: ExecutionFacts  #: as they are shown
    redactor: Redactor
    fuel: Fuel  #: for all that is evaluated
    row: StepRow | None = None  #: None: what a step outside of blocks sees

    @classmethod
    def of(
        cls,
        runtime: Runtime,
        connection: Connection,
        facts: ExecutionFacts,
        redactor: Redactor,
        fuel: Fuel,
    ) -> ShownStep:
        """What is seen of an execution; *facts* are as its row has them, and were not opened."""
        shown = replace(
            facts,
            params=redactor.params(facts.params),
            secrets=frozenset(),
            known_secrets=NONE_GIVEN,
        )
        plan = runtime.plan(connection, facts.id)
        return cls(runtime, connection, plan, shown, redactor, fuel)

    def at(self, row: StepRow) -> ShownStep:
        """The same, seen from a row."""
        return replace(self, row=replace(row, item=self.redactor.redact(row.item)))

    def scope(self, now: str | None = None) -> dict[str, Any]:
        """The names that the templates may use."""
        made = make_scope(self._facts(), self._results(), self.row, now=now)
        if self.row is not None:
            hand_out(made, MASK)
        return made

    def params(self, now: str | None = None) -> dict[str, Any]:
        """What its action was given. Raises ``ExpressionError`` and ``UnknownAction``."""
        assert self.row is not None, "there is no other action"
        planned, scope = self.plan.step(self.row), self.scope(now)
        given = (self.row.item or {}).get("params") if self.row.item_index is not None else None
        if given is not None:
            made = planned.completed(given, scope, self.fuel)
        else:
            made = planned.render(scope, self.fuel)
        found: dict[str, Any] = self.redactor.redact(made)
        return found

    def _facts(self) -> ExecutionFacts:
        if self.row is None:
            return self.facts
        planned = self.plan.step(self.row)
        ends = as_it_ends(self.connection, self.facts, self.plan, planned, self.row)
        return replace(ends, end=self.redactor.redact(ends.end)) if ends.end else ends

    def _results(self) -> StepResults:
        view = (
            View(rows.Home(self.facts.id), self.plan.definition)
            if self.row is None
            else View.of(self.plan, self.row)
        )
        blocks = load_blocks(self.connection, [view])
        around = {block: self._block(item) for block, item in blocks.items()}
        stored = step_results(self.runtime, view, connection=self.connection, blocks=around)

        def load(step_id: str) -> StepResult | None:
            self.fuel.look_at_the_clock()  # to read and to mask a result is not paid for
            found = stored.result(step_id)
            return None if found is None else self._result(found)

        return StepResults({}, load, stored.items_to_undo, stored.around)

    def _block(self, block: BlockItem) -> BlockItem:
        return replace(block, item=self.redactor.redact(block.item))

    def _result(self, found: StepResult) -> StepResult:
        return replace(
            found,
            outputs=self.redactor.redact(found.outputs),
            error_message=self.redactor.redact(found.error_message),
        )
