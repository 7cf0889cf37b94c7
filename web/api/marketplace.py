"""``/marketplace``: packages of actions that the operator could install."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pipeline_engine.services import Scope
from pipeline_engine.services import marketplace as services
from pipeline_engine.services.pages import Page

from .blueprint import Blueprint
from .context import shelves
from .schemas.marketplace import (
    PackageListSchema,
    PackageQuery,
    PackageSourceQuery,
    WholePackageSchema,
)

marketplace = Blueprint("marketplace", __name__, description="Packages of actions from others.")


@marketplace.on("GET", "/packages", operation="list_packages", scope=Scope.ACTIONS_READ)
@marketplace.query(PackageQuery)
@marketplace.answers(200, PackageListSchema)
def list_packages(query: dict[str, Any]) -> Any:
    """List the packages of the installation's sources, and which of them are installed."""
    page = Page(query["page"], query["page_size"])
    return services.search(shelves(), query["q"], page, now=datetime.now(UTC))


@marketplace.on("GET", "/packages/<name>", operation="get_package", scope=Scope.ACTIONS_READ)
@marketplace.query(PackageSourceQuery)
@marketplace.answers(200, WholePackageSchema)
def show(query: dict[str, Any], name: str) -> Any:
    """Return a package with its releases: actions, rights that they ask for, dependencies."""
    return services.get(shelves(), name, query.get("source"), now=datetime.now(UTC))
