"""What the templates of a step can see, loaded no further than they look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.expressions import Ledger, Vault, covered
from pipeline_engine.domain.masking import NOTHING_HIDDEN, Masker
from pipeline_engine.domain.outcome import outcome
from pipeline_engine.domain.sealing import Opened, Sealer
from pipeline_engine.scheduler.plan.plan import Plan, PlannedStep
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage import execution_ends, rows
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.rows import ExecutionFacts, ItemRow, StepResult, StepRow
from pipeline_engine.storage.tables.steps import StepKind

Results = dict[UUID, dict[str, StepResult]]


class StepResults(Mapping[str, Mapping[str, Any]]):
    """``steps`` in a template: the results that were loaded, and others when asked for."""

    def __init__(
        self,
        known: Mapping[str, StepResult],
        load: Callable[[str], StepResult | None],
        load_items: Callable[[str, Collection[str]], list[ItemRow]],
    ) -> None:
        self._known = dict(known)
        self._load = load
        self._load_items = load_items

    def items_to_undo(self, step_id: str, statuses: Collection[str]) -> list[ItemRow]:
        """The items of a fan-out that ended so, the last one first."""
        return self._load_items(step_id, statuses)

    def result(self, step_id: str) -> StepResult | None:
        """How a step ended so far; None if there is no such step."""
        if step_id not in self._known:
            found = self._load(step_id)
            if found is None:
                return None
            self._known[step_id] = found
        return self._known[step_id]

    def __getitem__(self, step_id: str) -> Mapping[str, Any]:
        found = self.result(step_id)
        if found is None:
            raise KeyError(step_id)
        error = {"code": found.error_code, "message": found.error_message}
        return {
            "outputs": found.outputs or {},
            "status": found.status,
            "error": error if found.error_code or found.error_message else None,
        }

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


class StepOutputs(Mapping[str, dict[str, Any]]):
    """``context.step_outputs`` of an action: outputs by step id."""

    def __init__(self, results: StepResults) -> None:
        self._results = results

    def __getitem__(self, step_id: str) -> dict[str, Any]:
        found = self._results.result(step_id)
        if found is None or found.outputs is None:
            raise KeyError(step_id)
        return found.outputs

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)


class EndedHere:
    """How steps ended whose ends this transaction has not written yet."""

    def __init__(self) -> None:
        self._endings: dict[tuple[UUID, str], Ending] = {}

    def add(self, ending: Ending) -> None:
        """Remember how a step ended."""
        self._endings[ending.step.execution_id, ending.step.step_id] = ending

    def result(self, execution_id: UUID, step_id: str) -> StepResult | None:
        """The result as the row will give it back, in values of its own."""
        ending = self._endings.get((execution_id, step_id))
        if ending is None:
            return None
        outputs = None if ending.outputs is None else json_guard.as_stored(ending.outputs)
        return StepResult(ending.status.value, outputs, ending.error_code, ending.error_message)


def load_results(
    connection: Connection,
    wanted: Iterable[tuple[UUID, Iterable[str]]],
    ended: EndedHere | None = None,
) -> Results:
    """The results that a batch of steps refers to, those of the database in one query."""
    pairs = {(execution_id, step_id) for execution_id, ids in wanted for step_id in ids}
    found: Results = defaultdict(dict)
    for execution_id, step_id in tuple(pairs):
        result = ended.result(execution_id, step_id) if ended else None
        if result is not None:
            found[execution_id][step_id] = result
            pairs.remove((execution_id, step_id))
    if pairs:
        for (execution_id, step_id), result in rows.step_results(connection, pairs).items():
            found[execution_id][step_id] = result
    return found


def step_results(
    runtime: Runtime,
    execution_id: UUID,
    known: Mapping[str, StepResult],
    connection: Connection | None = None,
    ended: EndedHere | None = None,
) -> StepResults:
    """The results of one execution; others are read on *connection*, or on a new one."""

    def load(step_id: str) -> StepResult | None:
        if ended and (result := ended.result(execution_id, step_id)):
            return result
        if connection is not None:
            return _read(runtime, connection, execution_id, step_id)
        with runtime.engine.connect() as fresh:
            return _read(runtime, fresh, execution_id, step_id)

    def load_items(step_id: str, statuses: Collection[str]) -> list[ItemRow]:
        if connection is not None:
            return rows.items_to_undo(connection, execution_id, step_id, statuses)
        with runtime.engine.connect() as fresh:
            return rows.items_to_undo(fresh, execution_id, step_id, statuses)

    return StepResults(known, load, load_items)


def _read(
    runtime: Runtime, connection: Connection, execution_id: UUID, step_id: str
) -> StepResult | None:
    """Ask the database for a step that there is: ids in data could be thousands of others."""
    if not runtime.plan(connection, execution_id).definition.has_step(step_id):
        return None
    key = (execution_id, step_id)
    return rows.step_results(connection, [key]).get(key)


def stored_item(
    sealer: Sealer, execution_id: UUID, value: Any, params: Any, masker: Masker
) -> dict[str, Any]:
    """An item as its row keeps it: the secrets in it are sealed."""
    item = {"value": value} | ({} if params is None else {"params": params})
    sealed = sealer.seal(item, str(execution_id), masker=masker) if masker else None
    return item if sealed is None else {**sealed, "sealed": True}


def opened_item(sealer: Sealer | None, execution_id: UUID, item: Any) -> Opened:
    """The value of an item, the params if its fan-out has made them, and the secrets in both.

    What the fan-out has made of a secret is one of them: its item could not know it again.

    Raises ``SecretUnreadable``.
    """
    found: dict[str, Any] = item or {}
    if sealer is None or "sealed" not in found:
        return Opened(found, frozenset())
    kept = {name: member for name, member in found.items() if name != "sealed"}
    return sealer.open(kept, str(execution_id))


def as_it_ends(
    connection: Connection, facts: ExecutionFacts, plan: Plan, planned: PlannedStep, row: StepRow
) -> ExecutionFacts:
    """*facts*, with how the execution ends if *row* is there for that and asks."""
    if row.kind == StepKind.STEP or not planned.looks_at_the_end or not plan.runs_after_steps(row):
        return facts
    known = execution_ends.end_so_far(connection, facts.id)
    status = outcome(known.reason, failed=bool(known.error))
    return replace(facts, end={"status": status.value, "error": known.error})


def moment() -> str:
    """``now`` in templates."""
    return datetime.now(UTC).isoformat()


def make_scope(
    facts: ExecutionFacts,
    results: StepResults,
    row: StepRow | None = None,
    *,
    secrets: Mapping[str, str] | None = None,
    masker: Masker = NOTHING_HIDDEN,
    now: str | None = None,
) -> dict[str, Any]:
    """The names that a template of *row* may use; what quotes what *masker* hides is opaque.

    All templates that are evaluated at one occasion are to have one *now*.
    """
    ledger = Ledger(masker)
    scope: dict[str, Any] = {
        "params": covered(facts.params, ledger) if facts.secrets else facts.params,
        "steps": results,
        "secrets": Vault(secrets or {}, ledger),
        "execution": facts.in_templates,
        "now": now or moment(),
    }
    if row is not None and row.item_index is not None:
        scope |= {
            "item": covered((row.item or {}).get("value"), ledger),
            "item_index": row.item_index,
            "item_key": row.item_key,
        }
    return scope
