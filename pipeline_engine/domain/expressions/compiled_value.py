"""Params and other JSON values that have templates as texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pipeline_engine.domain.expressions.errors import ExpressionError, ExpressionTooDeep
from pipeline_engine.domain.expressions.fuel import Fuel, current_fuel
from pipeline_engine.domain.expressions.limits import BYTES_PER_VALUE
from pipeline_engine.domain.expressions.nodes import Scope
from pipeline_engine.domain.expressions.references import Reference
from pipeline_engine.domain.expressions.template import parse_template
from pipeline_engine.domain.expressions.undefined import UNDEFINED
from pipeline_engine.domain.expressions.values import look_up

Renderer: TypeAlias = Callable[[Scope, Fuel], Any]

UNITS_PER_RENDERING = 5  # calls, and a scope for it


@dataclass(frozen=True, slots=True)
class CompiledValue:
    """A JSON value with every template in it parsed once.

    ``references`` and ``problems`` name the text they belong to by its JSON pointer. ``units``
    and ``size`` are what one rendering pays beside its templates: work, and bytes of room.
    """

    references: tuple[tuple[str, Reference], ...]
    problems: tuple[tuple[str, ExpressionError], ...]
    is_constant: bool
    units: int
    size: int
    renderer: Renderer = field(repr=False)

    def render(self, scope: Scope, fuel: Fuel | None = None) -> Any:
        """The value in this scope, in new lists and objects; keys stay as they are.

        All templates pay from one budget: *fuel*, or that of the step (``paying``). Raises
        ``ExpressionError``, at once if the value has problems.
        """
        if self.problems:
            raise self.problems[0][1].with_traceback(None)  # it is raised again and again
        fuel = current_fuel() if fuel is None else fuel
        fuel.spend(self.units)
        fuel.take_room(self.size)
        try:
            return self.renderer(scope, fuel)
        except RecursionError:
            raise ExpressionTooDeep("A value is nested too deeply.") from None

    def undefined_in(self, scope: Scope, pointer: str = "") -> list[str]:
        """Which of the names below *pointer* stand for nothing in this scope: for messages."""
        named = dict.fromkeys(
            reference
            for place, reference in self.references
            if place == pointer or place.startswith(f"{pointer}/")
        )
        return [
            str(reference) for reference in named if not _stands_for_something(reference, scope)
        ]


def _stands_for_something(reference: Reference, scope: Scope) -> bool:
    value = look_up(scope, reference.root)
    for key in reference.path:
        value = look_up(value, key)
    return value is not UNDEFINED


def compile_value(value: Any, *, pointer: str = "") -> CompiledValue:
    """Parse every template inside a JSON value; what cannot be parsed is among ``problems``."""
    compilation = _Compilation()
    try:
        renderer = compilation.renderer(value, pointer)
    except RecursionError:
        compilation.problems.append((pointer, ExpressionTooDeep("A value is nested too deeply.")))
        renderer = _constant(None)
    return CompiledValue(
        references=tuple(compilation.references),
        problems=tuple(compilation.problems),
        is_constant=compilation.is_constant,
        units=UNITS_PER_RENDERING + compilation.values,
        size=BYTES_PER_VALUE * compilation.values + compilation.characters,
        renderer=renderer,
    )


class _Compilation:
    """One walk through a value, and what was met on it."""

    def __init__(self) -> None:
        self.references: list[tuple[str, Reference]] = []
        self.problems: list[tuple[str, ExpressionError]] = []
        self.is_constant = True
        self.values = 0
        self.characters = 0  #: of keys and constant texts

    def renderer(self, value: Any, pointer: str) -> Renderer:
        if isinstance(value, str):
            return self._text(value, pointer)
        self.values += 1
        if isinstance(value, list):
            return _list([self.renderer(v, f"{pointer}/{i}") for i, v in enumerate(value)])
        if isinstance(value, dict):
            self.characters += sum(len(str(key)) for key in value)
            return _object(
                [(k, self.renderer(v, f"{pointer}/{_escaped(k)}")) for k, v in value.items()]
            )
        return _constant(value)

    def _text(self, text: str, pointer: str) -> Renderer:
        try:
            template = parse_template(text)
        except ExpressionError as problem:
            self.problems.append((pointer, problem))
            self.is_constant = False
            return _constant(text)
        if template.is_constant:
            self.values += 1
            self.characters += len(text)
            return _constant(template.render({}))
        self.is_constant = False
        self.references.extend((pointer, reference) for reference in template.references)
        render = template.render
        return lambda scope, fuel: fuel.hand_out(render(scope, fuel))


def _constant(value: Any) -> Renderer:
    return lambda _scope, _fuel: value


def _list(items: list[Renderer]) -> Renderer:
    return lambda scope, fuel: [item(scope, fuel) for item in items]


def _object(members: list[tuple[str, Renderer]]) -> Renderer:
    return lambda scope, fuel: {key: member(scope, fuel) for key, member in members}


def _escaped(key: str) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
