"""Quotas on the wire."""

from __future__ import annotations

from marshmallow import fields

from .fields import ApiSchema


class QuotaSchema(ApiSchema):
    """How much of something an owner may have."""

    name = fields.String(metadata={"description": "Such as `open_executions`."})
    limit = fields.Integer(allow_none=True, metadata={"description": "Null: as much as one likes."})
    used = fields.Integer()


class QuotasSchema(ApiSchema):
    """The quotas of an owner."""

    user_id = fields.String(allow_none=True, metadata={"description": "Null: the system."})
    quotas = fields.List(fields.Nested(QuotaSchema))
