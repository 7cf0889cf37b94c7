"""Streams on the wire: which events, and from where."""

from __future__ import annotations

from marshmallow import fields
from webargs.fields import DelimitedList

from pipeline_engine.services.queries import EVENT_TYPES

from .fields import ApiSchema, Word


class StreamQuery(ApiSchema):
    """Which events of an execution are told."""

    event_types = DelimitedList(
        Word(EVENT_TYPES),
        metadata={"description": "Only events of these types, with commas between them."},
    )
    last_event_id = fields.String(
        metadata={
            "description": "Go on behind the event with this id; `Last-Event-ID` counts more."
        },
    )


class EveryStreamQuery(StreamQuery):
    """The same of all that the caller sees."""

    pipeline_id = fields.UUID(metadata={"description": "Only of executions of this pipeline."})
    workflow_id = fields.UUID(metadata={"description": "The same, in the words of older clients."})


class StreamHeaders(ApiSchema):
    """What a client that comes back sends by itself."""

    last_event_id = fields.String(
        data_key="Last-Event-ID",
        metadata={"description": "The id of the last event that the client has got."},
    )
