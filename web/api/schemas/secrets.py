"""Secrets on the wire: everything about them but their values."""

from __future__ import annotations

from marshmallow import fields, validate

from ..paging import PaginationSchema
from .fields import MAX_PAGE, ApiSchema, Itself, Moment, count, text

MOST_VERSIONS = 2**31 - 1


class SecretBody(ApiSchema):
    """What a secret is to be from now on."""

    value = fields.String(
        metadata={
            "description": "At least six characters, at most 64 KiB. Left out: it stays.",
            "writeOnly": True,
        }
    )
    description = text(1000, allow_none=True)


class RestoreBody(ApiSchema):
    """Which version is to count again."""

    version = fields.Integer(
        strict=True, required=True, validate=validate.Range(min=1, max=MOST_VERSIONS)
    )


class SecretQuery(ApiSchema):
    """Which page of the secrets is wanted."""

    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class UserSchema(ApiSchema):
    """A pipeline that speaks of the secret."""

    id = fields.UUID()
    name = fields.String()


class SecretVersionSchema(ApiSchema):
    """One of the versions that are kept."""

    version = fields.Integer()
    created_at = Moment()
    created_by = fields.String()
    last_used_at = Moment(allow_none=True)


class ListedSecretSchema(ApiSchema):
    """A secret in a list."""

    name = fields.String(attribute="secret.name")
    owner = fields.String(attribute="secret.user_id", allow_none=True)
    description = fields.String(attribute="secret.description", allow_none=True)
    version = fields.Integer(attribute="secret.version")
    lock_version = fields.Integer(attribute="secret.lock_version")
    created_at = Moment(attribute="secret.created_at")
    created_by = fields.String(attribute="secret.created_by")
    updated_at = Moment(attribute="secret.updated_at")
    updated_by = fields.String(attribute="secret.updated_by")
    last_used_at = Moment(allow_none=True)
    used_by = fields.List(fields.Nested(UserSchema))
    used_by_count = fields.Integer()


class SecretSchema(ListedSecretSchema):
    """A secret, and its versions, the newest first."""

    versions = fields.List(fields.Nested(SecretVersionSchema))


class SecretListSchema(ApiSchema):
    """One page of secrets, by name."""

    secrets = fields.List(fields.Nested(ListedSecretSchema), attribute="entries")
    pagination = Itself(PaginationSchema)
