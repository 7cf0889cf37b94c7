"""Errors as they are sent (RFC 9457)."""

from __future__ import annotations

from marshmallow import Schema, fields


class IssueSchema(Schema):
    """One thing that is wrong at one place."""

    pointer = fields.String(metadata={"description": "JSON pointer (RFC 6901) to the place."})
    location = fields.String(
        data_key="in",
        metadata={
            "enum": ["body", "query", "headers", "path"],
            "description": "Which part of the request the pointer leads into, if not a definition.",
        },
    )
    code = fields.String(metadata={"description": "Stable word for programs."})
    message = fields.String()
    hint = fields.String(allow_none=True)


class ProblemSchema(Schema):
    """Why a request was not served."""

    type = fields.String(metadata={"description": "urn:pipeline-engine:error:<code>"})
    title = fields.String(metadata={"description": "What kind of error this is."})
    status = fields.Integer()
    detail = fields.String(metadata={"description": "What went wrong this time."})
    instance = fields.String(metadata={"description": "The path that was asked for."})
    code = fields.String(metadata={"description": "Stable; listed in docs/reference/errors.md."})
    errors = fields.List(fields.Nested(IssueSchema))
    correlation_id = fields.String()
    quota = fields.String(metadata={"description": "Of a full quota: its name."})
    limit = fields.Integer(metadata={"description": "How much one may have, or do."})
    used = fields.Integer(metadata={"description": "How much of that there is."})
    retry_after_seconds = fields.Integer(
        metadata={"description": "When it is worth while to try again, as `Retry-After`."}
    )
    missing = fields.List(
        fields.Raw(metadata={"type": ["string", "object"]}),
        metadata={"description": "Rights, or steps of a guardrail workflow with their fields."},
    )
