"""On which devices a model is measured, and how it is spread over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_engine.sdk import ActionContext, InvalidActionParams, ServiceError, settings

from ..peers.answers import list_in
from ..peers.calls import accepted, for_user

#: Devices, the most wanted first.
PRIORITY = ("cuda", "hpu", "cpu_high", "cpu")
START_SECONDS = 60


def chosen_hardware(
    context: ActionContext, budapp_id: str, nodes: Sequence[Mapping[str, Any]], load: Any
) -> dict[str, Any]:
    """Return ``selected_device_type``, ``tp_size``, ``pp_size`` and ``replicas``.

    budapp says what is possible; where it cannot, what the nodes have is taken, each device for
    itself. Raises ``InvalidActionParams`` if what the params want is not there.
    """
    try:
        options = _configurations(context, budapp_id, nodes, load)
    except ServiceError as error:
        context.log.warning("node_configurations_unknown", reason=str(error))
        return _of_nodes(context.params, nodes)
    return _of_options(context.params, options)


def _configurations(
    context: ActionContext, budapp_id: str, nodes: Sequence[Mapping[str, Any]], load: Any
) -> list[Mapping[str, Any]]:
    response = context.invoke_service(
        settings.budapp_app_id,
        "/benchmark/node-configurations",
        data={
            "model_id": context.params["model_id"],
            "cluster_id": budapp_id,
            "hostnames": [node["hostname"] for node in nodes],
            **load,
        },
        params=for_user(context),
        timeout_seconds=START_SECONDS,
    )
    return list_in(accepted(response), "device_configurations", "data.device_configurations")


def _of_options(params: Mapping[str, Any], options: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    devices = {str(option.get("device_type")): option for option in options}
    device = _device(params, list(devices))
    ways = list_in(devices[device], "tp_pp_options")
    wanted = (params.get("tp_size"), params.get("pp_size"))
    if None not in wanted:
        ways = [way for way in ways if (way.get("tp_size"), way.get("pp_size")) == wanted]
        if not ways:
            raise InvalidActionParams(f"TP={wanted[0]}, PP={wanted[1]} is not possible on {device}")
    way = ways[0] if ways else {}
    return {
        "selected_device_type": device,
        "tp_size": way.get("tp_size") or 1,
        "pp_size": way.get("pp_size") or 1,
        "replicas": params.get("replicas") or way.get("max_replicas") or 1,
    }


def _of_nodes(params: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    free: Counter[str] = Counter()
    for hardware in (one for node in nodes for one in list_in(node, "hardware_info")):
        free[str(hardware.get("type")).lower()] += int(hardware.get("available_count") or 0)
    device = _device(params, [kind for kind, number in free.items() if number > 0])
    return {"selected_device_type": device, "tp_size": 1, "pp_size": 1, "replicas": 1}


def _device(params: Mapping[str, Any], devices: Sequence[str]) -> str:
    wanted = params.get("selected_device_type")
    if wanted and wanted not in devices:
        there = ", ".join(devices) or "none"
        raise InvalidActionParams(f"Device type '{wanted}' is not available, there is: {there}")
    if not devices:
        raise InvalidActionParams("The nodes of the cluster have no free devices")
    best = next((kind for kind in PRIORITY if kind in devices), devices[0])
    return str(wanted or best)
