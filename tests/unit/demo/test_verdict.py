"""The demo must not be able to lie: each claim is false if its fact is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipeline_engine.client import Snapshot, StepView
from pipeline_engine.demo import report, samples
from pipeline_engine.demo.choices import CHAT, SEARCH, Choices
from pipeline_engine.demo.gateway import Guards
from pipeline_engine.demo.story import Death, Outside, Run, Story
from pipeline_engine.demo.verdict import judge
from pipeline_engine.domain.states import ExecutionStatus, StepStatus

MODELS = [
    {"rule_id": f"rule-{n}", "model_uri": uri, "model_id": f"id-{n}"}
    for n, uri in enumerate(samples.MODELS)
]
CLUSTER = {"cluster_id": "c", "cluster_name": "C", "headroom_gb": 1.5}
COMPLETED, FAILED = ExecutionStatus.COMPLETED, ExecutionStatus.FAILED
#: The executions in their order, and how each ends.
ENDS = (
    (samples.HELLO, COMPLETED),
    (samples.ONBOARDING, COMPLETED),
    (samples.RECOMMENDATION, COMPLETED),
    (samples.DEPLOYMENT, COMPLETED),
    (samples.RECOMMENDATION, COMPLETED),
    (samples.DEPLOYMENT, FAILED),
    (samples.DEPLOYMENT, COMPLETED),
)


def a_row(name: str, *, attempt: int = 1, items: tuple[StepView, ...] = ()) -> StepView:
    return StepView(
        id=name,
        step_id=name,
        name=name,
        action="probe",
        status=StepStatus.COMPLETED,
        attempt=attempt,
        percentage=100,
        is_parked=False,
        parked_until=None,
        error=None,
        items=items,
    )


def a_run(number: int, name: str, status: ExecutionStatus, step: StepView | None = None) -> Run:
    step = step or a_row(f"step of {number}")
    end = Snapshot(
        execution_id=str(number),
        name=name,
        status=status,
        percentage=100,
        eta_seconds=None,
        outputs={},
        error=None,
        steps=(step,),
    )
    results = [{"event_type": "step_completed", "step_execution_id": r.id} for r in end.rows]
    return Run(end, results)


def a_workflow(status: str, **known: Any) -> dict[str, Any]:
    return {"status": status, "workflow_steps": known}


def jobs(kind: str, *made: str, project: str | None = None, **more: Any) -> list[dict[str, Any]]:
    """Jobs of the peers that go on at the same time."""
    usual = {"kind": kind, "status": "completed", "calls": 1, "started_at": "1"}
    return [
        {**usual, "workflow_id": f"{kind} {one}", "key": one, "subject": one, "made_id": one}
        | {"facts": {"project_id": project}}
        | more
        for one in made
    ]


def things(choices: Choices, *ids: str) -> list[dict[str, Any]]:
    return [{"id": one, "name": one, "project_id": choices.project_id} for one in ids]


def a_table(rules: int) -> dict[str, Any]:
    found = {f"rule.{n}": {"model_id": "x"} for n in range(rules)}
    return {"providers": {"bud_sentinel": {"rule_overrides_json": found}}}


CHATS, FIRST, SECOND = [f"chat-{n}" for n in range(6)], ["s-1", "s-2"], ["s-4", "s-5", "s-6"]
DELETIONS = jobs("deletion", *FIRST)


def the_outside(*, at_the_end: bool) -> Outside:
    """What the peers and the gateway say after the failure, or at the end."""
    project = SEARCH.project_id
    starts = [
        *jobs("onboarding", *"abcdef"),
        *jobs("simulation", *"abcdefghi"),
        *jobs("deployment", *CHATS, project=CHAT.project_id),
        *jobs("deployment", *FIRST, project=project),
        *jobs("deployment", "s-3", project=project, status="failed"),
        *DELETIONS,
        *(jobs("deployment", *SECOND, project=project) if at_the_end else []),
    ]
    event = {"event_id": "e1", "status": 200, "early": False, "at": "2"}
    events = [{**event, "workflow_id": job["workflow_id"]} for job in starts]
    endpoints = things(CHAT, *CHATS) + (things(SEARCH, *SECOND) if at_the_end else [])
    journal = {
        "starts": starts,
        "events": [*events, {**events[0], "status": 503}],
        "rules": {model["rule_id"]: model["model_id"] for model in MODELS},
        "there": {"endpoints": endpoints, "profiles": things(CHAT, "p-chat"), "deployments": []},
    }
    tables = {"p-chat": a_table(6)} | ({"p-search": a_table(3)} if at_the_end else {})
    guard = "p-search" if at_the_end else None
    return Outside(journal, Guards(tables, {CHAT.endpoint_id: "p-chat", SEARCH.endpoint_id: guard}))


@pytest.fixture
def story() -> Story:
    """A run in which all went as it should."""
    interrupted = a_row("item-5", attempt=2)
    onboarding = a_row("onboard", items=(a_row("item-1"), interrupted))
    steps = {1: onboarding}
    rollback = {"status": "success", "cleaned_up": {"endpoints": FIRST}, "errors": []}
    chat = a_workflow(
        "completed",
        onboarded_models=MODELS,
        recommended_clusters=[CLUSTER],
        deployed_endpoint_ids=CHATS,
        profile_id="p-chat",
    )
    search = a_workflow("completed", deployed_endpoint_ids=SECOND, profile_id="p-search")
    return Story(
        runs=[a_run(n, name, end, steps.get(n)) for n, (name, end) in enumerate(ENDS)],
        workflows={
            CHAT.name: [chat],
            SEARCH.name: [a_workflow("failed", rollback=rollback), search],
        },
        death=Death("worker-io", 41, (a_row("item-1"),), (interrupted,)),
        successor=42,
        after_failure=the_outside(at_the_end=False),
        at_the_end=the_outside(at_the_end=True),
    )


def test_a_run_in_which_all_went_well_is_believed(story: Story) -> None:
    assert [claim for claim in judge(story) if not claim.was_true] == []


def nobody_died(story: Story) -> None:
    story.death = None


def nothing_was_parked(story: Story) -> None:
    assert story.death
    story.death = replace(story.death, parked=())


def nobody_came_back(story: Story) -> None:
    story.successor = None


def nothing_was_repeated(story: Story) -> None:
    items = (a_row("item-1"), a_row("item-5"))
    story.runs[1] = a_run(1, samples.ONBOARDING, COMPLETED, a_row("onboard", items=items))


def one_failed(story: Story) -> None:
    story.runs[0] = a_run(0, samples.HELLO, FAILED)


def one_never_ran(story: Story) -> None:
    del story.runs[2]


def none_failed(story: Story) -> None:
    story.runs[5] = a_run(5, samples.DEPLOYMENT, COMPLETED)


def a_workflow_stayed_as_it_was(story: Story) -> None:
    story.workflows[SEARCH.name].pop()


def one_after_the_other(story: Story) -> None:
    for number, job in enumerate(story.at_the_end.jobs("simulation")):
        job["started_at"] = f"{2 + number}"
        event = next(e for e in _events(story) if e["workflow_id"] == job["workflow_id"])
        event["at"] = f"{2 + number}"


def a_job_was_started_twice(story: Story) -> None:
    story.at_the_end.journal["starts"].extend(jobs("onboarding", "once more"))


def a_job_had_no_key(story: Story) -> None:
    story.at_the_end.jobs("onboarding")[0]["key"] = None


def a_model_is_missing(story: Story) -> None:
    story.fields(CHAT.name)["onboarded_models"] = MODELS[1:]


def an_endpoint_is_missing(story: Story) -> None:
    story.at_the_end.journal["there"]["endpoints"].pop()


def nothing_was_deployed_before(story: Story) -> None:
    for job in story.after_failure.jobs("deployment", SEARCH.project_id):
        job["status"] = "failed"


def an_endpoint_was_left(story: Story) -> None:
    story.after_failure.journal["there"]["endpoints"].extend(things(SEARCH, "s-1"))


def a_profile_was_left(story: Story) -> None:
    story.after_failure.journal["there"]["profiles"].extend(things(SEARCH, "p-search"))


def a_job_went_on(story: Story) -> None:
    story.after_failure.jobs("deletion")[0]["status"] = "running"


def nothing_was_deleted(story: Story) -> None:
    story.after_failure.journal["starts"][:] = [
        job for job in story.after_failure.journal["starts"] if job["kind"] != "deletion"
    ]


def a_table_was_left(story: Story) -> None:
    story.after_failure.guards.tables["p-search"] = a_table(3)


def a_guard_was_left(story: Story) -> None:
    story.after_failure.guards.endpoints[SEARCH.endpoint_id] = "p-search"


def a_model_was_lost(story: Story) -> None:
    story.after_failure.journal["rules"].popitem()


def nobody_guards(story: Story) -> None:
    story.at_the_end.guards.endpoints[CHAT.endpoint_id] = None


def a_rule_is_missing(story: Story) -> None:
    story.at_the_end.guards.tables["p-search"] = a_table(2)


def a_step_has_two_results(story: Story) -> None:
    story.runs[0].history.extend(story.runs[0].history[:])


def a_step_has_no_result(story: Story) -> None:
    story.runs[0].history.clear()


def an_event_was_never_taken(story: Story) -> None:
    _events(story).append({"event_id": "e2", "status": None, "early": False, "at": "3"} | NOBODY)


NOBODY = {"workflow_id": "nobody"}


def _events(story: Story) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = story.at_the_end.journal["events"]
    return found


@pytest.mark.parametrize(
    ("happened", "untrue"),
    [
        (nobody_died, "a worker was killed"),
        (nothing_was_parked, "a worker was killed"),
        (nobody_came_back, "the worker was restarted"),
        (nothing_was_repeated, "was done again"),
        (one_failed, "ended as it was to"),
        (one_never_ran, "ended as it was to"),
        (none_failed, "ended as it was to"),
        (a_workflow_stayed_as_it_was, "ended as it was to"),
        (one_after_the_other, "side by side"),
        (a_job_was_started_twice, "no job was started twice"),
        (a_job_had_no_key, "no job was started twice"),
        (a_model_is_missing, "nothing is missing"),
        (an_endpoint_is_missing, "nothing is missing"),
        (nothing_was_deployed_before, "when the third failed"),
        (an_endpoint_was_left, "left at the peers"),
        (a_profile_was_left, "left at the peers"),
        (a_job_went_on, "left at the peers"),
        (nothing_was_deleted, "left at the peers"),
        (a_table_was_left, "left in the gateway"),
        (a_guard_was_left, "left in the gateway"),
        (a_model_was_lost, "models stayed"),
        (nobody_guards, "guards both endpoints"),
        (a_rule_is_missing, "guards both endpoints"),
        (a_step_has_two_results, "exactly one result"),
        (a_step_has_no_result, "exactly one result"),
        (an_event_was_never_taken, "every event was taken"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_claim_is_not_believed_without_its_fact(
    story: Story, happened: Callable[[Story], None], untrue: str
) -> None:
    happened(story)

    assert [c.text for c in judge(story) if not c.was_true and untrue in c.text]


def test_no_claim_is_believed_of_a_story_that_has_not_begun() -> None:
    assert [claim.text for claim in judge(Story()) if claim.was_true] == []


def test_the_report_names_outputs_and_repairs(story: Story) -> None:
    text = "\n".join(report.lines(story))

    assert "rule-0  meta-llama/Llama-Guard-3-8B  id-0" in text
    assert "c  C  1.5 GB to spare" in text
    assert "failed: success\n  endpoint  s-1\n  endpoint  s-2\n" in text
    assert "which guards endpoint-search:\n  s-4  s-4\n" in text
    assert "Repeated because their worker died: 1" in text
    assert "Lost: nothing" in text
