"""What the user of the demo chooses for each of his guardrails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline_engine.client.http import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """One guardrail: what it looks for, and which endpoint it is in front of."""

    name: str
    project_id: str
    probes: tuple[str, ...]
    endpoint_id: str

    def answer(self, step: int, workflow: Json) -> Mapping[str, Any]:
        """What is said with a step of the workflow."""
        said: Mapping[int, Mapping[str, Any]] = {
            1: {"provider_type": "bud_sentinel", "provider_id": "provider-1"},
            2: {"project_id": self.project_id},
            3: {"probe_selections": [{"id": probe} for probe in self.probes]},
            5: {"credential_id": "credential-1"},
            6: {"hardware_mode": "dedicated"},
            7: {"deploy_config": {"concurrency": 10, "input_tokens": 1024, "output_tokens": 128}},
            8: {"cluster_id": _recommended(workflow)},
            9: {"is_standalone": False},
            10: {"endpoint_ids": [self.endpoint_id]},
            11: {"name": self.name, "guard_types": ["input"], "severity_threshold": 0.75},
            12: {"trigger_workflow": True},
        }
        return said[step]


def _recommended(workflow: Json) -> str | None:
    clusters = (workflow.get("workflow_steps") or {}).get("recommended_clusters") or []
    return clusters[0]["cluster_id"] if clusters else None


CHAT = Choices(
    name="chat-guard",
    project_id="project-chat",
    probes=("harm", "injection", "topics"),
    endpoint_id="endpoint-chat",
)
#: Its models are onboarded already when its turn comes.
SEARCH = Choices(
    name="search-guard",
    project_id="project-search",
    probes=("harm",),
    endpoint_id="endpoint-search",
)
