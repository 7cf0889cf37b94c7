"""Judges the demo: what it promised, and whether that was true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline_engine.client import StepView
from pipeline_engine.demo import samples
from pipeline_engine.demo.scenario import Story
from pipeline_engine.domain.states import ExecutionStatus

RESULTS = frozenset({"step_completed", "step_failed", "step_skipped", "step_timeout"})


@dataclass(frozen=True, slots=True)
class Claim:
    """One promise, whether it was kept, and the facts."""

    text: str
    was_true: bool
    facts: str


def judge(story: Story) -> list[Claim]:
    """Return every claim of the demo with its verdict."""
    return [
        _all_completed(story),
        _worker_died(story),
        _worker_returned(story),
        _models_were_retried(story),
        _jobs_started_once(story.journal),
        _outputs_are_complete(story),
        _one_result_each(story),
        _events_were_taken(story.journal),
    ]


def retried(story: Story) -> list[StepView]:
    """Return the items that needed more than one attempt."""
    return [row for end in story.ended.values() for row in end.rows if row.attempt > 1]


def _all_completed(story: Story) -> Claim:
    ends = {name: snapshot.status for name, snapshot in story.ended.items()}
    completed = [name for name, end in ends.items() if end is ExecutionStatus.COMPLETED]
    facts = f"{len(completed)} of {len(samples.NAMES)}"
    return Claim("every execution completed", sorted(completed) == sorted(samples.NAMES), facts)


def _worker_died(story: Story) -> Claim:
    text = "a worker was killed while models were parked and others were being started"
    death = story.death
    if death is None:
        return Claim(text, False, "no worker was killed")
    facts = f"{len(death.parked)} parked, {len(death.working)} being started, process {death.pid}"
    return Claim(text, bool(death.parked and death.working), facts)


def _worker_returned(story: Story) -> Claim:
    return Claim(
        "the worker was restarted", story.successor is not None, f"process {story.successor}"
    )


def _models_were_retried(story: Story) -> Claim:
    working = {item.id for item in story.death.working} if story.death else set()
    again = {item.id for item in retried(story)}
    facts = f"{len(again)} attempts repeated, {len(working)} were interrupted"
    return Claim("what the dead worker was doing was done again", bool(working & again), facts)


def _jobs_started_once(journal: Mapping[str, Any]) -> Claim:
    starts = journal.get("starts", [])
    per_model = Counter((start["kind"], start["subject"]) for start in starts)
    calls = sum(start["calls"] for start in starts)
    once = len(per_model) == 2 * len(samples.MODELS) and set(per_model.values()) == {1}
    keyed = all(start["key"] for start in starts)
    facts = f"{len(starts)} jobs from {calls} start calls"
    return Claim("no job was started twice", once and keyed, facts)


def _outputs_are_complete(story: Story) -> Claim:
    outputs = {name: end.outputs or {} for name, end in story.ended.items()}
    models = outputs.get(samples.ONBOARDING, {}).get("onboarded_models") or []
    clusters = outputs.get(samples.RECOMMENDATION, {}).get("recommended_clusters") or []
    onboarded = {model["model_uri"] for model in models if model.get("model_id")}
    complete = onboarded == set(samples.MODELS) and bool(clusters)
    facts = f"{len(onboarded)} models onboarded, {len(clusters)} clusters recommended"
    return Claim("nothing is missing in the outputs", complete, facts)


def _one_result_each(story: Story) -> Claim:
    rows = [row.id for end in story.ended.values() for row in end.rows]
    results = Counter(_results(story))
    wrong = [row for row in rows if results[row] != 1]
    facts = f"{len(rows)} steps and items, {sum(results.values())} results"
    return Claim("every step has exactly one result", bool(rows) and not wrong, facts)


def _results(story: Story) -> Iterator[str]:
    for history in story.histories.values():
        for event in history:
            if event["event_type"] in RESULTS:
                yield str(event["step_execution_id"])


def _events_were_taken(journal: Mapping[str, Any]) -> Claim:
    sent = journal.get("events", [])
    ids = Counter(event["event_id"] for event in sent if (event["status"] or 500) < 300)
    refused = {event["event_id"] for event in sent} - ids.keys()
    early = sum(1 for event in sent if event["early"])
    doubled = sum(1 for count in ids.values() if count > 1)
    facts = f"{len(sent)} deliveries, {doubled} events twice, {early} before the start's answer"
    return Claim("every event was taken", bool(ids) and not refused, facts)
