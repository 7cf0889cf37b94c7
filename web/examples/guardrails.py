"""Examples of the operations on guardrail deployment workflows."""

from __future__ import annotations

from collections.abc import Mapping

from .example import AT, EXECUTION_ID, LATER, PAGE, Example

WORKFLOW_ID = "01a20112-0d5c-7a43-9f0e-6a0f3f6d2b22"
A_WORKFLOW = {"workflow_id": WORKFLOW_ID}
SAID = {
    "provider_type": "bud",
    "project_id": "project-1",
    "probe_selections": [{"id": "harm"}],
    "credential_id": "credential-1",
}
MODEL = {
    "rule_id": "rule-1",
    "rule_name": "Harmful content",
    "probe_id": "harm",
    "probe_name": "Harm",
    "model_uri": "meta-llama/Llama-Guard-3-8B",
    "model_id": None,
    "status": "not_onboarded",
    "endpoint_id": None,
    "endpoint_name": None,
    "endpoint_url": None,
    "cluster_id": None,
    "cluster_name": None,
    "requires_onboarding": True,
    "requires_deployment": True,
    "can_reuse": False,
    "show_warning": False,
}
COUNTS = {
    "models_requiring_onboarding": 1,
    "models_requiring_deployment": 1,
    "models_reusable": 0,
    "skip_to_step": None,
    "credential_required": True,
}
RUN = {
    "step_number": 5,
    "pipeline": "guardrail-model-onboarding",
    "execution_id": EXECUTION_ID,
    "number": 1,
    "status": "running",
    "started_at": LATER,
    "ended_at": None,
    "error": None,
    "results": None,
}
WORKFLOW = {
    "object": "workflow.get",
    "workflow_id": WORKFLOW_ID,
    "owner": "ada",
    "status": "in_progress",
    "phase": "onboarding",
    "current_step": 5,
    "next_step": None,
    "total_steps": 12,
    "skipped_steps": [],
    "reason": None,
    "version": 5,
    "created_at": AT,
    "updated_at": LATER,
    "workflow_steps": SAID | COUNTS | {"model_statuses": [MODEL]},
    "runs": [RUN],
}
TAKEN_BACK = {
    "workflow_id": WORKFLOW_ID,
    "phase": "cancelled",
    "status": "success",
    "cleaned_up": {"deployments": [], "redis_keys": [], "endpoints": [], "profiles": []},
    "preserved": {"onboarded_models": []},
    "errors": [],
}

EXAMPLES: Mapping[str, Example] = {
    "submit_guardrail_step": Example(
        body={"workflow_id": WORKFLOW_ID, "step_number": 5, "credential_id": "credential-1"},
        answer=WORKFLOW,
    ),
    "list_guardrail_workflows": Example(answer={"workflows": [WORKFLOW], "pagination": PAGE}),
    "get_guardrail_workflow": Example(path=A_WORKFLOW, answer=WORKFLOW),
    "get_guardrail_model_status": Example(
        path=A_WORKFLOW,
        answer={"object": "guardrail.model_status", "models": [MODEL], "total_models": 1} | COUNTS,
    ),
    "cancel_guardrail_workflow": Example(
        path=A_WORKFLOW, body={"reason": "Another project"}, answer=TAKEN_BACK
    ),
    "get_guardrail_progress": Example(
        path={"deployment_id": WORKFLOW_ID},
        answer={"workflow": WORKFLOW, "run": RUN, "progress": None},
    ),
    "link_guardrail_rule": Example(
        path={"rule_id": "rule-1"},
        body={"model_id": "model-1"},
        answer={"rule_id": "rule-1", "model_id": "model-1"},
    ),
    "delete_guardrail_table": Example(
        path={"profile_id": "profile-1"},
        answer={"profile_id": "profile-1", "endpoint_ids": ["endpoint-1"]},
    ),
}
