"""Who may say what, and what is refused before anything is changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from support.guardrails import ALICE, BOB, Begin, GuardrailDriver, Wizard, behaving, peers_of
from support.runtimes import MakeRuntime
from support.stand_ins import StandIns

from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.errors import (
    GuardrailStepNotReached,
    GuardrailWorkflowNotFound,
    IdempotencyKeyReused,
    InvalidGuardrailStep,
    PeerUnavailable,
    PermissionDenied,
    TooManyOpenExecutions,
    VersionMismatch,
)
from pipeline_engine.guardrails import workflows
from pipeline_engine.guardrails.rules.requests import StepRequest
from pipeline_engine.services.pages import Page
from pipeline_engine.storage.tables.executions import Execution
from pipeline_engine.storage.tables.guardrails import GuardrailWorkflow

BEGIN = StepRequest.of({"workflow_total_steps": 12, "step_number": 1, "provider_id": "p"})


def count(driver: GuardrailDriver, table: type[Any]) -> int | None:
    with driver.runtime.sessions() as session:
        return session.scalar(select(func.count()).select_from(table))


@pytest.mark.parametrize(
    ("step", "fields", "expected"),
    [
        (2, {"project_id": "missing-1"}, ("/project_id", "unknown_project")),
        (3, {"probe_selections": [{"id": "missing"}]}, ("/probe_selections/0/id", "unknown_probe")),
        (
            3,
            {"probe_selections": [{"id": "harm", "rules": [{"id": "none"}]}]},
            ("/probe_selections/0/rules/0/id", "unknown_rule"),
        ),
        (3, {"guardrail_profile_id": "missing"}, ("/guardrail_profile_id", "unknown_profile")),
        (5, {"credential_id": "missing"}, ("/credential_id", "unknown_credential")),
        (5, {"credential_id": ".."}, ("/credential_id", "unknown_credential")),
        (5, {"credential_id": "../.."}, ("/credential_id", "unknown_credential")),
    ],
)
def test_what_budapp_does_not_have_is_told_with_its_place(
    begin: Begin, step: int, fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    alice = begin()
    before = alice.go_to(step - 1)

    with pytest.raises(InvalidGuardrailStep) as refused:
        alice.say(step, **fields)

    assert [(one.pointer, one.code) for one in refused.value.facts["problems"]] == [expected]
    assert alice.view() == before


def test_while_budapp_is_away_nothing_is_changed(begin: Begin, peers: StandIns) -> None:
    alice = begin()
    before = alice.go_to(2)

    away = behaving(peers, errors={"/budapp/guardrails/probe": 503})
    with away, pytest.raises(PeerUnavailable):
        alice.say(3)

    assert alice.view() == before
    assert alice.say(3).workflow_steps["model_statuses"]


def test_a_step_too_far_is_refused_as_a_whole(begin: Begin, driver: GuardrailDriver) -> None:
    alice = begin()

    with pytest.raises(GuardrailStepNotReached):
        alice.say(5)

    assert count(driver, GuardrailWorkflow) == 0


def test_what_may_not_be_started_is_not_said_either(
    begin: Begin, make_runtime: MakeRuntime, peers: StandIns
) -> None:
    alice = begin()
    before = alice.go_to(4)
    full = make_runtime(service_urls=peers_of(peers), max_open_executions=1)
    Wizard(GuardrailDriver(full, peers)).go_to(5)
    alice.driver.runtime = full

    with pytest.raises(TooManyOpenExecutions):
        alice.say(5)

    assert alice.view() == before


def test_what_was_committed_runs_although_nothing_could_be_sent(
    begin: Begin, make_runtime: MakeRuntime, peers: StandIns
) -> None:
    alice = begin()
    alice.go_to(4)
    usual = alice.driver.runtime
    alice.driver.runtime = make_runtime(
        service_urls=peers_of(peers), redis_url="redis://127.0.0.1:1/0"
    )

    started = alice.say(5)
    alice.driver.runtime = usual

    assert started.phase == "onboarding"
    assert alice.finish().phase == "collecting"


def test_a_rule_that_was_linked_needs_no_onboarding(begin: Begin, driver: GuardrailDriver) -> None:
    alice = begin()
    with driver.runtime.sessions.begin() as session:
        workflows.link_rule(ALICE, session, f"{alice.probe}-rule-1", "model-1")
        workflows.link_rule(ALICE, session, f"{alice.probe}-rule-2", "old")
        workflows.link_rule(SYSTEM, session, f"{alice.probe}-rule-1", "of-the-system")
        workflows.link_rule(ALICE, session, f"{alice.probe}-rule-2", "model-2")

    alice.go_to(3)
    with driver.runtime.sessions() as session:
        told = workflows.model_status(ALICE, session, str(alice.id))

    assert [one.model_id for one in told.models] == ["model-1", "model-2"]
    assert (told.models_requiring_onboarding, told.skip_to_step) == (0, 6)


def test_the_probes_of_an_existing_profile_are_taken(begin: Begin, peers: StandIns) -> None:
    first, second = begin(), begin()
    first.go_to(12)
    profile_id = first.finish().workflow_steps["profile_id"]
    second.go_to(2)

    view = second.say(3, guardrail_profile_id=profile_id)

    assert (view.workflow_steps["probe_selections"], view.next_step) == (None, 9)
    assert len(view.workflow_steps["models_to_reuse"]) == 2


# ── Whose it is ──────────────────────────────────────────────────────────────────────────


def test_what_belongs_to_another_user_is_not_there(begin: Begin, driver: GuardrailDriver) -> None:
    alice = begin()
    alice.say(1)
    bob = Wizard(driver, BOB)
    bob.id = alice.id

    for ask in (bob.view, bob.cancel, lambda: bob.say(2)):
        with pytest.raises(GuardrailWorkflowNotFound):
            ask()
    with driver.runtime.sessions() as session:
        mine, everybodys = (
            workflows.listed(who, session, status="in_progress", page=Page())
            for who in (BOB, SYSTEM)
        )
    assert (mine.total, everybodys.total) == (0, 1)


def test_a_member_goes_on_with_what_is_his_groups(begin: Begin, driver: GuardrailDriver) -> None:
    group = begin(caller=replace(ALICE, user_id="group:ops"))
    group.go_to(4)
    member = Wizard(driver, Caller("carol", frozenset({"group:ops"}), ALICE.rights - {"admin"}))
    member.id = group.id

    view = member.say(5)

    with driver.runtime.sessions() as session:
        assert session.get_one(Execution, view.runs[0].execution_id).user_id == "group:ops"


def test_a_token_that_is_bound_to_pipelines_begins_none(driver: GuardrailDriver) -> None:
    bound = Caller("alice", only_pipelines=frozenset())

    with pytest.raises(PermissionDenied):
        workflows.submit(bound, driver.runtime, BEGIN, key=None, digest="")


# ── Again, and at the same time ──────────────────────────────────────────────────────────


def test_a_key_begins_one_workflow(driver: GuardrailDriver) -> None:
    def submit(digest: str, caller: Caller = ALICE) -> tuple[Any, bool]:
        return workflows.submit(caller, driver.runtime, BEGIN, key="k", digest=digest)

    (first, is_new), (again, is_new_again) = submit("a"), submit("a")

    assert (again.id, is_new, is_new_again) == (first.id, True, False)
    assert submit("a", BOB)[0].id != first.id
    with pytest.raises(IdempotencyKeyReused):
        submit("b")


def test_an_old_version_overwrites_nothing(begin: Begin, driver: GuardrailDriver) -> None:
    alice = begin()
    first = alice.say(1)
    second = alice.say(2)
    said = {"workflow_id": str(alice.id), "step_number": 2, "project_id": "another"}
    body, old = StepRequest.of(said), {first.version}

    with pytest.raises(VersionMismatch):
        alice.say(2, project_id="another", version=first.version)
    with pytest.raises(VersionMismatch):
        workflows.submit(ALICE, driver.runtime, body, key=None, digest="", versions=old)

    assert alice.view() == second
    assert alice.say(2, project_id="another", version=second.version).version == 3
