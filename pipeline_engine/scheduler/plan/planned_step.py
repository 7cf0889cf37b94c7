"""One step made ready to run: its action, its parsed templates, its effective settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pipeline_engine.config import Settings
from pipeline_engine.domain.action_params import may_park
from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.concurrency import Need, needs_of_action
from pipeline_engine.domain.definitions import (
    Retries,
    StepDefinition,
)
from pipeline_engine.domain.expressions import (
    CompiledValue,
    Condition,
    Fuel,
    Reference,
    compile_value,
    parse_condition,
)
from pipeline_engine.domain.masking import NOTHING_HIDDEN, Masker
from pipeline_engine.domain.queues import QueueName
from pipeline_engine.domain.sealing import Sealer
from pipeline_engine.scheduler.plan import blocks
from pipeline_engine.sdk import BaseActionExecutor

STARTS_EXECUTIONS = "run_pipeline"


@dataclass(slots=True)
class _Texts:
    """What a step says, parsed, and all that it refers to."""

    params: CompiledValue
    raw_params: dict[str, Any]
    condition: Condition
    references: list[Reference]
    results_needed: frozenset[str]


@dataclass(frozen=True)
class PlannedStep:
    """One step with all that a worker needs to run it."""

    definition: StepDefinition
    action: str  #: the action as its row names it: the type, and the version that was asked for
    meta: ActionMeta
    executor: BaseActionExecutor
    retry: Retries  #: empty: the first failure is the last
    fans_out: bool  #: its row expands into items instead of running the action itself
    settings: Settings = field(repr=False)
    masker: Masker = NOTHING_HIDDEN  #: of the installation's secrets
    sealer: Sealer | None = field(default=None, repr=False)

    @property
    def params(self) -> CompiledValue:
        """The params that templates are rendered in."""
        return self._texts.params

    @property
    def read_before(self) -> Sequence[CompiledValue]:
        """What its params are made of; nothing, unless its action is a template."""
        return ()

    def render(self, scope: dict[str, Any], fuel: Fuel) -> dict[str, Any]:
        """The params of an attempt. Raises ``ExpressionError``."""
        rendered: dict[str, Any] = self.params.render(scope, fuel)
        if self.raw_params:
            rendered |= self.raw_params
        return rendered

    def completed(
        self,
        given: Mapping[str, Any],
        scope: dict[str, Any],  # noqa: ARG002 - a template's
        fuel: Fuel,  # noqa: ARG002
    ) -> dict[str, Any]:
        """The params of an item for which its fan-out has rendered what it is *given*."""
        return dict(given)

    @property
    def raw_params(self) -> dict[str, Any]:
        """The params that the action wants as they were written."""
        return self._texts.raw_params

    @property
    def condition(self) -> Condition:
        """When false, the step is skipped."""
        return self._texts.condition

    @property
    def results_needed(self) -> frozenset[str]:
        """The steps whose results its templates refer to."""
        return self._texts.results_needed

    @cached_property
    def for_each(self) -> CompiledValue:
        """The list to fan out over."""
        loop = self.definition.for_each
        return compile_value(loop.items if loop else [])

    @cached_property
    def item_key(self) -> CompiledValue:
        """The name of an item."""
        loop = self.definition.for_each
        return compile_value(loop.key if loop else None)

    @cached_property
    def concurrency_key(self) -> CompiledValue:
        """What it needs a place for."""
        concurrency = self.definition.concurrency
        return compile_value(concurrency.key if concurrency else None)

    @cached_property
    def limited_by(self) -> tuple[Need, ...]:
        """The places of the installation that its action needs; a fan-out leaves it to its items.

        A step after the others, which may have to undo what has been done, waits for none.
        """
        limits = self.settings.action_limits
        if not limits or self.fans_out or self.definition.block is not None:
            return ()
        return needs_of_action(self.meta.type, self.definition.tags, limits)

    @cached_property
    def may_park(self) -> bool:
        """Whether what it waits for counts in the quota of its owner, if there is any.

        What waits for an execution does not: the steps of that one are counted.
        """
        if not self.settings.limits_parked_steps or self.fans_out:
            return False
        return self.meta.type != STARTS_EXECUTIONS and may_park(self.meta, self.definition.params)

    @property
    def needs_place(self) -> bool:
        """Whether it may have to wait for steps of other executions before it begins."""
        own = self.definition.concurrency is not None
        return own or bool(self.limited_by) or self.may_park

    @cached_property
    def looks_at_the_end(self) -> bool:
        """Whether its templates refer to how the execution ends."""
        looked_at = [(*r.path, None)[0] for r in self._texts.references if r.root == "execution"]
        return any(part in {"status", "error", None} for part in looked_at)

    @cached_property
    def hands_out_address(self) -> bool:
        """Whether its templates write down the address at which an attempt is answered."""
        return any(reference.root == "callback_url" for reference in self._texts.references)

    @cached_property
    def _texts(self) -> _Texts:
        # In one go: of a wide pipeline each step runs once, and looking up takes longer.
        params, kept = self.definition.params, self.meta.unrendered_params
        raw = {k: v for k, v in params.items() if k in kept}
        compiled = [compile_value({k: v for k, v in params.items() if k not in raw})]
        compiled += self.read_before
        if raw:
            compiled.append(compile_value(raw))
        if self.definition.for_each is not None:
            compiled += [self.for_each, self.item_key]
        if self.definition.concurrency is not None:
            compiled.append(self.concurrency_key)
        condition = parse_condition(self.definition.condition)
        references = [r for value in compiled for _, r in value.references]
        references += condition.references
        return _Texts(compiled[0], raw, condition, references, steps_named(references))

    @property
    def opens(self) -> bool:
        """Its row is that of a block, which opens into steps instead of running an action."""
        return self.meta is blocks.META and self.definition.for_each is None

    @property
    def idempotent(self) -> bool:
        """Whether the action may be repeated after its worker died."""
        said = self.definition.idempotent
        if said is not None:
            return said
        return self.meta.may_repeat(self.settings.peers_with_idempotency)

    @property
    def cheap(self) -> bool:
        """Whether it may share a message and a transaction; expanding a fan-out always may."""
        return self.fans_out or self.item_cheap

    @property
    def item_cheap(self) -> bool:
        """The same for one item of the fan-out."""
        return self.meta.cheap and self.definition.queue in {None, QueueName.FAST}

    @property
    def queue(self) -> str:
        """The queue of the step's own row."""
        return QueueName.FAST.value if self.cheap else self.item_queue

    @property
    def item_queue(self) -> str:
        """The queue of the work itself."""
        default = QueueName.FAST if self.meta.cheap else QueueName.IO
        return (self.definition.queue or self.meta.queue or default).value


def steps_named(references: Iterable[Reference]) -> frozenset[str]:
    """The ids of the steps that these references look into."""
    return frozenset(str(r.path[0]) for r in references if r.root == "steps" and r.path)
