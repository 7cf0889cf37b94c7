"""How an endpoint scales, as budapp keeps it: its ``budaiscaler_specification``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline_engine.sdk import ActionContext, ServiceError, path_segment, settings

from ..peers.answers import at
from ..peers.calls import accepted, for_user, looked_up

SECONDS = 30


def read_scaling(context: ActionContext, endpoint_id: Any) -> Mapping[str, Any]:
    """Return how an endpoint scales; empty if it does not yet, or budapp cannot say it."""
    try:
        response = accepted(looked_up(context, _path(endpoint_id), seconds=SECONDS))
    except ServiceError as error:
        context.log.warning("autoscaling_unknown", endpoint_id=endpoint_id, reason=str(error))
        return {}
    places = ("budaiscaler_specification", "data.budaiscaler_specification")
    found = [one for place in places if isinstance(one := at(response, place), Mapping)]
    return found[0] if found else {}


def write_scaling(context: ActionContext, endpoint_id: Any, wanted: Mapping[str, Any]) -> str:
    """Change how an endpoint scales and return what budapp says. Raises ``ServiceError``."""
    response = context.invoke_service(
        settings.budapp_app_id,
        _path(endpoint_id),
        http_method="PUT",
        data={"budaiscaler_specification": dict(wanted)},
        params=for_user(context),
        timeout_seconds=SECONDS,
    )
    return str(accepted(response).get("message") or "Autoscaling was updated")


def replica_problems(wanted: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with ``minReplicas`` and ``maxReplicas``, where they are known."""
    lowest, highest = wanted.get("minReplicas"), wanted.get("maxReplicas")
    if lowest is not None and not _is_count(lowest, least=0):
        yield "minReplicas must be a whole number of at least 0"
    elif highest is not None and not _is_count(highest, least=1):
        yield "maxReplicas must be a whole number of at least 1"
    elif lowest is not None and highest is not None and lowest > highest:
        yield "minReplicas cannot be more than maxReplicas"


def _path(endpoint_id: Any) -> str:
    return f"/endpoints/{path_segment(endpoint_id)}/autoscale"


def _is_count(value: Any, *, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
