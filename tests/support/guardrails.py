"""Guardrail workflows in this process: the service, workers that are driven, and the stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from pipeline_engine.demo.peers.process import APPS
from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.guardrails import following, workflows
from pipeline_engine.guardrails.rules.requests import StepRequest
from pipeline_engine.guardrails.views import CancelView, WorkflowView
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Arrival
from support.driving import Driver, Look
from support.stand_ins import StandIns
from support.waiting import wait_until

ALICE = replace(SYSTEM.acting_for("alice"), rights=SYSTEM.rights)
BOB = Caller("bob")
#: What a user says, step by step; the probe is one of his own.
SAID: dict[int, dict[str, Any]] = {
    1: {"provider_type": "bud_sentinel", "provider_id": "provider-1"},
    2: {"project_id": "project-1"},
    5: {"credential_id": "credential-1"},
    6: {"hardware_mode": "dedicated"},
    7: {"deploy_config": {"concurrency": 5}},
    9: {"is_standalone": False},
    10: {"endpoint_ids": ["chat"]},
    11: {"name": "Guard", "guard_types": ["input"], "severity_threshold": 0.5},
    12: {"trigger_workflow": True},
}


class GuardrailDriver(Driver):
    """All the workers that there are, and what the stand-ins send comes in."""

    def __init__(self, runtime: Runtime, peers: StandIns) -> None:
        super().__init__(runtime)
        self.peers = peers
        self.lost: set[str] = set()  #: models of whose deployments nobody hears
        self._read = len(peers.mailbox.received)

    def round(self) -> bool:
        """Take what has come in, and answer every wake-up."""
        came = self.peers.mailbox.received[self._read :]
        self._read += len(came)
        for one in came:
            if one.body["id"].startswith(tuple(self._unheard())):
                continue
            names = {"delivery_id": one.body["id"], "event_type": one.body["type"]}
            arrival = Arrival(source="peers", body=one.body["data"], **names)
            inbox.accept(SYSTEM, self.runtime, arrival)
        return super().round() or bool(came)

    def _unheard(self) -> list[str]:
        jobs = self.peers.jobs if self.lost else []
        return [job["workflow_id"] for job in jobs if job["facts"].get("model_id") in self.lost]


class Wizard:
    """One user's way through a workflow, with a probe whose two models nobody has yet."""

    def __init__(self, driver: GuardrailDriver, caller: Caller = ALICE, probe: str = "") -> None:
        self.driver, self.caller = driver, caller
        self.probe = probe or uuid4().hex[:8]
        self.id: UUID | None = None

    @property
    def runtime(self) -> Runtime:
        return self.driver.runtime

    def say(self, step: int, **fields: Any) -> WorkflowView:
        """Send one step, with what a user usually says unless there are *fields*."""
        frame = {"workflow_id": self.id} if self.id else {"workflow_total_steps": 12}
        usual = SAID.get(step) or {"probe_selections": [{"id": self.probe}]}
        body = {**frame, "step_number": step, **(fields or usual)}
        view, _ = workflows.submit(
            self.caller, self.runtime, StepRequest.of(body), key=None, digest=""
        )
        self.id = view.id
        return view

    def go_to(self, step: int, **instead: dict[str, Any]) -> WorkflowView:
        """Say all that comes before *step*, and *step* itself; what it starts goes on."""
        view = self.say(1) if self.id is None else self.view()
        while view.current_step < step and (coming := view.next_step or step) <= step:
            view = self.say(coming, **self._said(coming, view, instead))
            if view.next_step is None and coming < step:
                view = self.finish()
        return view

    def deploy_one_of_two(self) -> None:
        """Say the last step, and go on until one endpoint is there; the other never comes."""
        models = self.view().workflow_steps["models_to_deploy"]
        self.driver.lost.add(models[1]["model_id"])
        self.say(12)

        def is_there() -> bool:
            self.driver.settle()
            rows = self.driver.look(self.view().runs[-1].execution_id).items("deploy_models")
            return any(row.status == StepStatus.COMPLETED for row in rows)

        wait_until(is_there, what="an endpoint")

    def _said(self, step: int, view: WorkflowView, instead: dict[str, Any]) -> dict[str, Any]:
        if step == 8:
            return {"cluster_id": view.workflow_steps["recommended_clusters"][0]["cluster_id"]}
        fields: dict[str, Any] = instead.get(f"step_{step}", {})
        return fields

    def finish(self) -> WorkflowView:
        """Let the pipeline that runs come to its end, and the workflow hear of it."""
        self.run_to_its_end()
        following.follow(self.runtime)
        return self.view()

    def run_to_its_end(self) -> Look:
        """Carry the pipeline that was started last to its end; nobody tells the workflow."""
        return self.driver.finish(self.view().runs[-1].execution_id)

    def view(self) -> WorkflowView:
        assert self.id is not None
        with self.runtime.sessions.begin() as session:
            return workflows.get(self.caller, session, self.id)

    def cancel(self, reason: str | None = None) -> CancelView:
        assert self.id is not None
        return workflows.cancel(self.caller, self.runtime, self.id, reason=reason)


def peers_of(stand_ins: StandIns) -> dict[str, str]:
    """Where the stand-ins are, as a setting says it."""
    return {app: f"{stand_ins.server.url}/{app}" for app in APPS}


@contextmanager
def behaving(stand_ins: StandIns, **switches: Any) -> Iterator[None]:
    """Set switches of the stand-ins, for a while."""
    stand_ins.control(**switches)
    try:
        yield
    finally:
        stand_ins.reset()


Begin = Callable[..., Wizard]
