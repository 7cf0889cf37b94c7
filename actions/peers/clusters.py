"""Clusters, which budapp and budcluster know by different ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline_engine.sdk import ActionContext, ServiceError, path_segment, settings

from .answers import id_in, inner, list_in
from .calls import LOOK_UP_SECONDS, for_user, looked_up

#: How many clusters budapp lists at once.
LIST_LIMIT = 100


@dataclass(frozen=True)
class ClusterIds:
    """What both services call one cluster."""

    budapp: str
    budcluster: str


def cluster_ids(context: ActionContext, cluster_id: Any) -> ClusterIds:
    """Return both ids of the cluster that one of the services calls *cluster_id*.

    Raises ``ServiceError`` if budapp knows it by neither.
    """
    try:
        response = looked_up(context, f"/clusters/{path_segment(cluster_id)}")
    except ServiceError as error:
        if error.retryable:
            raise
        return _by_budcluster(context, str(cluster_id))
    found = inner(response, "cluster", "data")
    inside = id_in(found, "cluster_id")
    if inside is None:
        raise ServiceError(f"Cluster {cluster_id} is not known to budcluster", retryable=False)
    return ClusterIds(id_in(found, "id") or str(cluster_id), inside)


def cluster_nodes(context: ActionContext, budcluster_id: str) -> list[dict[str, Any]]:
    """Return the nodes of a cluster in the form in which benchmarks want them."""
    response = context.invoke_service(
        settings.budcluster_app_id,
        f"/cluster/{path_segment(budcluster_id)}/nodes",
        http_method="GET",
        timeout_seconds=LOOK_UP_SECONDS,
    )
    nodes = list_in(response, "param.nodes", "nodes")
    return [_node(node) for node in nodes if node.get("name")]


def _by_budcluster(context: ActionContext, cluster_id: str) -> ClusterIds:
    response = context.invoke_service(
        settings.budapp_app_id,
        "/clusters/clusters",
        http_method="GET",
        params={"limit": LIST_LIMIT, **for_user(context)},
        timeout_seconds=LOOK_UP_SECONDS,
    )
    clusters = list_in(response, "clusters", "data.clusters")
    found = next((one for one in clusters if str(one.get("cluster_id")) == cluster_id), None)
    if found is None:
        raise ServiceError(f"Cluster {cluster_id} not found", status=404, retryable=False)
    return ClusterIds(str(found["id"]), cluster_id)


def _node(node: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "hostname": node["name"],
        "type": node.get("type") or "",
        "total_workers": node.get("total_workers") or 0,
        "available_workers": node.get("available_workers") or 0,
        "hardware_info": node.get("hardware_info") or [],
    }
