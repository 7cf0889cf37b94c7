"""One reading of the several shapes in which peers report on long-running work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline_engine.sdk.words import in_words


@dataclass(frozen=True, kw_only=True)
class EventEnvelope:
    """What an event says, whichever peer sent it.

    Peers send notifications (``payload.content``) or flat objects such as
    ``{"type": "workflow_completed", "workflow_id", "status", "result", "reason"}``.
    """

    #: ``type`` of the whole, such as ``notification``; texts that an event lacks are empty.
    type: str
    #: ``payload.type``: the kind of job.
    payload_type: str
    #: ``payload.event``: the stage that is reported, such as ``results`` or ``eta``.
    event: str
    #: Status of the job or the stage, in upper case.
    status: str
    #: Headline for people.
    title: str
    #: What people are told: a message, a reason or an error.
    message: str
    #: Id of the job that the event is about; None if it names none.
    workflow_id: str | None
    #: What the job has produced; empty until it is there.
    result: Mapping[str, Any] = field(default_factory=dict)
    #: The event itself, out of its CloudEvents envelope if it has one.
    flat: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, event_data: Mapping[str, Any]) -> EventEnvelope:
        """Read *event_data*; whatever is absent or of another kind is empty."""
        flat = _unwrapped(event_data)
        payload = _mapping(flat.get("payload"))
        content = _mapping(payload.get("content"))
        return cls(
            type=_text(flat.get("type")),
            payload_type=_text(payload.get("type")),
            event=_text(payload.get("event")),
            status=_text(content.get("status") or flat.get("status")).upper(),
            title=_text(content.get("title")),
            message=_text(
                content.get("message")
                or payload.get("error")
                or flat.get("reason")
                or flat.get("error")
            ),
            workflow_id=_workflow_id(flat, payload, content),
            result=_first_mapping(
                content.get("result"), content.get("results"), flat.get("result")
            ),
            flat=flat,
        )

    @property
    def has_results(self) -> bool:
        """Whether the work is done and ``result`` holds what came out."""
        return self.event == "results" and self.status == "COMPLETED"

    @property
    def has_failed(self) -> bool:
        """Whether a stage failed; peers send nothing useful afterwards."""
        if self.type.endswith("_completed"):
            return self.status != "COMPLETED"
        return self.status == "FAILED" or self.type.endswith("_failed")

    @property
    def eta_minutes(self) -> int | None:
        """The minutes that an ``eta`` event announces, at least 0."""
        if self.event != "eta":
            return None
        try:
            return max(int(self.message.strip()), 0)
        except ValueError:
            return None


def _unwrapped(event_data: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = event_data.get("data")
    return inner if "specversion" in event_data and isinstance(inner, Mapping) else event_data


def _workflow_id(
    flat: Mapping[str, Any], payload: Mapping[str, Any], content: Mapping[str, Any]
) -> str | None:
    places = (
        flat.get("workflow_id"),
        payload.get("workflow_id"),
        _mapping(flat.get("notification_metadata")).get("workflow_id"),
        _mapping(content.get("result")).get("workflow_id"),
    )
    return next((str(place) for place in places if place), None)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _first_mapping(*values: Any) -> Mapping[str, Any]:
    return next((value for value in values if isinstance(value, Mapping)), {})


def _text(value: Any) -> str:
    return in_words(value)
