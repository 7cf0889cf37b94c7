"""Why an execution or a step has no place of its key yet: who has one, and who is in front."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from pipeline_engine.domain.concurrency import EVERYBODY, PARKED, PIPELINE, named
from pipeline_engine.services.explain.evidence import Evidence
from pipeline_engine.services.explain.findings import Words, span
from pipeline_engine.storage.diagnostics import OpenStep
from pipeline_engine.storage.lines import Holder, Line


def waits_for_place(step: OpenStep, evidence: Evidence) -> Words:
    """What a step stands in line for, or its whole execution."""
    line = evidence.lines.get(step.id) or evidence.lines.get(None)
    if line is None:  # its turn came between two looks
        return "It stood in line for a place.", "Nothing: it has one by now.", {}
    return words(line, evidence)


def words(line: Line, evidence: Evidence) -> Words:
    """Who has the places, since when, and how many wait in front."""
    place = line.place
    what, setting = named(place.owner, place.key), setting_of(place.owner, place.key)
    known = [one for one in line.holders if one.execution_id in evidence.visible]
    because = f"It waits for a place of {what} ({place.at_once} at once)"
    if told := [*_told(line, known, evidence)]:
        because += f": {'; '.join(told)}"
    because += f". {_waiting(line.in_front)} in front of it."
    if line.superseded_at:
        because += " A later one needs its place, so it is about to be cancelled."
    facts = {
        "key": place.key,
        "limit": place.at_once,
        "setting": setting,
        "taken": line.taken,
        "when_full": place.when_full,
        "in_front": line.in_front,
        "asked_at": line.asked_at,
        "holders": [asdict(holder) for holder in known],
    }
    todo = f"Wait for one that has a place to end, cancel it, or raise {setting}."
    return because, todo, facts


def setting_of(owner: str | None, key: str) -> str:
    """What says how many places of a key there are."""
    if owner != EVERYBODY:
        return "concurrency.limit"
    if key.startswith(PIPELINE):
        return "settings.max_concurrent_executions"
    return "PIPELINE_MAX_PARKED_STEPS" if key.startswith(PARKED) else "PIPELINE_ACTION_LIMITS"


def _told(line: Line, known: Sequence[Holder], evidence: Evidence) -> Iterator[str]:
    """Who has a place; of those of strangers only how many they are."""
    first = known[:3]
    yield from (_held(holder, evidence) for holder in first)
    if more := line.taken - len(first):
        yield f"{more} others have one" if more > 1 else "another one has one"


def _held(holder: Holder, evidence: Evidence) -> str:
    return f"{holder} has one for {span(evidence.now - holder.since)}"


def _waiting(count: int) -> str:
    if count > 1:
        return f"{count} wait"
    return "One waits" if count else "Nobody waits"
