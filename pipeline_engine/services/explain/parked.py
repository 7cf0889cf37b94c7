"""Steps that wait for the outside world: for what, until when, and what has come so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline_engine.domain.action_names import type_of
from pipeline_engine.domain.paths import path_of
from pipeline_engine.services.explain.evidence import Evidence
from pipeline_engine.services.explain.findings import WAIT, FindingCode, Words, until
from pipeline_engine.storage.diagnostics import OpenStep
from pipeline_engine.storage.parked import EXECUTION
from pipeline_engine.storage.tables.inbox import Disposition

IGNORED = "ignored"
APPROVAL = "approval"
OTHER_WAYS = "--reject says no; or POST the answer to its callback_url"
ANSWER = (
    "Send the event that it waits for (POST /events with one of its external ids, for the owner"
    " of the execution: X-User-ID), or POST the answer to its callback_url, which"
    " GET /executions/{id}/steps shows."
)


def code_of(awaited: Sequence[str]) -> FindingCode:
    """What a parked step waits for that no clock wakes."""
    started = any(external_id.startswith(EXECUTION) for external_id in awaited)
    return FindingCode.WAITS_FOR_EXECUTION if started else FindingCode.PARKED


def parked(step: OpenStep, evidence: Evidence) -> Words:
    """It waits for an event, or for the answer to its callback address."""
    came, external_ids = evidence.deliveries.get(step.id, {}), list(evidence.awaited[step.id])
    named = f" on {', '.join(external_ids[:3])}" if external_ids else ""
    because = f"It is parked{named} {until(step.deadline_at, evidence.now)}; {_in_words(came)}."
    todo = _approve(step, evidence) if type_of(step.action) == APPROVAL else ANSWER
    if came.get(Disposition.UNMATCHED):
        todo = (
            "Events for it were given up before it waited: offer them again with"
            " POST /deliveries/{id}/replay; GET /deliveries?disposition=unmatched lists them."
        )
    if came.get(Disposition.PENDING):
        todo = (
            "Wait: a worker is about to take what came. A lost message is sent again after"
            f" {evidence.republish_after:g} s."
        )
    facts = {
        "external_ids": external_ids,
        "deliveries": dict(came),
        "has_callback_url": True,
        "deadline_at": step.deadline_at,
    }
    return because, todo, facts


def waits_for_execution(step: OpenStep, evidence: Evidence) -> Words:
    """It waits for the end of an execution that it has started."""
    ids = [i.removeprefix(EXECUTION) for i in evidence.awaited[step.id] if i.startswith(EXECUTION)]
    because = f"It waits for the end of the execution {ids[0]}"
    because += f" {until(step.deadline_at, evidence.now)}."
    todo = f"Ask the same of that one: pipeline-engine explain {ids[0]}"
    return because, todo, {"execution_id": ids[0], "deadline_at": step.deadline_at}


def timer(step: OpenStep, evidence: Evidence) -> Words:
    """The clock wakes it, unless an event comes first."""
    because = f"It waits {until(step.due_at, evidence.now)}."
    external_ids = list(evidence.awaited[step.id])
    return because, WAIT, {"due_at": step.due_at, "external_ids": external_ids}


def _approve(step: OpenStep, evidence: Evidence) -> str:
    name = path_of(step.step_id, step.item_index, step.within)
    way = f"pipeline-engine approve {evidence.execution_id} --step '{name}'"
    return f"Answer with {way} ({OTHER_WAYS})."


def _in_words(came: Mapping[str, Any]) -> str:
    if not came:
        return "nothing came for it yet"
    words = ", ".join(f"{count} {word}" for word, count in sorted(came.items()))
    kept = "; what it ignores is kept for others" if came.get(IGNORED) else ""
    return f"came so far: {words}{kept}"
