"""The audit log on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from pipeline_engine.services.audit_log import ACTS, RESULTS

from .fields import MAX_ID, ApiSchema, LastMoment, Moment, Whole, Word, an_object, count, text

LONGEST_WORD = 512
AN_ID = validate.Range(min=0, max=MAX_ID)


class AuditLogQuery(ApiSchema):
    """Which records are listed."""

    principal = text(LONGEST_WORD, metadata={"description": "Whose credential it was."})
    act = Word(ACTS)
    target = text(LONGEST_WORD, metadata={"description": "The id of what it was done to."})
    owner = text(LONGEST_WORD, metadata={"description": "Whose that is."})
    result = Word(RESULTS)
    request_id = text(LONGEST_WORD, metadata={"description": "The `X-Correlation-ID`."})
    since = Moment()
    until = LastMoment(metadata={"description": "A day without a time is included."})
    before = Whole(
        validate=AN_ID, metadata={"description": "Only records with a lower id: the next page."}
    )
    after = Whole(
        validate=AN_ID, metadata={"description": "Only records with a higher id, oldest first."}
    )
    limit = count(1, 1000, 50)


class AuditRecordSchema(ApiSchema):
    """One act. Details are names and numbers, nothing that was sent along."""

    id = fields.Integer()
    at = Moment()
    principal = fields.String(allow_none=True)
    acted_for = fields.String(allow_none=True)
    act = fields.String()
    target = fields.String(allow_none=True)
    owner = fields.String(allow_none=True)
    result = fields.String()
    code = fields.String(allow_none=True)
    request_id = fields.String(allow_none=True)
    address = fields.String(allow_none=True)
    details = an_object()


class AuditLogSchema(ApiSchema):
    """Some records: the newest first, or with ``after`` the oldest."""

    records = fields.List(fields.Nested(AuditRecordSchema), attribute="entries")
    next_before = fields.Integer(
        allow_none=True,
        metadata={"description": "What `before` has to be to see older ones; null at the end."},
    )
    next_after = fields.Integer(
        metadata={"description": "What `after` has to be to see what comes next."}
    )
