"""Texts with ``{{ expressions }}`` in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

from jinja2 import Environment, TemplateSyntaxError
from jinja2 import nodes as jinja
from jinja2.lexer import TOKEN_STRING, Lexer, Token
from jinja2.parser import Parser

from pipeline_engine.domain.expressions.errors import (
    ExpressionCrashed,
    ExpressionError,
    ExpressionTooDeep,
    ExpressionTooLong,
    TemplateSyntax,
    UnbalancedBraces,
)
from pipeline_engine.domain.expressions.fuel import Fuel, current_fuel
from pipeline_engine.domain.expressions.grammar import Translation, refusal
from pipeline_engine.domain.expressions.limits import (
    MAX_BRACKET_DEPTH,
    MAX_NODES,
    MAX_TEMPLATE_CHARACTERS,
)
from pipeline_engine.domain.expressions.nodes import Node, Scope
from pipeline_engine.domain.expressions.references import Reference
from pipeline_engine.domain.expressions.secrecy import Secret, ledger_of, revealed
from pipeline_engine.domain.expressions.undefined import UNDEFINED
from pipeline_engine.domain.expressions.values import as_json, as_one_text

Part: TypeAlias = "str | Node"


class _Lexer(Lexer):
    r"""Jinja's, which leaves the backslash of ``'\d'`` to a rule that Python is about to drop."""

    def wrap(
        self,
        stream: Iterable[tuple[int, str, str]],
        name: str | None = None,
        filename: str | None = None,
    ) -> Iterator[Token]:
        kept = (
            (line, kind, _ESCAPE.sub(_kept, value) if kind == TOKEN_STRING else value)
            for line, kind, value in stream
        )
        return super().wrap(kept, name, filename)


class _Syntax(Environment):
    @cached_property
    def lexer(self) -> Lexer:
        return _Lexer(self)


#: A backslash in a literal, and the characters behind it that make it an escape.
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = frozenset("\n\\'\"abfnrtv01234567xNuU")


def _kept(found: re.Match[str]) -> str:
    return found[0] if found[1] in _ESCAPED else rf"\\{found[1]}"


