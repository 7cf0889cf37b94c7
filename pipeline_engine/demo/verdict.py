"""Judges the demo: what it promised, and whether that was true."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from pipeline_engine.client.http import Json
from pipeline_engine.demo import samples
from pipeline_engine.demo.choices import CHAT, SEARCH, Choices
from pipeline_engine.demo.story import Outside, Story
from pipeline_engine.domain.states import ExecutionStatus

RESULTS = frozenset({"step_completed", "step_failed", "step_skipped", "step_timeout"})
#: Models that each guardrail needs; the second has three of the six, which are onboarded by then.
NEEDS = {CHAT: 6, SEARCH: 3}
#: How often jobs are to be started: what the second deploys is deployed twice, since it fails once.
STARTS = {"onboarding": 6, "simulation": 6 + 3, "deployment": 6 + 3 + 3, "deletion": 2}
#: Jobs of a kind at once, at least; how many of six meet depends on the machine.
SIDE_BY_SIDE = 2
MADE = ("endpoints", "profiles", "deployments")


@dataclass(frozen=True, slots=True)
class Claim:
    """One promise, whether it was kept, and the facts."""

    text: str
    was_true: bool
    facts: str


def judge(story: Story) -> list[Claim]:
    """Return every claim of the demo with its verdict."""
    return [
        _ended_as_promised(story),
        _worker_died(story),
        _worker_returned(story),
        _models_were_retried(story),
        _went_side_by_side(story),
        _jobs_started_once(story),
        _outputs_are_complete(story),
        _some_were_deployed_before(story),
        _nothing_is_left_at_the_peers(story),
        _nothing_is_left_at_the_gateway(story),
        _models_stay(story),
        _endpoints_are_guarded(story),
        _one_result_each(story),
        _events_were_taken(story),
    ]


def _ended_as_promised(story: Story) -> Claim:
    """One pipeline fails, and its workflow with it until its last step is said again."""
    ends = [(run.end.name, run.end.status) for run in story.runs]
    completed = sorted(name for name, status in ends if status is ExecutionStatus.COMPLETED)
    failed = [name for name, status in ends if status is ExecutionStatus.FAILED]
    both = (samples.RECOMMENDATION, samples.DEPLOYMENT) * 2
    expected = sorted([samples.HELLO, samples.ONBOARDING, *both])
    words = [_ends(story, choices) for choices in (CHAT, SEARCH)]
    was_true = (completed, failed) == (expected, [samples.DEPLOYMENT])
    return Claim(
        "every workflow ended as it was to, and so did every pipeline",
        was_true and words == [["completed"], ["failed", "completed"]],
        f"{CHAT.name} {' and '.join(words[0])}, {SEARCH.name} {' and then '.join(words[1])}",
    )


def _ends(story: Story, choices: Choices) -> list[str]:
    return [str(end["status"]) for end in story.workflows.get(choices.name, [])]


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
    again = {item.id for item in story.retried}
    facts = f"{len(again)} attempts repeated, {len(working)} were interrupted"
    return Claim("what the dead worker was doing was done again", bool(working & again), facts)


def _went_side_by_side(story: Story) -> Claim:
    kinds = ("onboarding", "simulation", "deployment")
    peaks = [_most_at_once(story.at_the_end, kind) for kind in kinds]
    facts = ", ".join(f"{kind} {peak} at once" for kind, peak in zip(kinds, peaks, strict=True))
    return Claim(
        "models were onboarded, simulated and deployed side by side",
        min(peaks) >= SIDE_BY_SIDE,
        facts,
    )


def _most_at_once(outside: Outside, kind: str) -> int:
    """The most jobs of a kind that the peers had at one moment."""
    ends = {event["workflow_id"]: event["at"] for event in outside.journal.get("events", [])}
    jobs = [job for job in outside.jobs(kind) if job["workflow_id"] in ends]
    moments = [(job["started_at"], 1) for job in jobs]
    moments += [(ends[job["workflow_id"]], -1) for job in jobs]
    changes = [change for _, change in sorted(moments)]
    return max(accumulate(changes), default=0)


def _jobs_started_once(story: Story) -> Claim:
    jobs = [job for kind in STARTS for job in story.at_the_end.jobs(kind)]
    per_kind = Counter(job["kind"] for job in jobs)
    calls = sum(job["calls"] for job in jobs)
    keyed = all(job["key"] for job in jobs)
    facts = f"{len(jobs)} jobs from {calls} start calls"
    return Claim("no job was started twice", per_kind == STARTS and keyed, facts)


def _outputs_are_complete(story: Story) -> Claim:
    fields = story.fields(CHAT.name)
    onboarded = {model["model_uri"] for model in _onboarded(story) if model.get("model_id")}
    clusters = fields.get("recommended_clusters") or []
    endpoints = [_deployed(story, choices) for choices in NEEDS]
    complete = onboarded == set(samples.MODELS) and bool(clusters)
    facts = (
        f"{len(onboarded)} models onboarded, {len(clusters)} clusters recommended, "
        f"{' and '.join(map(str, endpoints))} endpoints"
    )
    was_true = complete and endpoints == list(NEEDS.values())
    return Claim("nothing is missing of what was deployed", was_true, facts)


def _onboarded(story: Story) -> list[Json]:
    return story.fields(CHAT.name).get("onboarded_models") or []


def _deployed(story: Story, choices: Choices) -> int:
    """How many endpoints a workflow says that it has made, and the peers say that they have."""
    said = story.fields(choices.name).get("deployed_endpoint_ids") or []
    there = {one["id"] for one in story.at_the_end.there("endpoints", choices.project_id)}
    return len(there) if there == set(said) else 0


def _some_were_deployed_before(story: Story) -> Claim:
    jobs = story.after_failure.jobs("deployment", SEARCH.project_id)
    ends = Counter(str(job["status"]) for job in jobs)
    facts = ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
    was_true = ends == {"completed": 2, "failed": 1}
    return Claim("two models of the second were deployed when the third failed", was_true, facts)


def _nothing_is_left_at_the_peers(story: Story) -> Claim:
    outside, project = story.after_failure, SEARCH.project_id
    made = {job["made_id"] for job in outside.jobs("deployment", project)}
    deleted = [job for job in outside.jobs("deletion") if job["subject"] in made]
    left = sum(len(outside.there(noun, project)) for noun in MADE)
    going_on = sum(job["status"] == "running" for job in outside.journal.get("starts", []))
    facts = f"{len(deleted)} endpoints deleted, {left} things left, {going_on} jobs that go on"
    was_true = bool(deleted) and not left and not going_on
    return Claim("nothing of the failed deployment was left at the peers", was_true, facts)


def _nothing_is_left_at_the_gateway(story: Story) -> Claim:
    guards, known = story.after_failure.guards, story.fields(CHAT.name).get("profile_id")
    guard = guards.endpoints.get(SEARCH.endpoint_id, "unknown")
    facts = f"{len(guards.tables)} table, {SEARCH.endpoint_id} guarded by {guard or 'nobody'}"
    was_true = guard is None and list(guards.tables) == [known]
    return Claim("nothing of it was left in the gateway's Redis", was_true, facts)


def _models_stay(story: Story) -> Claim:
    linked = story.after_failure.journal.get("rules") or {}
    models = {model["model_id"] for model in _onboarded(story)}
    facts = f"{len(linked)} rules have their models"
    was_true = len(linked) == len(samples.MODELS) and set(linked.values()) == models
    return Claim("its onboarded models stayed", was_true, facts)


def _endpoints_are_guarded(story: Story) -> Claim:
    guards = story.at_the_end.guards
    profiles = [story.fields(choices.name).get("profile_id") for choices in NEEDS]
    rules = [_rules(guards.tables.get(str(profile)) or {}) for profile in profiles]
    guarded = [guards.endpoints.get(choices.endpoint_id) for choices in NEEDS]
    pairs = zip(NEEDS, rules, strict=True)
    return Claim(
        "the gateway guards both endpoints in the end",
        None not in profiles and guarded == profiles and rules == list(NEEDS.values()),
        ", ".join(f"{choices.endpoint_id} by {count} rules" for choices, count in pairs),
    )


def _rules(table: Json) -> int:
    """How many rules a table of the gateway has a model for."""
    sentinel = (table.get("providers") or {}).get("bud_sentinel") or {}
    return len(sentinel.get("rule_overrides_json") or {})


def _one_result_each(story: Story) -> Claim:
    rows = [row.id for row in story.rows]
    results = Counter(_results(run.history for run in story.runs))
    wrong = [row for row in rows if results[row] != 1]
    facts = f"{len(rows)} steps and items, {sum(results.values())} results"
    return Claim("every step has exactly one result", bool(rows) and not wrong, facts)


def _results(histories: Iterable[list[Json]]) -> Iterator[str]:
    for history in histories:
        for event in history:
            if event["event_type"] in RESULTS:
                yield str(event["step_execution_id"])


def _events_were_taken(story: Story) -> Claim:
    sent = story.at_the_end.journal.get("events", [])
    ids = Counter(event["event_id"] for event in sent if (event["status"] or 500) < 300)
    refused = {event["event_id"] for event in sent} - ids.keys()
    early = sum(1 for event in sent if event["early"])
    doubled = sum(1 for count in ids.values() if count > 1)
    facts = f"{len(sent)} deliveries, {doubled} events twice, {early} before the start's answer"
    return Claim("every event was taken", bool(ids) and not refused, facts)
