"""A history that does not follow from its definition is found out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.factories import a_document, a_step

from pipeline_engine.domain.definitions import parse
from pipeline_engine.services.replay import Recorded, differences
from pipeline_engine.storage.tables.events import EventType


def said(kind: str, step: str | None = None, **details: Any) -> tuple[str, str | None, Any]:
    return kind, step, details


def replayed(*events: tuple[str, str | None, Any], steps: list[Any], **fields: Any) -> list[str]:
    """What the replay finds in these events, in this order."""
    rows: dict[Any, int] = {}
    history = []
    for number, (kind, step, given) in enumerate(events, start=1):
        row, details = None, given
        if step is not None:
            row = rows.setdefault((step, given.get("item_index")), len(rows) + 1)
            details = {"step_id": step, "attempt": 1, **given}
        history.append(Recorded(number, EventType(kind), row, details))
    return differences(parse(a_document(*steps, **fields)), history)


STARTED = said("workflow_started")
DONE = said("workflow_completed", success=True)
FAILED = said("workflow_failed", error={"code": "x", "message": "m", "step_id": "a"})
INTERRUPTED = said("workflow_interrupted", error={"code": "cancelled", "message": "m"})
CANCEL = said("cancel_requested")
FORCE = said("cancel_requested", force=True)
LATE = said("deadline_passed")
TOO_LATE = said("deadline_passed", force=True)
OVER = said("workflow_failed", error={"code": "execution_timeout", "message": "m"})


def completed(step: str, **details: Any) -> Any:
    return said("step_completed", step, **details)


def failed(step: str, **details: Any) -> Any:
    return said("step_failed", step, **details)


def skipped(step: str, reason: str, **details: Any) -> Any:
    return said("step_skipped", step, reason=reason, **details)


BEGUN = said("step_started", "h")
STOPPED = skipped("h", "aborted", attempt=2)
CHAIN = [a_step("a"), a_step("b", "a")]
LENIENT = {"settings": {"fail_fast": False}}
RETRY = {"on_failure": "retry", "retry": {"max_attempts": 2, "backoff_seconds": 0}}
EACH = [a_step("a", for_each={"items": [1, 2], "tolerated_failures": 1})]
UNDONE = [a_step("a", compensate={"action": "log"}), a_step("b", "a", compensate={"action": "log"})]
HANDLERS = {"on_failure": [{"id": "h", "name": "h", "action": "log"}]}
BRANCHES = {"branches": [{"id": "x", "condition": "true", "target_step": "b"}]}
CHOICE = [a_step("a", action="conditional", params=BRANCHES), a_step("b", "a"), a_step("c", "b")]
JOIN = [a_step("a"), a_step("b"), a_step("c"), a_step("d", "a", "b", "c")]
TWO_OF_THREE = [*JOIN[:3], JOIN[3] | {"trigger_rule": {"at_least": 2}}]
LAST = [a_step("a"), a_step("b", "a", trigger_rule="all_done")]
ON_CANCEL = {"id": "c", "name": "c", "action": "log", "when": "on_cancel"}
UNDO_A, UNDO_B = "compensate:a", "compensate:b"

GOOD = {
    "a chain": ((STARTED, completed("a"), completed("b"), DONE), CHAIN, {}),
    "a failure that stops the rest": (
        (STARTED, failed("a"), skipped("b", "aborted"), FAILED),
        CHAIN,
        {},
    ),
    "a failure that others wait for": (
        (STARTED, failed("a"), skipped("b", "upstream_failed"), FAILED),
        CHAIN,
        LENIENT,
    ),
    "a step that survives": ((STARTED, failed("a"), completed("b"), FAILED), LAST, {}),
    "a cancel": (
        (STARTED, completed("a"), CANCEL, skipped("b", "aborted"), INTERRUPTED),
        CHAIN,
        {},
    ),
    "a retry": (
        (
            STARTED,
            said("step_started", "a"),
            said("step_retrying", "a"),
            said("step_started", "a", attempt=2),
            completed("a", attempt=2),
            DONE,
        ),
        [a_step("a", **RETRY)],
        {},
    ),
    "a recovered step": (
        (
            STARTED,
            said("step_started", "a"),
            said("step_recovered", "a"),
            said("step_started", "a", attempt=2),
            completed("a", attempt=2),
            DONE,
        ),
        [a_step("a")],
        {},
    ),
    "a fan-out": (
        (
            STARTED,
            said("step_expanded", "a", items=2),
            completed("a", item_index=1),
            failed("a", item_index=0),
            completed("a"),
            DONE,
        ),
        EACH,
        {},
    ),
    "a branch that was not taken": (
        (STARTED, completed("a"), skipped("b", "branch"), skipped("c", "branch"), DONE),
        CHOICE,
        {},
    ),
    "too few left, seen before a failure was counted": (
        (
            STARTED,
            skipped("a", "condition"),
            skipped("b", "condition"),
            failed("c"),
            skipped("d", "rule"),
            said("workflow_failed", error={"code": "x", "message": "m", "step_id": "c"}),
        ),
        [a_step(s, condition="false") for s in "abc"] + TWO_OF_THREE[3:],
        LENIENT,
    ),
    "compensations and handlers": (
        (
            STARTED,
            completed("a"),
            completed("b"),
            failed("c"),
            completed(UNDO_B),
            completed(UNDO_A),
            completed("h"),
            said("workflow_failed", error={"code": "x", "message": "m", "step_id": "c"}),
        ),
        [*UNDONE, a_step("c", "b")],
        {"settings": HANDLERS},
    ),
    "a cancel while handlers run": (
        (STARTED, completed("a"), CANCEL, completed("h"), INTERRUPTED),
        [a_step("a")],
        {"settings": {"finally": HANDLERS["on_failure"]}},
    ),
    "a cancel that outranks a failure, and stops what survived it": (
        (
            STARTED,
            failed("a"),
            said("step_started", "b"),
            CANCEL,
            skipped("b", "aborted", attempt=2),
            INTERRUPTED,
        ),
        LAST,
        {},
    ),
    "a cancel that comes while handlers run, and adds its own": (
        (
            STARTED,
            completed("a"),
            failed("b"),
            completed(UNDO_A),
            CANCEL,
            completed("h"),
            completed("c"),
            INTERRUPTED,
        ),
        UNDONE,
        {"settings": {"on_failure": [*HANDLERS["on_failure"], ON_CANCEL]}},
    ),
    "a cancel of a good end, which undoes it": (
        (STARTED, completed("a"), CANCEL, completed("h"), completed(UNDO_A), INTERRUPTED),
        UNDONE[:1],
        {"settings": {"finally": HANDLERS["on_failure"]}},
    ),
    "a second cancel, which stops handlers, too": (
        (STARTED, completed("a"), BEGUN, CANCEL, FORCE, STOPPED, INTERRUPTED),
        [a_step("a")],
        {"settings": {"finally": HANDLERS["on_failure"]}},
    ),
    "a forced cancel, after which no handler runs": (
        (STARTED, CANCEL, FORCE, skipped("a", "aborted"), INTERRUPTED),
        [a_step("a")],
        {"settings": {"finally": HANDLERS["on_failure"]}},
    ),
    "a time-out, and one of the handlers after it": (
        (STARTED, LATE, skipped("a", "aborted"), BEGUN, TOO_LATE, STOPPED, OVER),
        [a_step("a")],
        {"settings": HANDLERS},
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_history_that_follows_the_rules_has_nothing_against_it(name):
    events, steps, fields = GOOD[name]

    assert replayed(*events, steps=steps, **fields) == []


@pytest.mark.parametrize("name", GOOD)
def test_no_end_can_be_left_out_of_a_history(name):
    events, steps, fields = GOOD[name]
    ends = [e for e in events if e[0] in {"step_completed", "step_failed", "step_skipped"}]

    for end in ends:
        left = [event for event in events if event is not end]
        assert replayed(*left, steps=steps, **fields), f"without {end}"


@pytest.mark.parametrize("name", GOOD)
def test_no_end_can_come_twice_in_a_history(name):
    events, steps, fields = GOOD[name]
    ends = [e for e in events if e[0] in {"step_completed", "step_failed", "step_skipped"}]

    for end in ends:
        doubled = [e for event in events for e in ([event, event] if event is end else [event])]
        assert replayed(*doubled, steps=steps, **fields), f"{end} doubled"


BAD = [
    ((completed("b"), completed("a"), DONE), CHAIN, {}, "b began, but by its trigger rule"),
    ((failed("a"), completed("b"), FAILED), CHAIN, {}, "b began, but by its trigger rule"),
    ((failed("a"), skipped("b", "rule"), FAILED), CHAIN, LENIENT, "b was skipped (rule)"),
    ((failed("a"), skipped("b", "branch"), FAILED), CHAIN, LENIENT, "b was skipped (branch)"),
    (
        (failed("a"), skipped("b", "upstream_failed"), FAILED),
        CHAIN,
        {},
        "a failed, but did not stop b",
    ),
    (
        (completed("a"), skipped("b", "aborted"), DONE),
        CHAIN,
        {},
        "b was stopped, but nothing had ended the execution early",
    ),
    (
        (skipped("a", "aborted"), skipped("b", "aborted"), CANCEL, INTERRUPTED),
        CHAIN,
        {},
        "a was stopped, but nothing had ended the execution early",
    ),
    (
        (failed("a"), skipped("b", "aborted"), FAILED),
        LAST,
        {},
        "b was stopped, but its trigger rule survives this",
    ),
    (
        (completed("a"), skipped("b", "condition"), DONE),
        CHAIN,
        {},
        "b was skipped by a condition that it does not have",
    ),
    (
        (completed("a"), completed("b"), FAILED),
        CHAIN,
        {},
        "the execution ended as FAILED, but what happened makes it COMPLETED",
    ),
    (
        (completed("a"), skipped("b", "branch"), completed("c"), DONE),
        CHOICE,
        {},
        "c began, but by its trigger rule: branch",
    ),
    (
        (
            skipped("a", "condition"),
            skipped("b", "condition"),
            completed("d"),
            completed("c"),
            DONE,
        ),
        [a_step(s, condition="false") for s in "abc"] + TWO_OF_THREE[3:],
        {},
        "d began, but by its trigger rule: rule",
    ),
    (
        (said("step_started", "a", attempt=2), completed("a"), completed("b"), DONE),
        CHAIN,
        {},
        "a: step_completed of attempt 1, but attempt 2 had begun",
    ),
    (
        (said("step_retrying", "a"), completed("a"), DONE),
        [a_step("a")],
        {},
        "a was tried again, but has no retries",
    ),
    (
        (said("step_retrying", "a"), said("step_retrying", "a"), completed("a"), DONE),
        [a_step("a", **RETRY)],
        {},
        "a was tried again after 2 failures, the last: None",
    ),
    (
        (said("step_started", "a"), said("step_recovered", "a"), completed("a"), DONE),
        [a_step("a", idempotent=False)],
        {},
        "a was recovered, but must not be repeated",
    ),
    (
        (
            said("step_expanded", "a", items=2),
            completed("a", item_index=0),
            completed("a"),
            completed("a", item_index=1),
            DONE,
        ),
        EACH,
        {},
        "a ended when 1 of its items had not",
    ),
    (
        (
            said("step_expanded", "a", items=2),
            failed("a", item_index=0),
            failed("a", item_index=1),
            completed("a"),
            DONE,
        ),
        EACH,
        {},
        "a completed with 2 failed items, 1 are tolerated",
    ),
    (
        (
            said("step_expanded", "a", items=2),
            completed("a", item_index=0),
            skipped("a", "aborted", item_index=1),
            completed("a"),
            DONE,
        ),
        EACH,
        {},
        "1 items of a were stopped, and nothing had failed",
    ),
    (
        (completed("a"), completed("b"), completed(UNDO_B), completed(UNDO_A), DONE),
        UNDONE,
        {},
        "after the steps ran compensate:b, compensate:a; it should have been nothing",
    ),
    (
        (completed("a"), failed("b"), FAILED),
        UNDONE,
        {},
        "after the steps ran nothing; it should have been compensate:a",
    ),
    (
        (
            completed("a"),
            completed("b"),
            failed("c"),
            completed(UNDO_A),
            completed(UNDO_B),
            FAILED,
        ),
        [*UNDONE, a_step("c", "b")],
        {},
        "a was undone before b, which had been built on it",
    ),
    (
        (failed("a"), FAILED),
        [a_step("a")],
        {"settings": HANDLERS},
        "after the steps ran nothing; it should have been h",
    ),
    (
        (completed("h"), failed("a"), FAILED),
        [a_step("a")],
        {"settings": HANDLERS},
        "h began before every step had ended",
    ),
    (
        (completed("a"), CANCEL, skipped("h", "aborted"), INTERRUPTED),
        [a_step("a")],
        {"settings": {"finally": HANDLERS["on_failure"]}},
        "h was stopped, but only force stops what runs after the steps",
    ),
    (
        (failed("a"), skipped("b", "aborted"), CANCEL, FAILED),
        CHAIN,
        {},
        "the execution ended as FAILED, but what happened makes it INTERRUPTED",
    ),
    (
        (CANCEL, FORCE, skipped("a", "aborted"), completed("b"), INTERRUPTED),
        [a_step("a"), a_step("b", "a", trigger_rule="always")],
        {},
        "b began after the execution had been given up",
    ),
    ((completed("a"), DONE, completed("b")), CHAIN, {}, "step_completed after the end"),
    ((completed("z"), completed("a"), DONE), [a_step("a")], {}, "z is no step of the definition"),
]


@pytest.mark.parametrize(("events", "steps", "fields", "sentence"), BAD)
def test_what_does_not_follow_is_said_in_a_sentence(events, steps, fields, sentence):
    found = replayed(STARTED, *events, steps=steps, **fields)

    assert any(sentence in difference for difference in found), found


def test_an_execution_that_goes_on_may_lack_its_end_and_nothing_else():
    on_its_way = (STARTED, completed("a"))

    assert replayed(*on_its_way, steps=CHAIN) == []
    assert replayed(*on_its_way[:1], completed("b"), steps=CHAIN) != []


def test_the_order_is_that_of_the_ids_however_the_events_are_handed_over():
    first = Recorded(1, EventType.STEP_COMPLETED, 1, {"step_id": "a", "attempt": 1})
    second = replace(first, id=2, step_execution_id=2, details={"step_id": "b", "attempt": 1})

    assert differences(parse(a_document(*CHAIN)), [second, first]) == []