_SYNTAX = _Syntax(keep_trailing_newline=True)
_NEEDS_PARSING = re.compile(r"\{\{|\{%[-+]?\s*raw\b")
_HAS_STATEMENT = re.compile(r"\{%")
_CACHED_TEMPLATES = 2048
#: Errors that a filter of ours raises for a value that it was not written for.
_FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text.

    A text that is exactly one ``{{ }}`` is native: it yields the value itself, a number as a
    number, and never re-reads a text as something else. Any other yields a text.
    """

    text: str
    references: tuple[Reference, ...] = ()
    is_native: bool = False
    size: int = field(default=0, repr=False)
    parts: tuple[Part, ...] = field(default=(), repr=False)

    @property
    def is_constant(self) -> bool:
        """Whether there is no expression in it; then every scope gives the same text."""
        return all(isinstance(part, str) for part in self.parts)

    def render(self, scope: Scope, fuel: Fuel | None = None) -> Any:
        """The value in this scope, with its secrets revealed; undefined is ``""``.

        What stood in the scope is passed on, not copied. Without *fuel* the budget of the step
        pays (``paying``). Raises ``ExpressionError``.
        """
        value = self.evaluate(scope, fuel)
        if type(value) is str:
            return value
        if isinstance(value, Secret):
            return value.reveal()
        if isinstance(value, dict | list):
            ledger = ledger_of(scope)
            return revealed(value) if ledger is not None and ledger.used else value
        return value

    def evaluate(self, scope: Scope, fuel: Fuel | None = None) -> Any:
        """The same with its secrets as they are in expressions."""
        fuel = current_fuel() if fuel is None else fuel
        fuel.spend(self.size)
        try:
            return self._native(scope, fuel) if self.is_native else self._joined(scope, fuel)
        except RecursionError:
            raise ExpressionTooDeep("A value is nested too deeply.") from None
        except _FAULTS as fault:  # the step has to end, or it would be tried for ever
            what = type(fault).__name__
            raise ExpressionCrashed(f"The engine cannot evaluate this ({what}).") from fault

    def _native(self, scope: Scope, fuel: Fuel) -> Any:
        (node,) = self.parts
        assert not isinstance(node, str)
        value = node.evaluate(scope, fuel)
        return "" if value is UNDEFINED else as_json(value, fuel)

    def _joined(self, scope: Scope, fuel: Fuel) -> Any:
        if not self.size:  # no expression: a text of any length
            return "".join(map(str, self.parts))
        values = [p if isinstance(p, str) else p.evaluate(scope, fuel) for p in self.parts]
        return as_one_text(values, fuel)


def parse_template(text: str) -> Template:
    """Parse a text; one without braces is itself, however long. Raises ``ExpressionError``."""
    if not _NEEDS_PARSING.search(text):
        return Template(text, parts=(text,))
    refuse_long(text)
    return _parse(text)


def refuse_long(text: str) -> None:
    """Keep a long text away from the parser and out of the caches."""
    if len(text) > MAX_TEMPLATE_CHARACTERS:
        raise ExpressionTooLong(
            f"A template may have {MAX_TEMPLATE_CHARACTERS} characters, not {len(text)}."
        )


@lru_cache(maxsize=_CACHED_TEMPLATES)
def _parse(text: str) -> Template:
    return _put_together(text) or _parse_whole(text)


def _put_together(text: str) -> Template | None:
    """A text made of expressions that were parsed before; None if it is not that simple.

    Many texts of a pipeline hold the same few expressions, and Jinja's parser takes ten times
    as long as looking them up.
    """
    literals, expressions = _split(text)
    if not all(map(_is_plain, literals)) or not all(map(_is_untrimmed, expressions)):
        return None
    try:
        parsed = [_parse_whole(f"{{{{{expression}}}}}") for expression in expressions]
    except ExpressionError:
        return None  # the error has to be that of the whole text
    size = sum(template.size for template in parsed)
    if size > MAX_NODES or len(expressions) > MAX_BRACKET_DEPTH:
        return None
    references = dict.fromkeys(r for template in parsed for r in template.references)
    nodes = [template.parts[0] for template in parsed]
    between: list[Part] = [
        part for pair in zip(literals, [*nodes, ""], strict=True) for part in pair
    ]
    return _template(text, [part for part in between if part != ""], tuple(references), size)


def _split(text: str) -> tuple[list[str], list[str]]:
    pieces = _SIMPLE_EXPRESSION.split(text)
    return pieces[::2], pieces[1::2]


def _is_plain(literal: str) -> bool:
    return not _MARKUP.search(literal)


def _is_untrimmed(expression: str) -> bool:
    """Whether it does not ask Jinja to cut off white space around it."""
    return bool(expression.strip()) and expression[0] not in "-+" and expression[-1] not in "-+"


#: An expression without braces and quotes inside, which ends at the first ``}}``.
_SIMPLE_EXPRESSION = re.compile(r"\{\{([^{}'\"\r]*)\}\}")
#: Characters that need more than a copy: Jinja's markup, line ends, and what a limit counts.
_MARKUP = re.compile(r"[{}()\[\]\r]")


@lru_cache(maxsize=_CACHED_TEMPLATES)
def _parse_whole(text: str) -> Template:
    _refuse_deep(text)
    translation = Translation()
    parts = tuple(_translated(translation, _output(text)))
    _refuse_stray_braces(text, parts)
    return _template(text, parts, translation.references, translation.size)


def _template(
    text: str, parts: Sequence[Part], references: tuple[Reference, ...], size: int
) -> Template:
    expressions = [part for part in parts if not isinstance(part, str)]
    blank = all(not part.strip() for part in parts if isinstance(part, str))
    is_native = len(expressions) == 1 and blank
    return Template(
        text=text,
        references=references,
        is_native=is_native,
        size=size,
        parts=tuple(expressions) if is_native else tuple(parts),
    )


def _refuse_deep(text: str) -> None:
    """Count open brackets, before the parser needs a stack for them."""
    depth = 0
    for character in text:
        if character in "([{":
            depth += 1
            if depth > MAX_BRACKET_DEPTH:
                raise ExpressionTooDeep(f"More than {MAX_BRACKET_DEPTH} brackets are open.")
        elif character in ")]}":
            depth = max(0, depth - 1)


def _output(text: str) -> Iterable[jinja.Node]:
    """What Jinja's parser finds, without any statement.

    The parser is called without its environment's ``parse``, which reports an error by compiling
    a stand-in template for the traceback.
    """
    try:
        body = Parser(_SYNTAX, text).parse().body
    except TemplateSyntaxError as error:
        if text.count("{{") != text.count("}}"):
            raise UnbalancedBraces from None
        raise TemplateSyntax(f"Invalid template syntax: {error.message}") from None
    except RecursionError:
        raise ExpressionTooDeep from None
    for statement in body:
        if not isinstance(statement, jinja.Output):
            raise refusal(statement)
        yield from statement.nodes


def _translated(translation: Translation, nodes: Iterable[jinja.Node]) -> Iterable[Part]:
    for node in nodes:
        if isinstance(node, jinja.TemplateData):
            yield node.data
        else:
            yield translation.expression(node)


def _refuse_stray_braces(text: str, parts: tuple[Part, ...]) -> None:
    """Jinja takes a ``}}`` that closes nothing for text; here only ``{% raw %}`` may hold one."""
    if _HAS_STATEMENT.search(text):
        return
    if any(isinstance(part, str) and "}}" in part for part in parts):
        raise UnbalancedBraces(hint="Write } } with a space, or put it into {% raw %}.")
