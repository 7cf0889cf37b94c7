"""Tokens, and who is calling, on the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from ..paging import PaginationSchema
from .fields import MAX_PAGE, ApiSchema, Itself, Moment, StrictSchema, TrueOrFalse, count, text


def _words(description: str) -> fields.List[Any]:
    return fields.List(
        text(127, 1),
        load_default=(),
        validate=validate.Length(max=100),
        metadata={"description": description},
    )


class TokenBody(StrictSchema):
    """What a token is to be."""

    name = text(255, 1, required=True)
    scopes = _words("Scopes, and words that actions ask for: `model:write`.")
    roles = _words("Names of roles; the token gets their rights of today.")
    pipelines = _words("Ids or names of the pipelines that it is bound to; none: all.")
    user_id = text(
        255,
        1,
        allow_none=True,
        load_default=None,
        metadata={"description": "For whom it acts; only a service names somebody else."},
    )
    expires_at = Moment(
        allow_none=True, metadata={"description": "In 90 days, unless this says otherwise."}
    )
    never_expires = TrueOrFalse(load_default=False)


class TokenQuery(ApiSchema):
    """Which tokens are listed."""

    include_revoked = fields.Boolean(load_default=False)
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class TokenSchema(ApiSchema):
    """What is known of a token."""

    id = fields.String()
    name = fields.String()
    user_id = fields.String(allow_none=True)
    scopes = fields.List(fields.String(), attribute="rights")
    pipelines = fields.List(
        fields.UUID(), allow_none=True, metadata={"description": "Null: it is bound to none."}
    )
    created_by = fields.String()
    created_at = Moment()
    expires_at = Moment(allow_none=True)
    last_used_at = Moment(allow_none=True, metadata={"description": "To the minute."})
    revoked_at = Moment(allow_none=True)


class MadeTokenSchema(TokenSchema):
    """A token that was just made."""

    token = fields.String(
        attribute="text", metadata={"description": "Its text, which nobody is told again."}
    )

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Return a field of the token, or its text."""
        return super().get_attribute(obj if attr == "text" else obj.token, attr, default)


class TokenListSchema(ApiSchema):
    """One page of tokens, newest first."""

    tokens = fields.List(fields.Nested(TokenSchema), attribute="entries")
    pagination = Itself(PaginationSchema)


class CallerSchema(ApiSchema):
    """Who is calling."""

    principal = fields.String(metadata={"description": "Whose credential it is: `token:4f9a`."})
    user_id = fields.String(allow_none=True, metadata={"description": "For whom it acts."})
    owners = fields.List(fields.String(), metadata={"description": "Whose rows are its own."})
    scopes = fields.List(fields.String())
    pipelines = fields.List(
        fields.UUID(), allow_none=True, metadata={"description": "Null: it is bound to none."}
    )
    expires_at = Moment(allow_none=True)
