"""Stored actions as a revision has kept them, made ready to run like any other.

A step of a template is a step of the action that it builds on, with other params. A composite is
a fan-out of the engine: ``composite.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

from pipeline_engine.domain.action_names import pinned, type_of
from pipeline_engine.domain.action_params import param_problems
from pipeline_engine.domain.actions import ActionMeta, InnerAction
from pipeline_engine.domain.concurrency import Need, needs_of_action
from pipeline_engine.domain.definitions import StepDefinition
from pipeline_engine.domain.expressions import (
    CompiledValue,
    ExpressionError,
    Fuel,
    compile_value,
    covered,
    ledger_of,
)
from pipeline_engine.domain.recorded_actions import RecordedActions, versions_in
from pipeline_engine.domain.stored_actions import (
    Composite,
    Template,
    defaults_of,
    inner_of,
    meta_of,
    parse,
    uses_of,
)
from pipeline_engine.registry import ChosenActions
from pipeline_engine.scheduler.plan.composite import CompositeExecutor
from pipeline_engine.scheduler.plan.plan import Plan
from pipeline_engine.scheduler.plan.planned_step import PlannedStep

INPUTS = "inputs"


class InvalidInputs(ExpressionError):
    """What a step gives a stored action does not fit."""

    code = "invalid_params"


@dataclass(frozen=True)
class PlannedTemplate(PlannedStep):
    """A step whose action is another one with some of its params filled in.

    ``definition.params`` are those of that other one: what is filled in, and what is let through.
    """

    exposed: ActionMeta = field(kw_only=True)  #: what a step gives it has to fit
    filled: Mapping[str, Any] = field(kw_only=True)  #: what its author has filled in
    given: Mapping[str, Any] = field(kw_only=True)  #: what the step says

    @cached_property
    def inputs(self) -> CompiledValue:
        """What the step says, but for what the action wants as it was written."""
        kept = self.exposed.unrendered_params
        return compile_value({k: v for k, v in self.given.items() if k not in kept})

    @cached_property
    def defaults(self) -> CompiledValue:
        """What is filled in, but for what the action wants as it was written."""
        kept = self.meta.unrendered_params
        return compile_value({k: v for k, v in self.filled.items() if k not in kept})

    @property
    def read_before(self) -> Sequence[CompiledValue]:
        """What its params are made of."""
        return (self.inputs,)

    @cached_property
    def limited_by(self) -> tuple[Need, ...]:
        """The places that it needs by its own name, and as what it builds on."""
        limits = self.settings.action_limits
        if not limits or self.fans_out or self.definition.block is not None:
            return ()
        names, tags = (self.exposed.type, self.meta.type), self.definition.tags
        needs = (need for name in names for need in needs_of_action(name, tags, limits))
        return tuple(dict.fromkeys(needs))

    def render(self, scope: dict[str, Any], fuel: Fuel) -> dict[str, Any]:
        """The params of an attempt. Raises ``ExpressionError``."""
        kept = {k: v for k, v in self.given.items() if k in self.exposed.unrendered_params}
        self._let_in(self.inputs.render(scope, fuel) | kept, scope)
        return super().render(scope, fuel)

    def completed(
        self, given: Mapping[str, Any], scope: dict[str, Any], fuel: Fuel
    ) -> dict[str, Any]:
        """The params of an item whose fan-out has rendered what it was *given*."""
        self._let_in(given, scope)
        kept = {k: v for k, v in self.filled.items() if k in self.meta.unrendered_params}
        passed = {k: v for k, v in given.items() if self._passes(k)}
        rendered: dict[str, Any] = self.defaults.render(scope, fuel)
        return {**rendered, **kept, **passed}

    def _passes(self, name: str) -> bool:
        return self.exposed.param(name) is not None and self.meta.param(name) is not None

    def _let_in(self, given: Mapping[str, Any], scope: dict[str, Any]) -> None:
        """Let templates see what was given, if it fits; a secret in it stays one."""
        problems = param_problems(self.exposed, given, rendered=True)
        if problems:
            raise InvalidInputs("; ".join(problem.message for problem in problems))
        known = {**defaults_of(self.exposed.params), **given}
        scope[INPUTS] = covered(known, ledger_of(scope))


@dataclass(frozen=True)
class KnownAction:
    """A stored action, with what was recorded of the actions that it uses."""

    action: Template | Composite
    version: str
    uses: RecordedActions
    texts: Mapping[str, Any] = field(repr=False)  #: as it was written

    @cached_property
    def parts(self) -> Mapping[str, KnownAction]:
        """The stored ones that it runs, by their versions: the pipeline may use other ones."""
        found = stored_in(self.uses).items()
        return {pinned(type_of(name), one.version): one for name, one in found}

    def planned(self, plan: Plan, definition: StepDefinition, action: str) -> PlannedStep:
        """A step that is carried out by this. Raises ``UnknownAction``."""
        if isinstance(self.action, Template):
            return self._template(plan, definition, action, self.action)
        return self._composite(plan, definition, action, self.action)

    def meta(self, plan: Plan) -> ActionMeta:
        """What it is in the catalogue. Raises ``UnknownAction``."""
        return meta_of(self.action, self.version, self._bases(plan))

    def _bases(self, plan: Plan) -> Mapping[str, ActionMeta]:
        find = partial(self._meta_of, plan)
        return {name: find(name) for name in uses_of(self.action, find)}

    def _template(
        self, plan: Plan, definition: StepDefinition, name: str, action: Template
    ) -> PlannedTemplate:
        base = self._chosen(plan).get(action.base)
        bases, said = self._bases(plan), definition.params
        exposed = meta_of(action, self.version, bases)
        filled = {k: v for k, v in action.filled.items() if base.meta.param(k)}
        filled |= _inner_as_saved(action, base.meta, bases)
        passed = {k: v for k, v in said.items() if exposed.param(k) and base.meta.param(k)}
        return PlannedTemplate(
            **plan.given_to(replace(definition, params={**filled, **passed}), base.meta),
            action=name,
            executor=base.executor,
            fans_out=definition.for_each is not None or base.fans_out,
            exposed=exposed,
            filled=filled,
            given=said,
        )

    def _composite(
        self, plan: Plan, definition: StepDefinition, name: str, action: Composite
    ) -> PlannedStep:
        bases = self._bases(plan)
        names = {one: pinned(type_of(one), meta.version) for one, meta in bases.items()}
        meta = meta_of(action, self.version, bases)
        # It runs others, so an address in its params is that of each of its items.
        runs = replace(meta, cheap=True, idempotent=True, inner=InnerAction())
        return PlannedStep(
            **plan.given_to(definition, runs),
            action=name,
            executor=CompositeExecutor(action, meta, bases, names),
            fans_out=True,
        )

    def _meta_of(self, plan: Plan, name: str) -> ActionMeta:
        """What an action that it uses says of itself, be that stored, too."""
        entry = self.uses.get(name) or {}
        if "definition" in entry:
            return _known(entry).meta(plan)
        return self._chosen(plan).get(name).meta

    def _chosen(self, plan: Plan) -> ChosenActions:
        """The installed actions in the versions that it was saved with."""
        # Recorded as they were written; an alias is looked up by its type.
        name_of = plan.registry.name_of
        chosen = {name_of(name): version for name, version in versions_in(self.uses).items()}
        return ChosenActions(plan.registry, chosen)


def stored_in(recorded: RecordedActions) -> Mapping[str, KnownAction]:
    """The stored actions that a revision keeps, by all names that its rows may have for them."""
    found: dict[str, KnownAction] = {}
    for name, entry in recorded.items():
        if "definition" in entry:
            found[name] = _known(entry)
    for known in tuple(found.values()):
        for name, one in known.parts.items():
            found.setdefault(name, one)
    return found


def _inner_as_saved(
    action: Template, base: ActionMeta, bases: Mapping[str, ActionMeta]
) -> dict[str, str]:
    """The action that the items of its base run, by the version that it was saved with."""
    name = inner_of(action, base)
    if base.inner is None or name is None:
        return {}
    return {base.inner.action: pinned(type_of(name), bases[name].version)}


def _known(entry: Mapping[str, Any]) -> KnownAction:
    written, uses = entry["definition"], entry.get("actions") or {}
    return KnownAction(parse(written), str(entry["version"]), uses, written)
