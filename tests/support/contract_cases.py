"""How each built-in action is used and ends, for the contract kit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_engine.contract_kit import JOB_ID, NEW_ID, Case, peer_url
from pipeline_engine.demo.peers.world import CLUSTERS
from pipeline_engine.sdk import CELERY_TASK_ENDED

CLUSTER = CLUSTERS["cluster-amsterdam"]
TARGETS = {"target_ttft": 200, "target_throughput_per_user": 20, "target_e2e_latency": 30}
SIZES = {"concurrent_requests": 1, "avg_sequence_length": 512, "avg_context_length": 4096}
MODEL = {"rule_id": "r-1", "model_id": "m-1", "model_uri": "org/guard", "cluster_id": "c-1"}
#: What needs no stand-in of the demo.
PEERS: Mapping[str, Any] = {
    "web": {"POST /things": {"id": NEW_ID}, "GET /things": [1, 2], "GET /broken": (500, {"a": 1})}
}


def told(kind: str, event: str, status: str = "COMPLETED", result: Any = None) -> dict[str, Any]:
    """A notification of a job."""
    content = {"title": "Title", "message": "A message", "status": status, "result": result}
    payload = {"type": kind, "event": event, "workflow_id": JOB_ID, "content": content}
    return {"type": "notification", "payload": payload}


def ended(state: str, **said: Any) -> dict[str, Any]:
    """What the engine says at the end of a Celery task."""
    nothing = {"result": None, "error": None, "too_large": None}
    return {"type": CELERY_TASK_ENDED, "state": state, **nothing, **said}


def job(kind: str, params: dict[str, Any], result: Any = None, **more: Any) -> Case:
    """A case that starts a job, with both of its ends."""
    return Case(
        params=params,
        succeeds=True,
        completed_by=[told(kind, "validation"), told(kind, "results", result=result or {})],
        failed_by=told(kind, "validation", "FAILED"),
        **more,
    )


def flat(params: dict[str, Any]) -> Case:
    """A case that starts a job of a cluster."""
    content = {"status": "COMPLETED", "result": {"cluster_id": "c-9"}}
    payload = {"status": "COMPLETED", "content": content}
    return Case(
        params=params,
        succeeds=True,
        completed_by={"type": "job_completed", "workflow_id": JOB_ID, "payload": payload},
        failed_by={"type": "job_failed", "workflow_id": JOB_ID, "payload": {"error": "Full"}},
    )


def done(params: dict[str, Any] | None = None, **more: Any) -> Case:
    """A case that ends at once."""
    return Case(params=params or {}, succeeds=True, **more)


def refused(params: dict[str, Any], code: str = "invalid_params") -> Case:
    """A case that fails."""
    return Case(params=params, fails_with=code)


RECOMMENDED = {
    "recommendations": [{"cluster_id": "cluster-amsterdam", "metrics": {"ttft": 90, "replica": 1}}]
}
WAITED = {"varying": ("scheduled_wake_time", "wait_duration_seconds", "actual_wake_time")}
ANY_EVENT = {"succeeds": True, "any_event_completes": True, "completed_by": {"workflow_id": JOB_ID}}

#: Instead of those of the demo: they answer a repeated key with what the first call came to.
OWN_PEERS: Mapping[str, Mapping[str, Any]] = {
    "model_delete": {"budapp": {"DELETE /models/{id}": {"message": "Deleted"}}}
}

CASES: Mapping[str, Sequence[Case]] = {
    "aggregate": [done({"inputs": [1, 2], "operation": "list"})],
    "approval": [Case(params={"message": "Deploy?"}, varying=["deadline"])],
    "celery_task": [
        Case(
            params={"name": "reports.build", "args": [1], "result": {"n": "{{ result }}"}},
            succeeds=True,
            completed_by=ended("SUCCESS", result=3),
            failed_by=ended("FAILURE", error="ValueError: no"),
        ),
        done({"name": "reports.build", "wait": False}),
    ],
    "cloud_model_add": [done({"provider_id": "p-1", "model_name": "gpt-4o"}), refused({})],
    "cluster_create": [flat({"cluster_name": "guards", "provider": "aws"}), refused({})],
    "cluster_delete": [flat({"cluster_id": CLUSTER.id}), refused({})],
    "cluster_health": [done({"cluster_id": CLUSTER.id}), refused({})],
    "conditional": [done({"branches": [{"id": "a", "condition": "true", "target_step": None}]})],
    "delay": [done({"duration_seconds": 60}, any_event_completes=True)],
    "deployment_autoscale": [done({"endpoint_id": "e-1", "max_replicas": 4}), refused({})],
    "deployment_create": [
        job(
            "deploy_model",
            {"model_id": "m-1", "project_id": "p-1", "endpoint_name": "chat", **SIZES}
            | {"cluster_id": CLUSTER.budapp_id, "hardware_mode": "shared"},
        ),
        refused({"model_id": "m-1"}),
    ],
    "deployment_delete": [
        job("delete_deployment", {"endpoint_id": "e-1"}),
        refused({}),
    ],
    "deployment_ratelimit": [done({"endpoint_id": "e-1", "requests_per_minute": 100})],
    "deployment_scale": [done({"endpoint_id": "e-1", "target_replicas": 2}), refused({})],
    "end": [done({"outputs": {"a": 1}})],
    "fail": [refused({"message": "No"}, "INTENTIONAL_FAILURE"), Case(params={})],
    "filter": [done({"items": [1, 2], "condition": "item > 1"})],
    "for_each": [done({"items": [1], "action": "log", "action_params": {"message": "{{ item }}"}})],
    "guardrail_aggregate_requirements": [done({"simulation_results": []}), refused({})],
    "guardrail_batch_onboard_models": [
        job("perform_model_extraction", {"models": [MODEL], "credential_id": "c-1"}),
        Case(params={"models": [], "credential_id": "c-1"}),
    ],
    "guardrail_build_config": [
        done({"deployment_id": "d-1", "profile_id": "p-1"}),
        Case(params={"deployment_id": "d-9", "profile_id": "p-1"}, fails_with="service_error"),
    ],
    "guardrail_create_deployment": [
        done({"profile_id": "p-1", "project_id": "p-1", "endpoint_ids": ["e-1"]})
    ],
    "guardrail_create_profile": [
        done(
            {"config": {"name": "Chat", "guard_types": ["input"]}, "project_id": "p-1"}
            | {"probe_selections": [{"id": "pii"}]}
        ),
        done(
            {"config": {"name": "Chat"}, "project_id": "p-1", "guardrail_profile_id": "p-1"}
            | {"probe_selections": [{"id": "pii"}]}
        ),
    ],
    "guardrail_deploy_models": [
        job("deploy_model", {"models": [MODEL], "project_id": "p-1"}),
        Case(params={"models": [], "project_id": "p-1"}),
    ],
    "guardrail_parallel_simulate": [
        job(
            "get_cluster_recommendations",
            {"models": [MODEL]},  # hardware_mode is required, and has a default
            RECOMMENDED,
        ),
        Case(params={"models": []}),
    ],
    "guardrail_rollback": [
        done({"profile_id": "p-8", "deployed_endpoint_ids": ["e-1"]}),
        done(),
        done({"everything": True}),
    ],
    "guardrail_sync_redis": [
        done({"profile_id": "p-1", "config": {"providers": []}}),
        refused({"profile_id": "p-1", "config": {}}, "service_error"),
    ],
    "guardrail_update_rule_model_ids": [
        done({"onboard_results": [{"rule_id": "r-1", "model_id": "m-1", "status": "completed"}]}),
        done({"onboard_results": []}),
    ],
    "guardrail_validate_cluster_fit": [
        Case(
            params={"candidate_clusters": [], "total_requirements": {}, "models": [MODEL]},
        )
    ],
    "guardrail_validate_credential": [done({"credential_id": "c-1"}), refused({})],
    "http_request": [
        done({"url": peer_url("web") + "/things"}),
        Case(params={"url": peer_url("web") + "/broken"}),
        done(
            {"url": peer_url("web") + "/things", "method": "POST", "body": {"a": 1}}
            | {"headers": {"Authorization": "Bearer a-long-secret-word"}},
        ),
        Case(
            params={"url": peer_url("web") + "/things", "wait_for_callback": True},
            any_event_completes=True,
        ),
    ],
    "log": [done({"message": "Hello"})],
    "model_add": [
        job("perform_model_extraction", {"model_uri": "org/mine", "credential_id": "c-1"}),
        refused({"model_uri": "gpt2"}),
    ],
    "model_benchmark": [
        job("performance_benchmark", {"model_id": "m-1", "cluster_id": CLUSTER.budapp_id}),
        refused({}),
    ],
    "model_delete": [Case(params={"model_id": "m-1"})],
    "notification": [
        done({"message": "Hi", "subscription": "on-call"}),
        refused({"message": "Hi"}),
    ],
    "run_pipeline": [
        Case(params={"pipeline": "other", "wait": True}),
        Case(params={"pipeline": "other", "wait": False}),
    ],
    "set_output": [done({"outputs": {"a": 1}})],
    "simulation_run": [
        job(
            "get_cluster_recommendations",
            {"model_id": "m-1", "input_tokens": 10, "output_tokens": 10, "concurrency": 1}
            | TARGETS,
            RECOMMENDED,
        ),
        refused({"model_id": "m-1"}),
    ],
    "template_render": [done({"template": "Hello"})],
    "transform": [done({"input": "abc", "operation": "uppercase"})],
    "validate": [done({"rules": []}), Case(params={"rules": 7})],
    "wait_for_event": [
        Case(params={"event_key": "a"}, leaves_out=["by_key", "events", "received_at"], **ANY_EVENT)
    ],
    "wait_until": [
        Case(params={"duration_hours": 5}, **ANY_EVENT, **WAITED),
        refused({"duration_hours": -1}),
    ],
    "webhook": [done({"url": peer_url("web") + "/things"})],
    "while": [
        Case(
            params={"condition": "false", "action": "log", "action_params": {"message": "x"}},
            leaves_out=["carry", "collected"],
        )
    ],
}
