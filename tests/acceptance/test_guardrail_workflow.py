"""Guardrail deployment workflows as a client leads them: over HTTP, on real processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from support.guardrails import SAID
from support.observing import Run
from support.waiting import wait_until

from pipeline_engine.client import Client, Snapshot
from pipeline_engine.demo.peers.process import PeersProcess
from pipeline_engine.domain.guardrails import Phase
from pipeline_engine.domain.states import StepStatus

Json = dict[str, Any]
MADE = ("endpoints", "profiles", "deployments")
CALM = {"event_delay": [0.05, 0.2], "early": 0, "duplicates": 0, "shuffle": False}
#: Every event twice and in any order, half of the last ones before the call that they answer.
UNRULY = {"event_delay": [0.05, 0.3], "early": 0.5, "duplicates": 1, "shuffle": True}


@pytest.fixture
def peers(peers: PeersProcess) -> Iterator[PeersProcess]:
    """Well-behaved peers; what else they were told is forgotten after the test."""
    peers.control(**CALM)
    yield peers
    peers.control(errors={}, slow_answers={}, failing=[])


class Course:
    """A client's way through the steps, with a probe whose two models nobody has yet."""

    def __init__(self, client: Client, probe: str = "") -> None:
        self._client = client
        self.probe = probe or uuid4().hex[:8]
        self.models = [f"demo/{self.probe}-model-{number}" for number in (1, 2)]
        self.endpoint = f"endpoint-{uuid4()}"
        self.id = client.guardrails.begin(1, **SAID[1])["workflow_id"]

    def say(self, step: int, **fields: Any) -> Json:
        """Send one step, with what a client usually says unless there are *fields*."""
        instead = {
            3: {"probe_selections": [{"id": self.probe}]},
            10: {"endpoint_ids": [self.endpoint]},
        }
        usual = instead.get(step) or SAID.get(step) or self._cheapest()
        return self._client.guardrails.submit(self.id, step, **(fields or usual))

    def _cheapest(self) -> Json:
        return {"cluster_id": self.now()["workflow_steps"]["recommended_clusters"][0]["cluster_id"]}

    def go_to(self, last: int) -> list[int]:
        """Say what the answers ask for, up to *last*, and wait for its pipeline; what was said."""
        said: list[int] = []
        while (coming := self.at_rest()["next_step"]) and coming <= last:
            self.say(coming)
            said.append(coming)
        return said

    def now(self) -> Json:
        return self._client.guardrails.get(self.id)

    def at_rest(self) -> Json:
        """Wait until no pipeline runs, and return the workflow."""

        def resting() -> Json | None:
            found = self.now()
            return None if Phase(found["phase"]).is_running else found

        return wait_until(resting, within=40, what="the end of a pipeline") or {}

    def run(self) -> Run:
        """The execution that it has started last."""
        return Run(self._client, self.now()["runs"][-1]["execution_id"])

    def cancelled(self, reason: str) -> Json:
        """Cancel it, and ask again until it is known what has come of that."""

        def done() -> Json | None:
            told = self._client.guardrails.cancel(self.id, reason)
            return None if told["status"] == "pending" else told

        return wait_until(done, within=40, what="the end of a cancel") or {}


def ways(now: Json) -> list[tuple[int, int, str]]:
    """What its pipelines have come to: step, number and status."""
    return [(run["step_number"], run["number"], run["status"]) for run in now["runs"]]


def jobs_about(peers: PeersProcess, *subjects: str) -> list[Json]:
    """The jobs that were started for these models, be they uris or ids."""
    starts = peers.journal()["starts"]
    return [job for job in starts if {job["subject"], job["facts"].get("model_id")} & {*subjects}]


def left_of(peers: PeersProcess, execution_id: str) -> dict[str, list[str]]:
    """What an execution has made and nobody has deleted."""
    there = peers.journal()["there"]
    its = {
        noun: [one["id"] for one in there[noun] if one.get("execution_id") == execution_id]
        for noun in MADE
    }
    return {noun: found for noun, found in its.items() if found}


def one_is_onboarded(now: Snapshot) -> bool:
    """Whether one of the models is there; the step itself is not done then."""
    items = [row for row in now.rows if row.step_id == "onboard_models"]
    return any(item.status is StepStatus.COMPLETED for item in items)


