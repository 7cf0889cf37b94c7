"""What attempts have written down, on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from pipeline_engine.services.queries import LEVELS

from .fields import MAX_ID, ApiSchema, Moment, Whole, Word, an_object, count, text

CURSOR = validate.Regexp(r"\A[0-9]{1,18}-[0-9]{1,18}\Z", error="No cursor of a line.")


class LogQuery(ApiSchema):
    """Which lines are listed."""

    after = fields.String(
        validate=CURSOR,
        metadata={"description": "The cursor of a line: those behind it, to follow a log."},
    )
    before = fields.String(
        validate=CURSOR,
        metadata={"description": "The cursor of a line: the last ones in front of it."},
    )
    q = text(255, 1, metadata={"description": "A part of what is shown of a line; case is one."})
    tail = fields.Boolean(
        load_default=False, metadata={"description": "The last lines, in place of the first."}
    )
    level = Word(LEVELS, metadata={"description": "These, and what is more important."})
    step_id = text(100, 1)
    step_execution_id = Whole(
        validate=validate.Range(min=1, max=MAX_ID),
        metadata={"description": "Of this row: of one item, for example."},
    )
    attempt = fields.Integer(strict=False, validate=validate.Range(min=1, max=MAX_ID))
    limit = count(1, 1000, 500)


class LogLineSchema(ApiSchema):
    """One line."""

    cursor = fields.String()
    at = Moment()
    level = fields.String()
    message = fields.String()
    facts = an_object()
    step_execution_id = fields.String()
    step_id = fields.String()
    item_index = fields.Integer(allow_none=True)
    within = fields.String(allow_none=True)
    attempt = fields.Integer()


class LogListSchema(ApiSchema):
    """Some lines, the oldest first; ``next_after`` is the cursor of the last."""

    logs = fields.List(fields.Nested(LogLineSchema), attribute="entries")
    next_after = fields.String(attribute="last", allow_none=True)
