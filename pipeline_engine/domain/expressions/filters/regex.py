"""Filters with a regular expression, which RE2 reads: no look-around, no references back."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from pipeline_engine.domain.expressions.errors import WrongArguments, WrongOperand
from pipeline_engine.domain.expressions.filters import operands
from pipeline_engine.domain.expressions.fuel import Fuel, refuse_large
from pipeline_engine.domain.expressions.limits import (
    CHARACTERS_PER_UNIT,
    MAX_TEXT_CHARACTERS,
    SECONDS_PER_UNIT,
)
from pipeline_engine.domain.expressions.patterns import (
    Pattern,
    bought,
    pay_for_walk,
    refuse_controls,
)
from pipeline_engine.domain.expressions.predicates import regex_match
from pipeline_engine.domain.expressions.signatures import signed
from pipeline_engine.domain.expressions.undefined import UNDEFINED

Group: TypeAlias = int | str

_UNITS_PER_MATCH = 5
#: In a replacement: a group by its number or its name, a backslash, or a backslash too many.
_REFERENCE = re.compile(r"\\(?:(\d)|g<(\w{1,100})>|(\\))?", re.ASCII)
_REFERENCES = r"There are \0 (all of it), \1 to \9, \g<name> and \\ (a backslash)."


def regex_search(fuel: Fuel, subject: Any, pattern: Any, group: Any = 0) -> Any:
    """The first part that the expression matches, or one group of it, by number or name.

    Undefined if there is none.
    """
    source = operands.text(fuel, subject)
    expression = bought(fuel, operands.text(fuel, pattern))
    wanted = _group(expression, group)
    for match in _matches(fuel, expression, source, 1):
        part = match.group(wanted)
        return UNDEFINED if part is None else part
    return UNDEFINED


def regex_replace(
    fuel: Fuel, subject: Any, pattern: Any, replacement: Any, count: Any = None
) -> str:
    """With another text in place of every match, or of the first ``count``.

    In the other text a backslash and a number stand for a group.
    """
    source = operands.text(fuel, subject)
    expression = bought(fuel, operands.text(fuel, pattern))
    parts = _parts(expression, operands.text(fuel, replacement))
    most = MAX_TEXT_CHARACTERS + 1 if count is None else _times(count)
    pieces: list[str] = []
    size = end = 0
    for match in _matches(fuel, expression, source, most):
        piece = "".join(p if isinstance(p, str) else match.group(p[0]) or "" for p in parts)
        pieces += (source[end : match.start()], piece)
        end = match.end()
        size += len(piece)
        refuse_large(size)
        fuel.spend(len(parts) + len(piece) // CHARACTERS_PER_UNIT)
    pieces.append(source[end:])
    fuel.spend_on_text(sum(map(len, pieces)))
    return "".join(pieces)


def _matches(fuel: Fuel, expression: Pattern, source: str, most: int) -> Iterator[Any]:
    """The matches from left to right.

    To find one, all the rest of the text may be walked through, though hardly any expression
    asks for that. One walk is paid before; from there on the clock tells when more is due.
    """
    left = pay_for_walk(fuel, expression, source) * SECONDS_PER_UNIT
    found = expression.finditer(source)
    for _ in range(most):
        fuel.spend(_UNITS_PER_MATCH)
        began = time.thread_time()
        try:
            match = next(found, None)
        except UnicodeEncodeError:
            raise WrongOperand("This text has no UTF-8 form.") from None
        left += _UNITS_PER_MATCH * SECONDS_PER_UNIT - (time.thread_time() - began)
        if left < 0:
            fuel.spend(int(-left / SECONDS_PER_UNIT))
            left = 0
        if match is None:
            return
        yield match


def _parts(expression: Pattern, replacement: str) -> Sequence[str | tuple[Group]]:
    """The texts of a replacement, and in tuples the groups between them."""
    refuse_controls(replacement)
    parts: list[str | tuple[Group]] = []
    end = 0
    for found in _REFERENCE.finditer(replacement):
        number, name, backslash = found.groups()
        if number is None and name is None and backslash is None:
            raise WrongOperand("A replacement has a backslash for nothing.", hint=_REFERENCES)
        parts.append(replacement[end : found.start()])
        group = name if number is None else int(number)
        parts.append(backslash or (_group(expression, group),))
        end = found.end()
    return [*parts, replacement[end:]]


def _group(expression: Pattern, group: Any) -> Group:
    if type(group) is int and 0 <= group <= expression.groups:
        return group
    if isinstance(group, str) and group in expression.groupindex:
        return group
    named = "".join(f", '{name}'" for name in list(expression.groupindex)[:10])
    raise WrongArguments(
        "The expression has no such group.", hint=f"It has 0 to {expression.groups}{named}."
    )


def _times(value: Any) -> int:
    return operands.count(value, at_most=MAX_TEXT_CHARACTERS)


REGEX_FILTERS = signed(
    {
        "regex_match": regex_match,
        "regex_replace": regex_replace,
        "regex_search": regex_search,
    }
)
