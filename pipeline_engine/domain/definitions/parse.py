"""From a checked document to a definition.

A document that did not pass ``domain.checks`` gives whatever it gives: nothing is checked twice.
Everywhere ``null`` means the same as an absent field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pipeline_engine.domain.definitions.model import (
    BLOCK,
    JSON,
    USUAL_RULE,
    WHEN_FULL_ALIASES,
    Block,
    Catch,
    Compensation,
    Concurrency,
    DefinitionDefaults,
    ForEach,
    HandlerDefinition,
    HandlerWhen,
    Jitter,
    Notice,
    NotifyOn,
    OnFailure,
    ParameterDefinition,
    PipelineDefinition,
    PipelineSettings,
    Retries,
    RetryConfig,
    Rule,
    StepDefinition,
    TriggerRule,
    WhenFull,
)
from pipeline_engine.domain.queues import QueueName
from pipeline_engine.domain.validation.read import rules_of

DEFAULT_RETRY = RetryConfig()
DEFAULTS = DefinitionDefaults()
#: What ``at_least`` is as long as no params have said it: never met.
MORE_THAN_THERE_ARE = 10_001
#: The action behind ``while`` of a block, and what a round of it knows.
WHILE = "while"
TOLD = ("iteration", "result", "failures", "carry")
#: Settings that hold handlers, in the order in which they run, and their default ``when``.
HANDLER_LISTS: Mapping[str, HandlerWhen] = {
    "on_success": HandlerWhen.ON_SUCCESS,
    "on_failure": HandlerWhen.ON_FAILURE,
    "on_cancel": HandlerWhen.ON_CANCEL,
    "finally": HandlerWhen.ALWAYS,
}


def parse(
    document: Mapping[str, JSON], *, defaults: DefinitionDefaults = DEFAULTS
) -> PipelineDefinition:
    """The definition in a checked *document*."""
    steps = document.get("steps") or ()
    enclosing = dict(_enclosed(steps))
    every = [*steps, *_inner(steps)] if enclosing else steps
    return PipelineDefinition(
        name=document.get("name") or "",
        version=document.get("version") or "1.0",
        description=document.get("description"),
        parameters=tuple(map(_parameter, document.get("parameters") or ())),
        settings=_settings(document.get("settings") or {}, defaults),
        concurrency=_concurrency(document.get("concurrency")),
        steps=_ParsedWhenRead(steps),
        edges=_edges(steps),
        unusual_rules={s["id"]: _rule(s["trigger_rule"]) for s in every if s.get("trigger_rule")},
        cancelling_rest=frozenset(s["id"] for s in every if s.get("cancel_rest")),
        catching={s["id"]: _all_next(s["catch"]) for s in every if s.get("catch")},
        outputs=document.get("outputs") or {},
        enclosing=enclosing,
    )


def _enclosed(
    steps: Sequence[Mapping[str, JSON]], around: tuple[str, ...] = ()
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The ids of all steps inside of blocks, and of the blocks that each is in."""
    for step in steps:
        if around:
            yield step["id"], around
        if inner := step.get("steps"):
            yield from _enclosed(inner, (*around, step["id"]))


def _inner(steps: Sequence[Mapping[str, JSON]]) -> Iterator[Mapping[str, JSON]]:
    """All steps inside of blocks."""
    for step in steps:
        inner = step.get("steps") or ()
        yield from inner
        yield from _inner(inner)


def notifies(document: Mapping[str, JSON]) -> bool:
    """Whether a step or handler of a checked document has somebody told of it."""
    steps, settings = document.get("steps") or (), document.get("settings") or {}
    handlers = (given for name in HANDLER_LISTS for given in settings.get(name) or ())
    return any(given.get("notify") for given in (*steps, *_inner(steps), *handlers))


def _edges(steps: Sequence[Mapping[str, JSON]]) -> list[tuple[str, Sequence[str]]]:
    return [(step["id"], tuple(dict.fromkeys(dependencies_of(step)))) for step in steps]


