"""What a look at the installation finds, on the wire."""

from __future__ import annotations

from marshmallow import fields

from .fields import ApiSchema


class InstallationCheckSchema(ApiSchema):
    """One thing that was looked at."""

    name = fields.String()
    is_well = fields.Boolean()
    says = fields.String()
    what_to_do = fields.String(
        allow_none=True,
        metadata={"description": "Said of what is well, too, if it is worth a look."},
    )


class InstallationReportSchema(ApiSchema):
    """All that was looked at."""

    is_well = fields.Boolean(metadata={"description": "Nothing is to be done."})
    checks = fields.List(fields.Nested(InstallationCheckSchema))
