"""Packages and releases in words, and as JSON with the names of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline_engine.marketplace.choosing import obstacles
from pipeline_engine.marketplace.format.index import Listing
from pipeline_engine.marketplace.format.records import PackagedAction
from pipeline_engine.marketplace.installing import Plan

Facts = Sequence[tuple[str, object]]


def listing(found: Listing) -> dict[str, Any]:
    """A release as JSON: what was signed, by whom, and whether it runs here."""
    return {
        **found.record,
        "signed_by": found.signature.key,
        "yanked": found.yanked,
        "required_permissions": found.release.permissions,
        "obstacles": list(obstacles(found.release)),
    }


def package(source: str, found: Listing, installed: str | None) -> dict[str, Any]:
    """A package with its newest release, as a search finds it."""
    return {
        "name": found.release.name,
        "source": source,
        "version": found.release.version,
        "summary": found.release.summary,
        "actions": [action.type for action in found.release.actions],
        "installed_version": installed,
    }


def facts(found: Listing) -> Iterator[tuple[str, object]]:
    """A release line by line, without its actions."""
    release = found.release
    yield "published", f"{release.published_at:%Y-%m-%d %H:%M} UTC"
    yield "signed by", found.signature.key
    yield "file", f"{release.file.name}, {release.file.size} bytes"
    yield "sha256", release.file.sha256
    yield "modules", ", ".join(release.modules)
    yield "python", release.requires_python or "any"
    yield "engine", release.requires_engine or "any"
    yield "needs", ", ".join(release.dependencies) or "nothing else"
    yield "permissions", ", ".join(release.permissions) or "none"
    if found.yanked is not None:
        yield "yanked", found.yanked
    yield from (("here", f"it does not run: it {obstacle}") for obstacle in obstacles(release))


def actions(found: Listing) -> Iterator[tuple[str, ...]]:
    """Its actions as rows: type, version, the rights that each asks for, what it does."""
    for action in found.release.actions:
        yield action.type, action.version, rights(action), action.description


def rights(action: PackagedAction) -> str:
    """What an action may only be run with."""
    return ", ".join(action.required_permissions) or "-"


def plan(planned: Plan, *, isolated: bool) -> Mapping[str, Any]:
    """What would be installed, as JSON."""
    return {
        "source": planned.source,
        "replaces": planned.replaces,
        "installed": planned.is_here,
        "isolated": isolated,
        "missing_dependencies": list(planned.missing),
        "release": listing(planned.listing),
    }
