"""Pipelines: store, read, change and delete definitions; every change is a new revision."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipeline_engine.domain import checks
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.checks import CheckReport
from pipeline_engine.domain.definitions import notifies
from pipeline_engine.domain.recorded_actions import stored_definitions
from pipeline_engine.domain.sealing import (
    with_kept_defaults,
    with_opened_defaults,
    with_sealed_defaults,
)
from pipeline_engine.domain.secret_store import named_in
from pipeline_engine.domain.states import PipelineStatus
from pipeline_engine.errors import (
    AdministratorsOnly,
    AmbiguousName,
    DuplicateName,
    InvalidDefinition,
    PipelineEngineError,
    VersionMismatch,
)
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.start import check_demands
from pipeline_engine.scheduler.transaction import retry_on_conflict
from pipeline_engine.services import audit_log, quotas
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.definition_limits import limits_of
from pipeline_engine.services.stored_actions.catalogue import OwnersCatalogue, catalogue_of
from pipeline_engine.services.stored_pipelines import (
    PIPELINE_STATUSES,
    PipelineFilter,
    StoredPipeline,
    as_id,
    get,
    listed,
    not_found,
)
from pipeline_engine.storage import standing_orders, subscriptions
from pipeline_engine.storage.pipelines import newest, newest_named
from pipeline_engine.storage.standing_orders import DisabledReason
from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineRevision
from pipeline_engine.storage.visibility import visible_to

__all__ = [
    "PIPELINE_STATUSES",
    "PipelineFilter",
    "PipelineRequest",
    "StoredPipeline",
    "SystemPipelineReadOnly",
    "as_id",
    "change_status",
    "create",
    "delete",
    "get",
    "listed",
    "locked",
    "next_revision",
    "require_meant",
    "status_of",
    "update",
]

UNIQUE_NAME = "uq_pipelines_user_id_name"


class SystemPipelineReadOnly(PipelineEngineError):
    """A system-owned pipeline can be read and executed, but only an administrator may change it."""

    code = "system_pipeline_read_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRequest:
    """What a caller wants a pipeline to be."""

    document: dict[str, Any]
    name: str | None = None  #: goes before the name in the document
    icon: str | None = None
    user_id: str | None = None  #: the owner; believed only from a service
    system_owned: bool = False


def create(
    caller: Caller, session: Session, runtime: Runtime, request: PipelineRequest
) -> StoredPipeline:
    """Store a new pipeline; without steps it is a draft.

    Raises ``InvalidDefinition`` with the whole report, ``PermissionDenied``, ``DuplicateName``,
    ``AdministratorsOnly``.
    """
    owner = caller.acting_for(request.user_id)
    of_system = request.system_owned or owner.user_id is None
    actions = catalogue_of(runtime, session.connection, None if of_system else owner.user_id)
    report = _checked(owner, runtime, request, actions)
    if of_system and not caller.is_administrator:
        raise AdministratorsOnly("Only an administrator may store a pipeline of the system.")
    pipeline = Pipeline(
        name=_name(request),
        status=status_of(step_count=_step_count(request.document)),
        description=_description(request.document),
        icon=request.icon,
        user_id=owner.user_id,
        system_owned=request.system_owned,
        step_count=_step_count(request.document),
        revision=1,
        lock_version=1,
    )
    session.add(pipeline)
    _flush_named(session, pipeline.name)
    document = with_sealed_defaults(request.document, runtime.sealer)
    session.add(_revision(caller, pipeline, document, actions.recorded(report.versions)))
    session.flush()
    quotas.check_stored_bytes(session, runtime.settings, pipeline.user_id)
    _record(owner, session, Act.PIPELINE_CREATE, pipeline)
    return get(owner, session, pipeline.id)


def update(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    pipeline_id: UUID | str,
    request: PipelineRequest,
    *,
    versions: Collection[int] | None,
) -> StoredPipeline:
    """Replace what a pipeline says, if it still is one of these lock versions.

    Null is any version. Executions that run keep the revision that they were started with.
    Raises ``VersionMismatch`` and what ``create`` raises.
    """
    pipeline = locked(caller, session, pipeline_id)
    if versions is not None and pipeline.lock_version not in versions:
        expected = " or ".join(str(version) for version in sorted(versions)[:10])
        raise VersionMismatch(
            f"Concurrent modification detected: expected version {expected},"
            f" found {pipeline.lock_version}",
            lock_version=pipeline.lock_version,
        )
    owner = None if pipeline.system_owned else pipeline.user_id
    actions = catalogue_of(runtime, session.connection, owner)
    report = _checked(caller, runtime, request, actions)
    pipeline.name = _name(request)
    _flush_named(session, pipeline.name)
    if request.icon is not None:
        pipeline.icon = request.icon
    _revise(caller, session, runtime, pipeline, request.document, actions.recorded(report.versions))
    pipeline.lock_version += 1
    session.flush()
    quotas.check_stored_bytes(session, runtime.settings, pipeline.user_id)
    _record(caller, session, Act.PIPELINE_REPLACE, pipeline)
    return get(caller, session, pipeline.id)


def delete(caller: Caller, session: Session, pipeline_id: UUID | str) -> None:
    """Delete a pipeline; its executions and the revisions that they are pinned to stay.

    What starts it (schedules, webhooks, event triggers) stays as well, and is disabled. Who has
    subscribed to all its executions is told no more; of one that still runs, he is.
    """
    pipeline = locked(caller, session, pipeline_id)
    _record(caller, session, Act.PIPELINE_DELETE, pipeline)
    standing_orders.disable_for(session, pipeline.id, DisabledReason.PIPELINE_DELETED)
    subscriptions.end_of_pipeline(session.connection(), pipeline.id)
    retry_on_conflict(partial(_remove, session, pipeline))


def _remove(session: Session, pipeline: Pipeline) -> None:
    """Delete the row; its executions lose it, and may be in the hands of workers just then.

    Of a deadlock with one of these only this is undone, so that it can be done again.
    """
    with session.begin_nested():
        session.delete(pipeline)


def require_meant(caller: Caller, session: Session, name_or_id: str) -> UUID:
    """The id of the pipeline that *caller* means.

    Raises ``PipelineNotFound`` and ``AmbiguousName``.
    """
    connection = session.connection()
    try:
        found = newest(connection, UUID(name_or_id), [caller])
    except ValueError:
        named = newest_named(connection, name_or_id, [caller])
        if len(named) > 1:
            raise AmbiguousName.of(name_or_id, [one.id for one in named]) from None
        found = named[0] if named else None
    if found is None:
        raise not_found(name_or_id)
    return found.id


def locked(caller: Caller, session: Session, pipeline_id: UUID | str) -> Pipeline:
    """The pipeline, ours until the transaction ends, if *caller* may change it."""
    sight = visible_to(Pipeline, caller)
    pipeline = session.scalar(
        select(Pipeline).where(Pipeline.id == as_id(pipeline_id), sight).with_for_update()
    )
    if pipeline is None:
        raise not_found(pipeline_id)
    require_changeable(caller, pipeline)
    return pipeline


def require_changeable(caller: Caller, pipeline: Pipeline) -> None:
    """Raise ``SystemPipelineReadOnly`` for what *caller* sees, and may not change."""
    of_system = pipeline.system_owned or pipeline.user_id is None
    if not caller.owns(pipeline.user_id) or (of_system and not caller.is_administrator):
        raise SystemPipelineReadOnly(pipeline_id=str(pipeline.id))


def change_status(
    caller: Caller, session: Session, pipeline: Pipeline, status: PipelineStatus, act: Act
) -> None:
    """Give a locked pipeline a status, whatever its definition says."""
    pipeline.status = status
    pipeline.lock_version += 1
    _record(caller, session, act, pipeline)
    session.flush()


def _record(caller: Caller, session: Session, act: Act, pipeline: Pipeline) -> None:
    about = {"name": pipeline.name, "revision": pipeline.revision}
    audit_log.record(caller, session, act, pipeline.id, pipeline.user_id, **about)


def _revise(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    pipeline: Pipeline,
    document: dict[str, Any],
    actions: dict[str, Any] | None,
) -> None:
    """Add a revision, unless the newest one says the same and has the same actions."""
    newest = session.execute(
        select(PipelineRevision.document, PipelineRevision.actions).where(
            PipelineRevision.pipeline_id == pipeline.id,
            PipelineRevision.revision == pipeline.revision,
        )
    ).one_or_none()
    if newest is not None:
        before = with_opened_defaults(newest.document, runtime.sealer)
        document = with_kept_defaults(document, before)
        if before == document and newest.actions == actions:
            return
    sealed = with_sealed_defaults(document, runtime.sealer)
    session.add(next_revision(caller, pipeline, sealed, actions))


def next_revision(
    caller: Caller, pipeline: Pipeline, document: dict[str, Any], actions: dict[str, Any] | None
) -> PipelineRevision:
    """What a locked pipeline says from now on; the secrets in *document* are sealed already."""
    pipeline.revision += 1
    if pipeline.status != PipelineStatus.ARCHIVED:
        pipeline.status = status_of(step_count=_step_count(document))
    pipeline.description = _description(document)
    pipeline.step_count = _step_count(document)
    return _revision(caller, pipeline, document, actions)


def _revision(
    caller: Caller, pipeline: Pipeline, document: dict[str, Any], actions: dict[str, Any] | None
) -> PipelineRevision:
    return PipelineRevision(
        pipeline_id=pipeline.id,
        revision=pipeline.revision,
        version=str(document.get("version") or "1.0"),
        document=document,
        actions=actions,
        secret_names=sorted(named_in(document, *stored_definitions(actions)).names) or None,
        notifies=notifies(document),
        saved_by=caller.principal or None,
    )


def _checked(
    caller: Caller, runtime: Runtime, request: PipelineRequest, actions: OwnersCatalogue
) -> CheckReport:
    """The report of a definition that *caller* may save, made of these *actions*.

    Raises ``InvalidDefinition``, and ``PermissionDenied`` as a start of it would.
    """
    report = checks.check(
        request.document,
        actions,
        limits=limits_of(runtime.settings),
        name=request.name,
        allow_draft=True,
    )
    if not report.valid:
        raise InvalidDefinition(
            f"The pipeline definition has {len(report.errors)} error(s).", report=report
        )
    if report.step_count and runtime.registry.demanding:
        plan = runtime.plans.make(request.document, actions.recorded(report.versions))
        check_demands(plan, caller, who="whoever saves it")
    return report


def _name(request: PipelineRequest) -> str:
    return str(request.name or request.document["name"])


def _flush_named(session: Session, name: str) -> None:
    """Write the pipeline now: the unique index is the judge of its name, not a query before.

    After ``DuplicateName`` nothing can be done with the session but to roll it back.
    """
    try:
        session.flush()
    except IntegrityError as error:
        if UNIQUE_NAME not in str(error.orig):
            raise
        raise DuplicateName(f"A pipeline with the name '{name}' already exists") from error


def status_of(*, step_count: int) -> PipelineStatus:
    """What a pipeline is that nobody has archived."""
    return PipelineStatus.ACTIVE if step_count else PipelineStatus.DRAFT


def _step_count(holder: Mapping[str, Any]) -> int:
    """How many steps a definition, or a block, has, those of the blocks in it as well."""
    return sum(1 + _step_count(step) for step in holder.get("steps") or ())


def _description(document: dict[str, Any]) -> str | None:
    return document.get("description") or None