class _ParsedWhenRead(Sequence[StepDefinition]):
    """The steps of a document. Workers share a wide pipeline, and each needs its part at once."""

    def __init__(self, given: Sequence[Mapping[str, JSON]]) -> None:
        self._given = given
        self._parsed: dict[int, StepDefinition] = {}

    def __len__(self) -> int:
        return len(self._given)

    def __getitem__(self, number: int) -> StepDefinition:  # type: ignore[override]  # no slices
        if number not in self._parsed:
            self._parsed[number] = _step(self._given[number])
        return self._parsed[number]


def dependencies_of(step: Mapping[str, JSON]) -> list[JSON]:
    """What a step names in ``depends_on``, where a single id stands for a list of one."""
    return one_or_more(step.get("depends_on"))


def one_or_more(given: JSON) -> list[JSON]:
    """A list as it is; anything else stands for a list of one."""
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


def _all_next(catches: Sequence[Mapping[str, JSON]]) -> frozenset[str]:
    return frozenset(step_id for given in catches for step_id in one_or_more(given.get("next")))


def _parameter(given: Mapping[str, JSON]) -> ParameterDefinition:
    default = given.get("default")
    return ParameterDefinition(
        name=given["name"],
        type=given.get("type") or "string",
        description=given.get("description"),
        required=_or(given.get("required"), True),
        default=default,
        has_default=default is not None,
        rules=rules_of(given),
    )


def _settings(given: Mapping[str, JSON], defaults: DefinitionDefaults) -> PipelineSettings:
    return PipelineSettings(
        timeout_seconds=int(given.get("timeout_seconds") or defaults.timeout_seconds),
        handlers_timeout_seconds=int(
            given.get("handlers_timeout_seconds") or defaults.handlers_timeout_seconds
        ),
        fail_fast=_or(given.get("fail_fast"), True),
        max_parallel_steps=int(given.get("max_parallel_steps") or defaults.max_parallel_steps),
        max_concurrent_executions=_whole(given.get("max_concurrent_executions")),
        when_full=_when_full(given.get("when_full")),
        retry_policy=_retries(given.get("retry_policy")),
        handlers=tuple(_handlers(given)),
    )


def _handlers(settings: Mapping[str, JSON]) -> Iterator[HandlerDefinition]:
    for name, usual in HANDLER_LISTS.items():
        for given in settings.get(name) or ():
            when = given.get("when")
            yield HandlerDefinition(_step(given), HandlerWhen(when.lower()) if when else usual)


def _step(given: Mapping[str, JSON]) -> StepDefinition:
    rule, at_least = _rule(given.get("trigger_rule"))
    queue, loop = given.get("queue"), given.get("while")
    block = _block(given)
    return StepDefinition(
        id=given["id"],
        name=given["name"],
        action=given["action"] if block is None else WHILE if loop else BLOCK,
        params=_rounds(loop) if loop else given.get("params") or {},
        depends_on=tuple(dict.fromkeys(dependencies_of(given))),
        outputs=tuple(given.get("outputs") or ()),
        condition=given.get("condition"),
        on_failure=_on_failure(given),
        timeout_seconds=_whole(given.get("timeout_seconds")),
        retry=_retries(given.get("retry")),
        catch=tuple(map(_catch, given.get("catch") or ())),
        trigger_rule=rule,
        at_least=at_least,
        cancel_rest=_or(given.get("cancel_rest"), False),
        for_each=_for_each(given.get("for_each")),
        block=block,
        concurrency=_concurrency(given.get("concurrency")),
        compensate=_compensation(given.get("compensate")),
        tags=tuple(dict.fromkeys(one_or_more(given.get("tags")))),
        idempotent=given.get("idempotent"),
        queue=QueueName(queue.lower()) if queue else None,
        weight=_or(given.get("weight"), 1),
        notify=tuple(map(_notice, one_or_more(given.get("notify")))),
    )


def _block(step: Mapping[str, JSON]) -> Block | None:
    inner = step.get("steps")
    if inner is None:
        return None
    return Block(_ParsedWhenRead(inner), _edges(inner), step.get("outputs") or {})


