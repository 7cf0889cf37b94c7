"""A history that does not follow from its definition is found out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.factories import a_block, a_document, a_step

from pipeline_engine.domain.definitions import parse
from pipeline_engine.services.audit import Recorded, differences
from pipeline_engine.storage.tables.events import EventType


def said(kind: str, step: str | None = None, **details: Any) -> tuple[str, str | None, Any]:
    return kind, step, details


def audited(*events: tuple[str, str | None, Any], steps: list[Any], **fields: Any) -> list[str]:
    """What the audit finds in these events, in this order."""
    rows: dict[Any, int] = {}
    history = []
    for number, (kind, step, given) in enumerate(events, start=1):
        row, details = None, given
        if step is not None:
            place = step, given.get("item_index"), given.get("within")
            row = rows.setdefault(place, len(rows) + 1)
            details = {"step_id": step, "attempt": 1, **given}
        history.append(Recorded(number, EventType(kind), row, details))
    return list(map(str, differences(parse(a_document(*steps, **fields)), history)))


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

OPENED = said("step_expanded", "a", steps=2)
PAIR = a_block("a", a_step("x"), a_step("y", "x"))
BLOCK = [PAIR, a_step("b", "a")]
AGAIN = [PAIR | RETRY]
SAFE = [a_block("a", a_step("x", compensate={"action": "log"}), a_step("y", "x"))]
UNDO_X = "compensate:x@a"


def inside(event: Any, within: str = "a") -> Any:
    """The same event about a step in a block."""
    kind, step, details = event
    return kind, step, details | {"within": within}


BOTH = (inside(completed("x")), inside(completed("y")))

GOOD = {
    "steps in a block, and then what waits for it": (
        (STARTED, OPENED, *BOTH, completed("a"), completed("b"), DONE),
        BLOCK,
        {},
    ),
    "a block that is tried again with steps of its own": (
        (
            *(STARTED, OPENED, inside(completed("x")), inside(failed("y"))),
            said("step_retrying", "a"),
            said("step_expanded", "a", steps=2, attempt=2),
            *(inside(completed("x"), "a#2"), inside(completed("y"), "a#2")),
            *(completed("a", attempt=2), DONE),
        ),
        AGAIN,
        {},
    ),
    "the items of a fan-out, each with a block of its own": (
        (
            *(STARTED, said("step_expanded", "a", items=2)),
            *(said("step_expanded", "a", steps=2, item_index=number) for number in (0, 1)),
            *(inside(completed("x"), f"a[{number}]") for number in (1, 0)),
            *(inside(completed("y"), f"a[{number}]") for number in (0, 1)),
            *(completed("a", item_index=number) for number in (0, 1)),
            *(completed("a"), DONE),
        ),
        [PAIR | {"for_each": [1, 2]}],
        {},
    ),
    "a block that is stopped with its execution": (
        (
            *(STARTED, OPENED, inside(completed("x")), CANCEL),
            *(inside(skipped("y", "aborted")), skipped("a", "aborted", attempt=2)),
            *(skipped("b", "aborted"), INTERRUPTED),
        ),
        BLOCK,
        {},
    ),
    "a block that undoes what it has done, and fails": (
        (
            *(STARTED, OPENED, inside(completed("x")), inside(failed("y"))),
            *(said("step_expanded", "a", compensations=1), inside(completed(UNDO_X))),
            *(failed("a"), FAILED),
        ),
        SAFE,
        {},
    ),
    "a block that undoes what it has done, because a step in it was revoked": (
        (
            *(STARTED, OPENED, inside(completed("x")), inside(failed("y", error_code="revoked"))),
            *(said("step_expanded", "a", compensations=1), inside(completed(UNDO_X))),
            *(failed("a", error_code="revoked"), FAILED),
        ),
        SAFE,
        {},
    ),
    "a block that is stopped for itself alone, and undoes what it has done": (
        (
            *(STARTED, OPENED, inside(completed("x")), inside(skipped("y", "aborted"))),
            *(said("step_expanded", "a", compensations=1), inside(completed(UNDO_X))),
            *(failed("a", error_code="superseded"), FAILED),
        ),
        SAFE,
        {},
    ),
    "an execution that undoes what its blocks have done": (
        (
            *(STARTED, OPENED, *BOTH, completed("a"), failed("b"), inside(completed(UNDO_X))),
            said("workflow_failed", error={"code": "x", "message": "m", "step_id": "b"}),
        ),
        [*SAFE, a_step("b", "a")],
        {},
    ),
    "steps undone in the order of their ends, which an eager rule has turned round": (
        (
            *(STARTED, completed("x"), completed("b"), completed("a"), failed("c")),
            *(completed(UNDO_A), completed(UNDO_B)),
            said("workflow_failed", error={"code": "x", "message": "m", "step_id": "c"}),
        ),
        [
            a_step("x"),
            a_step("a", compensate={"action": "log"}),
            a_step("b", "a", "x", trigger_rule="one_success", compensate={"action": "log"}),
            a_step("c", "a", "b"),
        ],
        {},
    ),
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

    assert audited(*events, steps=steps, **fields) == []


@pytest.mark.parametrize("name", GOOD)
def test_no_end_can_be_left_out_of_a_history(name):
    events, steps, fields = GOOD[name]
    ends = [e for e in events if e[0] in {"step_completed", "step_failed", "step_skipped"}]

    for end in ends:
        left = [event for event in events if event is not end]
        assert audited(*left, steps=steps, **fields), f"without {end}"


@pytest.mark.parametrize("name", GOOD)
def test_no_end_can_come_twice_in_a_history(name):
    events, steps, fields = GOOD[name]
    ends = [e for e in events if e[0] in {"step_completed", "step_failed", "step_skipped"}]

    for end in ends:
        doubled = [e for event in events for e in ([event, event] if event is end else [event])]
        assert audited(*doubled, steps=steps, **fields), f"{end} doubled"


BAD = [
    (
        (completed("b"), completed("a"), DONE),
        CHAIN,
        {},
        "b: it began; expected: wait, by its trigger rule [began_too_early]",
    ),
    (
        (failed("a"), completed("b"), FAILED),
        CHAIN,
        {},
        "b: it began; expected: skipped (upstream_failed), by",
    ),
    (
        (failed("a"), skipped("b", "rule"), FAILED),
        CHAIN,
        LENIENT,
        "b: skipped (rule); expected: skipped (upstream_failed), by its trigger rule [wrong_skip]",
    ),
    (
        (failed("a"), skipped("b", "branch"), FAILED),
        CHAIN,
        LENIENT,
        "b: skipped (branch); expected: skipped (upstream_failed)",
    ),
    (
        (failed("a"), skipped("b", "upstream_failed"), FAILED),
        CHAIN,
        {},
        "b: step_skipped after a failed; expected: skipped (aborted), because the pipeline fails",
    ),
    (
        (completed("a"), skipped("b", "aborted"), DONE),
        CHAIN,
        {},
        "b: skipped (aborted); expected: that it goes on: nothing had ended the execution",
    ),
    (
        (skipped("a", "aborted"), skipped("b", "aborted"), CANCEL, INTERRUPTED),
        CHAIN,
        {},
        "a: skipped (aborted); expected: that it goes on: nothing had ended the execution",
    ),
    (
        (failed("a"), skipped("b", "aborted"), FAILED),
        LAST,
        {},
        "b: skipped (aborted); expected: that it goes on, as its trigger rule lets it [wrong_stop]",
    ),
    (
        (completed("a"), skipped("b", "condition"), DONE),
        CHAIN,
        {},
        "b: skipped (condition); expected: a condition, which it does not have",
    ),
    (
        (completed("a"), completed("b"), FAILED),
        CHAIN,
        {},
        "execution: it ended as FAILED; expected: COMPLETED, by what happened [wrong_end]",
    ),
    (
        (completed("a"), skipped("b", "branch"), completed("c"), DONE),
        CHOICE,
        {},
        "c: it began; expected: skipped (branch), by its trigger rule",
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
        "d: it began; expected: skipped (rule), by its trigger rule",
    ),
    (
        (said("step_started", "a", attempt=2), completed("a"), completed("b"), DONE),
        CHAIN,
        {},
        "a: step_completed of attempt 1 after attempt 2 began; expected: attempt 2 or a later one",
    ),
    (
        (said("step_retrying", "a"), completed("a"), DONE),
        [a_step("a")],
        {},
        "a: tried again; expected: an end, because it has no retries [wrong_retry]",
    ),
    (
        (said("step_retrying", "a"), said("step_retrying", "a"), completed("a"), DONE),
        [a_step("a", **RETRY)],
        {},
        "a: tried again after failure 2, which was without a code; expected: an end: it has 2",
    ),
    (
        (said("step_started", "a"), said("step_recovered", "a"), completed("a"), DONE),
        [a_step("a", idempotent=False)],
        {},
        "a: recovered after its worker was lost; expected: a failure, because it must not be",
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
        "a: it ended when 1 of its items had not; expected: that its items end first [wrong_items]",
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
        "a: it completed with 2 failed items; expected: a failure: 1 are tolerated",
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
        "a: 1 of its items were stopped, and nothing had failed",
    ),
    (
        (OPENED, inside(completed("y")), inside(completed("x")), completed("a"), DONE),
        [PAIR],
        {},
        "a/y: it began; expected: wait, by its trigger rule [began_too_early]",
    ),
    (
        (OPENED, inside(completed("x")), completed("a"), inside(completed("y")), DONE),
        [PAIR],
        {},
        "a: it ended when y had not; expected: that its steps end first [wrong_steps]",
    ),
    (
        (*BOTH, OPENED, completed("a"), DONE),
        [PAIR],
        {},
        "a/x: it began in a block that was not open; expected: that it is opened first",
    ),
    (
        (OPENED, *BOTH, completed("a"), inside(completed("y"), "a#2"), DONE),
        [PAIR],
        {},
        "a#2/y: it began in a block that was not open",
    ),
    (
        (OPENED, *BOTH, inside(completed("b")), completed("a"), completed("b"), DONE),
        BLOCK,
        {},
        "a/b: step_completed; expected: no event: the definition has no such step [unknown_step]",
    ),
    (
        (said("step_expanded", "a", steps=3), *BOTH, completed("a"), DONE),
        [PAIR],
        {},
        "a: it was opened into 3 steps; expected: 2, as many as it holds [wrong_steps]",
    ),
    (
        (OPENED, inside(failed("x")), inside(skipped("y", "aborted")), completed("a"), DONE),
        [PAIR],
        {},
        "a: it completed although x had failed; expected: a failure [wrong_steps]",
    ),
    (
        (
            *(OPENED, inside(failed("x", error_code="one")), inside(skipped("y", "aborted"))),
            *(failed("a", error_code="two"), FAILED),
        ),
        [PAIR],
        {},
        "a: it failed with two; expected: one, as x did [wrong_steps]",
    ),
    (
        (OPENED, inside(completed("x")), inside(skipped("y", "aborted")), completed("a"), DONE),
        [PAIR],
        {},
        "a: y was stopped, and nothing had failed; expected: that all of its steps run",
    ),
    (
        (OPENED, inside(completed("x")), inside(skipped("y", "not_needed")), completed("a"), DONE),
        [PAIR],
        {},
        "a: y was not needed, and the block was; expected: that all of its steps run",
    ),
    (
        (
            *(OPENED, inside(failed("x")), inside(skipped("y", "upstream_failed"))),
            *(failed("a"), FAILED),
        ),
        [PAIR],
        {},
        "a/y: step_skipped after x failed; expected: skipped (aborted), because the pipeline",
    ),
    (
        (
            *(OPENED, inside(failed("x")), inside(skipped("y", "aborted"))),
            *(said("step_retrying", "a"), failed("a"), FAILED),
        ),
        [PAIR],
        {},
        "a: tried again; expected: an end, because it has no retries [wrong_retry]",
    ),
    (
        (
            *(OPENED, CANCEL, *map(inside, (skipped("x", "aborted"), skipped("y", "aborted")))),
            said("step_retrying", "a", attempt=2, error_code="timeout"),
            *(skipped("a", "aborted", attempt=3), INTERRUPTED),
        ),
        AGAIN,
        {},
        "a: it was tried again when steps were being stopped with the execution; expected: skipped",
    ),
    (
        (OPENED, inside(completed("x")), inside(failed("y")), failed("a"), FAILED),
        SAFE,
        {},
        "a: after its steps ran nothing; expected: compensate:x@a [wrong_final_steps]",
    ),
    (
        (
            *(OPENED, inside(completed("x"))),
            *(said("step_expanded", "a", compensations=1), inside(completed(UNDO_X))),
            *(inside(failed("y")), failed("a"), FAILED),
        ),
        SAFE,
        {},
        "a/compensate:x: it began before every step had ended; expected: that every step ends",
    ),
    (
        (completed("a"), completed("b"), completed(UNDO_B), completed(UNDO_A), DONE),
        UNDONE,
        {},
        "execution: after its steps ran compensate:b, compensate:a; expected: nothing",
    ),
    (
        (completed("a"), failed("b"), FAILED),
        UNDONE,
        {},
        "execution: after its steps ran nothing; expected: compensate:a [wrong_final_steps]",
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
        "compensate:a: a was undone before b; expected: b first, which had been built on it",
    ),
    (
        (failed("a"), FAILED),
        [a_step("a")],
        {"settings": HANDLERS},
        "execution: after its steps ran nothing; expected: h",
    ),
    (
        (completed("h"), failed("a"), FAILED),
        [a_step("a")],
        {"settings": HANDLERS},
        "h: it began before every step had ended",
    ),
    (
        (completed("a"), CANCEL, skipped("h", "aborted"), INTERRUPTED),
        [a_step("a")],
        {"settings": {"finally": HANDLERS["on_failure"]}},
        "h: skipped (aborted); expected: that it goes on: only force stops final steps",
    ),
    (
        (failed("a"), skipped("b", "aborted"), CANCEL, FAILED),
        CHAIN,
        {},
        "execution: it ended as FAILED; expected: INTERRUPTED, by what happened",
    ),
    (
        (CANCEL, FORCE, skipped("a", "aborted"), completed("b"), INTERRUPTED),
        [a_step("a"), a_step("b", "a", trigger_rule="always")],
        {},
        "b: it began when steps were being stopped with the execution",
    ),
    (
        (completed("a"), DONE, completed("b")),
        CHAIN,
        {},
        "b: step_completed after workflow_completed; expected: nothing after the end",
    ),
    (
        (completed("z"), completed("a"), DONE),
        [a_step("a")],
        {},
        "z: step_completed; expected: no event: the definition has no such step [unknown_step]",
    ),
]


@pytest.mark.parametrize(("events", "steps", "fields", "sentence"), BAD)
def test_what_does_not_follow_is_said_in_a_sentence(events, steps, fields, sentence):
    found = audited(STARTED, *events, steps=steps, **fields)

    assert any(sentence in difference for difference in found), found


def test_an_execution_that_goes_on_may_lack_its_end_and_nothing_else():
    on_its_way = (STARTED, completed("a"))

    assert audited(*on_its_way, steps=CHAIN) == []
    assert audited(*on_its_way[:1], completed("b"), steps=CHAIN) != []


def test_the_order_is_that_of_the_ids_however_the_events_are_handed_over():
    first = Recorded(1, EventType.STEP_COMPLETED, 1, {"step_id": "a", "attempt": 1})
    second = replace(first, id=2, step_execution_id=2, details={"step_id": "b", "attempt": 1})

    assert differences(parse(a_document(*CHAIN)), [second, first]) == []


def test_a_cancel_may_come_before_or_after_a_good_end_has_decided_what_runs():
    history = [STARTED, completed("a", ends="ended"), skipped("b", "aborted"), CANCEL]
    good = {"id": "h", "name": "h", "action": "log"}
    settings = {"on_success": [good], "on_cancel": [good | {"id": "c"}]}

    for ran in (["h", "c"], ["c"]):
        told = [*history, *map(completed, ran), INTERRUPTED]
        assert audited(*told, steps=CHAIN, settings=settings) == []
