"""Pipelines that nobody has sent: the engine stores those that come with it for the system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from pipeline_engine import __version__
from pipeline_engine.domain import checks
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.checks import Limits
from pipeline_engine.errors import InvalidDefinition
from pipeline_engine.registry import Registry
from pipeline_engine.services import audit_log, pipelines
from pipeline_engine.services.actions import Catalogue
from pipeline_engine.services.audit_log import Act
from pipeline_engine.storage.tables.pipelines import Pipeline

#: A document as it is written, and what was chosen for each action that it names.
Actions = dict[str, Any] | None


def chosen_actions(registry: Registry, document: Mapping[str, Any]) -> Actions:
    """What a revision records of the actions of a document. Raises ``InvalidDefinition``."""
    report = checks.check(document, Catalogue(registry), limits=Limits())
    if not report.valid:
        name, errors = document.get("name"), report.errors
        message = f"'{name}' has {len(errors)} error(s), such as: {errors[0].message}"
        raise InvalidDefinition(message, report=report)
    return {name: {"version": version} for name, version in report.versions.items()} or None


def insert(
    caller: Caller, session: Session, name: str, document: dict[str, Any], actions: Actions
) -> Pipeline:
    """Store a pipeline of the system, which everybody may execute."""
    status = pipelines.status_of(step_count=1)
    pipeline = Pipeline(name=name, status=status, system_owned=True, revision=0, lock_version=1)
    session.add(pipeline)
    session.flush()
    session.add(pipelines.next_revision(caller, pipeline, document, actions))
    session.flush()
    _record(caller, session, Act.PIPELINE_CREATE, pipeline)
    return pipeline


def revise(
    caller: Caller,
    session: Session,
    pipeline: Pipeline,
    name: str,
    document: dict[str, Any],
    actions: Actions,
) -> None:
    """Let a locked pipeline say this from now on."""
    pipeline.name = name
    pipeline.lock_version += 1
    session.add(pipelines.next_revision(caller, pipeline, document, actions))
    session.flush()
    _record(caller, session, Act.PIPELINE_REPLACE, pipeline)


def _record(caller: Caller, session: Session, act: Act, pipeline: Pipeline) -> None:
    about = {"name": pipeline.name, "revision": pipeline.revision, "engine_version": __version__}
    audit_log.record(caller, session, act, pipeline.id, None, **about)
