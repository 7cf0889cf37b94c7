"""What the stand-ins have beside their jobs: clusters, endpoints, profiles, a gateway's tables."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

#: Ids that begin so are those of things that nobody has.
MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster as both services know it: budcluster's id is its name here."""

    id: str
    title: str
    memory_gb: float
    device: str
    devices: int

    @property
    def budapp_id(self) -> str:
        """What budapp calls it."""
        return str(uuid5(NAMESPACE_URL, self.id))

    @property
    def nodes(self) -> list[dict[str, Any]]:
        """Its nodes as budcluster lists them."""
        hardware = {"type": self.device, "available_count": self.devices}
        node = {"name": f"{self.id}-node-1", "type": self.device, "hardware_info": [hardware]}
        return [{**node, "total_workers": self.devices, "available_workers": self.devices}]


CLUSTERS = {
    cluster.id: cluster
    for cluster in (
        Cluster("cluster-amsterdam", "Amsterdam, 8 x H100", 640.0, "cuda", 8),
        Cluster("cluster-bangalore", "Bangalore, 4 x A100", 320.0, "cuda", 4),
        Cluster("cluster-chicago", "Chicago, 2 x L40S", 48.0, "cuda", 2),
        Cluster("cluster-empty", "Empty", 0.0, "cpu", 0),
    )
}
#: Those that a simulation recommends.
RECOMMENDED = ("cluster-amsterdam", "cluster-bangalore", "cluster-chicago")


def cluster_of(identity: str) -> Cluster | None:
    """Return the cluster that budapp knows by this id."""
    return next((one for one in CLUSTERS.values() if one.budapp_id == identity), None)


class World:
    """Things by the kind and the id; safe to share between requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._things: dict[tuple[str, str], dict[str, Any]] = {}
        #: what was deleted, with what was known of it
        self._gone: dict[tuple[str, str], dict[str, Any]] = {}
        self._by_key: dict[str, str] = {}

    def has(self, kind: str, identity: str) -> bool:
        """Tell whether there is such a thing; most ids are believed."""
        with self._lock:
            return not identity.startswith(MISSING) and (kind, identity) not in self._gone

    def make(self, kind: str, facts: Mapping[str, Any], *, key: str | None) -> dict[str, Any]:
        """Make a thing, or return the one that this key has made before."""
        with self._lock:
            identity = self._by_key.get(f"{kind} {key}") if key else None
            if identity is None:
                identity = str(uuid4())
                self._things[kind, identity] = {"id": identity, **facts}
                if key:
                    self._by_key[f"{kind} {key}"] = identity
            return dict(self._things[kind, identity])

    def put(self, kind: str, identity: str, facts: Mapping[str, Any]) -> None:
        """Store a thing under an id, in place of what was there."""
        with self._lock:
            self._things[kind, identity] = dict(facts)

    def get(self, kind: str, identity: str) -> dict[str, Any] | None:
        """Return what is known of a thing."""
        with self._lock:
            found = self._things.get((kind, identity))
            return None if found is None else dict(found)

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return all things of a kind by their ids."""
        with self._lock:
            return {i: dict(facts) for (one, i), facts in self._things.items() if one == kind}

    def gone(self, kind: str) -> list[dict[str, Any]]:
        """Return what was deleted of a kind, in that order."""
        with self._lock:
            return [dict(facts) for (one, _), facts in self._gone.items() if one == kind]

    def delete(self, kind: str, identity: str) -> bool:
        """Delete a thing and tell whether there was one."""
        if not self.has(kind, identity):
            return False
        with self._lock:
            self._gone[kind, identity] = self._things.pop((kind, identity), {"id": identity})
        return True
