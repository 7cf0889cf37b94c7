"""What a pipeline is made of; docs/reference/definition.md describes it field by field."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeAlias

from pipeline_engine.domain.error_codes import is_among
from pipeline_engine.domain.graph import Graph
from pipeline_engine.domain.queues import QueueName
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.domain.validation.rules import ValidationRules

JSON: TypeAlias = Any


class OnFailure(StrEnum):
    """What the failure of a step means for its execution."""

    FAIL = "fail"  #: the execution fails
    CONTINUE = "continue"  #: the execution goes on as if the step had no outputs
    RETRY = "retry"  #: the step is tried again; after the last attempt like ``fail``


class TriggerRule(StrEnum):
    """Which ends of its dependencies let a step start; ``domain/readiness.py`` decides."""

    NONE_FAILED = "none_failed"  #: all ended, none with an unhandled failure
    ALL_SUCCESS = "all_success"  #: all completed
    ALL_DONE = "all_done"  #: all ended, however; a failing execution does not stop it
    ONE_SUCCESS = "one_success"  #: one completed, while others may still run
    ONE_FAILED = "one_failed"  #: one failed, while others may still run
    ONE_DONE = "one_done"  #: one completed or failed, while others may still run
    ALL_FAILED = "all_failed"  #: all failed
    ALWAYS = "always"  #: as ``all_done``; even cancelling does not stop it
    AT_LEAST = "at_least"  #: ``at_least`` of them completed, while others may still run


Rule: TypeAlias = tuple[TriggerRule, int | None]  #: with the number that ``at_least`` asks for
USUAL_RULE: Rule = (TriggerRule.NONE_FAILED, None)


class HandlerWhen(StrEnum):
    """Which end of an execution runs a handler."""

    ON_SUCCESS = "on_success"
    ON_FAILURE = "on_failure"
    ALWAYS = "always"
    ON_CANCEL = "on_cancel"


#: Of one step, by all its policies together.
MAX_ATTEMPTS = 100


class Jitter(StrEnum):
    """How much of its back-off a retry waits."""

    FULL = "full"  #: anything between nothing and all of it
    NONE = "none"  #: all of it


@dataclass(frozen=True, slots=True)
class RetryConfig:
    """How often a step is tried, and how long it waits in between."""

    max_attempts: int = 3
    backoff_seconds: float = 60
    backoff_multiplier: float = 2.0
    max_backoff_seconds: float = 3600
    jitter: Jitter = Jitter.FULL
    max_elapsed_seconds: float | None = None  #: from its first attempt until its last may begin
    retry_on: tuple[str, ...] = ()  #: error codes and patterns; empty is every one
    no_retry_on: tuple[str, ...] = ()


#: Of several the first that speaks of a failure decides about it; empty: nothing was said.
Retries: TypeAlias = tuple[RetryConfig, ...]


@dataclass(frozen=True, slots=True)
class Catch:
    """What takes the place of a failure, when no retry is left."""

    errors: tuple[str, ...]  #: error codes and patterns
    outputs: Mapping[str, JSON] | None = None  #: templates; None: what the failed attempt left
    next: tuple[str, ...] = ()  #: the steps that go on; empty: those that always do


class WhenFull(StrEnum):
    """What becomes of an execution or a step for which there is no place."""

    WAIT = "wait"  #: it goes on when it has one: first come, first served
    SKIP = "skip"  #: the step is skipped, the execution is interrupted
    FAIL = "fail"  #: it fails
    CANCEL_OLDEST = "cancel_oldest"  #: those in front of it are cancelled, the oldest first


#: Other words for the same.
WHEN_FULL_ALIASES = {"queue": WhenFull.WAIT, "cancel_old": WhenFull.CANCEL_OLDEST}


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How many executions or steps with the same key there may be at once."""

    key: str  #: a template
    limit: int = 1
    when_full: WhenFull = WhenFull.WAIT


@dataclass(frozen=True, slots=True)
class ForEach:
    """The list with an entry for each item of the step."""

    items: JSON  #: a list, or the text of a template that gives one
    max_concurrency: int | None = None
    tolerated_failures: int = 0
    tolerated_percent: float | None = None
    key: str | None = None  #: a template over ``item`` that names it
    item_timeout_seconds: int | None = None  #: of each attempt of an item; None is the action's

    def tolerates(self, count: int) -> int:
        """How many of *count* items may fail before the step does."""
        percent = int((self.tolerated_percent or 0) * count / 100)
        return max(self.tolerated_failures, percent)


