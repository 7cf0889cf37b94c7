"""What an action says about itself."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from pipeline_engine.contract_kit.clause import clause
from pipeline_engine.contract_kit.trial import Misbehaved, Trial, attempted
from pipeline_engine.domain import json_guard
from pipeline_engine.sdk import ExecutionMode, check_params

#: What a module may import of the engine; the kit, where an action stands beside its test.
MAY_IMPORT = frozenset({"pipeline_engine.sdk", "pipeline_engine.contract_kit"})
#: Params as a careless client sends them.
JUNK: tuple[dict[str, Any], ...] = (
    {},
    {"no such param": 1},
    {"": None},
)
#: Values that each param is given in turn.
ODD_VALUES: tuple[Any, ...] = (
    None, "", " ", "{{ params.x }}", "\U0001f600\x00", 0, -1, 1e308, 2**63, True, [], [None],
    {}, {"a": [{}]}, [["x"]] * 3,
)  # fmt: skip


@clause(once=True)
def metadata_is_complete(trial: Trial) -> Iterator[str]:
    """META is valid, and names, labels and describes every param and output."""
    meta = trial.action.meta
    yield from meta.validate()
    for param in meta.params:
        if not (param.description or "").strip():
            yield f"The param '{param.name}' has no description."
    for output in meta.outputs:
        if not output.description.strip():
            yield f"The output '{output.name}' has no description."


@clause(once=True)
def metadata_is_json(trial: Trial) -> Iterator[str]:
    """All that META holds can be written as JSON, for the API and for editors."""
    meta = asdict(trial.action.meta)
    for name in ("unrendered_params", "adds_names"):
        meta[name] = sorted(meta[name])
    meta["lacks_names"] = {place: sorted(names) for place, names in meta["lacks_names"].items()}
    try:
        json_guard.check(meta)
    except json_guard.JsonRejected as error:
        yield f"{error}"
    else:
        yield from _foreign(meta, "META")


def _foreign(value: Any, place: str) -> Iterator[str]:
    """What would be written as a text, and read back as another thing than it was."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _foreign(one, f"{place}.{name}")
    elif isinstance(value, list | tuple):
        for index, one in enumerate(value):
            yield from _foreign(one, f"{place}[{index}]")
    elif value is not None and not isinstance(value, str | int | float):
        yield f"{place} is a {type(value).__name__}, which JSON does not have."


@clause(once=True)
def examples_fit(trial: Trial) -> Iterator[str]:
    """The examples of META fit its own params."""
    for example in trial.action.meta.examples:
        problems = check_params(trial.action.meta, example.params)
        problems += _judged(trial, dict(example.params))
        yield from (f"An example does not fit: {problem}" for problem in problems)


@clause(once=True)
def it_is_made_without_arguments(trial: Trial) -> Iterator[str]:
    """The executor has every method that it needs, and is made without arguments."""
    missing = ", ".join(sorted(trial.action.executor_class.__abstractmethods__))
    if missing:
        yield f"{trial.action.executor_class.__name__} does not implement {missing}."
    else:
        _ = trial.executor


@clause(once=True)
def it_says_whether_it_waits(trial: Trial) -> Iterator[str]:
    """An action that reads events says EVENT_DRIVEN, and one that says so can be woken."""
    action = trial.action
    waits = action.meta.execution_mode is ExecutionMode.EVENT_DRIVEN
    if action.reads_events and not waits:
        yield "It has an on_event, and META says that it is SYNC."
    if waits and not (action.reads_events or action.fans_out):
        yield "META says EVENT_DRIVEN, and it has no on_event."


@clause(once=True)
def it_imports_the_sdk_only(trial: Trial) -> Iterator[str]:
    """Of the engine it imports pipeline_engine.sdk, and nothing else."""
    module = sys.modules.get(trial.action.executor_class.__module__)
    try:
        source = inspect.getsource(module) if module else ""
    except (OSError, TypeError):  # made at run time, or without its source
        return
    for name in _imported(ast.parse(source)):
        if name.partition(".")[0] == "pipeline_engine" and name not in MAY_IMPORT:
            yield f"It imports {name}."


@clause(once=True)
def any_params_are_judged(trial: Trial) -> Iterator[str]:
    """validate_params answers with a list of texts, whatever it is given."""
    good = trial.params
    odd = [{**good, name: value} for name in _names(trial) for value in ODD_VALUES]
    for params in (*JUNK, dict(good), *odd):
        try:
            told = _judged(trial, params)
        except Misbehaved as error:
            yield f"{error}, given {params!r:.200}."
            return
        if not isinstance(told, list) or not all(isinstance(text, str) for text in told):
            yield f"It answered {told!r:.200}, given {params!r:.200}."
            return


@clause()
def good_params_are_taken(trial: Trial) -> Iterator[str]:
    """The params of a case that succeeds are fine by META, and by validate_params."""
    if not trial.case.succeeds:
        return
    params = trial.params
    problems = check_params(trial.action.meta, params)
    problems += _judged(trial, params)
    yield from (f"It refuses {trial.case.params!r:.200}: {problem}" for problem in problems)


def _judged(trial: Trial, params: dict[str, Any]) -> Any:
    return attempted("validate_params", partial(trial.executor.validate_params, params))


def _names(trial: Trial) -> list[str]:
    return [param.name for param in trial.action.meta.params]


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
