"""docs/reference/sdk.md: all that an action may import, as its docstrings tell it."""

from __future__ import annotations

import ast
import enum
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache, cached_property
from typing import Any

from pipeline_engine import contract_kit, sdk

from . import markdown

INTRODUCTION = """\
# The SDK

All that an action may import stands in `pipeline_engine.sdk`, and on this page.
[Write an action](../howto/write-an-action.md) shows how it fits together.

An executor gets a context and returns a result.
The engine may call a method again when a worker or a connection dies; each says how often.
Times are aware and in UTC. Durations are seconds unless the name says otherwise.
`params`, `outputs` and events are JSON: objects, lists, texts, numbers, booleans and null.

This page is made from the docstrings: `make pages` writes it anew.
"""

#: The other half of a union: ``Awaitable`` of anything, lists included.
AWAITED = re.compile(r" \| Awaitable\[(?:[^\[\]]|\[[^\]]*\])*\]|Awaitable\[None\] \| ")

#: Their methods are those of ``EngineApi``, of ``requests.Session``, or for pytest.
TOLD_IN_ONE_SENTENCE = (
    sdk.NullEngine,
    sdk.PeerApi,
    sdk.GuardedSession,
    contract_kit.ActionContract,
    contract_kit.Case,
)

#: The headings of the page, and what stands below each.
SECTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "What you extend": (
        "One class for each action; `META` and the class are tied by `register_action`.",
        ("BaseActionExecutor", "FanOutActionExecutor", "register_action"),
    ),
    "What you are given": (
        "One context for each call. Never take the acting user from params: ask `acting_user_id`.",
        ("ActionContext", "EventContext", "EventEnvelope", "ServiceResponse", "ActionLog"),
    ),
    "What you answer": (
        "A result that contradicts itself raises at once, so the test of an action sees it, too.",
        (
            "ActionResult",
            "EventResult",
            "EventAction",
            "StepStatus",
            "ExecutionStatus",
            "Item",
            "ItemResult",
            "MoreItems",
            "collected",
            "failures_in_words",
        ),
    ),
    "What an action says about itself": (
        "`ActionMeta` is read by editors, by the check of pipelines and by workers.",
        (
            "ActionMeta",
            "ParamDefinition",
            "ParamType",
            "JsonShape",
            "SelectOption",
            "ValidationRules",
            "NestedRules",
            "Format",
            "ConditionalVisibility",
            "OutputDefinition",
            "RetryPolicy",
            "ActionExample",
            "InnerAction",
            "ExecutionMode",
            "QueueName",
        ),
    ),
    "How it fails": (
        "Raise one of these, or return `ActionResult(success=False, error=..., error_code=...)`.",
        (
            "ActionError",
            "InvalidActionParams",
            "ContradictoryResult",
            "ServiceError",
            "OutcomeUnknown",
            "RequestBlocked",
            "InvalidAnswer",
            "AnswerNotAllowed",
            "ExpressionError",
            "BudgetSpent",
            "SecretMisused",
        ),
    ),
    "Params and answers": (
        "What the engine itself checks, for actions that look further.",
        (
            "check_params",
            "param_problems",
            "ParamProblem",
            "is_templated",
            "holds_template",
            "read_answer",
            "problem",
        ),
    ),
    "Templates and conditions": (
        "For params in `META.unrendered_params`. All pay from the budget of the attempt ([prices](expressions.md#what-expressions-may-cost)).",
        (
            "evaluate_condition",
            "render_value",
            "compile_templates",
            "pay_for",
            "text_of",
            "join_texts",
            "read_json",
            "number_in_range",
        ),
    ),
    "HTTP": (
        "For addresses that users choose; peers are called with `context.invoke_service`.",
        (
            "GuardedSession",
            "timed",
            "read_body",
            "read_into",
            "content_of",
            "Content",
            "charset_in",
            "retry_after",
            "path_segment",
            "in_words",
            "reason_of",
        ),
    ),
    "The gateway of the guardrails": (
        "What `context.gateway_tables` is where `PIPELINE_GATEWAY_REDIS_URL` is set.",
        ("GatewayTables",),
    ),
    "Tasks of other Celery apps": (
        "What `context.send_celery_task` returns; the action `celery_task` shows how to wait for one.",
        ("CeleryTask", "CELERY_TASK_ENDED"),
    ),
    "Names of peers": (
        "",
        ("settings", "CALLBACK_TOPIC"),
    ),
    "For tests": (
        "Executors are plain classes: make a context by hand, and call them.",
        ("EngineApi", "NullEngine", "PeerApi", "Peers", "run_maybe_async"),
    ),
}

