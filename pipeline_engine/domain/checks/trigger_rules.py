"""The shape of a trigger rule, and whether it can ever be met where it stands."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline_engine.domain.action_params import is_templated
from pipeline_engine.domain.checks.fields import (
    Field,
    Rule,
    choice,
    integer,
    or_given,
    record,
)
from pipeline_engine.domain.checks.report import Findings
from pipeline_engine.domain.definitions import JSON, TriggerRule
from pipeline_engine.domain.definitions.parse import dependencies_of
from pipeline_engine.domain.readiness import EAGER
from pipeline_engine.domain.validation.types import is_whole

NEEDS_DEPENDENCIES = frozenset(
    {TriggerRule.ONE_SUCCESS, TriggerRule.ONE_FAILED, TriggerRule.ONE_DONE}
)


def _trigger_rule(value: JSON, pointer: str, findings: Findings) -> None:
    """A word, or ``{"at_least": n}``."""
    if isinstance(value, Mapping):
        AT_LEAST(value, pointer, findings)
    else:
        TRIGGER_WORD(value, pointer, findings)


def check_trigger_rule(given: Mapping[str, JSON], pointer: str, findings: Findings) -> None:
    """A rule that can never be met would skip its step in every execution."""
    rule, place = given.get("trigger_rule"), f"{pointer}/trigger_rule"
    there = len({entry for entry in dependencies_of(given) if isinstance(entry, str)})
    wanted = rule.get("at_least") if isinstance(rule, Mapping) else None
    is_word = isinstance(rule, str) and rule.lower() in NEEDS_DEPENDENCIES
    if (is_word or is_templated(wanted)) and not there:
        message = f"A step without dependencies never meets '{rule if is_word else 'at_least'}'"
        hint = "Name in depends_on what it waits for, or leave the trigger rule out."
        findings.field_error(place, "needs_dependencies", message, hint)
    if wanted is not None and is_whole(wanted) and wanted > there:
        message = f"Input should be less than or equal to {there}, the number of dependencies"
        findings.field_error(f"{place}/at_least", "out_of_range", message)
    is_eager = isinstance(rule, Mapping) or (isinstance(rule, str) and rule.lower() in EAGER)
    if given.get("cancel_rest") is True and not is_eager:
        message = "Nothing is left to cancel when the trigger rule is met"
        hint = "Rules that are met while others may still run: one_success, one_done, at_least."
        findings.field_error(f"{pointer}/cancel_rest", "needs_eager_rule", message, hint)


QUORUM = or_given(integer(1, 10_000))
AT_LEAST = record({"at_least": Field(QUORUM, required=True)}, title="Quorum")
TRIGGER_WORD = choice(TriggerRule, "trigger rule", without=frozenset({TriggerRule.AT_LEAST}))
TRIGGER_RULE = Rule(_trigger_rule, {"anyOf": [TRIGGER_WORD.schema, AT_LEAST.schema]})