class NotifyOn(StrEnum):
    """What of a step somebody can be told."""

    STARTED = "started"
    PARKED = "parked"  #: it waits for somebody outside
    REMINDER = "reminder"  #: it still waits, and its action wants that to be said again
    RETRYING = "retrying"  #: an attempt has failed, and another one follows
    COMPLETED = "completed"
    FAILED = "failed"  #: or its time was over; no attempt follows
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a subscription is told about a step, in the author's words."""

    on: frozenset[NotifyOn]
    subscription: str  #: the name of one of those of the execution's owner
    message: str  #: a template
    title: str | None = None  #: a template; None: the name of the step
    per_item: bool = False  #: of a fan-out each item is told of, in place of the whole


#: The action of a step that holds other steps, as its row and its items name it.
BLOCK = "block"


@dataclass(frozen=True)  # without slots: keeps its graph
class Block:
    """The steps that a step runs in place of an action, and what they leave together."""

    steps: Sequence[StepDefinition]
    edges: Sequence[tuple[str, Sequence[str]]]  #: what each of them depends on, among them
    outputs: Mapping[str, JSON] = field(default_factory=dict)  #: templates

    @cached_property
    def graph(self) -> Graph:
        """Which of its steps waits for which."""
        return Graph(self.edges)


@dataclass(frozen=True, slots=True)
class Compensation:
    """The action that undoes a step, or each of its items."""

    action: str
    params: JSON = field(default_factory=dict)
    name: str | None = None  #: None: that of the step, with "Undo" before it
    retry: Retries = ()  #: empty: a few quick attempts
    timeout_seconds: int | None = None  #: of each attempt; of a fan-out as a whole
    when_failed: bool = False  #: also what has failed itself is undone
    per_item: bool = False  #: of a fan-out each item is undone, the last one first


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDefinition:
    """One step: an action, its params, and when it runs."""

    id: str
    name: str
    action: str
    params: Mapping[str, JSON] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()  #: names for readers only
    condition: str | None = None
    on_failure: OnFailure = OnFailure.FAIL
    timeout_seconds: int | None = None  #: of each attempt; of a fan-out as a whole
    retry: Retries = ()
    catch: tuple[Catch, ...] = ()
    trigger_rule: TriggerRule = TriggerRule.NONE_FAILED
    at_least: int | None = None  #: set if the trigger rule is ``at_least``
    cancel_rest: bool = False  #: what else it depends on is stopped when its rule is met
    for_each: ForEach | None = None
    block: Block | None = None  #: what it runs; its action is ``BLOCK``, or the loop around it
    concurrency: Concurrency | None = None  #: it needs a place before it begins
    compensate: Compensation | None = None
    undoes_items: frozenset[StepStatus] = frozenset()  #: of a compensation: those that ended so
    tags: tuple[str, ...] = ()  #: what an installation limits, beside the action
    idempotent: bool | None = None  #: overrides what the action says
    queue: QueueName | None = None  #: overrides what the action says
    weight: float = 1  #: of its progress
    notify: tuple[Notice, ...] = ()

    @property
    def repeats_block(self) -> bool:
        """Whether its block is run for each of its items or rounds, and not for itself."""
        is_loop = self.for_each is not None or self.action != BLOCK
        return self.block is not None and is_loop

    def caught_as(self, error_code: str | None) -> Catch | None:
        """The first entry of ``catch`` that speaks of a failure."""
        return next((c for c in self.catch if is_among(error_code, c.errors)), None)


@dataclass(frozen=True, slots=True)
class HandlerDefinition:
    """A step that runs after all others, at certain ends of the execution only."""

    step: StepDefinition
    when: HandlerWhen


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSettings:
    """What holds for every execution of a pipeline."""

    timeout_seconds: int = 7200
    handlers_timeout_seconds: int = 30  #: for all that goes on after the time is up
    fail_fast: bool = True
    max_parallel_steps: int = 10
    max_concurrent_executions: int | None = None  #: of the pipeline, whoever starts them
    when_full: WhenFull = WhenFull.WAIT  #: as many as that are open
    retry_policy: Retries = ()  #: for retrying steps without a ``retry`` block
    handlers: tuple[HandlerDefinition, ...] = ()  #: run one after another, in this order


@dataclass(frozen=True, slots=True)
class ParameterDefinition:
    """One input of a pipeline."""

    name: str
    type: str = "string"
    description: str | None = None
    required: bool = True
    default: JSON = None
    has_default: bool = False
    rules: ValidationRules | None = None  #: limits beside the type

    @property
    def is_secret(self) -> bool:
        """Its value never leaves the engine readable."""
        return self.type == "secret"


