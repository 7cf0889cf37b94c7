"""What the installation is made of, on the wire."""

from __future__ import annotations

from marshmallow import fields

from .fields import ApiSchema, Moment, an_object, anything


class WorkerSchema(ApiSchema):
    """A worker that has said within 20 seconds that it lives."""

    name = fields.String()
    queues = fields.List(fields.String())
    slots = fields.Integer(
        allow_none=True, metadata={"description": "Null: it did not answer within a second."}
    )
    busy = fields.Integer(metadata={"description": "Steps that it has under a lease."})
    last_seen = Moment()


class QueueSchema(ApiSchema):
    """A queue."""

    name = fields.String()
    waiting = fields.Integer(allow_none=True)
    oldest_seconds = fields.Float(allow_none=True)


class BeatSchema(ApiSchema):
    """Who keeps the time."""

    lock_left_seconds = fields.Float(
        allow_none=True, metadata={"description": "Null: no beat holds the lock."}
    )
    sweep_silent_seconds = fields.Float(
        allow_none=True, metadata={"description": "Since the last sweep."}
    )


class ServerSchema(ApiSchema):
    """A server that the engine needs."""

    answers = fields.Boolean()
    version = fields.String(allow_none=True)


class ServersSchema(ApiSchema):
    """Those two."""

    postgresql = fields.Nested(ServerSchema)
    redis = fields.Nested(ServerSchema)


class SettingSchema(ApiSchema):
    """A setting of the process that answers."""

    name = fields.String()
    value = anything(metadata={"description": "`masked` for a secret that is set."})
    is_default = fields.Boolean()
    description = fields.String(allow_none=True)


class BreakerSchema(ApiSchema):
    """A peer that has not answered lately, and whether it is left alone for a while."""

    peer = fields.String()
    is_open = fields.Boolean(metadata={"description": "It is not asked: calls of it fail at once."})
    failures = fields.Integer(metadata={"description": "In a row."})
    failed_at = Moment()
    tried_again_at = Moment(allow_none=True)


class KeptSchema(ApiSchema):
    """What is kept for how long, and what the next clean-up would delete.

    It is counted once a minute at most; null: not yet.
    """

    rules = fields.List(an_object())
    executions = fields.Integer(allow_none=True)
    ledgers = fields.Dict(keys=fields.String(), values=fields.Integer(), allow_none=True)
    counted_at = Moment(allow_none=True)


class SystemSchema(ApiSchema):
    """What the installation is made of now."""

    version = fields.String()
    started_at = Moment(metadata={"description": "When the process that answers has begun."})
    taken_at = Moment()
    away = fields.List(fields.String())
    workers = fields.List(fields.Nested(WorkerSchema))
    queues = fields.List(fields.Nested(QueueSchema))
    beat = fields.Nested(BeatSchema)
    servers = fields.Nested(ServersSchema)
    breakers = fields.List(
        fields.Nested(BreakerSchema),
        allow_none=True,
        metadata={"description": "Peers that have failed in the last week; null: Redis is away."},
    )
    retention = fields.Nested(KeptSchema)
    settings = fields.List(fields.Nested(SettingSchema))
    flower_url = fields.String(allow_none=True)
