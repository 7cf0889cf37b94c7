"""A revision made ready to run: looked-up actions, effective settings, and its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

from pipeline_engine.config import Settings
from pipeline_engine.domain import retries
from pipeline_engine.domain.action_names import type_of
from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.definitions import (
    BLOCK,
    Compensation,
    OnFailure,
    PipelineDefinition,
    Retries,
    RetryConfig,
    StepDefinition,
)
from pipeline_engine.domain.expressions import (
    CompiledValue,
    compile_value,
)
from pipeline_engine.domain.given_values import OpenDefinition
from pipeline_engine.domain.masking import Masker, masker_of
from pipeline_engine.domain.outcome import COMPENSATES, compensating, own_id
from pipeline_engine.domain.readiness import EAGER
from pipeline_engine.domain.recorded_actions import RecordedActions, versions_in
from pipeline_engine.domain.sealing import Sealer, sealer_with
from pipeline_engine.domain.secret_store import NOTHING_NAMED, Named
from pipeline_engine.errors import UnknownAction
from pipeline_engine.registry import ChosenActions, Registry
from pipeline_engine.scheduler.plan import blocks
from pipeline_engine.scheduler.plan.blocks import PlannedBlock
from pipeline_engine.scheduler.plan.initial_rows import first_steps
from pipeline_engine.scheduler.plan.planned_step import PlannedStep
from pipeline_engine.sdk import BaseActionExecutor
from pipeline_engine.storage.new_executions import FirstSteps
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.steps import StepKind

#: Of all kept plans together. Each takes some two kilobytes, and a plan has up to thousands.
KEPT_STEPS = 20_000


class StoredPlan(Protocol):
    """A stored action as the plan of a revision uses it: ``stored.py``."""

    @property
    def parts(self) -> Mapping[str, StoredPlan]:
        """The stored ones that it runs itself, by the names that their rows have."""

    def planned(self, plan: Plan, definition: StepDefinition, action: str) -> PlannedStep:
        """A step that is carried out by it. Raises ``UnknownAction``."""

    def meta(self, plan: Plan) -> ActionMeta:
        """What it says of itself. Raises ``UnknownAction``."""


@dataclass(frozen=True)
class Plan:
    """One revision, ready to run."""

    definition: PipelineDefinition
    settings: Settings
    registry: Registry
    named: Named = NOTHING_NAMED  #: the stored secrets that it speaks of
    recorded: RecordedActions | None = None  #: what was chosen when it was saved
    #: those actions among them that are data, by the names that rows have for them
    stored: Mapping[str, StoredPlan] = field(default_factory=dict)
    open: OpenDefinition | None = None  #: where params give values; these are missing here

    @property
    def size(self) -> int:
        """How many steps it has, in blocks and out of them."""
        return len(self.definition.steps) + len(self.definition.enclosing)

    @cached_property
    def demands(self) -> Sequence[tuple[str, str, Sequence[str]]]:
        """The rights that its actions ask for: the step, the action and its words.

        An action that is only named while it runs asks then.
        """
        demanding = self.registry.demanding
        if not demanding:  # else each step has to be read, and most only when they run
            return ()
        return [
            (step.id, action, words)
            for step in self.definition.every_step()
            for action in self._actions_of(step)
            if type_of(action) in demanding or action in self.stored
            if (meta := self._meta_of(action)) and (words := meta.required_permissions)
        ]

    def _actions_of(self, step: StepDefinition) -> Iterator[str]:
        """The actions that a step names, its own and its undoing's, and those of their items."""
        undo = step.compensate
        for action, params in [
            (step.action, step.params),
            *([(undo.action, undo.params)] if undo else ()),
        ]:
            yield action
            meta = self._meta_of(action)
            inner = params.get(meta.inner.action) if meta and meta.inner else None
            if isinstance(inner, str):
                yield inner

    def _meta_of(self, action: str) -> ActionMeta | None:
        """What an action says of itself; None if it cannot be used, so that its step will fail."""
        try:
            known = self.stored.get(action)
            return known.meta(self) if known else self.actions.get(action).meta
        except UnknownAction:
            return None

    def step(self, row: StepRow) -> PlannedStep:
        """What to do for a row. Raises ``UnknownAction`` if the action is not installed."""
        key = (row.step_id, row.action, row.kind)
        if key not in self._planned:
            self._planned[key] = self._plan(row)
        return self._planned[key]

    @cached_property
    def _planned(self) -> dict[tuple[str, str, str], PlannedStep]:
        return {}

    def _plan(self, row: StepRow) -> PlannedStep:
        if row.kind == StepKind.STEP:
            known = self._step_with(row.step_id)
            if known is not None and known.action == row.action:
                return known
        definition = self.definition_of(row)
        return self.plan(
            _of_item(definition) if row.kind == StepKind.ITEM else definition, row.action
        )

    def definition_of(self, row: StepRow) -> StepDefinition:
        """The part of the document that a row stands for."""
        return self.definition_for(row.step_id, row.action, row.within)

    def definition_for(
        self, step_id: str, action: str, within: str | None = None
    ) -> StepDefinition:
        """The same by what the row says of itself."""
        known = self.definition.step(own_id(step_id))
        if not step_id.startswith(COMPENSATES):
            return known
        undo = known.compensate or Compensation(action=action)
        return compensating(known, undo, within=within)

    def undoable_inside(self, block_id: str | None = None) -> Sequence[str]:
        """The steps inside of a block, or of any, that something undoes."""
        return self._undoable.get(block_id, ())

    @cached_property
    def _undoable(self) -> Mapping[str | None, Sequence[str]]:
        found: dict[str | None, list[str]] = {}
        for step_id, around in self.definition.enclosing.items():
            if self.definition.step(step_id).compensate:
                for block_id in (None, *around):
                    found.setdefault(block_id, []).append(step_id)
        return found

    def runs_after_steps(self, row: StepRow) -> bool:
        """Whether a row is a handler, a compensation, or an item of one."""
        if row.kind != StepKind.ITEM:
            return row.kind in {StepKind.HANDLER, StepKind.COMPENSATION}
        return row.step_id.startswith(COMPENSATES) or self.definition.is_handler(row.step_id)

    def tolerates_failure(self, row: StepRow) -> bool:
        """Whether the failure of a row leaves the execution alone."""
        return self.definition_of(row).on_failure is OnFailure.CONTINUE

    def find(self, definition: StepDefinition) -> PlannedStep | None:
        """The planned form of a definition; None if the plug-in that it needs is gone."""
        try:
            return self.plan(definition, definition.action)
        except UnknownAction:
            return None

    def plan(self, definition: StepDefinition, action: str) -> PlannedStep:
        """The planned form of a definition that is carried out by *action*.

        Raises ``UnknownAction``.
        """
        known = self._stored_in(definition.action, action)
        if known is not None:
            return known.planned(self, definition, action)
        meta, executor, fans_out = self._found(definition, action)
        return PlannedStep(
            **self.given_to(definition, meta),
            action=self.actions.name_of(action),
            executor=executor,
            fans_out=definition.for_each is not None or fans_out,
        )

    def _stored_in(self, of_step: str, action: str) -> StoredPlan | None:
        """What an action of a step is, if it is stored; what it runs itself goes first there.

        Another owner's may have the same name and version: the system's runs those of the system.
        """
        its = self.stored.get(of_step) if self.stored and of_step != action else None
        return (its.parts.get(action) if its else None) or self.stored.get(action)

    def given_to(self, definition: StepDefinition, meta: ActionMeta) -> dict[str, Any]:
        """The fields of a planned step that do not depend on who carries it out."""
        return {
            "definition": definition,
            "meta": meta,
            "retry": self._retry(definition, meta),
            "settings": self.settings,
            "masker": self.masker,
            "sealer": self.sealer,
        }

    def _found(
        self, definition: StepDefinition, action: str
    ) -> tuple[ActionMeta, BaseActionExecutor, bool]:
        if action == BLOCK and definition.block is not None:  # a plug-in may have the same name
            return blocks.META, blocks.BlockExecutor(), False
        found = self.actions.get(action)
        return found.meta, found.executor, found.fans_out

    @cached_property
    def actions(self) -> ChosenActions:
        """The actions in the versions that this revision has."""
        return ChosenActions(self.registry, versions_in(self.recorded))

    def block(self, step_id: str) -> PlannedBlock:
        """The steps inside of a block. Raises ``UnknownAction``."""
        if step_id not in self._blocks:
            block = self.definition.step(step_id).block
            assert block is not None, "only a block is opened"
            self._blocks[step_id] = PlannedBlock.of(self, block)
        return self._blocks[step_id]

    @cached_property
    def _blocks(self) -> dict[str, PlannedBlock]:
        return {}

    def opens(self, row: StepRow) -> bool:
        """Whether a row is that of a block, of one item or one round of it."""
        step = self.definition_of(row)
        return step.block is not None and (row.kind == StepKind.ITEM or not step.repeats_block)

    def outputs_of(self, block_id: str) -> CompiledValue:
        """The templates of a block's outputs; for them nobody needs the actions of its steps."""
        if block_id not in self._outputs:
            block = self.definition.step(block_id).block
            assert block is not None, "only a block is opened"
            self._outputs[block_id] = compile_value(dict(block.outputs))
        return self._outputs[block_id]

    @cached_property
    def _outputs(self) -> dict[str, CompiledValue]:
        return {}

    @cached_property
    def masker(self) -> Masker:
        """What hides the secrets of the installation."""
        return masker_of(self.settings.secrets.values())

    @cached_property
    def sealer(self) -> Sealer:
        """What opens the secrets in the rows of items."""
        return sealer_with(self.settings.secret_key, self.settings.old_secret_keys)

    def _retry(self, definition: StepDefinition, meta: ActionMeta) -> Retries:
        if definition.on_failure is not OnFailure.RETRY and not definition.retry:
            return ()
        return retries.policies_for(
            definition,
            self.definition.settings,
            action_policy=meta.retry_policy,
            default=RetryConfig(
                max_attempts=self.settings.retry_max_attempts,
                backoff_seconds=self.settings.retry_backoff_seconds,
                backoff_multiplier=self.settings.retry_backoff_multiplier,
                max_backoff_seconds=self.settings.retry_max_backoff_seconds,
            ),
        )

    @cached_property
    def outputs(self) -> CompiledValue:
        """The templates of the execution's own outputs."""
        return compile_value(dict(self.definition.outputs))

    @cached_property
    def first_steps(self) -> FirstSteps:
        """The rows that each execution begins with. Raises ``UnknownAction``."""
        return first_steps(self)

    @cached_property
    def window(self) -> int | None:
        """How many steps may run at once; None if the pipeline cannot exceed it anyway."""
        limit = self.definition.settings.max_parallel_steps
        inside = self._blocking_inside
        if self._blocking_steps + inside <= limit or self._blocking_chains + inside <= limit:
            return None
        return limit

    def window_of(self, kind: str, *, cheap: bool, is_repeated: bool = False) -> int | None:
        """How many rows of this kind may be on their way at once; None if they need no place.

        Handlers and compensations run one after the other, when all steps have ended. What a
        fan-out or a loop repeats has a window of its own.
        """
        return None if cheap or is_repeated or kind != StepKind.STEP else self.window

    def cancels_rest(self, step_id: str, *, still_open: int) -> bool:
        """Whether a step that goes on now may have something stopped.

        That are dependencies that are *still open*, or what an eager step before it has gone on
        without.
        """
        if step_id not in self.definition.cancelling_rest:
            return False
        return still_open > 0 or any(
            self.definition.rule(before)[0] in EAGER
            for before in self.definition.graph_of(step_id).leads_only_to(step_id)
        )

    def can_run_ahead(self, step_id: str) -> bool:
        """Whether the step runs when all its dependencies have ended, and then ends at once."""
        step = self._step_with(step_id)
        if step is None or step.fans_out or step.opens or not step.item_cheap:
            return False
        if step.needs_place:
            return False
        if step_id in self.definition.catchers:
            return False
        return step.definition.trigger_rule not in EAGER

    def _step_with(self, step_id: str) -> PlannedStep | None:
        # One by one: of a wide pipeline a worker may see no more than its share.
        if step_id not in self._steps_by_id:
            self._steps_by_id[step_id] = self.find(self.definition.step(step_id))
        return self._steps_by_id[step_id]

    @cached_property
    def _steps_by_id(self) -> dict[str, PlannedStep | None]:
        return {}

    @cached_property
    def _blocking_steps(self) -> int:
        return sum(map(self._is_blocking, self.definition.graph.topological_order()))

    @cached_property
    def _blocking_inside(self) -> int:
        """How many steps inside of blocks may be on their way at once, but for repeated ones."""
        inside = self.definition.enclosing
        return sum(self._is_blocking(i) and not self.definition.is_repeated(i) for i in inside)

    def _is_blocking(self, step_id: str) -> bool:
        step = self._step_with(step_id)
        return step is None or not step.cheap

    @cached_property
    def _blocking_chains(self) -> int:
        """Into how many chains the steps can be laid, each step behind one that it waits for.

        Of a chain only one step is on its way at any time, so no more steps are than there are
        chains with blocking ones. A step with an eager rule begins a chain: it may start before
        what it depends on has ended.
        """
        chain_of: dict[str, int] = {}
        last: dict[int, str] = {}
        graph = self.definition.graph
        for step_id in graph.topological_order():
            rule, _ = self.definition.rule(step_id)
            before = () if rule in EAGER else graph.dependencies(step_id)
            free = (chain_of[one] for one in before if last[chain_of[one]] == one)
            chain_of[step_id] = next(free, len(last))
            last[chain_of[step_id]] = step_id
        return len({chain_of[step_id] for step_id in chain_of if self._is_blocking(step_id)})


def _of_item(step: StepDefinition) -> StepDefinition:
    """What holds for each item of a fan-out; the time of the step is that of all of them."""
    limit = step.for_each.item_timeout_seconds if step.for_each else None
    return replace(step, for_each=None, condition=None, concurrency=None, timeout_seconds=limit)
