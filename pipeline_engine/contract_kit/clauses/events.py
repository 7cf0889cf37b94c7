"""Events of the job on which a step is parked: the right ones, and all others."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline_engine.contract_kit.clause import clause
from pipeline_engine.contract_kit.stand_ins import Health
from pipeline_engine.contract_kit.trial import Attempt, Misbehaved, Trial
from pipeline_engine.domain import json_guard
from pipeline_engine.sdk import EventAction, EventResult, StepStatus

#: Values of a kind that no reader expects; NUL and the like are refused before.
ODD_VALUES: tuple[Any, ...] = (
    None,
    "",
    0,
    -1.5,
    True,
    [],
    {},
    [[]],
    "\u202e\x01\U0001f600",
    "x" * 10_000,
)


@clause(needs_events=True)
def the_completing_event_completes_it(trial: Trial) -> Iterator[str]:
    """The events of completed_by end the step as COMPLETED."""
    attempt = _parked(trial)
    if attempt is None or not trial.case.completed_by:
        return
    verdict, _ = trial.told(trial.case.completing(_job(attempt)), attempt)
    if verdict.status is not StepStatus.COMPLETED:
        yield f"completed_by comes to {_in_words(verdict)}."


@clause(needs_events=True)
def the_failing_event_fails_it(trial: Trial) -> Iterator[str]:
    """The events of failed_by end the step as FAILED, with an error in words."""
    attempt = _parked(trial)
    if attempt is None or not trial.case.failed_by:
        return
    verdict, _ = trial.told(trial.case.failing(_job(attempt)), attempt)
    if verdict.status is not StepStatus.FAILED:
        yield f"failed_by comes to {_in_words(verdict)}."
    elif not (verdict.error or "").strip():
        yield "It fails without an error."


@clause()
def unknown_events_do_not_end_it(trial: Trial) -> Iterator[str]:
    """An event that says nothing about the job leaves the step waiting."""
    attempt = _parked(trial)
    if attempt is None:
        return
    job = _job(attempt)
    for event in (
        {"type": "contract_kit_knows_what", "workflow_id": job},
        {"type": "notification", "payload": {"event": "unheard_of", "workflow_id": job}},
        {"workflow_id": job, "kit": [{"a": 1}], "status": "UNHEARD_OF"},
    ):
        verdict = trial.read(event, attempt)
        if verdict.action is EventAction.COMPLETE and not trial.case.any_event_completes:
            yield f"{event} comes to {_in_words(verdict)}."


@clause()
def malformed_events_do_no_harm(trial: Trial) -> Iterator[str]:
    """An event of no sensible form raises nothing, completes nothing, and can be stored."""
    attempt = _parked(trial)
    if attempt is None:
        return
    for event in _malformed(_job(attempt)):
        verdict = _read(trial, event, attempt)
        if isinstance(verdict, str):
            yield verdict
            return
        if verdict.status is StepStatus.COMPLETED and not trial.case.any_event_completes:
            yield f"{event!r:.200} completes it."
            return


@clause(needs_events=True)
def spoilt_events_do_no_harm(trial: Trial) -> Iterator[str]:
    """An event of its job in which a part is missing, or of another kind, raises nothing."""
    attempt = _parked(trial)
    if attempt is None:
        return
    job = _job(attempt)
    for event in (*trial.case.completing(job), *trial.case.failing(job)):
        for spoilt in _spoilt(event):
            verdict = _read(trial, spoilt, attempt)
            if isinstance(verdict, str):
                yield verdict
                return


@clause(needs_events=True)
def a_doubled_event_says_the_same(trial: Trial) -> Iterator[str]:
    """An event that is read twice, each time by another process, means the same both times."""
    attempt = _parked(trial)
    if attempt is None:
        return
    job = _job(attempt)
    for events in (trial.case.completing(job), trial.case.failing(job)):
        first, second = trial.told(events, attempt)[0], trial.told(events, attempt)[0]
        if _shown(trial, first) != _shown(trial, second):
            yield f"It comes to {_in_words(first)}, then to {_in_words(second)}."
        after = dict(attempt.result.outputs) | first.outputs
        for event in events:
            trial.read(event, attempt, after)


@clause(needs_events=True)
def an_early_event_is_read(trial: Trial) -> Iterator[str]:
    """An event is read also if the step has left no outputs yet."""
    attempt = _parked(trial)
    if attempt is None:
        return
    job = _job(attempt)
    for event in (*trial.case.completing(job), *trial.case.failing(job)):
        trial.read(event, attempt, {})
    yield from ()


@clause(needs_events=True)
def events_are_read_while_peers_are_down(trial: Trial) -> Iterator[str]:
    """An event whose look-up fails is read all the same: a transaction waits for the answer."""
    attempt = _parked(trial)
    if attempt is None:
        return
    job = _job(attempt)
    down = trial.with_peers(Health.DOWN)
    for event in (*trial.case.completing(job), *trial.case.failing(job)):
        down.read(event, attempt)
    yield from ()


def _parked(trial: Trial) -> Attempt | None:
    """The attempt of the case if it waits for events; None if it does not."""
    attempt = trial.execute()
    waits = attempt.result.awaiting_event and trial.action.reads_events
    return attempt if waits else None


def _job(attempt: Attempt) -> str:
    return (*attempt.result.awaited, "")[0]


def _read(trial: Trial, event: Mapping[str, Any], attempt: Attempt) -> EventResult | str:
    """The verdict, or what is wrong with it."""
    try:
        verdict = trial.read(event, attempt)
        json_guard.check(dict(verdict.outputs))
    except Misbehaved as error:
        return f"{error}, given {event!r:.200}."
    except (json_guard.JsonRejected, TypeError, ValueError) as error:
        return f"The outputs cannot be stored: {error}, given {event!r:.200}."
    return verdict


def _malformed(job: str) -> Iterator[dict[str, Any]]:
    deep: Any = "end"
    for _ in range(8):
        deep = {"payload": deep, "content": [deep]}
    yield {}
    yield {"workflow_id": None}
    yield {"workflow_id": job, "payload": deep}
    yield {"workflow_id": job, "\x01": "\x7f", "\U0001f600": "\u202e"}
    yield {"workflow_id": job, "payload": {"content": "x" * 200_000}}
    for name in ("type", "status", "event", "payload", "data", "result", "error", "action"):
        yield from ({"workflow_id": job, name: value} for value in ODD_VALUES)
    for value in ODD_VALUES:
        yield {"type": "notification", "payload": {"event": value, "content": value}}
        yield {"payload": {"type": value, "content": {"status": value, "result": value}}}


def _spoilt(event: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The event with each of its parts replaced in turn, and left out."""
    for path in _paths(event):
        for value in (*ODD_VALUES, _LEFT_OUT):
            yield _with(event, path, value)


_LEFT_OUT = object()


def _paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, member in value.items() if isinstance(value, Mapping) else ():
        yield (*path, name)
        yield from _paths(member, (*path, name))


def _with(event: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    spoilt: dict[str, Any] = copy.deepcopy(dict(event))
    place = spoilt
    for name in path[:-1]:
        place = place[name]
    if value is _LEFT_OUT:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return spoilt


def _shown(trial: Trial, verdict: EventResult) -> tuple[Any, ...]:
    kept = {n: v for n, v in verdict.outputs.items() if n not in trial.case.varying}
    return verdict.action, verdict.status, kept, verdict.error_code


def _in_words(verdict: EventResult) -> str:
    status = f" {verdict.status.name}" if verdict.status else ""
    return f"{verdict.action.name}{status}"
