"""Definitions as such, stored or not: the check of one, and their schema for editors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from pipeline_engine.domain import checks
from pipeline_engine.domain.actions import ActionMeta
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.checks import ActionCatalogue, CheckReport
from pipeline_engine.registry import Registry
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import secrets
from pipeline_engine.services.definition_limits import limits_of
from pipeline_engine.services.stored_actions.catalogue import catalogue_of


def check(
    runtime: Runtime,
    document: object,
    actions: ActionCatalogue,
    *,
    secrets: Collection[str] | None = None,
) -> CheckReport:
    """Every error and warning of a definition that is to be executed.

    *actions* and *secrets* are those that its owner may name; null if nobody has looked.
    """
    return checks.check(
        document,
        actions,
        limits=limits_of(runtime.settings),
        secrets=secrets,
    )


def check_for(caller: Caller, session: Session, runtime: Runtime, document: object) -> CheckReport:
    """The same for a definition of the owner for whom *caller* acts."""
    actions = catalogue_of(runtime, session.connection, caller.user_id)
    return check(runtime, document, actions, secrets=secrets.names(caller, session, runtime))


def definition_schema() -> Mapping[str, Any]:
    """A definition as JSON Schema; each object that has fields of its own has a ``title``."""
    return checks.document_schema()


def schema_for_editors(registry: Registry, stored: Iterable[ActionMeta] = ()) -> Mapping[str, Any]:
    """A definition as JSON Schema 2020-12, with the params of every installed action.

    *stored* are those that its owner has beside them, in all versions, the newest first.
    """
    return checks.editor_schema((*(action.meta for action in registry), *stored))


def schema_of_params(registry: Registry, action_type: str) -> Mapping[str, Any]:
    """The params of one action as JSON Schema 2020-12. Raises ``ActionNotFound``."""
    return checks.schema_of_action(registry.meta(action_type))
