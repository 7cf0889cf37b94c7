"""Pipelines: stored, changed and deleted without losing anybody's work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from support.driving import in_background
from support.history_rows import a_document, a_pipeline, an_execution, statements_on
from support.waiting import wait_until

from pipeline_engine.config import Settings
from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.errors import (
    DuplicateName,
    InvalidDefinition,
    PipelineNotFound,
    VersionMismatch,
)
from pipeline_engine.services import Runtime, pipelines
from pipeline_engine.services.pages import Page
from pipeline_engine.services.pipelines import (
    AdministratorsOnly,
    PipelineFilter,
    PipelineRequest,
    SystemPipelineReadOnly,
)
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineRevision

ALICE = Caller(user_id="alice")
BOB = Caller(user_id="bob")


@pytest.fixture(scope="module")
def runtime(settings: Settings) -> Iterator[Runtime]:
    made = Runtime.start(settings)
    yield made
    made.stop()


def test_a_pipeline_keeps_the_version_of_its_author(session: Session, runtime: Runtime) -> None:
    """The reference answered with its own counter of changes instead."""
    request = PipelineRequest(document=a_document(description="every night"), icon="moon")

    stored = pipelines.create(ALICE, session, runtime, request)

    assert (stored.version, stored.pipeline.revision, stored.pipeline.lock_version) == (
        "1.0.0",
        1,
        1,
    )
    assert stored.pipeline.status == "ACTIVE"
    assert stored.pipeline.user_id == "alice"
    assert stored.pipeline.description == "every night"
    assert stored.document == request.document
    assert (stored.execution_count, stored.last_execution_at) == (0, None)


def test_a_pipeline_is_deleted_although_a_worker_has_its_executions_in_hand(
    engine: Engine, session: Session
) -> None:
    pipeline = a_pipeline(session, user_id="alice")
    first, second = (
        an_execution(session, user_id="alice", pipeline_id=pipeline.id).id for _ in range(2)
    )
    session.commit()
    touch = "UPDATE executions SET updated_at = now() WHERE id = %(id)s"

    with engine.connect() as worker, Session(engine) as ours:
        worker.exec_driver_sql(touch, {"id": second})

        def delete() -> None:
            pipelines.delete(ALICE, ours, pipeline.id)
            ours.commit()

        with in_background(delete):
            wait_until(lambda: waits_for_a_lock(engine), what="the deletion to wait")
            worker.exec_driver_sql(touch, {"id": first})  # each has what the other wants
            worker.commit()

    assert session.scalar(select(func.count()).select_from(Pipeline)) == 0
    assert set(session.scalars(select(Execution.pipeline_id))) == {None}


def waits_for_a_lock(engine: Engine) -> bool:
    with engine.connect() as connection:
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return bool(connection.exec_driver_sql(waits).scalar())


def test_the_steps_in_blocks_are_counted_too(session: Session, runtime: Runtime) -> None:
    document = a_document("a")
    block = {"id": "b", "name": "B", "steps": document["steps"]}
    request = PipelineRequest(document=document | {"steps": [block]})

    assert pipelines.create(ALICE, session, runtime, request).pipeline.step_count == 2


def test_a_definition_without_steps_is_a_draft_that_needs_only_a_name(
    session: Session, runtime: Runtime
) -> None:
    named = PipelineRequest(document={}, name="later")
    nameless = PipelineRequest(document={"steps": []})

    stored = pipelines.create(ALICE, session, runtime, named)

    assert (stored.pipeline.status, stored.pipeline.step_count) == ("DRAFT", 0)
    with pytest.raises(InvalidDefinition):
        pipelines.create(ALICE, session, runtime, nameless)


def test_a_wrong_definition_is_refused_with_every_error_at_once(
    session: Session, runtime: Runtime
) -> None:
    document = a_document("a", "b")
    document["steps"][0]["action"] = "no_such_action"
    document["steps"][1]["depends_on"] = ["nobody"]

    with pytest.raises(InvalidDefinition) as refused:
        pipelines.create(ALICE, session, runtime, PipelineRequest(document=document))

    codes = {issue.code for issue in refused.value.facts["report"].errors}
    assert {"unknown_action", "unknown_step"} <= codes
    assert session.scalar(select(func.count()).select_from(Pipeline)) == 0


def test_a_name_is_unique_for_each_owner_and_for_those_without_owner(
    session: Session, runtime: Runtime
) -> None:
    request = PipelineRequest(document=a_document())
    for caller in (ALICE, BOB, SYSTEM):
        pipelines.create(caller, session, runtime, request)
    session.commit()

    for caller in (ALICE, BOB, SYSTEM):
        with pytest.raises(DuplicateName, match="the name 'nightly' already exists"):
            pipelines.create(caller, session, runtime, request)
        session.rollback()


def test_two_who_choose_a_name_at_once_do_not_both_get_it(
    session: Session, engine: Engine, runtime: Runtime
) -> None:
    """The reference asked first and inserted afterwards."""
    request = PipelineRequest(document=a_document())
    with Session(engine) as rival:
        pipelines.create(ALICE, rival, runtime, request)
        rival.commit()

    with pytest.raises(DuplicateName):
        pipelines.create(ALICE, session, runtime, request)

    session.rollback()
    renamed = PipelineRequest(document=a_document(), name="other")
    assert pipelines.create(ALICE, session, runtime, renamed).pipeline.name == "other"


def test_the_owner_that_a_body_names_is_believed_from_services_only(
    session: Session, runtime: Runtime
) -> None:
    request = PipelineRequest(document=a_document(), user_id="bob")

    by_alice = pipelines.create(ALICE, session, runtime, request)
    by_service = pipelines.create(SYSTEM.acting_for("alice"), session, runtime, request)

    assert by_alice.pipeline.user_id == "alice"
    assert by_service.pipeline.user_id == "bob"


def test_pipelines_of_others_do_not_exist(session: Session) -> None:
    hers = a_pipeline(session, user_id="alice")

    for wrong in (hers.id, "not-a-uuid"):
        with pytest.raises(PipelineNotFound):
            pipelines.get(BOB, session, wrong)
        with pytest.raises(PipelineNotFound):
            pipelines.delete(BOB, session, wrong)
    assert pipelines.get(SYSTEM, session, hers.id).pipeline.id == hers.id


def test_everybody_may_read_a_system_pipeline_but_no_user_may_change_it(
    session: Session, runtime: Runtime
) -> None:
    """In the reference every user could edit and delete them."""
    system = a_pipeline(session, system_owned=True)
    request = PipelineRequest(document=a_document("a", "b"))

    assert pipelines.get(ALICE, session, system.id).pipeline.id == system.id
    with pytest.raises(SystemPipelineReadOnly):
        pipelines.delete(ALICE, session, system.id)
    with pytest.raises(SystemPipelineReadOnly):
        pipelines.update(ALICE, session, runtime, system.id, request, versions=None)
    assert pipelines.update(
        SYSTEM, session, runtime, system.id, request, versions={1}
    ).document == a_document("a", "b")


def test_a_user_cannot_make_a_system_pipeline(session: Session, runtime: Runtime) -> None:
    request = PipelineRequest(document=a_document(), system_owned=True)

    with pytest.raises(AdministratorsOnly):
        pipelines.create(ALICE, session, runtime, request)


def test_a_change_is_a_new_revision_and_the_old_one_stays(
    session: Session, runtime: Runtime
) -> None:
    first = pipelines.create(ALICE, session, runtime, PipelineRequest(document=a_document()))
    pipeline_id = first.pipeline.id
    longer = PipelineRequest(document=a_document("a", "b", version="2.0"))

    changed = pipelines.update(ALICE, session, runtime, pipeline_id, longer, versions={1})

    assert (changed.version, changed.pipeline.revision, changed.pipeline.lock_version) == (
        "2.0",
        2,
        2,
    )
    assert changed.pipeline.step_count == 2
    revisions = session.scalars(
        select(PipelineRevision.version).order_by(PipelineRevision.revision)
    ).all()
    assert revisions == ["1.0.0", "2.0"]


def test_a_new_name_alone_makes_no_revision(session: Session, runtime: Runtime) -> None:
    first = pipelines.create(ALICE, session, runtime, PipelineRequest(document=a_document()))
    renamed = PipelineRequest(document=a_document(), name="renamed")

    changed = pipelines.update(ALICE, session, runtime, first.pipeline.id, renamed, versions=None)

    assert (changed.pipeline.name, changed.pipeline.revision) == ("renamed", 1)
    assert changed.pipeline.lock_version == 2


def test_nobody_overwrites_what_they_have_not_seen(session: Session, runtime: Runtime) -> None:
    stored = pipelines.create(ALICE, session, runtime, PipelineRequest(document=a_document()))
    request = PipelineRequest(document=a_document("b"))
    pipelines.update(ALICE, session, runtime, stored.pipeline.id, request, versions={1})

    with pytest.raises(VersionMismatch, match="expected version 1, found 2"):
        pipelines.update(ALICE, session, runtime, stored.pipeline.id, request, versions={1})


def test_deleting_a_pipeline_keeps_its_executions(session: Session) -> None:
    """In the reference they went with it."""
    pipeline = a_pipeline(session)
    execution = an_execution(session, pipeline_id=pipeline.id)
    session.commit()

    pipelines.delete(SYSTEM, session, pipeline.id)
    session.commit()

    kept = session.scalars(select(Execution)).one()
    assert (kept.id, kept.pipeline_id) == (execution.id, None)
    assert session.scalar(select(func.count()).select_from(PipelineRevision)) == 2


def test_a_list_is_newest_first_and_holds_what_the_caller_may_see(session: Session) -> None:
    first = a_pipeline(session, name="first", user_id="alice")
    a_pipeline(session, name="bobs", user_id="bob")
    session.commit()
    second = a_pipeline(session, name="second", user_id="alice")
    system = a_pipeline(session, name="system", system_owned=True)
    session.commit()

    def names(caller: Caller, *, include_system: bool) -> set[str]:
        wanted = PipelineFilter(include_system=include_system)
        found = pipelines.listed(caller, session, wanted, Page(), with_document=False)
        return {entry.pipeline.name for entry in found.entries}

    own = pipelines.listed(ALICE, session, PipelineFilter(), Page()).entries
    assert [entry.pipeline.id for entry in own] == [second.id, first.id]
    assert own[0].document == a_document()
    assert names(ALICE, include_system=True) == {"first", "second", system.name}
    assert names(SYSTEM, include_system=False) == {"first", "second", "bobs", "system"}


@pytest.mark.parametrize(("recent", "queries"), [(None, 2), (20, 4)])
def test_a_list_costs_so_many_queries_and_counts_executions(
    session: Session, engine: Engine, recent: int | None, queries: int
) -> None:
    """The reference loaded every execution, step and event of every pipeline."""
    for number in range(10):
        pipeline = a_pipeline(session, name=str(number))
        an_execution(session, pipeline_id=pipeline.id)
        an_execution(session, pipeline_id=pipeline.id)
    session.commit()

    with statements_on(engine) as statements:
        found = pipelines.listed(SYSTEM, session, PipelineFilter(), Page(), recent=recent)

    assert {entry.execution_count for entry in found.entries} == {2}
    assert all(entry.last_execution_at for entry in found.entries)
    assert len(statements) == queries
