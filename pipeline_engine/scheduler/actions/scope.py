"""What the templates of a step can see, loaded no further than they look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.definitions import PipelineDefinition
from pipeline_engine.domain.expressions import Ledger, Vault, covered
from pipeline_engine.domain.masking import NOTHING_HIDDEN, Masker
from pipeline_engine.domain.outcome import has_failed, outcome, own_id
from pipeline_engine.domain.sealing import Opened, Sealer
from pipeline_engine.scheduler.plan.plan import Plan
from pipeline_engine.scheduler.plan.planned_step import PlannedStep
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.storage import execution_ends, rows
from pipeline_engine.storage.moves import Ending
from pipeline_engine.storage.rows import (
    BlockItem,
    ExecutionFacts,
    Home,
    ItemRow,
    StepResult,
    StepRow,
)
from pipeline_engine.storage.tables.steps import StepKind

Results = dict[Home, dict[str, StepResult]]


@dataclass(frozen=True, slots=True)
class View:
    """Where the templates of one row look for steps: beside it, or outside of its blocks."""

    outside: Home  #: where steps are that are in no block
    definition: PipelineDefinition
    blocks: Sequence[tuple[str, Home]] = ()  #: around it, the outermost first

    @classmethod
    def of(cls, plan: Plan, row: StepRow, *, inside: bool = False) -> View:
        """The view of a row; *inside*: that of the steps that it holds, if it is a block."""
        definition, outside = plan.definition, Home(row.execution_id)
        if not row.enclosing and not inside:
            return cls(outside, definition)
        names = definition.enclosing.get(own_id(row.step_id), ())
        labels = (row.within or "").split("/")
        homes = [
            Home(row.execution_id, block, "/".join(labels[: number + 1]))
            for number, block in enumerate(row.enclosing or ())
        ]
        if inside:
            names, homes = (*names, row.step_id), [*homes, row.inside]
        return cls(outside, definition, tuple(zip(names, homes, strict=True)))

    def home_of(self, step_id: str) -> Home | None:
        """Where to look for a step; None if it cannot be seen from here."""
        around = self.definition.enclosing.get(step_id, ())
        if not around:
            return self.outside
        depth = len(around)
        if around != tuple(name for name, _ in self.blocks[:depth]):
            return None
        return self.blocks[depth - 1][1]

    @property
    def block_ids(self) -> list[int]:
        """The rows of the blocks around."""
        return [home.block for _, home in self.blocks if home.block is not None]


NO_RESULTS: Results = {}
NO_BLOCKS: Mapping[int, BlockItem] = {}


class StepResults(Mapping[str, Mapping[str, Any]]):
    """``steps`` in a template: the results that were loaded, and others when asked for."""

    def __init__(
        self,
        known: Mapping[str, StepResult],
        load: Callable[[str], StepResult | None],
        load_items: Callable[[str, Collection[str]], list[ItemRow]],
        around: Sequence[BlockItem] = (),
    ) -> None:
        self._known = dict(known)
        self._load = load
        self._load_items = load_items
        self.around = around  #: the blocks that it is seen from, the outermost first
        self.names_of: dict[str, Mapping[str, Any]] = {}  #: what is known of each of these

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
        if step_id in self.names_of:
            return self.names_of[step_id]
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
        self._endings: dict[tuple[Home, str], Ending] = {}

    def add(self, ending: Ending) -> None:
        """Remember how a step ended."""
        self._endings[ending.step.home, ending.step.step_id] = ending

    def result(self, home: Home, step_id: str) -> StepResult | None:
        """The result as the row will give it back, in values of its own."""
        ending = self._endings.get((home, step_id))
        if ending is None:
            return None
        outputs = None if ending.outputs is None else json_guard.as_stored(ending.outputs)
        return StepResult(ending.status.value, outputs, ending.error_code, ending.error_message)


def load_results(
    connection: Connection,
    wanted: Iterable[tuple[View, Iterable[str]]],
    ended: EndedHere | None = None,
) -> Results:
    """The results that a batch of steps refers to, those of the database in one query."""
    pairs = {
        (home, step_id)
        for view, ids in wanted
        for step_id in ids
        if (home := view.home_of(step_id)) is not None
    }
    found: Results = defaultdict(dict)
    for home, step_id in tuple(pairs):
        result = ended.result(home, step_id) if ended else None
        if result is not None:
            found[home][step_id] = result
            pairs.remove((home, step_id))
    if pairs:
        for (home, step_id), result in rows.step_results(connection, pairs).items():
            found[home][step_id] = result
    return found


def load_blocks(
    connection: Connection, views: Iterable[View], *, known: Collection[int] = ()
) -> dict[int, BlockItem]:
    """The rows of the blocks around that are not *known*, in one query."""
    inside = (view for view in views if view.blocks)
    ids = {block for view in inside for block in view.block_ids if block not in known}
    return {one.id: one for one in rows.block_items(connection, ids)} if ids else {}


def step_results(
    runtime: Runtime,
    view: View,
    known: Results = NO_RESULTS,
    connection: Connection | None = None,
    ended: EndedHere | None = None,
    blocks: Mapping[int, BlockItem] = NO_BLOCKS,
) -> StepResults:
    """The results that can be seen; others than *known* are read on *connection*, or a new one."""

    def load(step_id: str) -> StepResult | None:
        home = view.home_of(step_id)
        if home is None:
            return None
        if ended and (result := ended.result(home, step_id)):
            return result
        # Not of a step that there is not: ids in data could be thousands of others.
        if not view.definition.has_step(step_id):
            return None
        if connection is not None:
            return rows.step_results(connection, [(home, step_id)]).get((home, step_id))
        with runtime.engine.connect() as fresh:
            return rows.step_results(fresh, [(home, step_id)]).get((home, step_id))

    def load_items(step_id: str, statuses: Collection[str]) -> list[ItemRow]:
        home = view.home_of(step_id)
        assert home is not None, "a step is undone where it was done"
        if connection is not None:
            return rows.items_to_undo(connection, home, step_id, statuses)
        with runtime.engine.connect() as fresh:
            return rows.items_to_undo(fresh, home, step_id, statuses)

    around = [blocks[block] for block in view.block_ids] if view.blocks else ()
    return StepResults(_seen(view, known), load, load_items, around)


def _seen(view: View, known: Results) -> Mapping[str, StepResult]:
    found = known.get(view.outside, {})
    for _, home in view.blocks:
        found = {**found, **known.get(home, {})}
    return found


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
    status = outcome(known.reason, failed=has_failed(known.error))
    return replace(facts, end={"status": status.value, "error": known.error})


def moment() -> str:
    """``now`` in templates."""
    return datetime.now(UTC).isoformat()


def make_scope(
    facts: ExecutionFacts,
    results: StepResults,
    row: StepRow | None = None,
    *,
    masker: Masker = NOTHING_HIDDEN,
    sealer: Sealer | None = None,
    now: str | None = None,
) -> dict[str, Any]:
    """The names that a template of *row* may use; what quotes what *masker* hides is opaque.

    All templates that are evaluated at one occasion are to have one *now*. Raises
    ``SecretUnreadable`` if the item of a block around was sealed with another key.
    """
    around = [(one, opened_item(sealer, facts.id, one.item)) for one in results.around]
    for _, opened in around:
        masker = masker.hiding(opened.secrets)
    ledger = Ledger(masker)
    scope: dict[str, Any] = {
        "params": covered(facts.params, ledger) if facts.secrets else facts.params,
        "steps": results,
        "secrets": Vault(facts.known_secrets, ledger),
        "execution": facts.in_templates,
        "now": now or moment(),
    }
    for block, opened in around:  # the innermost last: its names count
        results.names_of[block.step_id] = names = _names_in(block, opened.value, ledger)
        scope |= names
    if row is not None and row.item_index is not None:
        scope |= {
            "item": covered((row.item or {}).get("value"), ledger),
            "item_index": row.item_index,
            "item_key": row.item_key,
        }
    return scope


def _names_in(block: BlockItem, item: Mapping[str, Any], ledger: Ledger) -> dict[str, Any]:
    """What the steps of a block know of its item, or its round; nothing of one that is no loop."""
    if block.item_index is None:
        return {}
    if (told := item.get("params")) is not None:  # by the loop
        return {name: covered(value, ledger) for name, value in told.items()}
    return {
        "item": covered(item.get("value"), ledger),
        "item_index": block.item_index,
        "item_key": block.item_key,
    }
