"""Health on the wire."""

from __future__ import annotations

from marshmallow import fields

from .fields import ApiSchema


class PartSchema(ApiSchema):
    """One thing that the engine needs."""

    name = fields.String()
    is_well = fields.Boolean()
    note = fields.String()


class HealthSchema(ApiSchema):
    """The process lives; what it needs may be missing."""

    status = fields.String(metadata={"description": "healthy or degraded"})
    service = fields.String()
    version = fields.String()
    database = fields.String(metadata={"description": "connected or disconnected"})
    redis = fields.String(metadata={"description": "connected or disconnected"})


class ReadySchema(ApiSchema):
    """Whether requests can be served."""

    status = fields.String(metadata={"description": "ready or not_ready"})
    database_connected = fields.Boolean()
    parts = fields.List(fields.Nested(PartSchema))
