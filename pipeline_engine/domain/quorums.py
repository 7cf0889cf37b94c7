"""How many dependencies have to complete, where the params of an execution say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline_engine.domain.definitions import JSON, PipelineDefinition, Rule, TriggerRule
from pipeline_engine.domain.expressions import ExpressionError, compile_value
from pipeline_engine.domain.issues import Issue
from pipeline_engine.domain.validation.types import is_whole


def known_rule(definition: PipelineDefinition, step_id: str, params: Mapping[str, JSON]) -> Rule:
    """The trigger rule of a step in an execution that was started with these *params*.

    A number that does not fit was refused when it was started; where it was not, the rule can
    never be met.
    """
    rule, wanted = definition.rule(step_id)
    if not isinstance(wanted, str):
        return rule, wanted
    there = len(definition.graph_of(step_id).dependencies(step_id))
    found = _rendered(wanted, params)
    fits = is_whole(found) and 1 <= found <= there
    return rule, int(found) if fits else there + 1


def problems(definition: PipelineDefinition, params: Mapping[str, JSON]) -> Iterator[Issue]:
    """What is wrong with the numbers that *params* make."""
    for step_id, template in _templates(definition).items():
        there = len(definition.graph_of(step_id).dependencies(step_id))
        found = _rendered(template, params)
        if not is_whole(found):
            text = f"at_least of step '{step_id}' should be a valid integer"
            yield Issue("/params", "wrong_type", text)
        elif not 1 <= found <= there:
            text = f"at_least of step '{step_id}' should be 1 to {there}, its dependencies"
            yield Issue("/params", "out_of_range", text)


def _templates(definition: PipelineDefinition) -> dict[str, str]:
    return {
        step_id: wanted
        for step_id, (rule, wanted) in definition.unusual_rules.items()
        if rule is TriggerRule.AT_LEAST and isinstance(wanted, str)
    }


def _rendered(template: str, params: Mapping[str, JSON]) -> JSON:
    try:
        return compile_value(template).render({"params": params})
    except ExpressionError:
        return None
