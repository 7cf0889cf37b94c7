"""The three pipelines that come with the engine: ``db upgrade`` stores them for the system.

An engine with another document, or with other actions, adds a revision; executions keep theirs.
What an administrator has made of a pipeline stays, unless he asks for ours. An older engine beside
a newer one leaves what that has shipped.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Any
from uuid import UUID

from packaging.version import Version
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from pipeline_engine import __version__
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.errors import GuardrailPipelinesMissing
from pipeline_engine.registry import Registry
from pipeline_engine.services import shipped_documents
from pipeline_engine.storage import shipped_pipelines as storage
from pipeline_engine.storage.tables.pipelines import Pipeline
from pipeline_engine.storage.tables.shipped_pipelines import ShippedPipeline

PIPELINES = (
    "guardrail-model-onboarding",
    "guardrail-cluster-recommendation",
    "guardrail-deployment",
)


class Outcome(StrEnum):
    """What became of one of them."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT = "kept"  #: somebody has edited it, so ours is not taken
    NEWER = "newer"  #: a newer engine has shipped it


@dataclass(frozen=True, slots=True)
class Shipped:
    """One of the pipelines, and what has become of it."""

    name: str
    outcome: Outcome
    revision: int
    engine_version: str  #: of the engine whose document counts


@dataclass(frozen=True, slots=True)
class Ours:
    """A document of this engine, with the versions of its actions."""

    name: str
    document: dict[str, Any]
    actions: dict[str, Any] | None
    engine_version: str

    def is_newest_of(self, session: Session, pipeline: Pipeline) -> bool:
        """Whether a pipeline says this already."""
        now = storage.revision(session, pipeline, pipeline.revision)
        said = (pipeline.name, now.document, now.actions)
        return said == (self.name, self.document, self.actions)


def ship(
    session: Session,
    registry: Registry,
    *,
    take_ours: Collection[str] = (),
    documents: Mapping[str, dict[str, Any]] | None = None,
    engine_version: str = __version__,
) -> list[Shipped]:
    """Store the pipelines of this engine; what was edited only where its name is in *take_ours*.

    Whoever opened the session commits. *documents* are those of the package. Raises
    ``InvalidDefinition`` if an action that one of them names is not installed.
    """
    storage.lock(session.connection())
    found = {name: document(name) for name in PIPELINES} if documents is None else documents
    return [
        _ship(session, _ours(registry, name, one, engine_version), takes_ours=name in take_ours)
        for name, one in found.items()
    ]


def document(name: str) -> dict[str, Any]:
    """One of the documents, as it is shipped."""
    text = files(__package__).joinpath("pipelines", f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def shipped_id(connection: Connection, name: str) -> UUID:
    """The pipeline that was shipped under a name. Raises ``GuardrailPipelinesMissing``."""
    found = storage.id_of(connection, name)
    if found is None:
        raise GuardrailPipelinesMissing(
            f"The pipeline {name} is not there; `pipeline-engine db upgrade` stores it."
        )
    return found


def _ours(registry: Registry, name: str, document: dict[str, Any], engine_version: str) -> Ours:
    actions = shipped_documents.chosen_actions(registry, document)
    return Ours(name, document, actions, engine_version)


def _ship(session: Session, ours: Ours, *, takes_ours: bool) -> Shipped:
    shipped, pipeline = storage.stored(session, ours.name)
    if pipeline is None:
        return _created(session, ours)
    if shipped is None:  # an administrator has stored one of this name before
        shipped = ShippedPipeline(name=ours.name, pipeline_id=pipeline.id, revision=0)
    outcome = _outcome(session, ours, shipped, pipeline, takes_ours=takes_ours)
    if outcome is Outcome.UPDATED:
        shipped_documents.revise(SYSTEM, session, pipeline, ours.name, ours.document, ours.actions)
    if outcome in {Outcome.UPDATED, Outcome.UNCHANGED}:
        _note(session, shipped, pipeline, ours)
    version = shipped.engine_version if outcome is Outcome.NEWER else ours.engine_version
    return Shipped(ours.name, outcome, pipeline.revision, version)


def _outcome(
    session: Session,
    ours: Ours,
    shipped: ShippedPipeline,
    pipeline: Pipeline,
    *,
    takes_ours: bool,
) -> Outcome:
    if ours.is_newest_of(session, pipeline):
        return Outcome.UNCHANGED
    if takes_ours:
        return Outcome.UPDATED
    if _is_edited(session, ours, shipped, pipeline):
        return Outcome.KEPT
    is_newer = Version(shipped.engine_version) > Version(ours.engine_version)
    return Outcome.NEWER if is_newer else Outcome.UPDATED


def _is_edited(session: Session, ours: Ours, shipped: ShippedPipeline, pipeline: Pipeline) -> bool:
    """Whether it says anything else than what was shipped; one that was put back does not."""
    if shipped.revision == 0 or pipeline.name != ours.name:
        return True
    numbers = (shipped.revision, pipeline.revision)
    then, now = (storage.revision(session, pipeline, number).document for number in numbers)
    return then != now


def _created(session: Session, ours: Ours) -> Shipped:
    pipeline = shipped_documents.insert(SYSTEM, session, ours.name, ours.document, ours.actions)
    _note(session, ShippedPipeline(name=ours.name, pipeline_id=pipeline.id), pipeline, ours)
    return Shipped(ours.name, Outcome.CREATED, pipeline.revision, ours.engine_version)


def _note(session: Session, shipped: ShippedPipeline, pipeline: Pipeline, ours: Ours) -> None:
    if shipped.revision != pipeline.revision:  # a newer engine with the same document changes none
        shipped.revision, shipped.engine_version = pipeline.revision, ours.engine_version
        session.add(shipped)
        session.flush()
