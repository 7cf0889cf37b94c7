"""Steps that nobody waits for any more, and time that is up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import requests

from pipeline_engine.contract_kit.clause import clause
from pipeline_engine.contract_kit.stand_ins import Health
from pipeline_engine.contract_kit.trial import Misbehaved, Trial
from pipeline_engine.sdk import timed

#: Seconds that an attempt has among peers that never answer, and after them.
LIMIT_SECONDS, GRACE_SECONDS = 0.1, 2.0


@clause()
def cancelling_calls_the_job_off(trial: Trial) -> Iterator[str]:
    """When a parked step is cancelled, cleanup tells the peer to stop its job."""
    attempt = trial.execute()
    started = attempt.result.awaiting_event and attempt.result.awaited and attempt.writes
    if not started:
        return
    told = trial.clean_up(attempt)
    if not told and trial.case.can_be_called_off and not trial.action.meta.not_called_off:
        yield (
            "Its cleanup calls nobody, so the job goes on."
            " If no peer can stop it, let not_called_off of its META say so,"
            " or can_be_called_off=False of a case in which it is so."
        )
    for job in attempt.result.awaited if told else ():
        if not any(job.rpartition(":")[2] in write.call + write.sent for write in told):
            yield f"Its cleanup does not name the job {job}."


@clause()
def clean_up_may_come_at_any_time(trial: Trial) -> Iterator[str]:
    """Cleanup does no harm when it comes twice, and when nothing was started."""
    attempt = trial.execute()
    trial.clean_up(attempt)
    trial.clean_up(attempt)
    trial.clean_up(None)
    yield from ()


@clause()
def clean_up_bears_peers_that_are_down(trial: Trial) -> Iterator[str]:
    """Cleanup ends with an error that the engine knows, or none, when it reaches no peer."""
    trial.with_peers(Health.DOWN).clean_up(trial.execute())
    yield from ()


@clause()
def it_wakes(trial: Trial) -> Iterator[str]:
    """When its wake_at is reached, on_wake ends the step, or says what it waits for now."""
    attempt = trial.execute()
    wake_at = attempt.result.wake_at
    if wake_at is None:
        return
    if wake_at.utcoffset() is None:
        yield "wake_at has no time zone."
    result = trial.wake(attempt)
    yield from _undeclared(trial, result.outputs)


@clause()
def a_time_out_may_be_tried_again(trial: Trial) -> Iterator[str]:
    """An attempt that follows one whose time was up comes to a result of the same form."""
    first = trial.execute()
    second = trial.execute(
        key=first.context.idempotency_key,
        execution_id=first.context.execution_id,
        stored_outputs=dict(first.result.outputs),
        retry_count=1,
        attempt=2,
    )
    if second.result.success != first.result.success:
        yield f"The first attempt has success={first.result.success}, the next one has not."
    if second.answered:
        yield from _undeclared(trial, second.result.outputs)


@clause()
def a_silent_peer_does_not_hold_it(trial: Trial) -> Iterator[str]:
    """When its time is up and peers are silent, execute comes back."""
    if not trial.execute().called:
        return
    silent, ended = trial.with_peers(Health.SILENT), threading.Event()
    faults: list[Misbehaved] = []
    thread = threading.Thread(target=_within, args=[silent, ended, faults], daemon=True)
    thread.start()
    if not ended.wait(LIMIT_SECONDS + GRACE_SECONDS):
        yield f"It had {LIMIT_SECONDS:g} s, and is still there {GRACE_SECONDS:g} s later."
    yield from (f"{fault}." for fault in faults)


def _within(trial: Trial, ended: threading.Event, faults: list[Misbehaved]) -> None:
    """Hang up on peers as the engine does."""
    try:
        with suppress(requests.Timeout), timed(LIMIT_SECONDS):  # so it says that the time is up
            trial.execute()
    except Misbehaved as error:
        faults.append(error)
    finally:
        ended.set()


def _undeclared(trial: Trial, outputs: dict[str, Any]) -> Iterator[str]:
    declared = trial.declared
    if declared and not trial.action.fans_out and set(outputs) != declared:
        yield f"It leaves {sorted(outputs)}, and META declares {sorted(declared)}."
