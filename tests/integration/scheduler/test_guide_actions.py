"""Actions that were written after the older guides run unchanged but for their import lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from support.driving import Driver, Look
from support.local_service import Answer, LocalService, local_service
from support.parked_job import accept

from pipeline_engine.registry import Registry
from pipeline_engine.scheduler.runtime import Runtime

pytest_plugins = ["pytester"]

PLUGINS = Path(__file__).parents[2] / "plugins"
ENTRY_POINTS = """\
[pipeline_engine.actions]
log = guide_pipeline_actions.log:LogAction
deployment_delete = guide_pipeline_actions.deployment_delete:DeploymentDeleteAction
model_add = guide_pipeline_actions.model_add:ModelAddAction
guardrail.validate_credential = guide_pipeline_actions.validate_credential:ValidateCredentialAction
guardrail.batch_onboard_models = guide_pipeline_actions.batch_onboard:BatchOnboardAction
"""
#: The guides leave it to their readers to install it; this much of it is used.
ASYNCIO = """
import asyncio
import inspect


def pytest_configure(config):
    config.addinivalue_line("markers", "asyncio: runs in a loop of its own")


def pytest_pyfunc_call(pyfuncitem):
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        names = pyfuncitem._fixtureinfo.argnames
        asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
        return True
"""


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The actions of a package that has nothing but those of the guides."""
    folder = tmp_path_factory.mktemp("installed")
    package = folder / "guide_pipeline_actions-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: guide-actions\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(ENTRY_POINTS)
    (found,) = metadata.distributions(path=[str(folder)])
    sys.path.insert(0, str(PLUGINS))
    yield Registry.discover(found.entry_points)
    sys.path.remove(str(PLUGINS))


@pytest.fixture
def peer() -> Iterator[LocalService]:
    with local_service() as running:
        yield running


@pytest.fixture
def driver(settings, engine, redis, guide: Registry, peer: LocalService) -> Iterator[Driver]:
    with_peer = replace(settings, service_urls={"budapp": peer.url})
    runtime = Runtime.start(with_peer, registry=guide)
    yield Driver(runtime)
    runtime.stop()


def parked(driver: Driver, action: str, params: dict[str, Any]) -> Any:
    """Start a step, and let it go as far as it gets without an event."""
    execution_id = driver.start({"id": "a", "name": "A", "action": action, "params": params})
    driver.settle()
    assert driver.look(execution_id).step("a").status == "RUNNING", "it waits"
    return execution_id


def ended(driver: Driver, execution_id: Any) -> tuple[str, dict[str, Any]]:
    look: Look = driver.finish(execution_id)
    return look.status, look.step("a").outputs


def test_all_actions_of_the_guides_are_found_and_none_is_broken(guide):
    assert dict(guide.broken) == {}
    assert guide.types() == [
        "deployment_delete",
        "guardrail.batch_onboard_models",
        "guardrail.validate_credential",
        "log",
        "model_add",
    ]


def test_the_log_action_of_the_guide_runs(driver):
    end = driver.run(
        {"id": "a", "name": "A", "action": "log", "params": {"message": "Hi", "level": "warning"}}
    )

    assert end.step("a").outputs == {"logged": True, "message": "Hi", "level": "warning"}


def test_a_deletion_ends_with_the_event_that_the_guide_waits_for(driver, peer):
    peer.answer("POST /endpoints/e-1/delete-workflow", {"workflow_id": "wf-1"})
    execution_id = parked(driver, "deployment_delete", {"endpoint_id": "e-1"})

    content = {"status": "COMPLETED", "message": "Gone"}
    payload = {"event": "results", "workflow_id": "wf-1", "content": content}
    accept(driver, key="1", workflow_id="wf-1", type="notification", payload=payload)

    (request,) = peer.received
    assert request.body == {"callback_topic": "budpipelineEvents"}
    assert "idempotency-key" in request.headers
    status, outputs = ended(driver, execution_id)
    assert (status, outputs["success"], outputs["message"]) == ("COMPLETED", True, "Gone")
    assert (outputs["endpoint_id"], outputs["workflow_id"]) == ("e-1", "wf-1")


