"""A composite: a fan-out whose items run its actions one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.expressions import (
    CompiledValue,
    Condition,
    compile_value,
    covered,
    ledger_of,
    parse_condition,
)
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.domain.stored_actions import Composite, Part, defaults_of
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    FanOutActionExecutor,
    Item,
    ItemResult,
    MoreItems,
)

#: What templates of a composite see of the pipeline: what is its author's to know.
SEEN = ("secrets", "execution", "now")
SKIPPED: Mapping[str, Any] = {"outputs": {}, "status": StepStatus.SKIPPED.value, "error": None}


@dataclass(frozen=True)
class _PlannedPart:
    """One of its actions, with its texts parsed."""

    part: Part
    meta: ActionMeta
    action: str  #: as rows name it: with its version

    @cached_property
    def condition(self) -> Condition:
        return parse_condition(self.part.condition)

    @cached_property
    def params(self) -> CompiledValue:
        given = self.part.params or {}
        return compile_value({k: v for k, v in given.items() if k not in self._kept})

    @property
    def _kept(self) -> frozenset[str]:
        return self.meta.unrendered_params

    def given(self, scope: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
        """What it is given: what its author says, or what it knows of the *inputs*."""
        if self.part.params is None:
            return {k: v for k, v in inputs.items() if self.meta.param(k) is not None}
        rendered: dict[str, Any] = self.params.render(scope)
        return rendered | {k: v for k, v in self.part.params.items() if k in self._kept}


class CompositeExecutor(FanOutActionExecutor):
    """Has one item at a time; its join picks the next one, whose condition holds."""

    def __init__(
        self,
        action: Composite,
        meta: ActionMeta,
        bases: Mapping[str, ActionMeta],
        names: Mapping[str, str],
    ) -> None:
        self._defaults = defaults_of(meta.params)
        self._parts = [
            _PlannedPart(part, bases[part.action], names[part.action]) for part in action.parts
        ]
        self._outputs = compile_value(dict(action.outputs)) if action.outputs else None
        self._output_names = [output.name for output in meta.outputs]

    def expand(self, context: ActionContext) -> list[Item]:
        """Begin with the first action."""
        following = self._next(context, [])
        return [following] if following else []

    def join(
        self, context: ActionContext, results: Sequence[ItemResult]
    ) -> ActionResult | MoreItems:
        """Go on with the next one, or end; the first failure is the failure of the step."""
        ended = list(results)
        if ended and not ended[-1].succeeded:
            return self._failed(ended)
        following = self._next(context, ended)
        if following is not None:
            return MoreItems(items=[following], progress=self._progress(following))
        if self._outputs is None:
            return ActionResult(success=True, outputs=self._by_part(ended))
        return ActionResult(success=True, outputs=self._outputs.render(self._scope(context, ended)))

    def max_concurrency(self, context: ActionContext) -> int | None:  # noqa: ARG002 - the contract
        """Return one: each may need what the one before has left."""
        return 1

    def _next(self, context: ActionContext, ended: Sequence[ItemResult]) -> Item | None:
        """The first action behind the ended ones that has something to do."""
        scope = self._scope(context, ended)
        for planned in self._parts[self._place(ended[-1].key) + 1 if ended else 0 :]:
            if planned.condition.evaluate(scope):
                params = planned.given(scope, {**self._defaults, **context.params})
                part = planned.part
                return Item(value=part.id, key=part.id, action=planned.action, params=params)
        return None

    def _scope(self, context: ActionContext, ended: Sequence[ItemResult]) -> dict[str, Any]:
        seen = {name: context.scope[name] for name in SEEN if name in context.scope}
        inputs = covered({**self._defaults, **context.params}, ledger_of(context.scope))
        steps = {one.part.id: SKIPPED for one in self._parts} | {
            str(one.key): {
                "outputs": one.outputs,
                "status": one.status.value,
                "error": {"code": one.error_code, "message": one.error} if one.error else None,
            }
            for one in ended
        }
        return {**seen, "inputs": inputs, "steps": steps}

    def _failed(self, ended: Sequence[ItemResult]) -> ActionResult:
        failed = ended[-1]
        outputs = dict.fromkeys(self._output_names) if self._outputs else self._by_part(ended)
        return ActionResult(
            success=False,
            error=f"{failed.key}: {failed.error or failed.status.value.lower()}",
            error_code=failed.error_code,
            outputs=outputs,
        )

    def _by_part(self, ended: Sequence[ItemResult]) -> dict[str, Any]:
        found: dict[str, Any] = {one.part.id: {} for one in self._parts}
        return found | {str(one.key): one.outputs for one in ended}

    def _place(self, part_id: str | None) -> int:
        return next(i for i, one in enumerate(self._parts) if one.part.id == part_id)

    def _progress(self, following: Item) -> float:
        return 100 * self._place(following.key) / len(self._parts)