#: What does not come from ``pipeline_engine.sdk``.
KIT: dict[str, tuple[str, tuple[str, ...]]] = {
    "The contract kit": (
        "From `pipeline_engine.contract_kit`: [test an action](../howto/test-an-action.md) shows it, and the marks `JOB_ID` and `NEW_ID`.",
        ("ActionContract", "Case", "peer_url", "broken_clauses"),
    ),
}


def page() -> str:
    """The whole page."""
    told = dict[Any, str]()  #: methods, and the class below which each stands
    return INTRODUCTION + "".join(_section(heading, told) for heading in SECTIONS | KIT)


def _section(heading: str, told: dict[Any, str]) -> str:
    introduction, names = (SECTIONS | KIT)[heading]
    entries = (part for name in names for part in _entry(name, told))
    parts = [f"## {heading}", introduction, *entries]
    return "\n" + "\n\n".join(filter(None, parts)) + "\n"


def _entry(name: str, told: dict[Any, str]) -> Iterator[str]:
    """What is said of one public name."""
    found = getattr(contract_kit if name in contract_kit.__all__ else sdk, name)
    if inspect.isclass(found):
        yield f"### {name}"
        yield from _class(found, told)
    elif inspect.isfunction(found):
        yield f"### {name}"
        yield from _function(name, found)
    else:
        yield f"### {name}"
        yield from _value(found)


def _class(found: type, told: dict[Any, str]) -> Iterator[str]:
    yield markdown.text(found.__doc__)
    if issubclass(found, Exception):
        yield f"Code: `{found.code}`."  # type: ignore[attr-defined]
        if "__init__" in vars(found):
            made = _signature(found.__init__).partition(" -> ")[0]
            yield f"`{found.__name__}{made}`"
    if issubclass(found, enum.Enum):
        yield _choices(found)
    elif is_dataclass(found):
        yield _fields(found)
    own = {} if found in TOLD_IN_ONE_SENTENCE else dict(members(found))
    known = {name: told[member] for name, member in own.items() if member in told}
    for place in dict.fromkeys(known.values()):
        names = ", ".join(f"`{name}`" for name in known if known[name] == place)
        yield f"As in [{place}](#{place.lower()}): {names}."
    for name, member in own.items():
        if name not in known:
            told[member] = found.__name__
            yield from _member(name, member)


def _choices(found: type[enum.Enum]) -> str:
    notes = _notes(found)
    rows = [(f"`{one.name}`", f"`{one.value}`", notes.get(one.name, "")) for one in found]
    if not any(note for _, _, note in rows):
        return "Choices: " + ", ".join(f"`{one.value}`" for one in found) + "."
    return markdown.table("Name|Value|Meaning", rows)


def _fields(found: type) -> str:
    notes, types = _all(found, _notes), _all(found, _types)
    rows = []
    for one in _own_first(found):
        shown = markdown.cell(f"`{types[one.name]}`")
        rows.append((f"`{one.name}`", shown, _default(one), markdown.cell(notes.get(one.name, ""))))
    return markdown.table("Field|Type|Default|Meaning", rows)


def _own_first(found: type) -> list[Field[Any]]:
    """The fields without a default first, as a reader looks for them."""
    return sorted(fields(found), key=lambda one: _default(one) != "required")


