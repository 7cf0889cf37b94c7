"""One way to use an action, as its author describes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline_engine.contract_kit.marks import JOB_ID, filled

Event = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One way to use an action: its params, and what comes of them.

    Say what you know: each further field has the action checked more closely.
    """

    #: Params of the step (JSON), rendered. ``peer_url(name)`` in a text is the address of a peer.
    params: Mapping[str, Any] = field(default_factory=dict)
    #: What the checks of this case are called; None: its number.
    name: str | None = None
    #: Whether the step completes, at once or by ``completed_by``; None: it is not said.
    succeeds: bool | None = None
    #: Code with which ``execute`` fails; None: it does not, or nothing is said about it.
    fails_with: str | None = None
    #: Event, or several in their order, by which the parked step completes. ``JOB_ID`` in a text
    #: is the id on which it has parked.
    completed_by: Event | Sequence[Event] = ()
    #: Event, or several in their order, by which it fails.
    failed_by: Event | Sequence[Event] = ()
    #: Whether an event of any form completes it, since its author waits for anything at all.
    any_event_completes: bool = False
    #: Whether ``cleanup`` calls off the job on which it parks; false for what no peer can stop.
    can_be_called_off: bool = True
    #: Declared outputs that are not left when it is used like this.
    leaves_out: Collection[str] = ()
    #: Outputs that differ between two attempts by right, such as times.
    varying: Collection[str] = ()
    #: Params whose text is a secret.
    secrets: Collection[str] = ()
    #: Params of the execution.
    workflow_params: Mapping[str, Any] = field(default_factory=dict)
    #: Outputs of the steps before, by their ids.
    step_outputs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ends_by_event(self) -> bool:
        """Whether an event is known that ends it."""
        return bool(self.completed_by or self.failed_by)

    def completing(self, job_id: str) -> list[Event]:
        """The events that complete the step which waits for this job."""
        return _events(self.completed_by, job_id)

    def failing(self, job_id: str) -> list[Event]:
        """The events that fail it."""
        return _events(self.failed_by, job_id)


def _events(given: Event | Sequence[Event], job_id: str) -> list[Event]:
    several = [given] if isinstance(given, Mapping) else given
    return [filled(event, {JOB_ID: job_id}) for event in several if event]
