"""Which parts of Jinja's syntax tree are expressions, and what each becomes here.

Jinja only parses. Its compiler, its run time and its sandbox are never used, so there is no code
to escape into: whatever has no rule below is refused.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, TypeAlias

from jinja2 import nodes as jinja

from pipeline_engine.domain.expressions import operators
from pipeline_engine.domain.expressions.errors import (
    ConstructNotAllowed,
    ExpressionTooDeep,
    ExpressionTooLong,
    UnknownFilter,
    UnknownTest,
    WrongArguments,
)
from pipeline_engine.domain.expressions.filters import FILTERS
from pipeline_engine.domain.expressions.hyphens import refuse_hyphenated_step
from pipeline_engine.domain.expressions.limits import MAX_NODES, MAX_TREE_DEPTH
from pipeline_engine.domain.expressions.nodes import (
    And,
    Application,
    Binary,
    Choice,
    Comparison,
    Constant,
    Element,
    Joined,
    ListLiteral,
    Node,
    Not,
    ObjectLiteral,
    Or,
    Path,
    Signed,
    Slice,
)
from pipeline_engine.domain.expressions.operators import BinaryOperator
from pipeline_engine.domain.expressions.predicates import PREDICATES
from pipeline_engine.domain.expressions.references import Reference
from pipeline_engine.domain.expressions.signatures import Signature
from pipeline_engine.domain.expressions.undefined import UNDEFINED
from pipeline_engine.domain.expressions.values import in_range

_BINARY: dict[type[jinja.Expr], BinaryOperator] = {
    jinja.Add: operators.add,
    jinja.Sub: operators.subtract,
    jinja.Mul: operators.multiply,
    jinja.Div: operators.divide,
    jinja.FloorDiv: operators.divide_to_integer,
    jinja.Mod: operators.remainder,
}
_HINTS: dict[type[jinja.Node], str] = {
    jinja.Call: "There are no calls; use a filter, for example `| items` or `| length`.",
    jinja.Pow: "There is no power operator.",
    jinja.For: "There are no loops; use filters such as `map` and `selectattr`, or `for_each`.",
    jinja.If: "Use `a if test else b` inside one {{ }}.",
}


class Translation:
    """One template on its way from Jinja's tree to ours, with what was met on the way."""

    def __init__(self) -> None:
        self.size = 0
        self._references: dict[Reference, None] = {}  # a set that keeps the order
        self._depth = 0

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every path into the scope, in the order of appearance, each once."""
        return tuple(self._references)

    def expression(self, node: jinja.Node) -> Node:
        """Our node for Jinja's."""
        rule = _RULES.get(type(node))
        if rule is None:
            raise refusal(node)
        self._grow(1)
        self._depth += 1
        if self._depth > MAX_TREE_DEPTH:
            raise ExpressionTooDeep
        translated = rule(self, node)
        self._depth -= 1
        return translated

    def expressions(self, nodes: list[Any]) -> tuple[Node, ...]:
        """Our nodes for several of Jinja's."""
        return tuple(self.expression(node) for node in nodes)

    def path(self, reference: Reference) -> Path:
        """The node of a reference, which is remembered."""
        self._grow(len(reference.path))
        self._references[reference] = None
        return Path(reference.root, reference.path)

    def _grow(self, parts: int) -> None:
        self.size += parts
        if self.size > MAX_NODES:
            raise ExpressionTooLong(f"A template may have {MAX_NODES} parts, not more.")


def refusal(node: jinja.Node) -> ConstructNotAllowed:
    """The error for a part of Jinja that the language does not have."""
    name = type(node).__name__
    hint = _HINTS.get(type(node))
    called = _called(node.node) if isinstance(node, jinja.Call) else ""
    if called in FILTERS:
        hint = f"There are no calls, but there is a filter: `value | {called}`."
    return ConstructNotAllowed(f"{name} is not allowed in an expression.", hint=hint)


def _called(node: jinja.Node) -> str:
    """The name of what somebody tried to call, be it a function or a method."""
    if isinstance(node, jinja.Name):
        return node.name
    return str(node.attr) if isinstance(node, jinja.Getattr) else ""


Rule: TypeAlias = Callable[[Translation, Any], Node]


def _constant(_: Translation, node: jinja.Const) -> Node:
    if isinstance(node.value, int | float):
        in_range(node.value)
    return Constant(node.value)


def _list(translation: Translation, node: jinja.List | jinja.Tuple) -> Node:
    return ListLiteral(translation.expressions(node.items))


def _object(translation: Translation, node: jinja.Dict) -> Node:
    return ObjectLiteral(
        tuple(
            (translation.expression(pair.key), translation.expression(pair.value))
            for pair in node.items
        )
    )


def _name(translation: Translation, node: jinja.Name) -> Node:
    return translation.path(Reference(node.name, ()))


def _attribute(translation: Translation, node: jinja.Getattr) -> Node:
    reference = _reference(node)
    if reference is not None:
        return translation.path(reference)
    return Element(translation.expression(node.node), Constant(node.attr))


