"""What a filter or test is called and which arguments it takes.

Every function takes the fuel and the subject first; the rest are its arguments, fixed in number.
All can be given by position or by name, so ``map('id')`` and ``map(attribute='id')`` are the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline_engine.domain.expressions.errors import WrongArguments
from pipeline_engine.domain.expressions.nodes import Constant, Node


@dataclass(frozen=True, slots=True)
class Signature:
    """A function of the expression language with the names of its arguments."""

    name: str
    function: Callable[..., Any]
    parameters: tuple[inspect.Parameter, ...]

    def bind(self, given: Sequence[Node], named: Mapping[str, Node]) -> tuple[Node, ...]:
        """The arguments in their order, with the default for each that was left out."""
        names = [parameter.name for parameter in self.parameters]
        bound = dict(zip(names, given, strict=False))
        if len(given) > len(names) or any(name not in names or name in bound for name in named):
            raise WrongArguments(f"{self.name!r} does not take these arguments.", hint=str(self))
        bound.update(named)
        return tuple(bound.get(one.name) or self._default(one) for one in self.parameters)

    def _default(self, parameter: inspect.Parameter) -> Constant:
        if parameter.default is parameter.empty:
            raise WrongArguments(f"{self.name!r} needs {parameter.name!r}.", hint=str(self))
        return Constant(parameter.default)

    def __str__(self) -> str:
        arguments = (
            one.name if one.default is one.empty else f"{one.name}={one.default!r}"
            for one in self.parameters
        )
        return f"{self.name}({', '.join(arguments)})"


def signed(functions: Mapping[str, Callable[..., Any]]) -> dict[str, Signature]:
    """Read the arguments off the functions, so that no list of them can be wrong."""
    return {
        name: Signature(name, function, _arguments(function))
        for name, function in functions.items()
    }


def _arguments(function: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    return tuple(inspect.signature(function).parameters.values())[2:]
