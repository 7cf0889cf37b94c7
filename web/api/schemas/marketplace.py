"""Packages of actions on the wire, in the camel case of actions."""

from __future__ import annotations

from marshmallow import fields

from ..paging import PaginationSchema
from .fields import MAX_PAGE, ApiSchema, Moment, count, text


class PackageQuery(ApiSchema):
    """Which packages are listed."""

    q = text(
        200,
        load_default="",
        metadata={"description": "Words, each in a name, a summary or an action."},
    )
    page = count(1, MAX_PAGE, 1)
    page_size = count(1, 100, 20)


class PackageSourceQuery(ApiSchema):
    """Whose package is meant."""

    source = text(63, 1, metadata={"description": "Needed where several sources have it."})


class PackagedFieldSchema(ApiSchema):
    """An input or an output of an action."""

    name = fields.String()
    type = fields.String()
    required = fields.Boolean()
    description = fields.String()


class PackagedActionSchema(ApiSchema):
    """An action of a package, as its publisher has signed it."""

    type = fields.String()
    version = fields.String()
    name = fields.String()
    category = fields.String()
    description = fields.String()
    aliases = fields.List(fields.String())
    execution_mode = fields.String(data_key="executionMode")
    idempotent = fields.Boolean()
    required_permissions = fields.List(fields.String(), data_key="requiredPermissions")
    required_services = fields.List(fields.String(), data_key="requiredServices")
    params = fields.List(fields.Nested(PackagedFieldSchema))
    outputs = fields.List(fields.Nested(PackagedFieldSchema))


class ReleaseSchema(ApiSchema):
    """One version of a package."""

    version = fields.String(attribute="listing.release.version")
    published_at = Moment(attribute="listing.release.published_at", data_key="publishedAt")
    yanked = fields.String(
        attribute="listing.yanked",
        allow_none=True,
        metadata={"description": "Why the publisher has taken it back; null if he has not."},
    )
    signed_by = fields.String(
        attribute="listing.signature.key",
        data_key="signedBy",
        metadata={"description": "The fingerprint of the publisher's key."},
    )
    file = fields.String(attribute="listing.release.file.name")
    sha256 = fields.String(attribute="listing.release.file.sha256")
    size = fields.Integer(attribute="listing.release.file.size")
    requires_python = fields.String(
        attribute="listing.release.requires_python", data_key="requiresPython", allow_none=True
    )
    requires_engine = fields.String(
        attribute="listing.release.requires_engine", data_key="requiresEngine", allow_none=True
    )
    dependencies = fields.List(fields.String(), attribute="listing.release.dependencies")
    required_permissions = fields.List(
        fields.String(),
        attribute="listing.release.permissions",
        data_key="requiredPermissions",
        metadata={"description": "The rights that any of its actions asks for."},
    )
    obstacles = fields.List(
        fields.String(), metadata={"description": "Why it does not run here; empty if it does."}
    )
    actions = fields.List(fields.Nested(PackagedActionSchema), attribute="listing.release.actions")


class PackageSchema(ApiSchema):
    """A package with its newest release."""

    name = fields.String()
    source = fields.String()
    summary = fields.String(attribute="newest.release.summary")
    version = fields.String(attribute="newest.release.version")
    actions = fields.List(
        fields.Pluck(PackagedActionSchema, "type"), attribute="newest.release.actions"
    )
    required_permissions = fields.List(
        fields.String(), attribute="newest.release.permissions", data_key="requiredPermissions"
    )
    installed_version = fields.String(
        data_key="installedVersion",
        allow_none=True,
        metadata={"description": "What is installed here; null: nothing."},
    )
    has_update = fields.Boolean(data_key="hasUpdate")


class WholePackageSchema(PackageSchema):
    """A package with all of its releases, the newest first."""

    releases = fields.List(fields.Nested(ReleaseSchema))


class SourceSchema(ApiSchema):
    """How up to date the packages of a source are."""

    name = fields.String(attribute="source.name")
    read_at = Moment(
        data_key="readAt",
        allow_none=True,
        metadata={"description": "When its index was read; null: none is known."},
    )
    error = fields.String(
        attribute="problem.code",
        allow_none=True,
        dump_default=None,
        metadata={"description": "Why it could not be read the last time; null if it could."},
    )


class PackageListSchema(ApiSchema):
    """One page of packages, by name."""

    packages = fields.List(fields.Nested(PackageSchema), attribute="packages.entries")
    sources = fields.List(fields.Nested(SourceSchema))
    pagination = fields.Nested(PaginationSchema, attribute="packages")
