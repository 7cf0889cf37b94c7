"""The history of pipelines on the wire."""

from __future__ import annotations

from marshmallow import fields

from .fields import MAX_PAGE, ApiSchema, Moment, an_object, count


class RevisionQuery(ApiSchema):
    """Which revisions are listed."""

    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class RevisionSchema(ApiSchema):
    """What a pipeline said from some moment on."""

    revision = fields.Integer()
    saved_at = Moment()
    saved_by = fields.String(
        allow_none=True,
        metadata={"description": "Whose token: `env:user:ada`; null if an older engine saved it."},
    )
    dag = an_object(attribute="document")
