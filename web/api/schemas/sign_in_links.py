"""Links to sign in, on the wire."""

from __future__ import annotations

from marshmallow import fields

from .fields import ApiSchema, Moment


class SignInLinkSchema(ApiSchema):
    """A link that was just made."""

    id = fields.UUID()
    path = fields.String(
        metadata={"description": "To be opened at the address of the API; nobody is told it again."}
    )
    expires_at = Moment()
