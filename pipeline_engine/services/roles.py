"""Roles: named sets of rights, those that come along and those of ``PIPELINE_ROLES``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pipeline_engine.config import Settings
from pipeline_engine.domain.scopes import ROLES, unknown_among
from pipeline_engine.errors import InvalidSettings


def roles_of(settings: Settings) -> Mapping[str, frozenset[str]]:
    """The rights of each role. Raises ``InvalidSettings`` for a word that can be no right."""
    for name, words in settings.roles.items():
        if unknown := unknown_among(words):
            raise InvalidSettings(
                f"Settings cannot be used: PIPELINE_ROLES: {name!r} has {unknown[0]!r}, which is"
                " neither a scope of the API (docs/reference/api.md) nor a further noun:verb"
            )
    own = {name: frozenset(words) for name, words in settings.roles.items()}
    return MappingProxyType({**ROLES, **own})


def rights_of(roles: Mapping[str, frozenset[str]], names: Iterable[str]) -> frozenset[str]:
    """What those who have all of these roles may do; a role that nobody knows gives no right."""
    return frozenset().union(*(roles.get(name, frozenset()) for name in names))
