"""``/secrets``: the store of one owner; values go in, and none comes out."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Act, Scope
from pipeline_engine.services import secrets as services
from pipeline_engine.services.pages import Page
from pipeline_engine.services.secrets import SecretChange, StoredSecret

from .blueprint import Blueprint
from .context import caller, runtime, session
from .preconditions import etag, versions_if_given
from .schemas.secrets import (
    RestoreBody,
    SecretBody,
    SecretListSchema,
    SecretQuery,
    SecretSchema,
)

secrets = Blueprint("secrets", __name__, description="What steps are given and nobody is shown.")


@secrets.on("GET", operation="list_secrets", scope=Scope.SECRETS_READ)
@secrets.query(SecretQuery)
@secrets.answers(200, SecretListSchema)
def list_secrets(query: dict[str, Any]) -> Any:
    """List the secrets of the owner for whom the caller acts, by name."""
    page = Page(query["page"], query["page_size"])
    return services.listed(caller(), session(), page=page)


@secrets.on("GET", "/<name>", operation="get_secret", scope=Scope.SECRETS_READ)
@secrets.answers(200, SecretSchema)
def show(name: str) -> tuple[StoredSecret, dict[str, str]]:
    """Return one secret with its versions, never a value."""
    stored = services.get(caller(), session(), name)
    return stored, etag(stored.secret.lock_version)


@secrets.on(
    "PUT",
    "/<name>",
    operation="set_secret",
    scope=Scope.SECRETS_WRITE,
    act=Act.SECRET_SET,
)
@secrets.body(SecretBody)
@secrets.answers(200, SecretSchema)
@secrets.or_answers(201, SecretSchema, meaning="It is a new one.")
def put(body: dict[str, Any], name: str) -> tuple[StoredSecret, int, dict[str, str]]:
    """Set a secret: a new one (201), or the next version of one that there is.

    What is left out stays: without `value`, only the description is changed.
    """
    change = SecretChange(keeps_description="description" not in body, **body)
    with versions_if_given() as versions:
        stored, is_new = services.put(
            caller(), session(), runtime(), name, change, versions=versions
        )
    return stored, 201 if is_new else 200, etag(stored.secret.lock_version)


@secrets.on(
    "POST",
    "/<name>/restore",
    operation="restore_secret",
    scope=Scope.SECRETS_WRITE,
    act=Act.SECRET_RESTORE,
)
@secrets.body(RestoreBody)
@secrets.answers(200, SecretSchema)
def restore(body: dict[str, Any], name: str) -> tuple[StoredSecret, dict[str, str]]:
    """Let an older version count again, without anybody reading it."""
    with versions_if_given() as versions:
        stored = services.restore(caller(), session(), name, body["version"], versions=versions)
    return stored, etag(stored.secret.lock_version)


@secrets.on(
    "DELETE",
    "/<name>",
    operation="delete_secret",
    scope=Scope.SECRETS_WRITE,
    act=Act.SECRET_DELETE,
)
@secrets.answers(200, SecretSchema)
def delete(name: str) -> StoredSecret:
    """Delete a secret with all its values; `used_by` says which pipelines will miss it."""
    with versions_if_given() as versions:
        return services.delete(caller(), session(), name, versions=versions)
