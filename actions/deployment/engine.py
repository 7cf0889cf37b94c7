"""With which engine a model is served: budsim knows it, if nobody has said it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline_engine.sdk import ActionContext, ServiceError

from ..peers.answers import id_in, list_in
from ..peers.models import model_endpoints, model_info, pretrained_uri
from ..peers.simulating import ENGINE_FACTS, NO_RECOMMENDATION, simulate

TARGETS = ("ttft", "per_session_tokens_per_sec", "e2e_latency")
#: Any of these says that the engine is chosen already.
CHOSEN_BY = ("tool_calling_parser_type", "reasoning_parser_type", "chat_template")
#: A target that nobody set is the weakest that budsim accepts: it refuses 0.
WEAKEST = {"target_ttft": 60_000, "target_throughput_per_user": 1, "target_e2e_latency": 600}


def chosen_engine(context: ActionContext) -> dict[str, Any]:
    """Return what is known of the engine: what the params say, completed by a simulation.

    A model that has its hardware for itself is not deployed without one: raises ``ServiceError``.
    Where it shares it, a simulation that fails is only noted.
    """
    given = {name: context.params.get(name) for name in ENGINE_FACTS}
    if not _asks_budsim(context.params):
        return given
    try:
        found = _simulated(context)
    except ServiceError as error:
        if is_dedicated(context.params):
            raise _with_words(error) from error
        context.log.warning("not_simulated", reason=str(error))
        return given
    unsaid = {name: found.get(name) for name, value in given.items() if value is None}
    return {**given, **unsaid, "simulator_id": found.get("simulator_id")}


def is_dedicated(params: Mapping[str, Any]) -> bool:
    """Tell whether the model is to have its hardware for itself."""
    return (params.get("hardware_mode") or "dedicated") == "dedicated"


def _asks_budsim(params: Mapping[str, Any]) -> bool:
    if not params.get("cluster_id") or any(params.get(name) for name in CHOSEN_BY):
        return False
    return not is_dedicated(params) or all(params.get(name) for name in TARGETS)


def _simulated(context: ActionContext) -> Mapping[str, Any]:
    params = context.params
    model = model_info(context, params["model_id"])
    uri = pretrained_uri(model)
    if uri is None:
        raise ServiceError("budapp does not say where the model is", retryable=False)
    answer = simulate(
        context,
        debug=True,
        pretrained_model_uri=uri,
        model_uri=model.get("uri"),
        input_tokens=params.get("avg_context_length") or 4096,
        output_tokens=params.get("avg_sequence_length") or 512,
        concurrency=params.get("concurrent_requests") or 1,
        hardware_mode=params.get("hardware_mode") or "dedicated",
        cluster_id=params["cluster_id"],
        model_endpoints=model_endpoints(model),
        **_targets(params),
    )
    found = list_in(answer, "recommendations", "data.recommendations")
    if not found:
        # What went wrong stands in the answer, and is what people have to know.
        raise ServiceError(str(answer.get("message") or NO_RECOMMENDATION), retryable=False)
    return {**found[0], "simulator_id": id_in(answer, "workflow_id", "data.workflow_id")}


def _targets(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the strict end of each range."""
    ttft, throughput, latency = (params.get(name) for name in TARGETS)
    strict = {
        "target_ttft": ttft[0] if ttft else None,
        "target_throughput_per_user": throughput[1] if throughput else None,
        "target_e2e_latency": latency[0] if latency else None,
    }
    return {name: value or WEAKEST[name] for name, value in strict.items()}


def _with_words(error: ServiceError) -> ServiceError:
    return ServiceError(
        f"Simulation failed: {error}",
        status=error.status,
        retryable=error.retryable,
        retry_after_seconds=error.retry_after_seconds,
    )
