"""Actions exist, and the params of their steps fit what they declare."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy

from pipeline_engine.domain.action_names import type_of
from pipeline_engine.domain.action_params import (
    ParamProblem,
    holds,
    holds_template,
    is_scalar,
    is_templated,
    param_problems,
)
from pipeline_engine.domain.actions import ActionMeta, ParamDefinition, ParamType
from pipeline_engine.domain.checks.catalogue import ActionCatalogue
from pipeline_engine.domain.checks.dependencies import hint_of_way
from pipeline_engine.domain.checks.nodes import Node
from pipeline_engine.domain.checks.outline import Outline, Use
from pipeline_engine.domain.checks.report import Findings, shown
from pipeline_engine.domain.checks.structure import STEP_FIELDS
from pipeline_engine.domain.definitions import JSON
from pipeline_engine.domain.issues import join
from pipeline_engine.domain.validation.types import Fits, is_text
from pipeline_engine.errors import FOREIGN_ERRORS

#: Messages of the reference service, by the code of the problem.
WORDS: Mapping[str, str] = {
    "too_small": "value {value} is less than minimum {rules.min:g}",
    "too_large": "value {value} exceeds maximum {rules.max:g}",
    "too_short": "length {length} is less than minimum {rules.min_length}",
    "too_long": "length {length} exceeds maximum {rules.max_length}",
}
#: What other engines call a param, where ours goes by one name.
OTHER_WORDS: Mapping[str, str] = {"when": "condition", "if": "condition", "keys": "event_keys"}
#: Fields of a step that are sometimes written among the params of its action.
OF_THE_STEP = frozenset(STEP_FIELDS) - {"id", "name", "action", "params", "outputs"}
FIRST_WORD = re.compile(r"\W*(\w+)")
MOST_CHARACTERS = 1000  #: of what an action says
BRANCH_FIELDS: Mapping[str, tuple[Fits, str]] = {
    "id": (is_text, "a text"),
    "label": (is_scalar, "a text"),
    "condition": (is_scalar, "a text, or true or false"),
    "target_step": (is_text, "the id of a step"),
}


def check_actions(outline: Outline, actions: ActionCatalogue, findings: Findings) -> None:
    """Note every action that cannot be used and every param that does not fit."""
    for use in outline.uses:
        check_use(use, outline, actions, findings)


def check_use(use: Use, outline: Outline, actions: ActionCatalogue, findings: Findings) -> None:
    """Note if an action cannot be used, or does not take what this use gives it."""
    meta = use.meta(actions)
    if meta is None:
        if use.action:
            _unusable(use, actions, findings)
        return
    if use.repeats_block:
        return  # the shape of the document says the same as this action about its params
    if not use.params_open:
        _check_given(use, meta, outline, actions, findings)
    _check_undoing(use, actions, findings)
    _check_nesting(use, actions, findings)
    inner = use.inner(meta)
    if inner is not None:
        check_use(inner, outline, actions, findings)


def _check_given(
    use: Use, meta: ActionMeta, outline: Outline, actions: ActionCatalogue, findings: Findings
) -> None:
    before = findings.count
    _check_params(use, meta, findings)
    _check_branches(use, meta, outline, findings)
    if findings.count == before:  # it would only say the same again
        _ask_the_action(use, meta, actions, findings)


def _unusable(use: Use, actions: ActionCatalogue, findings: Findings) -> None:
    place, name = use.action_at, shown(use.action)
    reason = actions.broken_reason(use.action)
    if reason is not None:
        findings.error(place, "broken_action", f"Action '{name}' cannot be used: {reason}")
        return
    if versions := actions.versions(use.action):
        message = f"Action '{name}' is not installed in this version"
        there = f"Installed: {', '.join(versions)}."
        findings.error(place, "unknown_action_version", message, there)
        return
    hint = findings.did_you_mean(type_of(use.action), actions.types())
    findings.error(place, "unknown_action", f"Action '{name}' is not registered", hint)


def _check_nesting(use: Use, actions: ActionCatalogue, findings: Findings) -> None:
    """Items of items: an item is one row, and cannot become others."""
    if not actions.fans_out(use.action):
        return
    name, action = _label(use.node), shown(use.action)
    hint = "Repeat a block: a step with 'steps', and that action in one of these."
    if use.undoes:
        hint = "Run a pipeline for each item: run_pipeline, with that action in a step of its own."
    if use.in_loop:
        message = f"Step '{name}': Action '{action}' makes items itself, so no loop can run it"
        findings.error(use.action_at, "nested_fan_out", message, hint)
    elif use.undoes and use.node.compensation.get("per_item") is True:
        message = f"Step '{name}': Action '{action}' makes items itself, so it cannot undo one"
        findings.error(use.action_at, "nested_fan_out", message, hint)
    elif not use.undoes and use.node.body.get("for_each") is not None:
        message = f"Step '{name}': Action '{action}' makes items itself, so it cannot have for_each"
        findings.error(f"{use.node.pointer}/for_each", "nested_fan_out", message, hint)


def _check_undoing(use: Use, actions: ActionCatalogue, findings: Findings) -> None:
    """Only of a fan-out there are items to undo."""
    per_item = use.undoes and not use.in_loop and use.node.compensation.get("per_item") is True
    if per_item and use.node.body.get("for_each") is None and not actions.fans_out(use.node.action):
        message = f"Step '{_label(use.node)}' has no items, so none can be undone"
        hint = "Leave per_item out, or give the step a for_each."
        findings.error(f"{use.node.pointer}/compensate/per_item", "has_no_items", message, hint)


def _check_params(use: Use, meta: ActionMeta, findings: Findings) -> None:
    counting = {param.name: param for param in meta.params if _counts(param, use, meta)}
    for param in counting.values():
        _check_presence(param, use, findings)
    # A form leaves "" in a field that nobody filled in.
    given = {name: value for name, value in use.params.items() if value != ""}
    for problem in param_problems(meta, given):
        if problem.param in counting and problem.code != "missing_param":
            text = _in_words(problem, counting[problem.param], use)
            _note(use, problem, text, findings)
    for name in use.params:
        if meta.param(name) is None:
            _unknown_param(name, use, meta, findings)


def _counts(param: ParamDefinition, use: Use, meta: ActionMeta) -> bool:
    """A param is checked unless ``show_when`` hides it, or will only then be decided."""
    return param.show_when is None or holds(param.show_when, meta, use.params) is True


def _check_presence(param: ParamDefinition, use: Use, findings: Findings) -> None:
    if use.params.get(param.name) in (None, "") and param.required and param.default is None:
        message = f"Required parameter '{param.name}' is missing or empty"
        place = join(use.params_at, param.name)
        findings.error(place, "missing_param", f"Step '{_label(use.node)}': {message}")


def _in_words(problem: ParamProblem, param: ParamDefinition, use: Use) -> str:
    words = None if problem.path else WORDS.get(problem.code)
    if words is None:
        return problem.message.removeprefix(f"{problem.place}: ")
    value = use.params[param.name]
    length = len(value) if isinstance(value, str | list) else 0
    return words.format(value=value, length=length, rules=param.validation)


def _note(use: Use, problem: ParamProblem, text: str, findings: Findings) -> None:
    place = join(use.params_at, problem.param, *problem.path)
    message = f"Step '{_label(use.node)}': Parameter '{shown(problem.place)}' {text}"
    findings.error(place, problem.code, message)


def _unknown_param(name: str, use: Use, meta: ActionMeta, findings: Findings) -> None:
    message = f"Step '{_label(use.node)}': Action '{meta.type}' has no parameter '{shown(name)}'"
    known = [param.name for param in meta.params]
    hint = findings.did_you_mean(OTHER_WORDS.get(name, name), known)
    if name in OF_THE_STEP:
        hint = f"'{name}' is a field of the step, beside 'params'."
    findings.warning(join(use.params_at, name), "unknown_param", message, hint)


def _ask_the_action(
    use: Use, meta: ActionMeta, actions: ActionCatalogue, findings: Findings
) -> None:
    """Let the action look at params that are known by now, as it does when it runs."""
    own_check = actions.own_check(use.action)
    if own_check is None or any(
        holds_template(value)
        for name, value in use.params.items()
        if name not in meta.unrendered_params
    ):
        return
    try:
        problems = own_check(deepcopy(dict(use.params)))
    except FOREIGN_ERRORS as error:  # foreign code: it must not keep a pipeline from its place
        message = f"Action '{meta.type}' could not check its params: {type(error).__name__}"
        text = f"Step '{_label(use.node)}': {message}"
        findings.warning(use.params_at, "params_not_checked", text)
        return
    for problem in problems:
        text = f"Step '{_label(use.node)}': {problem[:MOST_CHARACTERS]}"
        findings.error(_place_of(problem, use, meta), "invalid_params", text)


def _place_of(problem: str, use: Use, meta: ActionMeta) -> str:
    """The param that a message begins with, or all of them."""
    word = FIRST_WORD.match(problem)
    if word and meta.param(word[1]):
        return join(use.params_at, word[1])
    return use.params_at


def _check_branches(use: Use, meta: ActionMeta, outline: Outline, findings: Findings) -> None:
    for param in meta.params:
        given = use.params.get(param.name)
        if param.type is ParamType.BRANCHES and isinstance(given, list):
            for index, branch in enumerate(given):
                pointer = join(use.params_at, param.name, index)
                _check_branch(branch, index, pointer, use, outline, findings)


def _check_branch(
    branch: JSON, index: int, pointer: str, use: Use, outline: Outline, findings: Findings
) -> None:
    label = _label(use.node)
    if not isinstance(branch, Mapping):
        message = f"Step '{label}': Branch {index} must be a dictionary"
        findings.error(pointer, "wrong_type", message)
        return
    if branch.get("id") in (None, ""):
        message = f"Step '{label}': Branch {index} missing 'id' field"
        findings.error(f"{pointer}/id", "required", message)
    for name, (fits, words) in BRANCH_FIELDS.items():
        if branch.get(name) is not None and not fits(branch[name]):
            message = f"Step '{label}': '{name}' of branch {index} must be {words}"
            findings.error(f"{pointer}/{name}", "wrong_type", message)
    target = branch.get("target_step")
    # An action that a loop runs decides for its item alone.
    if is_text(target) and target and not is_templated(target) and not use.in_loop:
        _check_target(target, f"{pointer}/target_step", use, outline, findings)


def _check_target(
    target: str, pointer: str, use: Use, outline: Outline, findings: Findings
) -> None:
    """A branch can only skip a step that waits for the decision."""
    siblings = outline.beside(use.node)
    if target not in siblings.ids:
        message = f"Unknown step: {shown(target)}"
        hint = hint_of_way(target, outline) or findings.did_you_mean(target, siblings.ids)
        findings.error(pointer, "unknown_step", message, hint)
    elif use.undoes or use.node.id not in siblings.graph.dependencies(target):
        name = _label(use.node)
        message = f"Step '{name}': Branch target '{target}' does not depend on '{name}'"
        hint = f"Add '{name}' to depends_on of '{target}'."
        findings.error(pointer, "branch_target_not_dependent", message, hint)


def _label(node: Node) -> str:
    return shown(node.id or node.pointer)
