"""What an attempt comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

from pipeline_engine.contract_kit.clause import clause
from pipeline_engine.contract_kit.stand_ins import SENSELESS, Health
from pipeline_engine.contract_kit.trial import Attempt, Trial
from pipeline_engine.domain import json_guard
from pipeline_engine.domain.expressions import masker_in
from pipeline_engine.sdk import EventAction, ExecutionMode

#: Bytes that outputs may have unless an installation says otherwise.
MAX_OUTPUT_BYTES = 262_144


@clause()
def it_ends_as_described(trial: Trial) -> Iterator[str]:
    """The attempt, and the events that end it, come to what the case says."""
    case, attempt = trial.case, trial.execute()
    result = attempt.result
    if case.fails_with is not None and result.error_code != case.fails_with:
        yield f"It was to fail with {case.fails_with}, and {_in_words(attempt)}."
    elif case.succeeds and not result.success:
        yield f"It was to succeed, and {_in_words(attempt)}."
    elif case.succeeds is False and result.success and not result.awaiting_event:
        yield "It was to fail, and has succeeded."
    elif case.ends_by_event and not result.awaiting_event:
        yield f"It was to wait for an event, and {_in_words(attempt)}."
    elif case.succeeds and _waits_for_news(trial, attempt):
        yield "It waits: say in completed_by which event completes it."
    if result.awaiting_event and trial.action.meta.execution_mode is ExecutionMode.SYNC:
        yield "It waits, and META says that it is SYNC."


@clause()
def failures_say_why(trial: Trial) -> Iterator[str]:
    """A failure has an error in words; a success has none."""
    result = trial.execute().result
    if not result.success and not (result.error or "").strip():
        yield "It failed without an error."
    if result.success and result.error:
        yield f"It succeeded, and has the error {result.error!r:.200}."


@clause()
def it_leaves_what_it_declares(trial: Trial) -> Iterator[str]:
    """Success, failure and parking leave the same keys: the outputs that META declares."""
    attempt = trial.execute()
    if not attempt.answered or trial.action.fans_out:
        return
    yield from _differences(trial, "execute", attempt.result.outputs)
    if attempt.result.awaiting_event:
        for how, events in _endings(trial, attempt):
            verdict, outputs = trial.told(events, attempt)
            if verdict.action is EventAction.COMPLETE:
                yield from _differences(trial, how, outputs)


@clause()
def it_leaves_the_same_when_a_peer_is_down(trial: Trial) -> Iterator[str]:
    """What cannot reach its peers fails in words, or does without, and leaves the same keys."""
    for attempt in _unlucky(trial):
        if not attempt.result.success and not (attempt.result.error or "").strip():
            yield "It failed without an error."
        if attempt.answered and not trial.action.fans_out:
            yield from _differences(trial, "execute", attempt.result.outputs)


@clause()
def what_it_leaves_can_be_stored(trial: Trial) -> Iterator[str]:
    """Outputs are JSON of at most 256 KiB; ids, errors and codes are texts."""
    attempt = trial.execute()
    result = attempt.result
    yield from _unstorable("execute", result.outputs)
    for name in ("error", "error_code"):
        given = getattr(result, name)
        if given is not None and not isinstance(given, str):
            yield f"The {name} is {type(given).__name__}, no text."
    for one in result.awaited:
        if not 1 <= len(one) <= 512 or "\0" in one:
            yield f"The external id {one!r:.100} does not have 1 to 512 characters."
    if result.awaiting_event:
        for how, events in _endings(trial, attempt):
            yield from _unstorable(how, trial.told(events, attempt)[1])


@clause()
def secrets_stay_secret(trial: Trial) -> Iterator[str]:
    """A secret in the params is in no output, error or id, after the engine has masked it."""
    secrets = [str(trial.params.get(name)) for name in trial.case.secrets]
    if not secrets:
        return
    printed = StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        attempt = trial.execute()
    result = attempt.result
    masker = masker_in(attempt.context.scope)
    places = {
        "the outputs": masker.mask(result.outputs),
        "the error": masker.mask([result.error, result.error_code]),
        "an external id": result.awaited,
        "what it prints": printed.getvalue(),
    }
    for place, value in places.items():
        if any(_is_quoted(secret, value) for secret in secrets):
            yield f"A secret of the params is in {place}."


def _is_quoted(secret: str, value: Any) -> bool:
    text = repr(value).casefold()
    backwards, folded = secret[::-1].casefold(), secret.casefold()
    return folded in text or backwards in text


def _waits_for_news(trial: Trial, attempt: Attempt) -> bool:
    """Whether nothing is said of the event for which it waits."""
    waits = bool(attempt.result.awaited) and trial.action.reads_events
    return waits and not (trial.case.completed_by or trial.case.any_event_completes)


def _endings(trial: Trial, attempt: Attempt) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    (job, *_) = (*attempt.result.awaited, "")
    yield "the completing event", trial.case.completing(job)
    yield "the failing event", trial.case.failing(job)


def _unlucky(trial: Trial) -> Iterator[Attempt]:
    """Attempts among peers that are down, or make no sense; none if it calls nobody."""
    if not trial.execute().called:
        return
    yield trial.with_peers(Health.DOWN).execute()
    for number in range(len(SENSELESS)):
        yield trial.with_peers(Health.SENSELESS, number).execute()


def _differences(trial: Trial, how: str, outputs: Any) -> Iterator[str]:
    declared = trial.declared
    if not isinstance(outputs, Mapping):
        yield f"The outputs of {how} are {type(outputs).__name__}, no object."
        return
    if not declared:  # it leaves what it is given
        return
    for name in sorted(declared - set(outputs)):
        yield f"'{name}' is missing after {how}: META declares it."
    for name in sorted(set(outputs) - declared):
        yield f"'{name}' is left by {how}, and META does not declare it."


def _unstorable(how: str, outputs: Any) -> Iterator[str]:
    try:
        json_guard.check(dict(outputs), max_bytes=MAX_OUTPUT_BYTES)
    except (json_guard.JsonRejected, TypeError, ValueError) as error:
        yield f"The outputs of {how} cannot be stored: {error}"


def _in_words(attempt: Attempt) -> str:
    result = attempt.result
    if result.awaiting_event:
        return "waits for an event"
    if result.success:
        return "has succeeded"
    return f"has failed with {result.error_code or 'action_failed'}: {result.error}"
