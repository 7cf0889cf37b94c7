"""The demo must not be able to lie: each claim is false if its fact is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipeline_engine.client import Snapshot, StepView
from pipeline_engine.demo import report, samples
from pipeline_engine.demo.scenario import Death, Story
from pipeline_engine.demo.verdict import judge
from pipeline_engine.domain.states import ExecutionStatus, StepStatus

MODELS = [
    {"rule_id": f"rule-{n}", "model_uri": uri, "model_id": f"id-{n}"}
    for n, uri in enumerate(samples.MODELS)
]
CLUSTER = {"cluster_id": "c", "cluster_name": "C", "headroom_gb": 1.5}
OUTPUTS: dict[str, dict[str, Any]] = {
    samples.HELLO: {},
    samples.ONBOARDING: {"onboarded_models": MODELS},
    samples.RECOMMENDATION: {"recommended_clusters": [CLUSTER]},
}


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


def a_start(kind: str, uri: str) -> dict[str, Any]:
    return {"kind": kind, "subject": uri, "key": f"{kind}-{uri}", "calls": 1}


@pytest.fixture
def story() -> Story:
    """A run in which all went as it should."""
    interrupted = a_row("item-5", attempt=2)
    items = (a_row("item-1"), interrupted)
    steps = {
        samples.HELLO: (a_row("greet"),),
        samples.ONBOARDING: (a_row("onboard", items=items),),
        samples.RECOMMENDATION: (a_row("simulate"),),
    }
    ended = {
        name: Snapshot(
            execution_id=name,
            name=name,
            status=ExecutionStatus.COMPLETED,
            percentage=100,
            eta_seconds=None,
            outputs=OUTPUTS[name],
            error=None,
            steps=steps[name],
        )
        for name in samples.NAMES
    }
    histories = {
        name: [{"event_type": "step_completed", "step_execution_id": row.id} for row in end.rows]
        for name, end in ended.items()
    }
    kinds = ("onboarding", "simulation")
    event = {"event_id": "e1", "status": 200, "early": False}
    return Story(
        ended=ended,
        death=Death("worker-io", 41, (a_row("item-1"),), (interrupted,)),
        successor=42,
        histories=histories,
        journal={
            "starts": [a_start(kind, uri) for kind in kinds for uri in samples.MODELS],
            "events": [event, {**event, "status": 503}],
        },
    )


def test_a_run_in_which_all_went_well_is_believed(story: Story) -> None:
    assert [claim.text for claim in judge(story) if not claim.was_true] == []


def nobody_died(story: Story) -> None:
    story.death = None


def nothing_was_parked(story: Story) -> None:
    assert story.death
    story.death = replace(story.death, parked=())


def nobody_came_back(story: Story) -> None:
    story.successor = None


def nothing_was_repeated(story: Story) -> None:
    end = story.ended[samples.ONBOARDING]
    items = (a_row("item-1"), a_row("item-5"))
    story.ended[samples.ONBOARDING] = replace(end, steps=(a_row("onboard", items=items),))


def one_failed(story: Story) -> None:
    end = story.ended[samples.HELLO]
    story.ended[samples.HELLO] = replace(end, status=ExecutionStatus.FAILED)


def one_never_ran(story: Story) -> None:
    del story.ended[samples.RECOMMENDATION]


def a_job_was_started_twice(story: Story) -> None:
    starts = [*story.journal["starts"], a_start("onboarding", samples.MODELS[0])]
    story.journal = {**story.journal, "starts": starts}


def a_job_had_no_key(story: Story) -> None:
    first, *others = story.journal["starts"]
    story.journal = {**story.journal, "starts": [{**first, "key": None}, *others]}


def a_model_is_missing(story: Story) -> None:
    end = story.ended[samples.ONBOARDING]
    outputs = {"onboarded_models": MODELS[1:]}
    story.ended[samples.ONBOARDING] = replace(end, outputs=outputs)


def a_step_has_two_results(story: Story) -> None:
    story.histories[samples.HELLO] *= 2


def a_step_has_no_result(story: Story) -> None:
    story.histories[samples.HELLO] = []


def an_event_was_never_taken(story: Story) -> None:
    lost = {"event_id": "e2", "status": None, "early": False}
    story.journal = {**story.journal, "events": [*story.journal["events"], lost]}


@pytest.mark.parametrize(
    ("happened", "untrue"),
    [
        (nobody_died, "a worker was killed"),
        (nothing_was_parked, "a worker was killed"),
        (nobody_came_back, "the worker was restarted"),
        (nothing_was_repeated, "was done again"),
        (one_failed, "every execution completed"),
        (one_never_ran, "every execution completed"),
        (a_job_was_started_twice, "no job was started twice"),
        (a_job_had_no_key, "no job was started twice"),
        (a_model_is_missing, "nothing is missing"),
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


def test_the_report_names_outputs_and_repairs(story: Story) -> None:
    text = "\n".join(report.lines(story))

    assert "rule-0  meta-llama/Llama-Guard-3-8B  id-0" in text
    assert "c  C  1.5 GB to spare" in text
    assert "Repeated because their worker died: 1" in text
    assert "Lost: nothing" in text
