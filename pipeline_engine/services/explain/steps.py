"""From the row of an open step to the reason why it is not moving."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pipeline_engine.domain.action_names import type_of
from pipeline_engine.domain.outcome import COMPENSATES
from pipeline_engine.domain.paths import path_of
from pipeline_engine.domain.phases import Phase, is_lost, phase_of
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.services.explain import parked
from pipeline_engine.services.explain.evidence import Evidence, Patience
from pipeline_engine.services.explain.findings import (
    WAIT,
    Finding,
    FindingCode,
    Words,
    moment,
    span,
    until,
)
from pipeline_engine.services.explain.in_line import waits_for_place
from pipeline_engine.storage.diagnostics import SCANNED, Neighbour, OpenStep
from pipeline_engine.storage.shares import MOST_OWNERS
from pipeline_engine.storage.tables.steps import StepKind


def finding(step: OpenStep, evidence: Evidence) -> Finding:
    """Why this step is not moving."""
    code = code_of(step, evidence)
    because, what_to_do, facts = EXPLAIN[code](step, evidence)
    known = {
        "status": step.status,
        "phase": phase_of(step).value,
        "attempt": step.attempt,
        "action": step.action,
    }
    return Finding(
        code=code,
        because=because,
        what_to_do=what_to_do,
        step_id=step.step_id,
        item_index=step.item_index,
        within=step.within,
        since=_since(step, evidence),
        facts={**known, **facts},
    )


def _since(step: OpenStep, evidence: Evidence) -> datetime | None:
    """When it last moved, as far as that is known."""
    if line := evidence.lines.get(step.id):
        return line.asked_at
    return step.queued_at or (None if step.status == StepStatus.PENDING else step.updated_at)


def code_of(step: OpenStep, evidence: Evidence) -> FindingCode:
    """What a step waits for; exactly one thing."""
    if is_lost(step):
        return FindingCode.UNEXPLAINED
    phase = phase_of(step)
    return _closer_code(step, phase, evidence) or CODES[phase]


def _closer_code(step: OpenStep, phase: Phase, evidence: Evidence) -> FindingCode | None:
    """The same where the phase does not tell it all."""
    match phase:
        case Phase.HELD if step.kind == StepKind.ITEM:
            return FindingCode.ITEMS_HELD
        case Phase.EXPANDED if step.id in evidence.inside:
            return FindingCode.WAITS_FOR_STEPS
        case Phase.QUEUED if _workers(step, evidence) == ():
            return FindingCode.NO_WORKER
        case Phase.RUNNING if step.leased_until and step.leased_until <= evidence.now:
            return FindingCode.LEASE_EXPIRED
        case Phase.PARKED:
            return parked.code_of(evidence.awaited[step.id])
    return None


#: Finding of each phase that is explained by itself.
CODES: Mapping[Phase, FindingCode] = {
    Phase.WAITING: FindingCode.WAITS_FOR_DEPENDENCIES,
    Phase.HELD: FindingCode.WINDOW_FULL,
    Phase.QUEUED: FindingCode.QUEUED,
    Phase.IN_LINE: FindingCode.WAITS_FOR_PLACE,
    Phase.DELAYED: FindingCode.DELAYED,
    Phase.RUNNING: FindingCode.RUNNING,
    Phase.TIMER: FindingCode.TIMER,
    Phase.RETRYING: FindingCode.RETRY_WAITING,
    Phase.EXPANDED: FindingCode.WAITS_FOR_ITEMS,
    Phase.JOINING: FindingCode.JOINING,
    Phase.CLEANING_UP: FindingCode.CLEANING_UP,
}


# ── Not begun ────────────────────────────────────────────────────────────────────────────


def _waits_for_dependencies(step: OpenStep, evidence: Evidence) -> Words:
    blockers = evidence.blockers.get(step.id, ())
    because = f"It waits for {step.remaining} of {step.dependency_count} steps in front of it"
    facts = {"open": step.remaining, "of": step.dependency_count, "steps": _shown(blockers)}
    return f"{because}{_named(blockers)}.", "Look at what those steps wait for.", facts


def _window_full(_: OpenStep, evidence: Evidence) -> Words:
    window = evidence.window
    used, limit = len(window.members), window.limit
    because = f"{used} of {limit or '?'} places of max_parallel_steps are taken"
    todo = "Wait for one of them to end, or raise settings.max_parallel_steps of the pipeline."
    facts = {"used": used, "limit": limit, "steps": _shown(window.members)}
    return f"{because}{_named(window.members)}.", todo, facts


def _items_held(step: OpenStep, evidence: Evidence) -> Words:
    held = evidence.held_items.get(step.parent_id or 0, 0)
    because = (
        f"It is one of {_at_least(held)} items that wait for a place: the fan-out lets only"
        " max_concurrency of them run at once."
    )
    todo = "Wait for an item that runs to end, or raise max_concurrency of the step."
    return because, todo, {"held": held}


def _queued(step: OpenStep, evidence: Evidence) -> Words:
    carriage, sends = evidence.carriage, max(step.publish_count, 1)
    because = f"Its message was sent {_times(sends)} to the queue '{step.queue}', and no worker"
    because += " has taken it yet"
    todo = (
        "Wait. If it is always queued: add workers for this queue. A lost message is sent again"
        f" after {evidence.republish_after:g} s."
    )
    owners = evidence.owners.get(step.queue, 1)
    facts: dict[str, Any] = {"queue": step.queue, "sent": sends, "workers": None, "length": None}
    facts["owners"] = owners
    if carriage is None:
        return f"{because}; Redis is away, so nobody knows who serves it.", todo, facts
    length, workers = carriage.lengths.get(step.queue), _workers(step, evidence) or ()
    facts |= {"workers": list(workers), "length": length}
    because += f"; {length} messages lie there, {_workers_serve(len(workers))} it"
    if owners > 1:
        because += f"; {owners}{'' if owners < MOST_OWNERS else ' or more'} owners take turns at it"
    kind = type_of(step.action)
    lacking = [w for w in workers if kind not in evidence.actions.get(w, {kind})]
    if lacking:
        facts["lacking"] = lacking
        because += f", and {', '.join(lacking)} cannot run it: '{kind}' is not installed there"
        todo = "Install the same actions in every worker: one that lacks it drops such messages."
    return f"{because}.", todo, facts


def _no_worker(step: OpenStep, evidence: Evidence) -> Words:
    length = evidence.carriage.lengths.get(step.queue) if evidence.carriage else None
    because = f"It is queued, and no worker that serves the queue '{step.queue}' is alive."
    command = f"celery -A pipeline_engine.worker worker -Q {step.queue}"
    facts: dict[str, Any] = {"queue": step.queue, "length": length, "workers": []}
    return because, f"Start a worker for it: {command}", facts


def _delayed(step: OpenStep, evidence: Evidence) -> Words:
    return f"It waits {until(step.due_at, evidence.now)}.", WAIT, {"due_at": step.due_at}


def _retry_waiting(step: OpenStep, evidence: Evidence) -> Words:
    patience = evidence.patience.get(step.id)
    number, shared = f"attempt {step.retry_count + 1}", patience and patience.failures
    if not shared:
        number += f" of {patience.most_attempts if patience else '?'}"
    error = evidence.redactor.redact(step.error_message)
    because = f"It failed ({error}); {number} waits {until(step.due_at, evidence.now)}."
    if patience and shared:
        because += f" {_by_policy(patience)}."
    facts = {
        "next_attempt": step.retry_count + 1,
        "most_attempts": patience.most_attempts if patience else None,
        "policy": patience.policy if patience and shared else None,
        "failures": shared,
        "due_at": step.due_at,
        "error_code": step.error_code,
        "error_message": error,
    }
    return because, "Remove the cause of the error, or wait for the next attempt.", facts


def _by_policy(its: Patience) -> str:
    """Which of several policies has decided, and how much of it is used up."""
    which = f"Policy {its.policy + 1} of {its.policies} has decided about this failure"
    return f"{which}, number {its.failures} of the {its.most_attempts} after which it gives up"


# ── Begun ────────────────────────────────────────────────────────────────────────────────


def _has_worker(step: OpenStep, evidence: Evidence) -> Words:
    because = f"Worker {step.worker} works on it, and renews its lease"
    because += f" ({moment(step.leased_until)})"
    if step.deadline_at is not None:
        because += f"; it may take {until(step.deadline_at, evidence.now)}"
    facts = {
        "worker": step.worker,
        "leased_until": step.leased_until,
        "deadline_at": step.deadline_at,
    }
    return f"{because}.", "Nothing, unless it takes longer than its action should.", facts


def _lease_expired(step: OpenStep, evidence: Evidence) -> Words:
    assert step.leased_until
    silent = span(evidence.now - step.leased_until)
    because = f"Worker {step.worker} had it, and its lease ran out {silent} ago."
    todo = "Nothing: the next sweep recovers it. Without a sweep, see `pipeline-engine doctor`."
    return because, todo, {"worker": step.worker, "leased_until": step.leased_until}


def _waits_for_items(step: OpenStep, _: Evidence) -> Words:
    ended = (step.items_total or 0) - (step.items_open or 0)
    because = f"{ended} of {step.items_total} items have ended, {step.items_failed or 0} failed."
    facts = {"total": step.items_total, "open": step.items_open, "failed": step.items_failed}
    return because, "Look at what its open items wait for.", facts


def _waits_for_steps(step: OpenStep, evidence: Evidence) -> Words:
    inside = evidence.inside[step.id]
    undoes = any(one.step_id.startswith(COMPENSATES) for one in inside)
    ended, total = (step.items_total or 0) - (step.items_open or 0), step.items_total or 0
    because = f"{ended} of {total} steps of the block have ended; it waits for {_listed(inside)}."
    if undoes:
        because = f"It has failed, and undoes what it has done; it waits for {_listed(inside)}."
    facts = {
        "total": total,
        "open": step.items_open,
        "failed": step.items_failed,
        "block_attempt": step.retry_count + 1,
        "steps": _shown(inside),
    }
    return because, "Look at what those steps wait for.", facts


def _joining(step: OpenStep, evidence: Evidence) -> Words:
    because = f"All {step.items_total} items have ended; their results are about to be collected."
    wake = until(step.due_at, evidence.now)
    todo = f"Nothing: should the message be lost, the sweep joins; it waits {wake}."
    return because, todo, {"due_at": step.due_at, "total": step.items_total}


def _cleaning_up(step: OpenStep, evidence: Evidence) -> Words:
    because = "It was stopped, and its action is asked to clean up what it started."
    wake = until(step.due_at, evidence.now)
    todo = f"Nothing: should the message be lost, the sweep sends it again; it waits {wake}."
    return because, todo, {"due_at": step.due_at, "leased_until": step.leased_until}


def _unexplained(step: OpenStep, _: Evidence) -> Words:
    because = f"It is {step.status}, and its row says of nothing that would move it."
    todo = "Report this: it is a fault of the engine. `pipeline-engine doctor` lists all such steps"
    return because, f"{todo}; cancelling the execution ends it.", {"id": step.id}


# ── Words ────────────────────────────────────────────────────────────────────────────────


def _workers(step: OpenStep, evidence: Evidence) -> Sequence[str] | None:
    if evidence.carriage is None:
        return None
    return tuple(evidence.carriage.workers.get(step.queue, ()))


def _shown(steps: Sequence[Neighbour]) -> list[dict[str, Any]]:
    return [asdict(step) for step in steps]


def _named(steps: Sequence[Neighbour], most: int = 5) -> str:
    return f": {_listed(steps, most)}" if steps else ""


def _listed(steps: Sequence[Neighbour], most: int = 5) -> str:
    names = [f"{path_of(s.step_id, None, s.within)} ({_standing(s)})" for s in steps[:most]]
    return ", ".join(names) + (", …" if len(steps) > most else "")


def _standing(step: Neighbour) -> str:
    return "parked" if step.is_parked else step.status.lower()


def _workers_serve(count: int) -> str:
    return "one worker serves" if count == 1 else f"{count} workers serve"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _at_least(count: int) -> str:
    return f"{count} or more" if count >= SCANNED else str(count)


EXPLAIN: Mapping[FindingCode, Callable[[OpenStep, Evidence], Words]] = {
    FindingCode.WAITS_FOR_DEPENDENCIES: _waits_for_dependencies,
    FindingCode.WINDOW_FULL: _window_full,
    FindingCode.WAITS_FOR_PLACE: waits_for_place,
    FindingCode.ITEMS_HELD: _items_held,
    FindingCode.QUEUED: _queued,
    FindingCode.NO_WORKER: _no_worker,
    FindingCode.DELAYED: _delayed,
    FindingCode.RETRY_WAITING: _retry_waiting,
    FindingCode.RUNNING: _has_worker,
    FindingCode.LEASE_EXPIRED: _lease_expired,
    FindingCode.PARKED: parked.parked,
    FindingCode.WAITS_FOR_EXECUTION: parked.waits_for_execution,
    FindingCode.TIMER: parked.timer,
    FindingCode.WAITS_FOR_ITEMS: _waits_for_items,
    FindingCode.WAITS_FOR_STEPS: _waits_for_steps,
    FindingCode.JOINING: _joining,
    FindingCode.CLEANING_UP: _cleaning_up,
    FindingCode.UNEXPLAINED: _unexplained,
}
