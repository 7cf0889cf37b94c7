"""The shape of a definition: which fields there are, of which type, within which limits."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipeline_engine.domain.checks.blocks import LOOP, NAMES, check_work, loop, outputs
from pipeline_engine.domain.checks.fields import (
    STRING,
    Field,
    Rule,
    Schema,
    boolean,
    choice,
    integer,
    lets_through,
    list_of,
    map_of,
    mapping,
    number,
    or_given,
    record,
    text,
)
from pipeline_engine.domain.checks.limits import (
    MAX_AT_ONCE,
    MAX_MULTIPLIER,
    MAX_PARALLEL_STEPS,
    MAX_SECONDS,
    MAX_WEIGHT,
    MIN_WEIGHT,
)
from pipeline_engine.domain.checks.notify import NOTIFY
from pipeline_engine.domain.checks.parameters import DEFINITIONS, PARAMETERS
from pipeline_engine.domain.checks.report import Findings, shown
from pipeline_engine.domain.checks.trigger_rules import TRIGGER_RULE, check_trigger_rule
from pipeline_engine.domain.definitions import (
    JSON,
    MAX_ATTEMPTS,
    WHEN_FULL_ALIASES,
    HandlerWhen,
    Jitter,
    OnFailure,
    WhenFull,
)
from pipeline_engine.domain.queues import QueueName

STEP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", re.ASCII)
PERCENT = re.compile(r"\d{1,3}(\.\d{1,6})?\s*%", re.ASCII)
IDS = {"type": "array", "items": STRING | {"minLength": 1}}
NOTHING = {"type": "array", "maxItems": 0}


@lets_through(STRING | {"pattern": f"^{STEP_ID.pattern}$"})
def step_id(value: JSON, pointer: str, findings: Findings) -> None:
    """1 to 100 letters, digits, underscores and hyphens; the first is a letter or digit."""
    if not isinstance(value, str):
        findings.field_error(pointer, "wrong_type", "Input should be a valid string")
    elif not STEP_ID.fullmatch(value):
        message = f"Value error, '{shown(value)}' is not a valid step ID"
        hint = "1 to 100 letters, digits, _ and -, starting with a letter or a digit."
        findings.field_error(pointer, "invalid_step_id", message, hint)


@lets_through({"anyOf": [IDS, IDS["items"]]})
def depends_on(value: JSON, pointer: str, findings: Findings) -> None:
    """A list of step ids, or one; which steps exist is checked elsewhere."""
    rule = list_of(text(1)) if isinstance(value, list) else text(1)
    rule(value, pointer, findings)


@lets_through({"anyOf": [IDS, IDS["items"]]})
def texts(value: JSON, pointer: str, findings: Findings) -> None:
    """A list of texts that say something, or one."""
    rule = list_of(text(1, 100)) if isinstance(value, list) else text(1, 100)
    rule(value, pointer, findings)
    if value == []:
        findings.field_error(pointer, "too_short", "List should have at least 1 item")


def retries(value: JSON, pointer: str, findings: Findings) -> None:
    """One policy, or a list of them, of which the first that speaks of a failure counts."""
    rule = POLICIES if isinstance(value, list) else RETRY
    rule(value, pointer, findings)


@lets_through({"type": ["string", "array"]})
def items(value: JSON, pointer: str, findings: Findings) -> None:
    """A list of bounded length, or the template of one."""
    most = findings.limits.max_items
    if not isinstance(value, str | list):
        message = "Input should be a valid list, or a template that gives one"
        findings.field_error(pointer, "wrong_type", message)
    elif isinstance(value, list) and len(value) > most:
        findings.field_error(pointer, "too_many_items", f"List should have at most {most} items")


def for_each(value: JSON, pointer: str, findings: Findings) -> None:
    """The items themselves, or an object with ``items`` and more."""
    rule = FOR_EACH if isinstance(value, Mapping) else items
    rule(value, pointer, findings)


@lets_through({"type": ["integer", "string"], "minimum": 0, "pattern": f"^{PERCENT.pattern}$"})
def tolerated_failures(value: JSON, pointer: str, findings: Findings) -> None:
    """A count such as 2, or a share such as "10%"."""
    if not isinstance(value, str):
        integer(0, findings.limits.max_items)(value, pointer, findings)
    elif not PERCENT.fullmatch(value) or float(value.rstrip("% ")) > 100:
        message = f"Value error, '{shown(value)}' is neither a count nor a percentage"
        findings.field_error(pointer, "out_of_range", message, 'Such as 2 or "10%".')


@lets_through(NOTHING)
def not_in_handler(value: JSON, pointer: str, findings: Findings) -> None:
    """A field that steps have, but handlers have not."""
    if value != []:
        message = "Handlers run one after another, when all steps have ended"
        findings.field_error(pointer, "not_in_handler", message, "Leave this field out.")


@lets_through({"type": "null"})
def no_block_here(_value: JSON, pointer: str, findings: Findings) -> None:
    """What makes a block of a step does not make one of a handler, or of a compensation."""
    message = "Neither handlers nor compensations hold steps"
    hint = "Run a pipeline: the action run_pipeline."
    findings.field_error(pointer, "not_in_handler", message, hint)


@lets_through({"$ref": "#/$defs/StepDefinition"})
def step(value: JSON, pointer: str, findings: Findings) -> None:
    """One step, and whether its fields go together."""
    STEP(value, pointer, findings)
    if isinstance(value, Mapping):
        check_work(value, pointer, findings)
        check_trigger_rule(value, pointer, findings)


def settings(value: JSON, pointer: str, findings: Findings) -> None:
    """The settings, and whether they go together."""
    SETTINGS(value, pointer, findings)
    if not isinstance(value, Mapping) or value.get("when_full") is None:
        return
    if value.get("max_concurrent_executions") is None:
        hint = "when_full says what happens when so many executions are open."
        pointer = f"{pointer}/max_concurrent_executions"
        findings.field_error(pointer, "required", "Field required beside 'when_full'", hint)


@lets_through({"type": "array", "minItems": 1, "items": step.schema})
def steps(value: JSON, pointer: str, findings: Findings) -> None:
    """The steps of a block, at least one."""
    list_of(step, "Must be a list")(value, pointer, findings)
    if value == []:
        findings.field_error(pointer, "no_steps", "At least one step is required")


def document_shape(*, named: bool) -> Rule:
    """The rule for a whole document; *named* if the request names the pipeline."""
    return record(ROOT | {"name": Field(text(1, 255), required=not named)}, title=TITLE)


def document_schema() -> Schema:
    """A definition as JSON Schema; each object that has fields of its own has a ``title``.

    Nothing is required of a document as such: a draft has no steps, and a request may name it.
    """
    definitions = {**DEFINITIONS, "StepDefinition": {**STEP.schema, "anyOf": WORK}}
    return {**document_shape(named=True).schema, "required": [], "$defs": definitions}


TITLE = "PipelineDefinition"
NAME = text(1, 255)
CODES = list_of(text(1, 100))
SECONDS = or_given(integer(1, MAX_SECONDS))
WAIT = or_given(number(0, MAX_SECONDS))
TRUTH = or_given(boolean)

RETRY = record(
    {
        "max_attempts": Field(or_given(integer(1, MAX_ATTEMPTS))),
        "backoff_seconds": Field(WAIT),
        "backoff_multiplier": Field(or_given(number(1, MAX_MULTIPLIER))),
        "max_backoff_seconds": Field(WAIT),
        "jitter": Field(or_given(choice(Jitter, "jitter"))),
        "max_elapsed_seconds": Field(SECONDS),
        "retry_on": Field(CODES),
        "no_retry_on": Field(CODES),
    },
    title="Retry",
    example='{"max_attempts": 3, "backoff_seconds": 5}',
)
POLICIES = list_of(RETRY)
RETRIES = Rule(retries, {"anyOf": [RETRY.schema, POLICIES.schema]})
CATCH = record(
    {
        "errors": Field(texts, required=True),
        "outputs": Field(mapping),
        "next": Field(texts),
    },
    title="Catch",
    example='{"errors": "*", "outputs": {"found": false}}',
)
FOR_EACH = record(
    {
        "items": Field(items, required=True),
        "max_concurrency": Field(or_given(integer(1, 10_000))),
        "tolerated_failures": Field(or_given(tolerated_failures)),
        "key": Field(text(1)),
        "item_timeout_seconds": Field(SECONDS),
    },
    title="ForEach",
)
WHEN_FULL = or_given(choice(WhenFull, "when_full", aliases=WHEN_FULL_ALIASES))
CONCURRENCY = record(
    {
        "key": Field(text(1), required=True),
        "limit": Field(or_given(integer(1, MAX_AT_ONCE))),
        "when_full": Field(WHEN_FULL),
    },
    title="Concurrency",
    example='{"key": "import-{{ params.tenant }}"}',
)
COMPENSATE = record(
    {
        "action": Field(NAME, required=True),
        "params": Field(mapping),
        "name": Field(NAME),
        "retry": Field(RETRIES),
        "timeout_seconds": Field(SECONDS),
        "when_failed": Field(TRUTH),
        "per_item": Field(boolean),  # no template: it decides which names its params know
        "steps": Field(no_block_here),
    },
    title="Compensation",
    example='{"action": "http_request", "params": {}}',
)

STEP_FIELDS: Mapping[str, Field] = {
    "id": Field(step_id, required=True),
    "name": Field(NAME, required=True),
    "action": Field(NAME),
    "params": Field(mapping),
    "steps": Field(steps),
    "while": Field(Rule(loop, LOOP.schema)),
    "depends_on": Field(depends_on),
    "outputs": Field(outputs),
    "condition": Field(text()),
    "on_failure": Field(or_given(choice(OnFailure, "OnFailureAction"))),
    "timeout_seconds": Field(SECONDS),
    "retry": Field(RETRIES),
    "catch": Field(list_of(CATCH)),
    "trigger_rule": Field(TRIGGER_RULE),
    "cancel_rest": Field(TRUTH),
    "for_each": Field(Rule(for_each, {"anyOf": [items.schema, FOR_EACH.schema]})),
    "concurrency": Field(CONCURRENCY),
    "compensate": Field(COMPENSATE),
    "tags": Field(texts),
    "idempotent": Field(TRUTH),
    "queue": Field(or_given(choice(QueueName, "queue"))),
    "weight": Field(or_given(number(MIN_WEIGHT, MAX_WEIGHT))),
    "notify": Field(NOTIFY),
}
HANDLER_FIELDS: Mapping[str, Field] = {
    **STEP_FIELDS,
    "action": Field(NAME, required=True),
    "steps": Field(no_block_here),
    "while": Field(no_block_here),
    "outputs": Field(NAMES),
    "depends_on": Field(not_in_handler),
    "trigger_rule": Field(not_in_handler),
    "cancel_rest": Field(not_in_handler),
    "catch": Field(not_in_handler),
    "concurrency": Field(not_in_handler),
    "tags": Field(not_in_handler),
    "compensate": Field(not_in_handler),
    "when": Field(or_given(choice(HandlerWhen, "handler condition"))),
}
#: One of these two is there, and not null.
WORK = [
    {"required": [name], "properties": {name: STEP_FIELDS[name].rule.schema}}
    for name in ("action", "steps")
]
STEP = record(STEP_FIELDS, "Must be a dictionary", title="StepDefinition")
HANDLER = record(HANDLER_FIELDS, "Must be a dictionary", title="HandlerDefinition")
HANDLERS = list_of(HANDLER, "Must be a list of handler steps")
SETTINGS = record(
    {
        "timeout_seconds": Field(SECONDS),
        "handlers_timeout_seconds": Field(SECONDS),
        "fail_fast": Field(TRUTH),
        "max_parallel_steps": Field(or_given(integer(1, MAX_PARALLEL_STEPS))),
        "max_concurrent_executions": Field(or_given(integer(1, MAX_AT_ONCE))),
        "when_full": Field(WHEN_FULL),
        "retry_policy": Field(RETRIES),
        "on_success": Field(HANDLERS),
        "on_failure": Field(HANDLERS),
        "on_cancel": Field(HANDLERS),
        "finally": Field(HANDLERS),
    },
    title="PipelineSettings",
)
ROOT: dict[str, Field] = {
    "$schema": Field(text()),  # where editors look for the schema of a document
    "name": Field(NAME, required=True),
    "version": Field(text()),
    "description": Field(text()),
    "parameters": Field(PARAMETERS),
    "settings": Field(Rule(settings, SETTINGS.schema)),
    "concurrency": Field(CONCURRENCY),
    "steps": Field(list_of(step, "Must be a list"), required=True),
    "outputs": Field(map_of(text())),
}