def _default(one: Field[Any]) -> str:
    if one.default_factory is not MISSING:
        made = one.default_factory()
        return f"`{made!r}`" if isinstance(made, dict) else f"`{type(made).__name__}()`"
    if one.default is MISSING:
        return "required"
    if isinstance(one.default, enum.Enum):
        return f"`{type(one.default).__name__}.{one.default.name}`"
    if not isinstance(one.default, str | int | float | tuple | None):
        return "made when asked for"
    return f"`{one.default!r}`".replace("'", '"')


def members(found: type) -> Iterator[tuple[str, Any]]:
    """Public methods and properties in the order of the source, the base classes' first."""
    seen = dict[str, Any]()
    for owner in reversed(found.__mro__):
        if owner.__module__.startswith("pipeline_engine."):
            seen |= {n: m for n, m in vars(owner).items() if _is_told(n, m)}
    if issubclass(found, Exception | dict):
        seen = {n: m for n, m in seen.items() if n in vars(found)}
    yield from seen.items()


def _is_told(name: str, member: Any) -> bool:
    kinds = (property, cached_property, classmethod)
    return not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, kinds))


def _member(name: str, member: Any) -> Iterator[str]:
    if isinstance(member, property | cached_property):
        function = member.fget if isinstance(member, property) else member.func
        assert function is not None
        yield f"#### `{name}`: `{_annotation(function.__annotations__['return'])}`"
        yield markdown.text(member.__doc__)
    else:
        function = member.__func__ if isinstance(member, classmethod) else member
        yield from _function(name, function, level=4)


def _function(name: str, function: Callable[..., Any], *, level: int = 0) -> Iterator[str]:
    written = f"`{name}{_signature(function)}`"
    yield f"{'#' * level} {written}" if level else written
    yield markdown.text(function.__doc__)


def _signature(function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    given = list[str]()
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in "".join(given):
            given.append("*")
        if name not in ("self", "cls"):
            given.append(_parameter(parameter))
    return f"({', '.join(given)}) -> {_annotation(signature.return_annotation)}"


def _parameter(parameter: inspect.Parameter) -> str:
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    written = f"{stars}{parameter.name}: {_annotation(parameter.annotation)}"
    if parameter.default is parameter.empty:
        return written
    return f"{written} = {parameter.default!r}".replace("'", '"')


def _annotation(written: str) -> str:
    """An annotation as a reader needs it: every method may be async, so that is not repeated."""
    return AWAITED.sub("", written)


def _value(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield f"`{found}`: where peers publish what a parked step waits for."
        return
    yield markdown.text(type(found).__doc__)
    names = [name for name in vars(type(found)) if not name.startswith("_")]
    yield markdown.table("Name|Value", [(f"`{n}`", f"`{getattr(found, n)}`") for n in names])


# ── What the source says beside its fields ───────────────────────────────────────────────


def _all(found: type, read: Callable[[type], dict[str, str]]) -> dict[str, str]:
    known = dict[str, str]()
    for owner in reversed(found.__mro__):
        if is_dataclass(owner):
            known |= read(owner)
    return known


def _types(found: type) -> dict[str, str]:
    return {n: a if isinstance(a, str) else a.__name__ for n, a in found.__annotations__.items()}


@cache
def _notes(found: type) -> dict[str, str]:
    """The ``#:`` comments of a class: behind a field, or in the lines before it."""
    source = textwrap.dedent(inspect.getsource(found))
    lines = source.splitlines()
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)
    return {
        target: note
        for statement in body.body
        for target in _targets(statement)
        if (note := _note(lines, statement))
    }


def _targets(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return []


def _note(lines: list[str], statement: ast.stmt) -> str:
    behind = lines[(statement.end_lineno or 0) - 1].partition("#: ")[2]
    before: list[str] = []
    for written in reversed(lines[: statement.lineno - 1]):
        if not written.strip().startswith("#: "):
            break
        before.insert(0, written.strip().removeprefix("#: "))
    return markdown.text(behind or " ".join(before))
