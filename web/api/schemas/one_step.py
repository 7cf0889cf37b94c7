"""One step execution on the wire, with all that is known of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import request
from marshmallow import fields, post_dump

from pipeline_engine.services.queries import OneStep

from .fields import ApiSchema, Moment, an_object
from .parked import WaitsForSchema
from .steps import StepSchema, callback_url_shown

#: Bytes of outputs that are shown with the step.
SHOWN_BYTES = 64 * 1024


class AttemptErrorSchema(ApiSchema):
    """Why an attempt has failed; secrets are masked."""

    code = fields.String(allow_none=True)
    message = fields.String(allow_none=True)


class AttemptSchema(ApiSchema):
    """One attempt of a step."""

    attempt = fields.Integer()
    started_at = Moment(
        allow_none=True,
        metadata={"description": "Null of a step that is so quick that its end alone is told."},
    )
    ended_at = Moment(allow_none=True)
    status = fields.String(
        metadata={"description": "RUNNING, how it has ended, or LOST with its worker."}
    )
    error = fields.Nested(AttemptErrorSchema, allow_none=True)
    worker = fields.String(allow_none=True)


class ParamsProblemSchema(ApiSchema):
    """Why the params cannot be told."""

    code = fields.String()
    message = fields.Function(str, metadata={"type": "string"})


def _expires_at(step: OneStep) -> datetime | None:
    return step.deadline_at if callback_url_shown(step) else None


class OneStepSchema(StepSchema):
    """One step execution, what its action was given, its attempts, and what it waits for."""

    params = an_object(
        allow_none=True,
        metadata={"description": "As its action was given them; null before it has begun."},
    )
    params_problem = fields.Nested(ParamsProblemSchema, allow_none=True)
    outputs_are_elsewhere = fields.Function(
        lambda step: step.outputs_bytes > SHOWN_BYTES,
        metadata={
            "type": "boolean",
            "description": "They are large, and `outputs` is `{size, type, href}`.",
        },
    )
    attempts = fields.List(fields.Nested(AttemptSchema))
    callback_expires_at = fields.Function(
        lambda step: moment.isoformat() if (moment := _expires_at(step)) else None,
        metadata={"type": ["string", "null"], "format": "date-time"},
    )
    waits_for = fields.Nested(
        WaitsForSchema,
        allow_none=True,
        metadata={"description": "Of a parked step: for what, since when and until when."},
    )

    @post_dump(pass_original=True)
    def _place_of_large_outputs(
        self, dumped: dict[str, Any], step: OneStep, **_: Any
    ) -> dict[str, Any]:
        if dumped["outputs_are_elsewhere"]:
            href = f"{request.path}/outputs"
            place = {"size": step.outputs_bytes, "type": "application/json", "href": href}
            dumped["outputs"] = place
        return dumped