def test_a_deletion_fails_with_the_words_of_its_peer(driver, peer):
    peer.answer("POST /endpoints/e-1/delete-workflow", {"workflow_id": "wf-1"})
    execution_id = parked(driver, "deployment_delete", {"endpoint_id": "e-1"})

    payload = {"event": "x", "content": {"status": "FAILED", "message": "In use"}}
    accept(driver, key="1", workflow_id="wf-1", type="notification", payload=payload)

    look = driver.finish(execution_id)
    assert (look.status, look.step("a").error_message) == ("FAILED", "In use")


def test_a_deletion_that_its_peer_refuses_fails_with_its_words(driver, peer):
    peer.answer("POST /endpoints/e-1/delete-workflow", {"detail": "no"}, status=409)

    end = driver.run(
        {"id": "a", "name": "A", "action": "deployment_delete", "params": {"endpoint_id": "e-1"}}
    )

    assert (end.status, end.step("a").error_message) == ("FAILED", "no")


def test_a_model_is_added_by_the_action_that_calls_a_route_a_method(driver, peer):
    peer.answer("POST /models/add", {"success": True, "workflow_id": "wf-1"})
    params = {"huggingface_id": "org/guard", "description": "A guard"}
    execution_id = parked(driver, "model_add", params)

    event = {"type": "workflow_completed", "status": "COMPLETED", "model_id": "m-1"}
    accept(driver, key="1", workflow_id="wf-1", **event)

    assert peer.received[0].body["name"] == "guard"
    assert ended(driver, execution_id) == (
        "COMPLETED",
        {
            "success": True,
            "model_id": "m-1",
            "model_name": "guard",
            "workflow_id": "wf-1",
            "status": "completed",
            "message": "Model added successfully",
        },
    )


def test_a_credential_is_validated_and_a_missing_one_fails_the_step(driver, peer):
    peer.answer("GET /credentials/c-1", {"data": {"type": "hugging_face"}})
    good, bad = (
        driver.run(
            {
                "id": "a",
                "name": "A",
                "action": "guardrail.validate_credential",
                "params": {"credential_id": credential},
                "retry": {"max_attempts": 1},
            }
        )
        for credential in ("c-1", "c-2")
    )

    assert good.step("a").outputs == {
        "valid": True,
        "credential_id": "c-1",
        "credential_type": "hugging_face",
    }
    assert bad.step("a").status == "FAILED"
    assert bad.step("a").error_message == "Failed to validate credential: No GET /credentials/c-2"


@pytest.mark.parametrize("last", ["COMPLETED", "FAILED"])
def test_a_batch_waits_for_all_of_the_jobs_whose_ids_it_has_joined_with_commas(driver, peer, last):
    models = [{"rule_id": f"r-{n}", "model_uri": f"org/m-{n}"} for n in (1, 2)]
    answers = [{"data": {"workflow_id": f"wf-{n}"}} for n in (1, 2)]
    route = "POST /models/local-model-workflow"
    peer.answer_in_turn(route, *(Answer(body=body) for body in answers))
    params = {"models": models, "credential_id": "c-1"}
    execution_id = parked(driver, "guardrail.batch_onboard_models", params)

    first = {"status": "COMPLETED", "result": {"model_id": "m-1"}}
    accept(driver, key="1", workflow_id="wf-1", type="workflow_completed", **first)
    driver.settle()
    assert driver.look(execution_id).step("a").outputs["completed"] == 1
    second = {"status": last, "result": {"model_id": "m-2"}, "reason": "No space"}
    accept(driver, key="2", workflow_id="wf-2", type="workflow_completed", **second)

    status, outputs = ended(driver, execution_id)
    assert (status, outputs["all_succeeded"]) == (last, last == "COMPLETED")
    assert outputs["results"][0]["model_id"] == "m-1"


@pytest.mark.parametrize(("template", "tests"), [("unit_test", 2), ("registry_test", 5)])
def test_the_tests_that_the_guides_give_as_templates_pass(
    pytester: pytest.Pytester, template: str, tests: int
):
    text = (PLUGINS / "guide_pipeline_actions" / f"{template}_template.py").read_text()
    pytester.makeconftest(ASYNCIO)
    pytester.makepyfile(**{f"test_{template}": text})
    pytester.syspathinsert(PLUGINS)

    run = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    run.assert_outcomes(passed=tests)