@dataclass(frozen=True)  # without slots: keeps its graph
class PipelineDefinition:
    """A whole pipeline, as its author wrote it."""

    name: str
    version: str = "1.0"
    description: str | None = None
    parameters: tuple[ParameterDefinition, ...] = ()
    settings: PipelineSettings = field(default_factory=PipelineSettings)
    concurrency: Concurrency | None = None  #: an execution needs a place before it begins
    steps: Sequence[StepDefinition] = ()
    edges: Sequence[tuple[str, Sequence[str]]] = ()  #: what each of the steps depends on
    unusual_rules: Mapping[str, Rule] = field(default_factory=dict)  #: of steps that have one
    cancelling_rest: frozenset[str] = frozenset()  #: steps that stop what they go on without
    catching: Mapping[str, frozenset[str]] = field(default_factory=dict)  #: steps in any ``next``
    outputs: Mapping[str, str] = field(default_factory=dict)
    #: Of each step inside of blocks the ids of these, the outermost first.
    enclosing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def needs_place(self) -> bool:
        """Whether an execution may have to wait for others before it begins."""
        return self.concurrency is not None or self.settings.max_concurrent_executions is not None

    def step(self, step_id: str) -> StepDefinition:
        """The step or handler with this id. Raises ``KeyError`` if there is none."""
        handler = self._handlers.get(step_id)
        if handler is not None:
            return handler
        if step_id in self.enclosing:
            return self._inner[step_id]
        return self.steps[self._numbers[step_id]]

    def every_step(self) -> Iterator[StepDefinition]:
        """Each step and handler, and what is inside of blocks."""
        yield from self.steps
        yield from self._inner.values()
        yield from self._handlers.values()

    def depth(self, step_id: str) -> int:
        """In how many blocks a step is."""
        return len(self.enclosing.get(step_id, ()))

    def is_repeated(self, step_id: str) -> bool:
        """Whether a block that the step is in has items or rounds."""
        return any(
            self.step(block_id).repeats_block for block_id in self.enclosing.get(step_id, ())
        )

    def rule(self, step_id: str) -> Rule:
        """The trigger rule of a step, without a look at the rest of it."""
        return self.unusual_rules.get(step_id, USUAL_RULE)

    def untaken(self, step_id: str, goes_to: Collection[str]) -> Set[str]:
        """The steps that are not taken when a failure of this one was caught for *goes_to*."""
        if not goes_to:
            return frozenset()
        return frozenset(self.graph_of(step_id).dependents(step_id)) - self.catching[step_id]

    @cached_property
    def catchers(self) -> Mapping[str, Sequence[str]]:
        """The steps whose failures lead to a step, for those that nothing else leads to."""
        found: dict[str, list[str]] = {}
        for step_id, targets in self.catching.items():
            for target in targets:
                found.setdefault(target, []).append(step_id)
        return found

    def leads_to(self, step_id: str, error_code: str | None, target: str) -> bool:
        """Whether a caught failure of a step leads to *target*."""
        entry = self.step(step_id).caught_as(error_code)
        return entry is not None and target in entry.next

    def has_step(self, step_id: str) -> bool:
        """Whether a step or handler has this id."""
        known = (self._handlers, self._numbers, self.enclosing)
        return any(step_id in ids for ids in known)

    def is_handler(self, step_id: str) -> bool:
        """Whether a handler has this id."""
        return step_id in self._handlers

    @cached_property
    def secret_parameters(self) -> frozenset[str]:
        """The names of the parameters that are declared secret."""
        return frozenset(p.name for p in self.parameters if p.is_secret)

    @cached_property
    def graph(self) -> Graph:
        """Which step waits for which; handlers are not part of it, nor is what is in blocks."""
        return Graph(self.edges)

    def graph_of(self, step_id: str) -> Graph:
        """The graph that a step is part of: that of the block that it is in, or of all."""
        around = self.enclosing.get(step_id)
        if not around:
            return self.graph
        block = self.step(around[-1]).block
        assert block is not None, "it holds a step"
        return block.graph

    @cached_property
    def _inner(self) -> Mapping[str, StepDefinition]:
        """The steps inside of blocks."""
        outermost = {around[0] for around in self.enclosing.values()}
        left = [self.steps[self._numbers[block_id]] for block_id in outermost]
        found: dict[str, StepDefinition] = {}
        while left:
            block = left.pop().block
            for step in block.steps if block else ():
                found[step.id] = step
                left.append(step)
        return found

    @cached_property
    def _handlers(self) -> Mapping[str, StepDefinition]:
        return {handler.step.id: handler.step for handler in self.settings.handlers}

    @cached_property
    def _numbers(self) -> Mapping[str, int]:
        return {step_id: number for number, (step_id, _) in enumerate(self.edges)}


@dataclass(frozen=True, slots=True)
class DefinitionDefaults:
    """What a document leaves to the settings of the engine."""

    timeout_seconds: int = 7200
    handlers_timeout_seconds: int = 30
    max_parallel_steps: int = 10
