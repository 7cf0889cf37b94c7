"""Why an execution or a step has no place of its key yet: who has one, and who is in front."""

from __future__ import annotations

from dataclasses import asdict

from pipeline_engine.services.explain.evidence import Evidence
from pipeline_engine.services.explain.findings import Words, span
from pipeline_engine.storage.diagnostics import OpenStep
from pipeline_engine.storage.places import Holder, Line


def waits_for_place(step: OpenStep, evidence: Evidence) -> Words:
    """What a step stands in line for, or its whole execution."""
    line = evidence.lines.get(step.id) or evidence.lines.get(None)
    if line is None:  # its turn came between two looks
        return "It stood in line for a place.", "Nothing: it has one by now.", {}
    return words(line, evidence)


def words(line: Line, evidence: Evidence) -> Words:
    """Who has the places, since when, and how many wait in front."""
    place = line.place
    because = f"It waits for a place of '{place.key}' ({place.at_once} at once)"
    if line.holders:
        because += f": {'; '.join(_held(holder, evidence) for holder in line.holders[:3])}"
    if len(line.holders) > 3:
        because += "; …"
    because += f". {_waiting(line.in_front)} in front of it."
    if line.superseded_at:
        because += " A later one needs its place, so it is about to be cancelled."
    facts = {
        "key": place.key,
        "limit": place.at_once,
        "when_full": place.when_full,
        "in_front": line.in_front,
        "asked_at": line.asked_at,
        "holders": [asdict(holder) for holder in line.holders],
    }
    todo = "Wait for one that has a place to end, cancel it, or raise concurrency.limit."
    return because, todo, facts


def _held(holder: Holder, evidence: Evidence) -> str:
    return f"{holder} has one for {span(evidence.now - holder.since)}"


def _waiting(count: int) -> str:
    if count > 1:
        return f"{count} wait"
    return "One waits" if count else "Nobody waits"