def _rounds(loop: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """The params of the action that repeats a block: each round is told what it is to know."""
    told = {name: f"{{{{ {name} }}}}" for name in TOLD if name != "carry" or loop.get(name)}
    state = {}
    if carry := loop.get("carry"):  # the action takes nothing else
        state = {"carry": {name: carry[name] for name in ("start", "next") if name in carry}}
    return {**loop, **state, "action": BLOCK, "action_params": told}


def _on_failure(step: Mapping[str, JSON]) -> OnFailure:
    """A ``retry`` block alone means retry; a written word is believed."""
    word = step.get("on_failure")
    if word:
        return OnFailure(word.lower())
    return OnFailure.FAIL if step.get("retry") is None else OnFailure.RETRY


def _rule(given: JSON) -> Rule:
    if not given:
        return USUAL_RULE
    if isinstance(given, str):
        return TriggerRule(given.lower()), None
    return TriggerRule.AT_LEAST, int(_or(given["at_least"], MORE_THAN_THERE_ARE))


def _retries(given: JSON) -> Retries:
    return tuple(_retry(policy) for policy in one_or_more(given))


def _retry(given: Mapping[str, JSON]) -> RetryConfig:
    usual = DEFAULT_RETRY
    return RetryConfig(
        max_attempts=int(_or(given.get("max_attempts"), usual.max_attempts)),
        backoff_seconds=_or(given.get("backoff_seconds"), usual.backoff_seconds),
        backoff_multiplier=_or(given.get("backoff_multiplier"), usual.backoff_multiplier),
        max_backoff_seconds=_or(given.get("max_backoff_seconds"), usual.max_backoff_seconds),
        jitter=Jitter((given.get("jitter") or usual.jitter).lower()),
        max_elapsed_seconds=given.get("max_elapsed_seconds"),
        retry_on=tuple(given.get("retry_on") or ()),
        no_retry_on=tuple(given.get("no_retry_on") or ()),
    )


def _catch(given: Mapping[str, JSON]) -> Catch:
    return Catch(
        errors=tuple(one_or_more(given["errors"])),
        outputs=given.get("outputs"),
        next=tuple(one_or_more(given.get("next"))),
    )


def _for_each(given: JSON) -> ForEach | None:
    if given is None:
        return None
    if not isinstance(given, Mapping):
        return ForEach(items=given)
    tolerated = _or(given.get("tolerated_failures"), 0)
    percent = float(tolerated.rstrip("% ")) if isinstance(tolerated, str) else None
    return ForEach(
        items=given["items"],
        max_concurrency=_whole(given.get("max_concurrency")),
        tolerated_failures=int(tolerated) if percent is None else 0,
        tolerated_percent=percent,
        key=given.get("key"),
        item_timeout_seconds=_whole(given.get("item_timeout_seconds")),
    )


def _concurrency(given: Mapping[str, JSON] | None) -> Concurrency | None:
    if given is None:
        return None
    return Concurrency(
        key=given["key"],
        limit=int(_or(given.get("limit"), 1)),
        when_full=_when_full(given.get("when_full")),
    )


def _when_full(given: JSON) -> WhenFull:
    word = (given or WhenFull.WAIT).lower()
    return WHEN_FULL_ALIASES.get(word) or WhenFull(word)


def _compensation(given: Mapping[str, JSON] | None) -> Compensation | None:
    if given is None:
        return None
    return Compensation(
        action=given["action"],
        params=given.get("params") or {},
        name=given.get("name"),
        retry=_retries(given.get("retry")),
        timeout_seconds=_whole(given.get("timeout_seconds")),
        when_failed=_or(given.get("when_failed"), False),
        per_item=_or(given.get("per_item"), False),
    )


def _notice(given: Mapping[str, JSON]) -> Notice:
    return Notice(
        on=frozenset(NotifyOn(word.lower()) for word in one_or_more(given["on"])),
        subscription=given["subscription"],
        message=given["message"],
        title=given.get("title"),
        per_item=_or(given.get("per_item"), False),
    )


def _whole(given: JSON) -> int | None:
    return None if given is None else int(given)


def _or(given: JSON, otherwise: JSON) -> JSON:
    return otherwise if given is None else given
