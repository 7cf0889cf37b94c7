"""The parts of a parsed expression, each of which knows how to evaluate itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline_engine.domain.expressions.errors import WrongOperand
from pipeline_engine.domain.expressions.fuel import Fuel
from pipeline_engine.domain.expressions.operators import (
    BinaryOperator,
    multiply,
)
from pipeline_engine.domain.expressions.secrecy import Secret, refuse_secrets
from pipeline_engine.domain.expressions.undefined import UNDEFINED
from pipeline_engine.domain.expressions.values import as_json, as_one_text, kind, look_up

Scope = Mapping[str, Any]


class Node(Protocol):
    """A part of an expression."""

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:
        """The value of this part: JSON, a lazy mapping of the scope, or ``UNDEFINED``."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal text, number, boolean or null."""

    value: Any

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:  # noqa: ARG002 - one shape for all
        """The literal."""
        return self.value


@dataclass(frozen=True, slots=True)
class Path:
    """A name and the constant keys behind it, such as ``steps.a.outputs.x``."""

    root: str
    keys: tuple[str | int, ...]

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:  # noqa: ARG002 - one shape for all
        """Follow the keys; nothing else of the scope is read."""
        value = look_up(scope, self.root)
        for key in self.keys:
            value = look_up(value, key)
        return value


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a value, by a key that may be computed."""

    subject: Node
    key: Node

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:
        """Look the key up."""
        return look_up(self.subject.evaluate(scope, fuel), self.key.evaluate(scope, fuel))


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of a list or text: ``params.name[:10]``."""

    subject: Node
    start: Node
    stop: Node

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:
        """Copy the stretch; a bound may be undefined or null, then the end of the value counts."""
        subject = self.subject.evaluate(scope, fuel)
        start = _bound(self.start.evaluate(scope, fuel))
        stop = _bound(self.stop.evaluate(scope, fuel))
        if subject is UNDEFINED:
            return UNDEFINED
        if isinstance(subject, str):
            fuel.spend_on_text(len(subject))
        elif isinstance(subject, list):
            fuel.spend_on_items(len(subject))
        else:
            raise WrongOperand(f"Only a list or a text has slices, not {kind(subject)}.")
        return subject[start:stop]


def _bound(value: Any) -> int | None:
    if value is UNDEFINED or value is None:
        return None
    if type(value) is not int:
        raise WrongOperand(f"The bound of a slice is an integer, not {kind(value)}.")
    return value


@dataclass(frozen=True, slots=True)
class ListLiteral:
    """A list written in the expression."""

    items: tuple[Node, ...]

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:
        """A new list."""
        return [as_json(item.evaluate(scope, fuel), fuel) for item in self.items]


@dataclass(frozen=True, slots=True)
class ObjectLiteral:
    """An object written in the expression."""

    members: tuple[tuple[Node, Node], ...]

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:
        """A new object; its keys are texts, as JSON demands."""
        return {
            _key(key.evaluate(scope, fuel)): as_json(value.evaluate(scope, fuel), fuel)
            for key, value in self.members
        }


def _key(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise WrongOperand(f"The key of an object is a text, not {kind(value)}.")


@dataclass(frozen=True, slots=True)
class And:
    """``left and right``; as in Jinja it yields the operand that decides, not a boolean."""

    left: Node
    right: Node

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:
        """The right operand is evaluated only if the left one is true."""
        return self.left.evaluate(scope, fuel) and self.right.evaluate(scope, fuel)


@dataclass(frozen=True, slots=True)
class Or:
    """``left or right``; as in Jinja it yields the operand that decides, not a boolean."""

    left: Node
    right: Node

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:
        """The right operand is evaluated only if the left one is false."""
        return self.left.evaluate(scope, fuel) or self.right.evaluate(scope, fuel)


@dataclass(frozen=True, slots=True)
class Not:
    """``not operand``."""

    operand: Node

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:
        """A boolean."""
        return not self.operand.evaluate(scope, fuel)


@dataclass(frozen=True, slots=True)
class Choice:
    """``then if test else otherwise``."""

    test: Node
    then: Node
    otherwise: Node

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:
        """Only the chosen side is evaluated."""
        chosen = self.then if self.test.evaluate(scope, fuel) else self.otherwise
        return chosen.evaluate(scope, fuel)


@dataclass(frozen=True, slots=True)
class Comparison:
    """``a < b <= c``: a first operand and what it is compared with in turn."""

    first: Node
    rest: tuple[tuple[BinaryOperator, Node], ...]

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:
        """A boolean: whether every neighbouring pair compares."""
        left = self.first.evaluate(scope, fuel)
        for compare, node in self.rest:
            right = node.evaluate(scope, fuel)
            if not compare(left, right, fuel):
                return False
            left = right
        return True


@dataclass(frozen=True, slots=True)
class Binary:
    """An arithmetic operator between two operands."""

    operator: BinaryOperator
    left: Node
    right: Node

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:
        """Left before right."""
        return self.operator(
            self.left.evaluate(scope, fuel), self.right.evaluate(scope, fuel), fuel
        )


@dataclass(frozen=True, slots=True)
class Signed:
    """A number with a sign in front: ``-params.n``."""

    sign: int
    operand: Node

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:
        """Multiply, which refuses whatever is not a number."""
        return multiply(self.operand.evaluate(scope, fuel), self.sign, fuel)


@dataclass(frozen=True, slots=True)
class Joined:
    """``a ~ b ~ c``: the operands as one text."""

    operands: tuple[Node, ...]

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:
        """Pay for the text before it is made."""
        return as_one_text([operand.evaluate(scope, fuel) for operand in self.operands], fuel)


@dataclass(frozen=True, slots=True)
class Application:
    """A filter or a test applied to a value: ``subject | name(arguments)``."""

    function: Callable[..., Any]
    subject: Node
    arguments: tuple[Node, ...]

    def evaluate(self, scope: Scope, fuel: Fuel) -> Any:
        """Evaluate the subject, then the arguments, then call our own pure function."""
        subject = self.subject.evaluate(scope, fuel)
        arguments = [argument.evaluate(scope, fuel) for argument in self.arguments]
        if type(subject) is Secret or Secret in map(type, arguments):
            refuse_secrets(self.function, subject=type(subject) is Secret)
        return self.function(fuel, subject, *arguments)
