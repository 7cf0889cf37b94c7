"""Drafts of pipelines: what one person has typed into a definition and not published.

A draft is any JSON value. Nothing is checked, and nobody but its person sees it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import structlog
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.callers import GROUP, Caller
from pipeline_engine.domain.sealing import Sealer, SecretUnreadable
from pipeline_engine.errors import VersionMismatch
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import audit_log, quotas
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.pipelines import require_changeable
from pipeline_engine.services.stored_pipelines import as_id, not_found, seen
from pipeline_engine.storage import drafts
from pipeline_engine.storage.drafts import NewDraft
from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineDraft
from pipeline_engine.storage.visibility import visible_to

log = structlog.get_logger(__name__)

NO_DRAFT = 0  #: the version of what is not there; saved ones count from 1


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody has typed; all is null if there is nothing."""

    version: int = NO_DRAFT  #: another one after each save, of whatever draft
    based_on: int | None = None  #: the ``lock_version`` of the pipeline that was edited
    document: Any = field(default=None, repr=False)
    saved_at: datetime | None = None


def get(caller: Caller, session: Session, runtime: Runtime, pipeline_id: UUID | str) -> Draft:
    """The draft of *caller*. Raises ``PipelineNotFound``."""
    wanted = seen(caller, session, pipeline_id)
    row = session.scalar(select(PipelineDraft).where(_own(caller, wanted)))
    document = None if row is None else _opened(runtime.sealer, row)
    if row is None or document is None:
        return Draft(NO_DRAFT if row is None else row.version)
    return Draft(row.version, row.based_on, document, row.saved_at)


def save(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    pipeline_id: UUID | str,
    document: Any,
    *,
    based_on: int | None,
    versions: Collection[int] | None = None,
    now: datetime | None = None,
) -> Draft:
    """Keep *document*, if what is there is one of these *versions*; null is any.

    Raises ``PipelineNotFound``, ``SystemPipelineReadOnly``, ``VersionMismatch`` and
    ``TooManyStoredBytes``.
    """
    pipeline = _changeable(caller, session, pipeline_id)
    before = _locked_version(caller, session, pipeline.id, versions)
    person, moment = _person(caller), now or datetime.now(UTC)
    place = _place(pipeline.id, person)
    sealed = runtime.sealer.encrypted(json_guard.dumps(document), (), place)
    new = NewDraft(pipeline.id, person, caller.user_id, based_on, sealed, moment)
    version = drafts.keep(session.connection(), new, versions)
    if version is None:
        raise VersionMismatch("The draft was begun in another place meanwhile.")
    quotas.check_stored_bytes(session, runtime.settings, caller.user_id)
    if before == NO_DRAFT:  # it is saved whenever somebody pauses in typing
        _record(caller, session, Act.DRAFT_BEGIN, pipeline)
    return Draft(version, based_on, document, moment)


def discard(
    caller: Caller,
    session: Session,
    pipeline_id: UUID | str,
    *,
    versions: Collection[int] | None = None,
) -> None:
    """Delete the draft of *caller*, if there is one. Raises what ``save`` does."""
    pipeline = _changeable(caller, session, pipeline_id)
    if _locked_version(caller, session, pipeline.id, versions) == NO_DRAFT:
        return
    session.delete(session.get_one(PipelineDraft, (pipeline.id, _person(caller))))
    session.flush()
    _record(caller, session, Act.DRAFT_DISCARD, pipeline)


def _changeable(caller: Caller, session: Session, pipeline_id: UUID | str) -> Pipeline:
    """The pipeline, which nobody deletes until the transaction ends."""
    in_sight = select(Pipeline).where(
        Pipeline.id == as_id(pipeline_id), visible_to(Pipeline, caller)
    )
    pipeline = session.scalar(in_sight.with_for_update(read=True, key_share=True))
    if pipeline is None:
        raise not_found(pipeline_id)
    require_changeable(caller, pipeline)
    return pipeline


def _locked_version(
    caller: Caller, session: Session, pipeline_id: UUID, versions: Collection[int] | None
) -> int:
    """The version that is there, ours until the transaction ends."""
    wanted = select(PipelineDraft.version).where(_own(caller, pipeline_id)).with_for_update()
    found = session.scalar(wanted) or NO_DRAFT
    if versions is not None and found not in versions:
        raise VersionMismatch("The draft was changed since it was read.", lock_version=found)
    return found


def _own(caller: Caller, pipeline_id: UUID) -> ColumnElement[bool]:
    return and_(
        visible_to(PipelineDraft, caller),
        PipelineDraft.pipeline_id == pipeline_id,
        PipelineDraft.person == _person(caller),
    )


def _person(caller: Caller) -> str:
    """Who types: a user is the same with each of his tokens; of a group each member is himself."""
    user = caller.user_id
    return caller.principal if user is None or user.startswith(GROUP) else f"user:{user}"


def _opened(sealer: Sealer, row: PipelineDraft) -> Any:
    """The document with the digits that it was sent with; None if its key is gone."""
    try:
        text: str = sealer.open(row.document, _place(row.pipeline_id, row.person)).value
    except SecretUnreadable:
        log.warning("draft_unreadable", pipeline_id=str(row.pipeline_id))
        return None
    return orjson.Fragment(text)


def _place(pipeline_id: UUID, person: str) -> str:
    return f"draft:{pipeline_id}:{person}"


def _record(caller: Caller, session: Session, act: Act, pipeline: Pipeline) -> None:
    audit_log.record(caller, session, act, pipeline.id, pipeline.user_id, name=pipeline.name)