def test_twelve_steps_lead_to_a_guarded_endpoint_and_the_next_workflow_reuses_its_models(
    client: Client, peers: PeersProcess
) -> None:
    first = Course(client)
    said = first.go_to(12)
    done = first.now()

    assert said == [2, 3, 5, 6, 7, 8, 9, 10, 11, 12], "the engine finds out what step 4 is about"
    assert (done["status"], done["next_step"]) == ("completed", None)
    assert ways(done) == [(5, 1, "completed"), (8, 1, "completed"), (12, 1, "completed")]
    told = done["workflow_steps"]
    assert len(told["deployed_endpoint_ids"]) == len(told["endpoint_urls"]) == 2
    tables = peers.journal()["tables"]
    assert f"guardrail_table:{told['profile_id']}" in tables
    guarded = {"guardrail_profile": told["profile_id"]}
    assert tables[f"model_table:{first.endpoint}"] == guarded

    second = Course(client, first.probe)
    said = second.go_to(12)
    done = second.now()

    assert said == [2, 3, 9, 10, 11, 12]
    assert (done["status"], done["skipped_steps"]) == ("completed", [5, 6, 7, 8])
    assert ways(done) == [(12, 1, "completed")]
    ids = [one["model_id"] for one in told["onboarded_models"]]
    assert [one["model_id"] for one in done["workflow_steps"]["models_to_reuse"]] == ids
    kinds = sorted(job["kind"] for job in jobs_about(peers, *first.models, *ids))
    assert kinds == sorted(["onboarding", "simulation", "deployment"] * 2)


def test_events_that_come_early_twice_and_in_any_order_move_a_workflow_once(
    client: Client, peers: PeersProcess
) -> None:
    peers.control(**UNRULY)
    course = Course(client)

    course.go_to(12)
    done = course.now()

    assert ways(done) == [(5, 1, "completed"), (8, 1, "completed"), (12, 1, "completed")]
    ids = [one["model_id"] for one in done["workflow_steps"]["onboarded_models"]]
    jobs = jobs_about(peers, *course.models, *ids)
    assert [job["calls"] for job in jobs] == [1] * 6
    for run in done["runs"]:
        Run(client, run["execution_id"]).ends_well()  # each step has exactly one result
    assert len(left_of(peers, done["runs"][-1]["execution_id"])["endpoints"]) == 2


def test_an_onboarding_that_failed_is_started_again_as_a_whole(
    client: Client, peers: PeersProcess
) -> None:
    course = Course(client)
    peers.control(failing=course.models[1:])
    course.go_to(3)
    course.say(5)
    failed = course.at_rest()
    peers.control(failing=[])

    course.say(5)
    done = course.at_rest()

    assert (failed["status"], failed["next_step"]) == ("failed", 5)
    assert "1/2 models failed" in failed["reason"]
    assert (done["phase"], done["next_step"], done["reason"]) == ("collecting", 6, None)
    assert ways(done) == [(5, 1, "failed"), (5, 2, "completed")]
    assert done["workflow_steps"]["models_requiring_onboarding"] == 0


def test_a_cancel_during_the_onboarding_keeps_the_model_that_is_there(
    client: Client, peers: PeersProcess
) -> None:
    course = Course(client)
    slow = course.models[1]
    peers.control(slow_answers={slow: 30})
    course.go_to(3)
    course.say(5)
    wait_until(lambda: jobs_about(peers, slow), what="both start calls")
    course.run().until(one_is_onboarded, what="the first model")

    told = course.cancelled("another probe")

    assert (told["status"], told["phase"], told["errors"]) == ("success", "cancelled", [])
    assert not any(told["cleaned_up"].values())
    (kept,) = told["preserved"]["onboarded_models"]
    assert kept["model_uri"] == course.models[0]
    calls = [one["call"] for one in peers.journal()["writes"]]
    assert not [call for call in calls if call.startswith("DELETE /budapp/models")]
    assert ways(course.now()) == [(5, 1, "cancelled")]


def test_a_cancel_during_the_deployment_undoes_all_of_it_but_the_models(
    client: Client, peers: PeersProcess
) -> None:
    course = Course(client)
    course.go_to(11)
    # Endpoints and profile are there then, and the next step is tried again and again.
    peers.control(errors={"POST /budapp/internal/guardrails/deployments": 503})
    course.say(12)
    run = course.run()
    run.until(lambda now: now.step("create_deployment").status is StepStatus.RETRYING)
    there = left_of(peers, run.id)

    told = course.cancelled("not today")

    assert (told["status"], told["phase"], told["errors"]) == ("success", "cancelled", [])
    assert {noun: len(found) for noun, found in there.items()} == {"endpoints": 2, "profiles": 1}
    for noun, found in there.items():
        assert sorted(told["cleaned_up"][noun]) == sorted(found)
    wait_until(lambda: not left_of(peers, run.id), what="the end of all that was made")
    assert f"model_table:{course.endpoint}" not in peers.journal()["tables"]
    kept = {one["model_id"] for one in told["preserved"]["onboarded_models"]}
    assert len(kept) == 2
    assert kept <= {*peers.journal()["rules"].values()}
    assert course.now()["reason"] == "not today"
