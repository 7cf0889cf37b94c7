"""The pipelines that come with the engine: stored once, updated, and never taken from anybody."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from support.history_rows import a_pipeline

from pipeline_engine.cli import main
from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.errors import GuardrailPipelinesMissing, InvalidDefinition
from pipeline_engine.guardrails import shipping
from pipeline_engine.guardrails.shipping import PIPELINES, Outcome
from pipeline_engine.registry import RegisteredAction, Registry
from pipeline_engine.services import executions, pipelines
from pipeline_engine.services.executions import StartRequest
from pipeline_engine.services.pipelines import PipelineRequest
from pipeline_engine.storage.tables.audit_log import AuditRecord
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineRevision

NAME = "guardrail-model-onboarding"
Ship = Callable[..., Outcome]


@pytest.fixture(scope="module")
def registry(installed_actions: list[RegisteredAction]) -> Registry:
    return Registry(installed_actions)


@pytest.fixture
def document() -> dict[str, Any]:
    return shipping.document(NAME)


@pytest.fixture
def ship(session: Session, registry: Registry, document: dict[str, Any]) -> Ship:
    """Ship one pipeline, as an engine with this document and version does."""

    def ship(version: str = "1.0", *, take_ours: bool = False, **changes: Any) -> Outcome:
        (one,) = shipping.ship(
            session,
            registry,
            take_ours=[NAME] if take_ours else [],
            documents={NAME: document | changes},
            engine_version=version,
        )
        session.commit()
        assert one.revision == pipeline(session).revision
        return one.outcome

    return ship


@pytest.fixture
def edit(session: Session, make_runtime, document: dict[str, Any]) -> Callable[..., None]:
    """What an administrator does over the API."""

    def edit(**changes: Any) -> None:
        request = PipelineRequest(document=document | changes)
        found = pipeline(session).id
        pipelines.update(SYSTEM, session, make_runtime(), found, request, versions=None)
        session.commit()

    return edit


def pipeline(session: Session) -> Pipeline:
    return session.get_one(Pipeline, shipping.shipped_id(session.connection(), NAME))


def said(session: Session) -> str:
    found = pipeline(session)
    wanted = (PipelineRevision.pipeline_id == found.id) & (
        PipelineRevision.revision == found.revision
    )
    document = session.scalars(select(PipelineRevision.document).where(wanted)).one()
    return str(document["description"])


def test_all_three_are_pipelines_of_the_system_with_the_versions_of_their_actions(
    session: Session, registry: Registry
):
    shipped = shipping.ship(session, registry)

    assert [(one.name, one.outcome) for one in shipped] == [
        (name, Outcome.CREATED) for name in PIPELINES
    ]
    found = session.scalars(select(Pipeline)).all()
    assert {(one.system_owned, one.user_id, one.status) for one in found} == {
        (True, None, "ACTIVE")
    }
    stored = pipelines.get(SYSTEM, session, shipping.shipped_id(session.connection(), NAME))
    assert stored.document == shipping.document(NAME)
    assert stored.action_versions["guardrail_batch_onboard_models"] == "1.0.0"


def test_the_same_document_changes_nothing_and_another_one_is_a_revision(session, ship):
    outcomes = [ship(), ship(), ship("1.1"), ship("1.1", description="better")]

    assert outcomes == [Outcome.CREATED, Outcome.UNCHANGED, Outcome.UNCHANGED, Outcome.UPDATED]
    assert (pipeline(session).revision, pipeline(session).lock_version) == (2, 2)
    assert [row.act for row in session.scalars(select(AuditRecord).order_by(AuditRecord.id))] == [
        "pipeline.create",
        "pipeline.replace",
    ]


def test_an_older_engine_beside_a_newer_one_does_not_write_back(session, ship):
    outcomes = [ship(description="old"), ship("1.10", description="new")]
    outcomes += [ship("1.9", description="old"), ship("1.10", description="new")]

    assert outcomes[2:] == [Outcome.NEWER, Outcome.UNCHANGED]
    assert said(session) == "new"
    assert ship("1.9", description="old", take_ours=True) is Outcome.UPDATED, "of a way back"


def test_an_execution_keeps_the_revision_that_it_was_started_with(session, ship, make_runtime):
    ship()
    values = {"workflow_id": "w", "models_to_onboard": [], "credential_id": "c", "user_id": "u"}
    wanted = StartRequest(params=values)
    executions.start(SYSTEM, make_runtime(), pipeline(session).id, wanted)
    before = session.scalars(select(Execution.revision_id)).one()

    ship("1.1", description="better")

    session.expire_all()
    assert session.scalars(select(Execution.revision_id)).one() == before
    assert session.get_one(PipelineRevision, before).revision == 1


def test_what_an_administrator_has_edited_stays_until_he_asks_for_ours(session, ship, edit):
    ship()
    edit(description="mine")

    kept = [ship(), ship("1.1", description="better")]
    untouched = said(session)
    taken = ship("1.1", description="better", take_ours=True)

    assert kept == [Outcome.KEPT, Outcome.KEPT]
    assert untouched == "mine"
    assert (taken, said(session)) == (Outcome.UPDATED, "better")
    assert ship("1.2", description="best") is Outcome.UPDATED, "as it is ours again"


def test_an_edit_that_was_taken_back_is_none(session, ship, edit):
    ship()
    edit(description="mine")
    edit()

    assert ship("1.1", description="better") is Outcome.UPDATED


def test_one_that_was_renamed_is_somebodys_own(session, ship, edit):
    ship()
    edit(name="other")

    assert ship("1.1", description="better") is Outcome.KEPT
    assert ship("1.1", take_ours=True) is Outcome.UPDATED
    assert pipeline(session).name == NAME


def test_one_that_was_deleted_is_shipped_anew_and_until_then_its_want_is_named(session, ship):
    ship()
    pipelines.delete(SYSTEM, session, pipeline(session).id)
    session.commit()

    with pytest.raises(GuardrailPipelinesMissing, match="pipeline-engine db upgrade"):
        shipping.shipped_id(session.connection(), NAME)

    assert ship() is Outcome.CREATED


def test_one_of_a_user_with_the_same_name_is_nobodys_business(session, ship):
    theirs = a_pipeline(session, name=NAME, user_id="alice")
    shared = a_pipeline(session, name=NAME, user_id="bob", system_owned=True)

    assert ship() is Outcome.CREATED
    assert pipeline(session).id not in {theirs.id, shared.id}
    assert {one.revision for one in (theirs, shared)} == {1}


@pytest.mark.parametrize(("is_ours", "outcome"), [(True, Outcome.UNCHANGED), (False, Outcome.KEPT)])
def test_one_that_the_system_had_before_is_adopted_only_if_it_says_the_same(
    session, make_runtime, document, registry, is_ours, outcome
):
    said = document if is_ours else document | {"description": "mine"}
    wanted = PipelineRequest(document=said, system_owned=True)
    pipelines.create(SYSTEM, session, make_runtime(), wanted)

    (one,) = shipping.ship(session, registry, documents={NAME: document})

    assert one.outcome is outcome
    assert session.scalars(select(Pipeline.revision)).all() == [1]


def test_two_at_once_store_them_once(engine: Engine, session, registry: Registry):
    outcomes: list[Outcome] = []
    together = threading.Barrier(2)

    def ship() -> None:
        with Session(engine) as own, own.begin():
            together.wait()
            outcomes.extend(one.outcome for one in shipping.ship(own, registry))

    threads = [threading.Thread(target=ship) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [Outcome.CREATED] * 3 + [Outcome.UNCHANGED] * 3
    assert len(session.scalars(select(Pipeline)).all()) == 3


def test_a_document_whose_actions_are_not_installed_is_an_error(session, registry, document):
    broken = deepcopy(document)
    broken["steps"][0]["action"] = "of_tomorrow"

    with pytest.raises(InvalidDefinition, match="of_tomorrow"):
        shipping.ship(session, registry, documents={NAME: broken})


def test_the_command_says_what_it_has_stored_and_what_was_edited(
    database_url, session, edit, engine
):
    def run(*words: str) -> str:
        done = CliRunner().invoke(
            main, ["db", "upgrade", *words], env={"DATABASE_URL": database_url}
        )
        assert done.exit_code == 0, done.output
        return done.output

    first, second = run(), run()
    edit(description="mine")
    third, told = run(), json.loads(run("--json"))
    fourth = run("--take-ours", NAME)

    assert f"The pipeline {NAME} was stored." in first
    assert second == "The schema is up to date.\n"
    assert f"{NAME} was edited here and stays as it is; --take-ours {NAME} replaces it." in third
    assert [one["outcome"] for one in told["pipelines"]] == ["kept", "unchanged", "unchanged"]
    assert f"The pipeline {NAME} was updated: revision 3." in fourth
