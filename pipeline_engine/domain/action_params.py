"""Do params fit what an action declares?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline_engine.domain.actions import ActionMeta, ParamDefinition, ParamType, ValidationRules

OPENING = "{{"


@dataclass(frozen=True)
class ParamProblem:
    """One reason why params do not fit; ``code`` is stable, ``message`` is for people."""

    param: str
    code: str
    message: str


def check_params(meta: ActionMeta, params: Mapping[str, Any]) -> list[str]:
    """Return the messages of ``param_problems``."""
    return [problem.message for problem in param_problems(meta, params)]


def param_problems(meta: ActionMeta, params: Mapping[str, Any]) -> list[ParamProblem]:
    """Return every way in which *params* break *meta*; empty when they fit.

    A value that holds a template is believed: it is known only when the step runs. ``None``
    counts as given, as it always did for the clients of ``POST /actions/validate``.
    """
    return [problem for param in meta.params for problem in _problems_of(param, meta, params)]


def is_templated(value: Any) -> bool:
    """Tell whether *value* is known only when the step runs."""
    return isinstance(value, str) and OPENING in value


def _problems_of(
    param: ParamDefinition, meta: ActionMeta, params: Mapping[str, Any]
) -> Iterator[ParamProblem]:
    if param.name not in params:
        if param.required and _is_shown(param, meta, params):
            message = f"Missing required parameter: {param.name}"
            yield ParamProblem(param.name, "missing_param", message)
        return
    value = params[param.name]
    if value is None or is_templated(value):
        return
    if param.options is not None:
        yield from _choice_problems(param, value)
    if param.validation is not None:
        for code, message in _rule_problems(param.validation, value):
            yield ParamProblem(param.name, code, f"{param.name}: {message}")


def _is_shown(param: ParamDefinition, meta: ActionMeta, params: Mapping[str, Any]) -> bool:
    rule = param.show_when
    if rule is None:
        return True
    other = meta.param(rule.param)
    value = params.get(rule.param, other.default if other else None)
    return is_templated(value) or rule.holds(value)


def _choice_problems(param: ParamDefinition, value: Any) -> Iterator[ParamProblem]:
    allowed = [option.value for option in param.options or ()]
    several = param.type is ParamType.MULTISELECT and isinstance(value, list)
    for chosen in value if several else [value]:
        if chosen not in allowed and not is_templated(chosen):
            choices = ", ".join(str(choice) for choice in allowed)
            message = f"{param.name}: must be one of {choices}"
            yield ParamProblem(param.name, "not_an_option", message)


def _rule_problems(rules: ValidationRules, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if rules.min is not None and value < rules.min:
            yield "too_small", f"must be >= {_number(rules.min)}"
        if rules.max is not None and value > rules.max:
            yield "too_large", f"must be <= {_number(rules.max)}"
    if isinstance(value, str):
        yield from _text_problems(rules, value)


def _text_problems(rules: ValidationRules, value: str) -> Iterator[tuple[str, str]]:
    if rules.min_length is not None and len(value) < rules.min_length:
        yield "too_short", f"must be at least {rules.min_length} chars"
    if rules.max_length is not None and len(value) > rules.max_length:
        yield "too_long", f"must be at most {rules.max_length} chars"
    if rules.pattern is not None and not re.fullmatch(rules.pattern, value):
        yield "pattern_mismatch", rules.pattern_message or f"must match {rules.pattern}"


def _number(limit: float) -> str:
    return f"{limit:g}" if limit < 1e6 else f"{limit:.0f}"
