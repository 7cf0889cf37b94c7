"""Drafts of pipelines on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from .fields import MAX_ID, ApiSchema, Moment


class DraftBody(ApiSchema):
    """What was typed, and over which version of the pipeline."""

    based_on = fields.Integer(
        strict=True,
        allow_none=True,
        load_default=None,
        validate=validate.Range(min=1, max=MAX_ID),
        metadata={"description": "The `lock_version` of the pipeline that is edited."},
    )
    document = fields.Raw(
        required=True,
        metadata={"description": "Anything but null; it comes back as it was written."},
    )


class SavedDraftSchema(ApiSchema):
    """What is known of a draft without what it says."""

    based_on = fields.Integer(allow_none=True)
    saved_at = Moment(allow_none=True)


class DraftSchema(SavedDraftSchema):
    """What the caller has typed; all is null if there is nothing."""

    document = fields.Raw(allow_none=True)
