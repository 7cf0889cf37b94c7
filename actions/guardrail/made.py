"""What an execution has made at budapp, also what no step of it knows.

A call may be done and never answered, or be answered when nobody listens any more. So all that is
made names its execution, and budapp can tell what there is of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline_engine.sdk import ActionContext, ServiceError

from ..peers.answers import inner, list_in
from ..peers.calls import looked_up

PATH = "/internal/guardrails/made-by/"
#: What budapp says when it does not serve the route.
NOT_SERVED = (404, 405, 501)
#: How a thing is on its way out, or out.
LEAVING = frozenset({"deleting", "deleted"})
Things = tuple[Mapping[str, Any], ...]


def by_whom(context: ActionContext) -> dict[str, Any]:
    """Return what is sent with all that is made, so that ``made_by`` finds it."""
    return {"execution_id": context.execution_id}


@dataclass(frozen=True)
class Made:
    """Things by their kind, each with ``id`` and ``status``; what was deleted is ``deleted``."""

    jobs: Things = ()  #: deployments of models, which may still run
    endpoints: Things = ()
    deployments: Things = ()
    profiles: Things = ()  #: ``before`` is what one said that was there already
    gone: frozenset[str] = frozenset()  #: ids of what was deleted, or is being

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Made:
        """Read the answer of budapp."""
        kinds = ("jobs", "endpoints", "deployments", "profiles")
        found = {
            kind: tuple(one for one in list_in(answer, kind) if one.get("id")) for kind in kinds
        }
        things = (one for kind in kinds for one in found[kind])
        gone = frozenset(str(one["id"]) for one in things if one.get("status") in LEAVING)
        return cls(**found, gone=gone)

    @property
    def running(self) -> list[str]:
        """Jobs that go on."""
        return [str(job["id"]) for job in self.jobs if job.get("status") == "running"]

    def ids(self, kind: str) -> list[str]:
        """Ids of all things of a kind."""
        return [str(one["id"]) for one in getattr(self, kind)]

    def before(self, profile_id: str) -> Mapping[str, Any] | None:
        """What a profile said that was there already; None if nobody knows."""
        told = (one.get("before") for one in self.profiles if one["id"] == profile_id)
        return next((one for one in told if isinstance(one, Mapping)), None)


def made_by(context: ActionContext) -> Made:
    """Ask budapp; nothing where it does not serve that. Raises ``ServiceError``."""
    try:
        answer = looked_up(context, PATH + context.execution_id)
    except ServiceError as error:
        if error.status in NOT_SERVED:
            return Made()
        raise
    return Made.of(inner(answer, "made", "data"))
