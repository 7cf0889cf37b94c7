"""The guardrail pipelines, real processes and unruly peers: all of it, or nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from support.observing import Run, parked
from support.waiting import wait_until

from pipeline_engine.client import Client, Snapshot
from pipeline_engine.demo import samples
from pipeline_engine.demo.peers.process import PeersProcess
from pipeline_engine.domain.states import ExecutionStatus, StepStatus
from pipeline_engine.embedded.stack import Stack

INTERNAL = "/budapp/internal/guardrails"
#: The call of each step that makes something, or asks for it.
CALLS = {
    "deploy_models": "POST /budapp/models/deploy-workflow",
    "create_profile": f"POST {INTERNAL}/profiles",
    "create_deployment": f"POST {INTERNAL}/deployments",
    "build_config": f"GET {INTERNAL}/deployments/",
    "sync_redis": f"PUT {INTERNAL}/redis/",
}
#: Longer than it takes to begin all that is to be interrupted.
UNTIL_THE_END = 60
ONCE = {"max_attempts": 1}


@pytest.fixture
def peers(peers: PeersProcess) -> Iterator[PeersProcess]:
    """The unruly peers, quickly; what else they were told is forgotten after the test."""
    peers.control(event_delay=[0.05, 0.3])
    yield peers
    peers.control(errors={}, hangs_up=[], delays={}, ignores_cancel=[], failing=[], silent=False)


def params_for(count: int = 2, **more: Any) -> dict[str, Any]:
    models = [{"rule_id": f"r-{n}", "model_id": f"m-{uuid4()}"} for n in range(count)]
    return samples.deployment_params(models, "cluster-amsterdam") | more


def deploy(client: Client, params: dict[str, Any] | None = None) -> Run:
    document = samples.pipeline(samples.DEPLOYMENT)
    return Run(client, client.run(document, params or params_for())["execution_id"])


def has(step_id: str, status: StepStatus) -> Callable[[Snapshot], bool]:
    """Whether a step has this status; a handler is no step before it is needed."""
    return lambda now: any(one.step_id == step_id and one.status is status for one in now.steps)


def made(peers: PeersProcess, run: Run) -> dict[str, list[Any]]:
    """Ids of what an execution has made so far, whether it is still there or not."""
    journal, mine = peers.journal(), {"execution_id": run.id}
    jobs = [job for job in journal["starts"] if mine.items() <= job["facts"].items()]
    found: dict[str, list[Any]] = {"jobs": jobs}
    found["endpoints"] = [job["made_id"] for job in jobs if job["status"] == "completed"]
    for noun in ("profiles", "deployments"):
        things = [*journal["there"][noun], *journal["deleted"][noun]]
        found[noun] = [one["id"] for one in things if one.get("execution_id") == run.id]
    return found


def nothing_is_left(peers: PeersProcess, run: Run) -> None:
    """Each was made once and deleted once, and the gateway knows of nothing."""
    gone = wait_until(lambda: _all_is_deleted(peers, run), what=f"the end of what {run.id} made")
    assert gone
    journal, found = peers.journal(), made(peers, run)
    assert len({job["facts"]["model_id"] for job in found["jobs"]}) == len(found["jobs"])
    assert {len(found[noun]) for noun in ("profiles", "deployments")} <= {0, 1}
    deleted = [job["subject"] for job in journal["starts"] if job["kind"] == "deletion"]
    assert [deleted.count(one) for one in found["endpoints"]] == [1] * len(found["endpoints"])
    for profile in found["profiles"]:
        assert f"guardrail_table:{profile}" not in journal["tables"]
        assert {"guardrail_profile": profile} not in journal["tables"].values()


def _all_is_deleted(peers: PeersProcess, run: Run) -> bool:
    there = peers.journal()["there"]
    return not any(one.get("execution_id") == run.id for noun in there for one in there[noun])


def says_what_was_undone(
    peers: PeersProcess, run: Run, handler: str = "rollback"
) -> dict[str, list[str]]:
    """Check that the handler names all that was made, whoever has taken it back."""
    told, found = run.outputs(handler), made(peers, run)
    assert (told["status"], told["errors"]) == ("success", [])
    cleaned: dict[str, list[str]] = told["cleaned_up"]
    for noun in ("endpoints", "profiles", "deployments"):
        assert sorted(cleaned[noun]) == sorted(found[noun]), noun
    return cleaned


def test_the_three_pipelines_one_after_the_other_end_with_a_guarded_endpoint(
    client: Client, peers: PeersProcess
) -> None:
    uris = (f"org/{uuid4()}", f"org/{uuid4()}")

    def runs(name: str, params: dict[str, Any]) -> dict[str, Any]:
        run = Run(client, client.run(samples.pipeline(name), params)["execution_id"])
        return run.ends_well().outputs or {}

    onboarded = runs(samples.ONBOARDING, samples.onboarding_params(uris))["onboarded_models"]
    found = runs(samples.RECOMMENDATION, samples.recommendation_params(onboarded))
    cluster = found["recommended_clusters"][0]["cluster_id"]
    deployed = runs(samples.DEPLOYMENT, samples.deployment_params(onboarded, cluster))

    assert len(deployed["endpoint_urls"]) == 2
    tables = peers.journal()["tables"]
    rules = tables[f"guardrail_table:{deployed['profile_id']}"]["providers"]["bud_sentinel"]
    assert len(rules["rule_overrides_json"]) == 2
    assert tables["model_table:endpoint-1"] == {"guardrail_profile": deployed["profile_id"]}


def test_the_third_of_three_deployments_fails_and_the_first_two_are_taken_back(
    client: Client, peers: PeersProcess
) -> None:
    params = params_for(3)
    peers.control(failing=[params["models_to_deploy"][2]["model_id"]])

    run = deploy(client, params)
    end = run.end()

    assert end.status is ExecutionStatus.FAILED
    nothing_is_left(peers, run)
    says_what_was_undone(peers, run)


@pytest.mark.parametrize("fails", list(CALLS)[1:])
def test_a_step_that_is_refused_leaves_nothing_of_those_before_it(
    client: Client, peers: PeersProcess, fails: str
) -> None:
    peers.control(errors={CALLS[fails]: 422})

    run = deploy(client)
    end = run.end()

    assert end.status is ExecutionStatus.FAILED
    assert end.step(fails).status is StepStatus.FAILED
    nothing_is_left(peers, run)
    assert says_what_was_undone(peers, run)["redis_keys"] == []


def test_what_was_done_and_never_answered_is_found_and_taken_back(
    client: Client, peers: PeersProcess
) -> None:
    ended = []
    for step_id, call in CALLS.items():
        peers.control(hangs_up=[call])
        run = deploy(client, params_for(**ONCE))
        run.until(has(step_id, StepStatus.FAILED))
        ended.append(run)
    peers.control(hangs_up=[])

    for run in ended:
        assert run.end().status is ExecutionStatus.FAILED
        nothing_is_left(peers, run)
        says_what_was_undone(peers, run)


def test_a_call_that_was_not_answered_is_made_again_and_finds_what_it_has_made(
    client: Client, peers: PeersProcess
) -> None:
    peers.control(hangs_up=[CALLS["create_profile"]])
    run = deploy(client)
    run.until(has("create_profile", StepStatus.RETRYING))
    peers.control(hangs_up=[])

    run.ends_well()

    assert made(peers, run)["profiles"] == [run.outputs("create_profile")["profile_id"]]


def test_a_profile_that_was_there_outlives_a_failure_and_says_what_it_said(
    client: Client, peers: PeersProcess
) -> None:
    first = deploy(client)
    profile = (first.ends_well().outputs or {})["profile_id"]
    config = {"name": "Other", "guard_types": ["output"]}
    peers.control(errors={CALLS["create_deployment"]: 422})

    run = deploy(client, params_for(guardrail_profile_id=profile, profile_config=config))
    run.end()

    (found,) = [one for one in peers.journal()["there"]["profiles"] if one["id"] == profile]
    assert (found["name"], found["guard_types"]) == ("Chat", ["input"])
    assert run.outputs("create_profile")["before"]["name"] == "Chat"
    assert run.outputs("rollback")["preserved"]["profiles"] == [profile]
    assert says_what_was_undone(peers, run)["profiles"] == []


def test_a_rollback_that_is_refused_once_is_tried_again(
    client: Client, peers: PeersProcess
) -> None:
    refused = "DELETE /budapp/guardrails/"
    peers.control(errors={CALLS["sync_redis"]: 422, refused: 503})
    run = deploy(client)
    run.until(has("rollback", StepStatus.RETRYING))
    peers.control(errors={})

    end = run.end()

    assert end.step("rollback").status is StepStatus.COMPLETED
    nothing_is_left(peers, run)
    says_what_was_undone(peers, run)


def test_a_rollback_that_is_refused_for_good_says_what_is_left(
    client: Client, peers: PeersProcess
) -> None:
    peers.control(errors={CALLS["sync_redis"]: 422, "DELETE /budapp/guardrails/profile": 409})
    run = deploy(client, params_for(**ONCE))

    end = run.end()

    assert end.status is ExecutionStatus.FAILED
    told = run.outputs("rollback")
    (profile,) = made(peers, run)["profiles"]
    assert (told["status"], len(told["errors"])) == ("partial", 1)
    assert profile in told["errors"][0]
    assert sorted(told["cleaned_up"]["endpoints"]) == sorted(made(peers, run)["endpoints"])
    assert told["cleaned_up"]["profiles"] == []


def calls_of(peers: PeersProcess, run: Run) -> int:
    """How many calls of an execution that make something have come to the peers."""
    writes = peers.journal()["writes"]
    return sum(1 for one in writes if one["body"].get("execution_id") == run.id)


def stuck_in_each_step(client: Client, peers: PeersProcess, **delays: float) -> dict[str, Run]:
    """One execution in the middle of the call of each step."""
    first = {CALLS["deploy_models"]: UNTIL_THE_END}
    peers.control(delays=delays | first)
    runs = {step_id: deploy(client) for step_id in CALLS}
    for run in runs.values():
        wait_until(lambda r=run: calls_of(peers, r) == 2, what="both deployments")  # type: ignore[misc]
    own = {f"{run.id} {CALLS[step_id]}": UNTIL_THE_END for step_id, run in runs.items()}
    peers.control(delays=delays | own)
    for step_id, run in runs.items():
        run.until(has(step_id, StepStatus.RUNNING), what=step_id)
    return runs


def test_a_cancel_in_any_phase_leaves_nothing(client: Client, peers: PeersProcess) -> None:
    peers.control(silent=True)
    waiting = deploy(client)
    waiting.until(lambda now: len(parked(now)) == 2)
    peers.control(silent=False)
    runs = {"that waits": waiting, **stuck_in_each_step(client, peers)}
    too_late = params_for()
    ignoring = [model["model_id"] for model in too_late["models_to_deploy"]]
    peers.control(silent=False, early=0, ignores_cancel=ignoring, event_delay=[1.5, 2])
    runs["that ends meanwhile"] = deploy(client, too_late)
    runs["that ends meanwhile"].until(lambda now: len(parked(now)) == 2)

    for run in runs.values():
        client.cancel(run.id)
    peers.control(delays={})

    for phase, run in runs.items():
        end = run.end()
        assert end.status is ExecutionStatus.INTERRUPTED, phase
        nothing_is_left(peers, run)
        says_what_was_undone(peers, run, "rollback_of_a_cancel")


def test_a_worker_that_dies_in_any_phase_costs_time_and_nothing_else(
    client: Client, peers: PeersProcess, stack: Stack
) -> None:
    slow = {"DELETE /budapp/guardrails": UNTIL_THE_END}
    peers.control(errors={CALLS["sync_redis"]: 422}, delays=slow)
    undone = deploy(client)
    undone.until(has("compensate:create_deployment", StepStatus.RUNNING))
    peers.control(hangs_up=[CALLS["create_profile"]])
    handled = deploy(client, params_for(**ONCE))
    handled.until(has("rollback", StepStatus.RUNNING))
    peers.control(errors={}, hangs_up=[])
    runs = stuck_in_each_step(client, peers, **slow)

    stack.kill("worker-io")
    peers.control(delays={})

    for step_id, run in runs.items():
        end = run.ends_well(within=60)
        assert end.step(step_id).status is StepStatus.COMPLETED
        found = made(peers, run)
        assert [len(found[n]) for n in ("jobs", "profiles", "deployments")] == [2, 1, 1], step_id
    for run in (undone, handled):
        assert run.end().status is ExecutionStatus.FAILED
        nothing_is_left(peers, run)
        says_what_was_undone(peers, run)
