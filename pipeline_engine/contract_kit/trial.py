"""One action used as one case says, as often and in as bad a moment as a clause wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar, cast
from uuid import uuid4

from pipeline_engine.contract_kit.action import Checked
from pipeline_engine.contract_kit.case import Case, Event
from pipeline_engine.contract_kit.engine import KitEngine, Write
from pipeline_engine.contract_kit.marks import filled, peer_url
from pipeline_engine.contract_kit.stand_ins import Health, StandIns
from pipeline_engine.domain.expressions import Fuel, KnownSecrets, Ledger, Vault, paying
from pipeline_engine.domain.masking import Masker, masker_of
from pipeline_engine.errors import (
    FOREIGN_ERRORS,
    AnswerNotAllowed,
    InvalidAnswer,
    PipelineEngineError,
)
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    BaseActionExecutor,
    EventAction,
    EventContext,
    EventResult,
    FanOutActionExecutor,
    Item,
    param_problems,
    run_maybe_async,
)

T = TypeVar("T")
INVALID_PARAMS = "invalid_params"


class Misbehaved(Exception):
    """The action did what the engine has no word for; the message is a sentence."""


@dataclass(frozen=True)
class Attempt:
    """What ``execute`` came to, and what was done meanwhile."""

    result: ActionResult
    context: ActionContext
    writes: tuple[Write, ...]
    called: bool  #: somebody was called
    reached_action: bool = True  #: False: the engine has refused the params
    raised: bool = False  #: it has failed by an error that the engine knows

    @property
    def answered(self) -> bool:
        """Whether the result is one that the action itself has made."""
        return self.reached_action and not self.raised


@dataclass
class Trial:
    """Uses an action; every call is made on an executor that has served nobody before."""

    action: Checked
    case: Case
    stand_ins: StandIns
    health: Health = Health.WELL
    number: int = 0  #: of the senseless answer
    masker: Masker = field(init=False)

    def __post_init__(self) -> None:
        hidden = [str(self.case.params.get(name)) for name in self.case.secrets]
        self.masker = masker_of(hidden)

    @property
    def declared(self) -> frozenset[str]:
        """The outputs that have to be there; none if it leaves what it is given."""
        names = (output.name for output in self.action.meta.outputs)
        return frozenset(names).difference(self.case.leaves_out)

    @property
    def params(self) -> dict[str, Any]:
        """The params of the case, with the addresses of the peers."""
        urls = self.stand_ins.urls(self.health, self.number)
        texts = {peer_url(name): url for name, url in urls.items()}
        return cast(dict[str, Any], filled(self.case.params, texts))

    @property
    def executor(self) -> BaseActionExecutor:
        """A new executor. Raises ``Misbehaved`` if it cannot be made without arguments."""
        return cast(BaseActionExecutor, attempted("__init__", self.action.executor_class))

    def with_peers(self, health: Health, number: int = 0) -> Trial:
        """The same case among peers of other health."""
        return Trial(self.action, self.case, self.stand_ins, health, number)

    # ── An attempt ───────────────────────────────────────────────────────────────────────

    def execute(
        self, *, key: str | None = None, executor: BaseActionExecutor | None = None, **facts: Any
    ) -> Attempt:
        """Run one attempt; of a fan-out one of its first item. Raises ``Misbehaved``."""
        with self.engine() as engine:
            context = self.context(engine, key=key, **facts)
            problems = param_problems(self.action.meta, context.params, rendered=True)
            if problems:
                return Attempt(_refused(problems[0].message), context, (), False, False)
            made = executor or self.executor
            if not self._is_something_to_run(made, context):
                return Attempt(_NOTHING, context, (), False, False)
            run = partial(made.execute, context)
            try:
                result, raised = attempted("execute", run), False
            except PipelineEngineError as error:
                result, raised = _failed(error), True
            if not isinstance(result, ActionResult):
                raise Misbehaved(f"execute returned {type(result).__name__}, no ActionResult")
            return Attempt(result, context, tuple(engine.writes), engine.calls > 0, raised=raised)

    def context(self, engine: KitEngine, *, key: str | None = None, **facts: Any) -> ActionContext:
        """A context as the scheduler makes it."""
        given: dict[str, Any] = {
            "step_id": "checked",
            "execution_id": str(uuid4()),
            "step_execution_id": "7",
            "idempotency_key": key or str(uuid4()),
            "workflow_params": deepcopy(self.case.workflow_params),
            "step_outputs": deepcopy(self.case.step_outputs),
            "user_id": "author",
            "scope": self._scope(),
            "timeout_seconds": self.action.meta.timeout_seconds,
        }
        return ActionContext(params=self.params, engine=engine, **(given | facts))

    def _scope(self) -> dict[str, Any]:
        steps = {name: {"outputs": left} for name, left in self.case.step_outputs.items()}
        scope = {"params": dict(self.case.workflow_params), "steps": steps}
        return {**scope, "secrets": Vault(KnownSecrets(), Ledger(self.masker))}

    def _is_something_to_run(self, executor: BaseActionExecutor, context: ActionContext) -> bool:
        """Whether the action has something to do itself; of a fan-out it is the first item."""
        if not isinstance(executor, FanOutActionExecutor):
            return True
        if not self.action.runs_items:
            return False
        item = next(iter(self.items(executor, context)), None)
        if item is not None:
            context.item, context.item_index, context.item_key = item.value, 0, item.key
        return item is not None

    def items(self, executor: FanOutActionExecutor, context: ActionContext) -> Sequence[Item]:
        """What the step expands into. Raises ``Misbehaved``."""
        items = attempted("expand", partial(executor.expand, context))
        if not isinstance(items, list | tuple) or not all(isinstance(i, Item) for i in items):
            raise Misbehaved("expand did not return a list of Item")
        return items

    # ── After it ─────────────────────────────────────────────────────────────────────────

    def read(
        self, event: Event, attempt: Attempt, outputs: Mapping[str, Any] | None = None
    ) -> EventResult:
        """Have the parked action read an event. Raises ``Misbehaved``, also for what it raises."""
        awaited = attempt.result.awaited
        with self.engine() as engine:
            context = EventContext(
                execution_id=attempt.context.execution_id,
                step_execution_id=attempt.context.step_execution_id,
                idempotency_key=attempt.context.idempotency_key,
                external_workflow_id=awaited[0] if awaited else "7",
                event_type=str(event.get("type", "")),
                event_data=event,
                step_outputs=dict(attempt.result.outputs if outputs is None else outputs),
                params=attempt.context.params,
                scope={**attempt.context.scope, "event": event},
                item=attempt.context.item,
                user_id="author",
                engine=engine,
            )
            return self._verdict(context)

    def _verdict(self, context: EventContext) -> EventResult:
        try:
            verdict = attempted("on_event", partial(self.executor.on_event, context))
        except (InvalidAnswer, AnswerNotAllowed):
            return EventResult(action=EventAction.IGNORE)  # refused in so many words
        except PipelineEngineError as error:
            raise Misbehaved(f"on_event raised {type(error).__name__}: {error}") from error
        if not isinstance(verdict, EventResult):
            raise Misbehaved(f"on_event returned {type(verdict).__name__}, no EventResult")
        return verdict

    def told(self, events: Sequence[Event], attempt: Attempt) -> tuple[EventResult, dict[str, Any]]:
        """Have a parked action read events until one ends it: the last verdict, all outputs."""
        outputs = dict(attempt.result.outputs)
        verdict = EventResult(action=EventAction.IGNORE)
        for event in events:
            verdict = self.read(event, attempt, outputs)
            outputs |= verdict.outputs
            if verdict.action in (EventAction.COMPLETE, EventAction.REVOKE):
                break
        return verdict, outputs

    def clean_up(self, attempt: Attempt | None, **facts: Any) -> tuple[Write, ...]:
        """Stop what an attempt has started; a crash is ``Misbehaved``."""
        before: dict[str, Any] = {}
        if attempt is not None:
            before = {
                "key": attempt.context.idempotency_key,
                "execution_id": attempt.context.execution_id,
                "stored_outputs": dict(attempt.result.outputs),
                "external_workflow_ids": attempt.result.awaited,
                "item": attempt.context.item,
            }
        with self.engine() as engine:
            context = self.context(engine, **(before | facts))
            with suppress(PipelineEngineError):  # is noted in the error of the step
                attempted("cleanup", partial(self.executor.cleanup, context))
            return tuple(engine.writes)

    def wake(self, attempt: Attempt) -> ActionResult:
        """End a parked step whose time has come. Raises ``Misbehaved``."""
        with self.engine() as engine:
            context = self.context(
                engine,
                key=attempt.context.idempotency_key,
                stored_outputs=dict(attempt.result.outputs),
            )
            try:
                result = attempted("on_wake", partial(self.executor.on_wake, context))
            except PipelineEngineError as error:
                return _failed(error)
            if not isinstance(result, ActionResult):
                raise Misbehaved(f"on_wake returned {type(result).__name__}, no ActionResult")
            return result

    @contextmanager
    def engine(self) -> Iterator[KitEngine]:
        """An engine that calls the stand-ins, for one call of the action."""
        engine = KitEngine(self.stand_ins.urls(self.health, self.number))
        try:
            yield engine
        finally:
            engine.peers.close()


#: What is there to check of a step whose items are all run by other actions.
_NOTHING = ActionResult(success=True)


def attempted(method: str, call: Callable[[], Any]) -> Any:
    """Return what a method of the action returned, awaited, within a budget of its own.

    Errors that the engine knows go through; anything else that it raises is ``Misbehaved``.
    """
    try:
        with paying(Fuel()):
            return run_maybe_async(call())
    except PipelineEngineError:
        raise
    except FOREIGN_ERRORS as error:  # foreign code: whatever it raises is checked
        raise Misbehaved(f"{method} raised {type(error).__name__}: {error}") from error


def _failed(error: PipelineEngineError) -> ActionResult:
    code = getattr(error, "error_code", error.code)
    return ActionResult(success=False, error=str(error), error_code=code)


def _refused(message: str) -> ActionResult:
    return ActionResult(success=False, error=message, error_code=INVALID_PARAMS, retryable=False)
