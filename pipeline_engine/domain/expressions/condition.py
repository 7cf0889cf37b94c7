"""Conditions: of a step, of a branch, of a loop."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from pipeline_engine.domain.expressions.errors import TextOutsideBraces, UnbalancedBraces
from pipeline_engine.domain.expressions.fuel import Fuel, current_fuel
from pipeline_engine.domain.expressions.limits import CHARACTERS_PER_UNIT
from pipeline_engine.domain.expressions.nodes import Scope
from pipeline_engine.domain.expressions.references import Reference
from pipeline_engine.domain.expressions.template import Template, parse_template, refuse_long
from pipeline_engine.domain.expressions.truth import evaluate_truth

_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_COMPARES = re.compile(r"==|!=|<|>|\b(?:and|or|not)\b")
_CACHED_CONDITIONS = 2048


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition: a fixed answer, or an expression that gives one."""

    references: tuple[Reference, ...]
    verdict: bool | Template

    def evaluate(self, scope: Scope, fuel: Fuel | None = None) -> bool:
        """Whether the condition holds in this scope. Raises ``ExpressionError``."""
        if not isinstance(self.verdict, Template):
            return self.verdict
        fuel = current_fuel() if fuel is None else fuel
        value = self.verdict.evaluate(scope, fuel=fuel)
        if isinstance(value, str):
            fuel.spend(len(value) // CHARACTERS_PER_UNIT)
        return evaluate_truth(value)


def parse_condition(text: str | None) -> Condition:
    """Parse a condition, with braces or without.

    Nothing at all is true; ``true``, ``yes``, ``1`` and their opposites are what they say; any
    other text without braces is an expression. Raises ``ExpressionError``.
    """
    stripped = (text or "").strip()
    if not stripped:
        return Condition((), verdict=True)
    refuse_long(stripped)
    if stripped.lower() in _WORDS:
        return Condition((), verdict=_WORDS[stripped.lower()])
    return _parse(stripped)


@lru_cache(maxsize=_CACHED_CONDITIONS)
def _parse(text: str) -> Condition:
    template = parse_template(text) if "{{" in text else _bare_expression(text)
    if any(isinstance(part, str) and _COMPARES.search(part) for part in template.parts):
        raise TextOutsideBraces(hint="Put the whole condition into one pair of braces.")
    return Condition(template.references, template)


def _bare_expression(text: str) -> Template:
    """A condition without braces, parsed as the one expression between them.

    The spaces keep a leading minus from being read as Jinja's white-space control.
    """
    template = parse_template(f"{{{{ {text} }}}}")
    if not template.is_native:
        raise UnbalancedBraces
    return template
