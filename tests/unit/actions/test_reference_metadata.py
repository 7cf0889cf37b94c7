"""What clients of the reference service know of its actions is as it was there.

Params beside these are extensions: none of them may be required.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from pipeline_engine.registry import Registry
from pipeline_engine.sdk import ParamDefinition, check_params


@dataclass(frozen=True)
class Served:
    """An action of the reference service: how it looks, how it runs, and what goes in and out.

    A param is ``name*=default least..most choice|choice``; the star says that it is required.
    """

    looks: str
    runs: str
    params: str
    outputs: str


ACTIONS = {
    "log": Served(
        "Log, note, #6b7280, Control Flow",
        "1.0.0, sync, None",
        """
        message=""
        level="info" debug|info|warning|error
        """,
        "logged message level",
    ),
    "wait_until": Served(
        "Wait Until, clock, #6366f1, Control Flow",
        "1.0.0, event_driven, 604860",
        """
        duration_hours 0.0167..168
        until_time
        timezone="UTC"
        """,
        "waited scheduled_wake_time actual_wake_time wait_duration_seconds",
    ),
    "conditional": Served(
        "Conditional Branch, git-branch, #8b5cf6, Control Flow",
        "1.0.0, sync, None",
        """
        branches=[]
        condition=true
        true_result={"branch": "true"}
        false_result={"branch": "false"}
        """,
        "result branch matched_branch matched_label target_step",
    ),
    "transform": Served(
        "Transform, swap, #10b981, Control Flow",
        "1.0.0, sync, None",
        """
        input={}
        operation="passthrough" passthrough|uppercase|lowercase|keys|values|count|flatten|unique|sort|reverse
        """,
        "result operation input_type output_type",
    ),
    "aggregate": Served(
        "Aggregate, stack, #f59e0b, Control Flow",
        "1.0.0, sync, None",
        """
        inputs=[]
        operation="list" list|sum|join|merge|first|last|min|max|average|count|flatten
        separator=", "
        """,
        "result count operation",
    ),
    "set_output": Served(
        "Set Output, arrow-square-out, #06b6d4, Control Flow",
        "1.0.0, sync, None",
        """
        outputs={}
        """,
        "",
    ),
    "fail": Served(
        "Fail, x-circle, #ef4444, Control Flow",
        "1.0.0, sync, None",
        """
        message="Intentional failure"
        error_code="INTENTIONAL_FAILURE"
        """,
        "error_code message",
    ),
    "http_request": Served(
        "HTTP Request, globe, #8B5CF6, Integration",
        "1.0.0, event_driven, 330",  # 60 there, though a call may be given 300; and no callbacks
        """
        url*
        method="GET" GET|POST|PUT|PATCH|DELETE
        headers={}
        body
        timeout_seconds=30 1..300
        include_metadata=false
        """,
        "status_code body headers",
    ),
    "notification": Served(
        "Send Notification, bell, #F59E0B, Integration",
        "1.0.0, sync, 30",
        """
        channel email|slack|teams|webhook
        title="Workflow Notification"
        message*
        severity="info" info|warning|error|critical
        recipients=[]
        metadata={}
        """,
        "sent notification_id",
    ),
    "cluster_health": Served(
        "Cluster Health Check, heart-pulse, #059669, Cluster Operations",
        "1.0.0, sync, 330",  # 60 there, though a call may be given 300
        """
        cluster_id*
        checks=["nodes", "api"] nodes|api|storage|network|gpu
        timeout_seconds=30 5..300
        """,
        "healthy status issues details",
    ),
    "model_add": Served(
        "Add Model, database-plus, #10B981, Model Operations",
        "1.2.0, event_driven, 86400",
        """
        model_source="hugging_face" hugging_face|url|disk
        model_uri*
        credential_id
        model_name
        description
        author
        max_wait_seconds=86400 300..172800
        """,
        "success model_id model_name workflow_id status message",
    ),
    "cloud_model_add": Served(
        "Add Cloud Model, cloud-upload, #6366F1, Model Operations",
        "1.0.0, sync, 120",
        """
        provider_id*
        cloud_model_id
        model_name*
        model_uri
        """,
        "success model_id model_name provider_id workflow_id status message",
    ),
    "model_delete": Served(
        "Delete Model, trash, #EF4444, Model Operations",
        "1.0.0, sync, 60",
        """
        model_id*
        force=false
        """,
        "success model_id message",
    ),
    "model_benchmark": Served(
        "Model Benchmark, chart-bar, #3B82F6, Model Operations",
        "1.0.0, event_driven, 1200",
        """
        model_id*
        cluster_id*
        benchmark_name="auto-benchmark"
        concurrent_requests=1 1..100
        max_input_tokens=1024 1..128000
        max_output_tokens=512 1..32000
        num_prompts=10 1..1000
        hardware_mode="dedicated" dedicated|shared
        selected_device_type cuda|hpu|cpu
        tp_size 1..16
        pp_size 1..16
        replicas 1..32
        max_wait_seconds=1200 60..7200
        prompt
        prompt_tokens
        """,
        "success benchmark_id workflow_id status results message failed_step",
    ),
    "deployment_create": Served(
        "Deploy Model, rocket, #10B981, Deployment",
        "1.6.0, event_driven, 600",
        """
        model_id*
        project_id*
        endpoint_name*
        cluster_id
        credential_id
        hardware_mode="dedicated" dedicated|shared
        concurrent_requests*=1 1..1000
        avg_sequence_length*=512 1..10000
        avg_context_length*=4096 1..200000
        ttft=[50, 200] 10..10000
        per_session_tokens_per_sec=[10, 50] 1..500
        e2e_latency=[10, 60] 1..600
        budaiscaler_specification
        tool_calling_parser_type
        reasoning_parser_type
        chat_template
        supports_lora
        supports_pipeline_parallelism
        """,
        "success endpoint_id endpoint_url endpoint_name workflow_id status message",
    ),
    "deployment_delete": Served(
        "Delete Deployment, trash, #EF4444, Deployment",
        "1.0.0, event_driven, 300",
        """
        endpoint_id*
        force=false
        max_wait_seconds=300 30..600
        """,
        "success endpoint_id namespace cluster_id workflow_id status message",
    ),
    "deployment_scale": Served(
        "Scale Deployment, arrows-alt, #722ED1, Deployment",
        "1.0.0, sync, 120",
        """
        endpoint_id*
        target_replicas*=1 0..100
        """,
        "success endpoint_id target_replicas previous_min_replicas previous_max_replicas scaling_strategy message",
    ),
    "deployment_ratelimit": Served(
        "Configure Rate Limiting, shield, #6366F1, Deployment",
        "1.1.0, sync, 60",
        """
        endpoint_id*
        algorithm="token_bucket" token_bucket|fixed_window|sliding_window
        requests_per_second 1..100000
        requests_per_minute 1..1e+06
        requests_per_hour 1..1e+07
        burst_size=100 1..10000
        enabled=true
        """,
        "success endpoint_id config message",
    ),
    "simulation_run": Served(
        "Run Simulation, beaker, #8B5CF6, Simulation",
        "1.0.0, event_driven, 1800",
        """
        model_id*
        input_tokens*=4096 1..200000
        output_tokens*=512 1..50000
        concurrency*=1 1..1000
        target_ttft* 1..60000
        target_throughput_per_user* 1..1000
        target_e2e_latency* 1..600
        cluster_id
        simulation_method regressor|heuristic
        hardware_mode="dedicated" dedicated|shared
        model_endpoints LLM|EMBEDDING|LLM,EMBEDDING
        model_max_context_length 1..1e+06
        is_quantization=false
        quantization_method
        quantization_type
        max_wait_seconds=1800 60..7200
        """,
        "success workflow_id status recommendations top_recommendation cluster_id metrics tool_calling_parser_type reasoning_parser_type chat_template supports_lora supports_pipeline_parallelism message",
    ),
    "guardrail_validate_credential": Served(
        "Validate Credential, key, #F59E0B, Guardrail",
        "1.0.0, sync, None",
        """
        credential_id*
        """,
        "valid credential_id credential_type",
    ),
    "guardrail_batch_onboard_models": Served(
        "Batch Onboard Models, database-plus, #10B981, Guardrail",
        "1.0.0, event_driven, 1800",
        """
        models*
        credential_id*
        user_id
        max_wait_seconds=1800 1..
        """,
        "results all_succeeded total completed failed pending_workflow_ids",
    ),
    "guardrail_update_rule_model_ids": Served(
        "Update Rule Model IDs, refresh, #6366F1, Guardrail",
        "1.0.0, sync, None",
        """
        onboard_results*
        """,
        "success updated_count errors",
    ),
    "guardrail_parallel_simulate": Served(
        "Parallel Model Simulations, chart-bar, #8B5CF6, Guardrail",
        "1.0.0, event_driven, 300",
        """
        models*
        hardware_mode*="dedicated" dedicated|shared
        max_wait_seconds=300 1..
        """,
        "results all_completed",
    ),
    "guardrail_aggregate_requirements": Served(
        "Aggregate Resource Requirements, calculator, #EC4899, Guardrail",
        "1.0.0, sync, None",
        """
        simulation_results*
        """,
        "candidate_clusters total_requirements per_model_requirements",
    ),
    "guardrail_validate_cluster_fit": Served(
        "Validate Cluster Fit, check-circle, #22C55E, Guardrail",
        "1.0.0, sync, None",
        """
        candidate_clusters*
        total_requirements*
        models*
        """,
        "valid_clusters per_model_configs message",
    ),
    "guardrail_deploy_models": Served(
        "Deploy Guardrail Models, rocket, #10B981, Guardrail",
        "1.0.0, event_driven, 1800",
        """
        models*
        user_id
        project_id*
        """,
        "results endpoint_ids endpoint_urls all_deployed",
    ),
    "guardrail_create_profile": Served(
        "Create Guardrail Profile, shield-plus, #6366F1, Guardrail",
        "1.0.0, sync, 60",
        """
        config*
        project_id*
        probe_selections*
        user_id
        """,
        "success profile_id message",
    ),
    "guardrail_create_deployment": Served(
        "Create Guardrail Deployment, shield-check, #0EA5E9, Guardrail",
        "1.0.0, sync, 60",
        """
        profile_id*
        project_id*
        endpoint_ids=[]
        is_standalone=false
        deployed_models=[]
        reused_models=[]
        user_id
        """,
        "success deployment_id message",
    ),
    "guardrail_build_config": Served(
        "Build Guardrail Config, file-cog, #64748B, Guardrail",
        "1.0.0, sync, 90",
        """
        deployment_id*
        profile_id*
        """,
        "success config message",
    ),
    "guardrail_sync_redis": Served(
        "Sync Guardrail Config, database-sync, #DC2626, Guardrail",
        "1.0.0, sync, 60",
        """
        profile_id*
        config*
        """,
        "success key message",
    ),
    "guardrail_rollback": Served(
        "Roll Back Guardrail Deployment, rotate-ccw, #EF4444, Guardrail",
        "1.0.0, sync, 300",
        """
        workflow_id
        profile_id
        deployment_id
        deployed_endpoint_ids=[]
        reason=""
        """,
        "status cleaned_up preserved errors",
    ),
}
REGISTRY = Registry.discover()
each_action = pytest.mark.parametrize("name", ACTIONS)


def in_words(param: ParamDefinition) -> str:
    """A param as the table writes it."""
    said = param.name + "*" * param.required
    if param.default is not None:
        said += f"={json.dumps(param.default)}"
    limits = param.validation
    if limits is not None and limits.min is not None:
        most = "" if limits.max is None else f"{limits.max:g}"
        said += f" {limits.min:g}..{most}"
    choices = "|".join(str(option.value) for option in param.options or ())
    return f"{said} {choices}".rstrip()


@each_action
def test_it_looks_and_runs_as_clients_know_it(name):
    meta, served = REGISTRY.get(name).meta, ACTIONS[name]

    assert f"{meta.name}, {meta.icon}, {meta.color}, {meta.category}" == served.looks
    assert f"{meta.version}, {meta.execution_mode}, {meta.timeout_seconds}" == served.runs


@each_action
def test_it_takes_what_it_took(name):
    served = [line.strip() for line in ACTIONS[name].params.strip().splitlines()]
    names = {line.partition(" ")[0].partition("=")[0].strip("*") for line in served}
    meta = REGISTRY.get(name).meta

    told = [in_words(param) for param in meta.params if param.name in names]

    assert sorted(told) == sorted(served)
    assert [param.name for param in meta.params if param.required and param.name not in names] == []


@each_action
def test_it_leaves_what_it_left(name):
    outputs = {output.name for output in REGISTRY.get(name).meta.outputs}

    assert set(ACTIONS[name].outputs.split()) - outputs == set()


@pytest.mark.parametrize("name", [name for name in ACTIONS if name.startswith("guardrail_")])
def test_a_guardrail_action_goes_by_its_dotted_name_too(name):
    assert REGISTRY.get(name.replace("_", ".", 1)).meta.type == name


@each_action
def test_a_required_param_that_has_a_default_may_be_left_out(name):
    meta = REGISTRY.get(name).meta

    missing = check_params(meta, {}, rendered=True)

    with_default = [p.name for p in meta.params if p.required and p.default is not None]
    assert [m for m in missing if m.rpartition(" ")[2] in with_default] == []
