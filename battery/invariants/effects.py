"""I3: effects happen as often as promised. I4: none before what it depends on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection

from battery.evidence import Effect, Evidence
from battery.invariants.ledger import BEGIN, END, Step, by_key, orders, steps_of


def wrong_effects(connection: Connection, evidence: Evidence) -> Iterator[str]:
    """Effects without a step, results without an effect, and repetitions of what must not be."""
    effects = by_key(evidence.effects)
    steps = steps_of(connection, evidence.effects)
    known = {step.key for step in steps}
    actions = {step.action for step in steps if step.key in effects}
    yield from (f"the effect {key} belongs to no step" for key in effects if key not in known)
    fan_outs = {step.parent_id for step in steps}  # their items have the effects
    for step in steps:
        has_ended_well = step.action in actions and step.status == "COMPLETED"
        if has_ended_well and step.id not in fan_outs:
            yield from _without_effect(step, effects.get(step.key, []))
    repeatable = _repeatable(connection, steps)
    for key, its in effects.items():
        if not its[0].idempotent:
            yield from _repeated(key, its, repeatable.get(key, ()))


def _without_effect(step: Step, its: Sequence[Effect]) -> Iterator[str]:
    for moment in (BEGIN, END):
        if not orders(its, moment, attempt=step.attempt):
            yield f"{step.key} is COMPLETED by attempt {step.attempt}, which has no {moment}"


def _repeated(key: str, its: Sequence[Effect], told: Sequence[int]) -> Iterator[str]:
    """What an action that must not be repeated did twice; *told* attempts failed for certain."""
    begun = [effect.attempt for effect in its if effect.moment == BEGIN]
    for attempt in sorted(set(begun)):
        if begun.count(attempt) > 1:
            yield f"{key} is not idempotent, and began attempt {attempt} more than once"
    for attempt in sorted(set(begun))[:-1]:
        if attempt not in told:
            yield f"{key} is not idempotent, and was repeated though nobody knew how {attempt} went"


def _repeatable(connection: Connection, steps: Sequence[Step]) -> Mapping[str, Sequence[int]]:
    """The attempts that reported a failure, or ran out of time, and had the author's retry."""
    rows = connection.exec_driver_sql(
        "SELECT step_execution_id, array_agg((details ->> 'attempt')::int) FROM events"
        " WHERE event_type = 'step_retrying' AND details ->> 'error_code' <> 'outcome_unknown'"
        " AND step_execution_id = ANY(%(ids)s) GROUP BY 1",
        {"ids": [step.id for step in steps]},
    )
    failed: dict[int, Sequence[int]] = {row[0]: row[1] for row in rows}
    return {step.key: failed.get(step.id, ()) for step in steps}


# ── Order ────────────────────────────────────────────────────────────────────────────────


def disordered_effects(connection: Connection, evidence: Evidence) -> Iterator[str]:
    """Steps whose action began before that of a dependency had ended, by line of the ledger."""
    effects = by_key(evidence.effects)
    steps = {step.id: step for step in steps_of(connection, evidence.effects)}
    items: dict[int, list[Step]] = {}
    for step in steps.values():
        if step.parent_id is not None:
            items.setdefault(step.parent_id, []).append(step)
    for step in steps.values():
        before = items.get(step.id, [step])
        for successor in (steps[id_] for id_ in step.successors if id_ in steps):
            if not successor.is_eager:
                for after in items.get(successor.id, [successor]):
                    yield from _overtakings(before, after, effects)


def _overtakings(
    before: Sequence[Step], after: Step, effects: Mapping[str, Sequence[Effect]]
) -> Iterator[str]:
    """A crash of the database may undo ends, so only the begin of the last attempt counts."""
    begins = orders(effects.get(after.key, ()), BEGIN, attempt=after.attempt)
    ended = [step for step in before if step.status == "COMPLETED" and step.key in effects]
    for step in ended if begins else ():
        ends = orders(effects[step.key], END, attempt=step.attempt)
        if not ends or begins[-1] < ends[0]:
            yield f"{after.key} began at line {begins[-1]}, before {step.key} ended"
