from __future__ import annotations

from pipeline_engine_actions.guardrail.update_rule_model_ids import META, UpdateRuleModelIds
from support.contexts import a_context

RESULTS = [
    {"rule_id": "r-1", "model_id": "m-1", "status": "completed"},
    {"rule_id": "r-2", "model_id": None, "status": "failed", "workflow_id": "wf-2"},
    {"rule_id": None, "model_id": "m-3"},
]


def updated(door, results):
    return UpdateRuleModelIds().execute(a_context({"onboard_results": results}, engine=door))


def test_each_rule_with_a_model_is_told_its_model(service, door):
    service.answer("PATCH /internal/guardrails/rules/r-1/model", {})

    result = updated(door, RESULTS)

    rules = [{"rule_id": "r-1", "model_id": "m-1"}]
    assert result.outputs == {"success": True, "updated_count": 1, "errors": [], "rules": rules}
    assert [call.body for call in service.received] == [{"model_id": "m-1"}]


def test_a_model_that_was_not_known_yet_is_looked_up_now(service, door):
    service.answer("GET /workflows/wf-1", {"data": {"model_id": "m-9"}})
    service.answer("PATCH /internal/guardrails/rules/r-1/model", {})
    result = {"rule_id": "r-1", "model_id": None, "status": "completed", "workflow_id": "wf-1"}

    outputs = updated(door, [result]).outputs

    assert outputs["rules"] == [{"rule_id": "r-1", "model_id": "m-9"}]
    assert service.received[-1].body == {"model_id": "m-9"}


def test_one_failure_fails_the_step_after_the_others_were_tried(service, door):
    service.answer("PATCH /internal/guardrails/rules/r-2/model", {})
    results = [{"rule_id": "r-1", "model_id": "m-1"}, {"rule_id": "r-2", "model_id": "m-2"}]

    result = updated(door, results)

    assert (result.success, result.error) == (False, "Failed to update 1 rules")
    assert result.outputs["updated_count"] == 1
    assert result.outputs["errors"][0].startswith("Failed to update rule r-1: ")


def test_no_results_are_a_success_with_every_output(door):
    result = updated(door, [])

    assert result.success
    assert set(result.outputs) == {output.name for output in META.outputs}