def _item(translation: Translation, node: jinja.Getitem) -> Node:
    reference = _reference(node)
    if reference is not None:
        return translation.path(reference)
    if isinstance(node.arg, jinja.Slice):
        return _slice(translation, node, node.arg)
    return Element(translation.expression(node.node), translation.expression(node.arg))


def _slice(translation: Translation, node: jinja.Getitem, bounds: jinja.Slice) -> Node:
    if bounds.step is not None:
        raise ConstructNotAllowed("A slice has no step here.", hint="Use the filter `reverse`.")
    start, stop = (
        Constant(None) if bound is None else translation.expression(bound)
        for bound in (bounds.start, bounds.stop)
    )
    return Slice(translation.expression(node.node), start, stop)


def _reference(node: jinja.Expr) -> Reference | None:
    """The path of a chain of constant keys that starts at a name."""
    keys: list[str | int] = []
    while not isinstance(node, jinja.Name):
        key = _constant_key(node)
        if key is None:
            return None
        keys.append(key)
        if len(keys) > MAX_TREE_DEPTH:
            raise ExpressionTooDeep
        assert isinstance(node, jinja.Getattr | jinja.Getitem)
        node = node.node
    return Reference(node.name, tuple(reversed(keys)))


def _constant_key(node: jinja.Expr) -> str | int | None:
    if isinstance(node, jinja.Getattr):
        return node.attr
    if not isinstance(node, jinja.Getitem):
        return None
    sign, key = (-1, node.arg.node) if isinstance(node.arg, jinja.Neg) else (1, node.arg)
    if isinstance(key, jinja.Const) and type(key.value) is int:
        return sign * int(in_range(key.value))
    if isinstance(key, jinja.Const) and isinstance(key.value, str) and sign == 1:
        return key.value
    return None


def _and(translation: Translation, node: jinja.And) -> Node:
    return And(translation.expression(node.left), translation.expression(node.right))


def _or(translation: Translation, node: jinja.Or) -> Node:
    return Or(translation.expression(node.left), translation.expression(node.right))


def _not(translation: Translation, node: jinja.Not) -> Node:
    return Not(translation.expression(node.node))


def _choice(translation: Translation, node: jinja.CondExpr) -> Node:
    test, then = translation.expression(node.test), translation.expression(node.expr1)
    otherwise = Constant(UNDEFINED) if node.expr2 is None else translation.expression(node.expr2)
    return Choice(test, then, otherwise)


def _comparison(translation: Translation, node: jinja.Compare) -> Node:
    first = translation.expression(node.expr)
    rest = (
        (operators.COMPARISONS[operand.op], translation.expression(operand.expr))
        for operand in node.ops
    )
    return Comparison(first, tuple(rest))


def _binary(translation: Translation, node: jinja.BinExpr) -> Node:
    if isinstance(node, jinja.Sub):
        refuse_hyphenated_step(node)
    left, right = translation.expression(node.left), translation.expression(node.right)
    return Binary(_BINARY[type(node)], left, right)


def _signed(translation: Translation, node: jinja.UnaryExpr) -> Node:
    return Signed(-1 if isinstance(node, jinja.Neg) else 1, translation.expression(node.node))


def _joined(translation: Translation, node: jinja.Concat) -> Node:
    return Joined(translation.expressions(node.nodes))


def _filter(translation: Translation, node: jinja.Filter) -> Node:
    known = FILTERS.get(node.name)
    if known is None:
        raise UnknownFilter(f"There is no filter {node.name!r}.", hint=_close(node.name, FILTERS))
    return _application(translation, known, node)


def _test(translation: Translation, node: jinja.Test) -> Node:
    known = PREDICATES.get(node.name)
    if known is None:
        raise UnknownTest(f"There is no test {node.name!r}.", hint=_close(node.name, PREDICATES))
    return _application(translation, known, node)


def _application(translation: Translation, known: Signature, node: Any) -> Node:
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise WrongArguments("* and ** are not allowed in arguments.", hint=str(known))
    subject = translation.expression(node.node)
    given = translation.expressions(node.args)
    named = {pair.key: translation.expression(pair.value) for pair in node.kwargs}
    return Application(known.function, subject, known.bind(given, named))


def _close(name: str, names: dict[str, Signature]) -> str | None:
    close = difflib.get_close_matches(name[:40], names, n=1)
    return f"Did you mean {close[0]!r}?" if close else None


_RULES: dict[type[jinja.Node], Rule] = {
    jinja.Add: _binary,
    jinja.And: _and,
    jinja.Compare: _comparison,
    jinja.Concat: _joined,
    jinja.CondExpr: _choice,
    jinja.Const: _constant,
    jinja.Dict: _object,
    jinja.Div: _binary,
    jinja.Filter: _filter,
    jinja.FloorDiv: _binary,
    jinja.Getattr: _attribute,
    jinja.Getitem: _item,
    jinja.List: _list,
    jinja.Mod: _binary,
    jinja.Mul: _binary,
    jinja.Name: _name,
    jinja.Neg: _signed,
    jinja.Not: _not,
    jinja.Or: _or,
    jinja.Pos: _signed,
    jinja.Sub: _binary,
    jinja.Test: _test,
    jinja.Tuple: _list,
}
