"""Do params fit what an action declares?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pipeline_engine.domain.actions import (
    ActionMeta,
    ConditionalVisibility,
    ExecutionMode,
    JsonShape,
    ParamDefinition,
    ParamType,
)
from pipeline_engine.domain.expressions.fuel import current_fuel
from pipeline_engine.domain.validation.check import broken
from pipeline_engine.domain.validation.types import Fits, is_boolean, is_number, is_object
from pipeline_engine.domain.validation.words import must

OPENING = "{{"


def is_list(value: Any) -> bool:
    """A list of anything."""
    return isinstance(value, list)


def is_scalar(value: Any) -> bool:
    """No list and no object: a number in the place of a text does no harm."""
    return not isinstance(value, list | Mapping)


#: Test of a value by the type of its param, and its words; other types take any value.
FITS: Mapping[ParamType, tuple[Fits, str]] = {
    ParamType.NUMBER: (is_number, "a number"),
    ParamType.BOOLEAN: (is_boolean, "true or false"),
    ParamType.MULTISELECT: (is_list, "a list"),
    ParamType.BRANCHES: (is_list, "a list of branches"),
    ParamType.RANGE: (is_list, "a list of two numbers"),
    ParamType.STRING: (is_scalar, "a text"),
    ParamType.TEMPLATE: (is_scalar, "a text"),
    **{kind: (is_scalar, "an id") for kind in ParamType if kind.value.endswith("_ref")},
}


SHAPES: Mapping[JsonShape, tuple[Fits, str]] = {
    JsonShape.ARRAY: (is_list, "a list"),
    JsonShape.OBJECT: (is_object, "an object"),
}


def what_fits(param: ParamDefinition) -> tuple[Fits | None, str]:
    """The test of a value and the words for what passes it; None if everything does."""
    if param.shape is not None:
        return SHAPES[param.shape]
    return FITS.get(param.type, (None, ""))


@dataclass(frozen=True)
class ParamProblem:
    """One reason why params do not fit; ``code`` is stable, ``message`` is for people."""

    #: The name of the param.
    param: str
    #: A stable word, such as ``missing_param``.
    code: str
    #: What is wrong, in words.
    message: str
    #: Where it is inside of the value: places in lists, names of members.
    path: tuple[str | int, ...] = ()

    @property
    def place(self) -> str:
        """The param with that path, for people: ``servers.0.port``."""
        return ".".join(map(str, (self.param, *self.path)))


def check_params(
    meta: ActionMeta, params: Mapping[str, Any], *, rendered: bool = False
) -> list[str]:
    """Return the messages of ``param_problems``."""
    return [problem.message for problem in param_problems(meta, params, rendered=rendered)]


def param_problems(
    meta: ActionMeta, params: Mapping[str, Any], *, rendered: bool = False
) -> list[ParamProblem]:
    """Return every way in which *params* break *meta*; empty when they fit.

    A value that holds a template is believed until the params are *rendered*: from then on it is
    a text like any other, except where the action renders the param itself. ``None`` counts as
    given, as it always did for the clients of ``POST /actions/validate``. A required param that
    has a default is never missing. A param that ``show_when`` hides is not looked at.
    """
    return [
        problem
        for param in meta.params
        for problem in _problems_of(
            param, meta, params, believes=not rendered or param.name in meta.unrendered_params
        )
    ]


def is_templated(value: Any) -> bool:
    """Tell whether *value* is known only when the step runs."""
    return isinstance(value, str) and OPENING in value


def holds_template(value: Any) -> bool:
    """Tell whether any text in *value* is known only when the step runs."""
    inside = [value]
    while inside:
        one = inside.pop()
        if isinstance(one, Mapping):
            inside += [*one, *one.values()]
        elif isinstance(one, list):
            inside += one
        elif is_templated(one):
            return True
    return False


def _problems_of(
    param: ParamDefinition, meta: ActionMeta, params: Mapping[str, Any], *, believes: bool
) -> Iterator[ParamProblem]:
    if param.show_when is not None and holds(param.show_when, meta, params) is False:
        return
    if param.name not in params:
        if param.required and param.default is None:
            message = f"Missing required parameter: {param.name}"
            yield ParamProblem(param.name, "missing_param", message)
        return
    value = params[param.name]
    # A form leaves "" in a field that nobody filled in.
    if value is None or (value == "" and not param.required) or _is_open(value, believes=believes):
        return
    fits, words = what_fits(param)
    if fits is not None and not fits(value):
        yield ParamProblem(param.name, "wrong_type", f"{param.name}: must be {words}")
    elif param.options is not None or param.validation is not None:
        yield from _limit_problems(param, value, believes=believes)


def _limit_problems(
    param: ParamDefinition, value: Any, *, believes: bool
) -> Iterator[ParamProblem]:
    if param.options is not None:
        yield from _choice_problems(param, value, believes=believes)
    if param.validation is not None:
        is_open = partial(_is_open, believes=believes)
        for one in broken(param.validation, value, current_fuel(), is_open=is_open):
            found = ParamProblem(param.name, one.code, must(one), one.path)
            yield replace(found, message=f"{found.place}: {found.message}")


def may_park(meta: ActionMeta, params: Mapping[str, Any]) -> bool:
    """Tell whether a step with these params may wait for the outside world."""
    if meta.execution_mode is not ExecutionMode.EVENT_DRIVEN:
        return False
    return meta.parks_when is None or holds(meta.parks_when, meta, params) is not False


def holds(rule: ConditionalVisibility, meta: ActionMeta, params: Mapping[str, Any]) -> bool | None:
    """Tell whether another param has the value that a rule asks for; None: a template decides."""
    other, value = meta.param(rule.param), params.get(rule.param)
    if value is None and other is not None:
        value = other.default
    if is_templated(value) and rule.param not in meta.unrendered_params:
        return None
    return rule.holds(value)


def _is_open(value: Any, *, believes: bool) -> bool:
    return believes and is_templated(value)


def _choice_problems(
    param: ParamDefinition, value: Any, *, believes: bool
) -> Iterator[ParamProblem]:
    allowed = [option.value for option in param.options or ()]
    several = param.type is ParamType.MULTISELECT and isinstance(value, list)
    for chosen in value if several else [value]:
        if chosen not in allowed and not _is_open(chosen, believes=believes):
            choices = ", ".join(str(choice) for choice in allowed)
            message = f"{param.name}: must be one of {choices}"
            yield ParamProblem(param.name, "not_an_option", message)
