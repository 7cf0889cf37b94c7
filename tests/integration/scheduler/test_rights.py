"""An execution acts with the rights of whoever has started it, and with no more."""

from __future__ import annotations

from typing import Any

import pytest
from support.factories import a_document, a_pipeline, a_step, an_action

from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.errors import PermissionDenied, PipelineNotFound
from pipeline_engine.sdk import ActionResult
from pipeline_engine.services import executions, pipelines
from pipeline_engine.services.executions import StartRequest
from pipeline_engine.services.pipelines import PipelineRequest

READER = Caller("ada", rights=frozenset({"executions:run"}), principal="token:1")
WRITER = Caller("ada", rights=frozenset({"executions:run", "model:write"}), principal="token:2")
RETRAIN = a_step("retrain", action="retrain", params={})


@pytest.fixture
def driver(drive: Any) -> Any:
    retrain = an_action(
        "retrain", lambda context: ActionResult(success=True), required_permissions=("model:write",)
    )
    return drive(retrain)


def run(driver: Any, caller: Caller, *steps: dict[str, Any], **fields: Any) -> Any:
    """The end of an execution that *caller* starts."""
    document = a_document(*steps, **fields)
    started = executions.run_ephemeral(caller, driver.runtime, document, StartRequest())
    return driver.finish(started.id)


IN_A_BLOCK = {"id": "both", "name": "both", "steps": [RETRAIN]}
FOR_EACH = a_step(
    "each", action="for_each", params={"items": [1, 2], "action": "retrain", "action_params": {}}
)
UNDONE = a_step("a") | {"compensate": {"action": "retrain", "params": {}}}


UNDONE_BY_A_LOOP = a_step("a") | {
    "compensate": {"action": "for_each", "params": FOR_EACH["params"]}
}
EVERYWHERE = pytest.mark.parametrize(
    ("steps", "fields"),
    [
        ([RETRAIN], {}),
        ([RETRAIN | {"action": "retrain@1"}], {}),
        ([IN_A_BLOCK], {}),
        ([FOR_EACH], {}),
        ([UNDONE], {}),
        ([UNDONE_BY_A_LOOP], {}),
        ([a_step("a")], {"settings": {"finally": [RETRAIN]}}),
    ],
    ids=["step", "version", "block", "inner action", "undo", "inner of undo", "handler"],
)


@EVERYWHERE
def test_who_lacks_a_right_that_an_action_asks_for_starts_nothing(
    driver: Any, steps: list[dict[str, Any]], fields: dict[str, Any]
) -> None:
    with pytest.raises(PermissionDenied, match=r"retrain(@1)? needs the right model:write"):
        run(driver, READER, *steps, **fields)

    end = run(driver, WRITER, *steps, **fields)

    assert end.status == "COMPLETED"
    assert end.execution.authority["started_by"] == "token:2"


@EVERYWHERE
def test_who_lacks_a_right_that_an_action_asks_for_saves_nothing(
    driver: Any, session: Any, steps: list[dict[str, Any]], fields: dict[str, Any]
) -> None:
    request = PipelineRequest(document=a_document(*steps, **fields))

    with pytest.raises(PermissionDenied, match=r"retrain.* needs the right model:write, which who"):
        pipelines.create(READER, session, driver.runtime, request)
    stored = pipelines.create(WRITER, session, driver.runtime, request)
    with pytest.raises(PermissionDenied) as refused:
        pipelines.update(
            READER, session, driver.runtime, stored.pipeline.id, request, versions=None
        )

    assert refused.value.facts["missing"] == ["model:write"]
    assert refused.value.facts["action"].startswith("retrain")
    assert {"step_id"} <= refused.value.facts.keys()


def test_a_service_saves_what_its_own_rights_allow_whomever_it_acts_for(
    driver: Any, session: Any
) -> None:
    request = PipelineRequest(document=a_document(RETRAIN), user_id="bob")
    service = Caller(rights=frozenset({"owners:any", "pipelines:write"}), principal="token:3")

    with pytest.raises(PermissionDenied, match="needs the right model:write"):
        pipelines.create(service, session, driver.runtime, request)

    assert pipelines.create(SYSTEM, session, driver.runtime, request).pipeline.user_id == "bob"


def test_a_draft_without_steps_asks_for_no_right(driver: Any, session: Any) -> None:
    request = PipelineRequest(document={"name": "draft", "steps": []})

    assert pipelines.create(READER, session, driver.runtime, request).pipeline.status == "DRAFT"


def test_a_right_that_an_action_asks_for_since_the_start_is_missed_when_it_runs(
    drive: Any, driver: Any
) -> None:
    asks_nothing = drive(an_action("retrain", lambda context: ActionResult(success=True)))
    document = a_document(RETRAIN | {"retry": {"max_attempts": 3}})
    started = executions.run_ephemeral(READER, asks_nothing.runtime, document, StartRequest())

    end = driver.finish(started.id)

    assert (end.status, end.step("retrain").attempt) == ("FAILED", 1)
    assert end.step("retrain").error_code == "permission_denied"


def test_a_sub_pipeline_has_no_more_rights_than_the_execution_that_starts_it(
    driver: Any, session: Any
) -> None:
    child = a_pipeline(session, RETRAIN, name="child")
    child.user_id = "ada"
    session.commit()
    call = a_step("call", action="run_pipeline", params={"pipeline": "child"})

    refused, allowed = run(driver, READER, call), run(driver, WRITER, call)

    assert refused.step("call").error_code == "permission_denied"
    assert allowed.status == "COMPLETED"


def test_a_sub_pipeline_is_told_for_whom_it_runs_by_the_engine_and_not_by_the_step(
    driver: Any, session: Any
) -> None:
    child = a_pipeline(
        session,
        a_step("a"),
        name="child",
        parameters=[{"name": "user_id"}],
        outputs={"acts_for": "{{ params.user_id }}"},
    )
    child.system_owned = True
    session.commit()
    given = {"pipeline": "child", "params": {"user_id": "bob"}}

    end = run(driver, READER, a_step("call", action="run_pipeline", params=given))

    assert end.step("call").outputs["outputs"] == {"acts_for": "ada"}


@pytest.mark.parametrize(("owner", "found"), [("group:ops", True), ("group:dev", False)])
def test_a_sub_pipeline_is_one_that_whoever_started_may_see(
    driver: Any, session: Any, owner: str, found: bool
) -> None:
    child = a_pipeline(session, a_step("a"), name="child")
    child.user_id = owner
    session.commit()
    member = Caller("ada", others=frozenset({"group:ops"}))

    end = run(driver, member, a_step("call", action="run_pipeline", params={"pipeline": "child"}))

    code = None if found else PipelineNotFound.code
    assert end.step("call").error_code == code


def test_what_an_older_version_has_started_may_do_what_it_could_do(driver: Any) -> None:
    document = a_document(RETRAIN)
    started = executions.run_ephemeral(WRITER, driver.runtime, document, StartRequest())
    with driver.runtime.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE executions SET authority = NULL")

    assert driver.finish(started.id).status == "COMPLETED"
