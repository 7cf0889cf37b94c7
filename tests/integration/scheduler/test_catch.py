"""Failures that a definition has foreseen: other outputs, or another way on."""

from __future__ import annotations

from typing import Any

import pytest
from support.driving import Gate, in_background
from support.factories import a_pipeline, a_step, an_action

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.sdk import ActionContext, ActionResult
from pipeline_engine.services import executions

OK, OUT, BAD = "COMPLETED", "SKIPPED", "FAILED"


def failing(*codes: str | None, cheap: bool = True, **meta: Any) -> RegisteredAction:
    """An action that fails with these codes, one after the other; without one it succeeds."""
    left = list(codes)

    def execute(_: ActionContext) -> ActionResult:
        if not left or left[0] is None:
            del left[:1]
            return ActionResult(success=True, outputs={"fine": True})
        return ActionResult(
            success=False, error="no luck", error_code=left.pop(0), outputs={"seen": 7}
        )

    return an_action("failing", execute, cheap=cheap, **meta)


def catching(*entries: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return a_step("call", action="failing", catch=list(entries), **fields)


both = pytest.mark.parametrize("cheap", [True, False])


@both
def test_outputs_take_the_place_of_a_failure(drive, cheap):
    end = drive(failing("http_404", cheap=cheap)).run(
        catching({"errors": "http_4xx", "outputs": {"found": False, "was": "{{ error.code }}"}}),
        a_step("after", "call", params={"message": "{{ steps.call.outputs.was }}"}),
        outputs={"found": "{{ steps.call.outputs.found }}"},
    )

    assert (end.status, end.statuses) == (OK, {"call": OK, "after": OK})
    assert end.outputs == {"found": False}
    assert end.step("after").outputs["message"] == "http_404"


@both
def test_row_and_history_keep_what_was_caught(drive, cheap):
    end = drive(failing("http_404", cheap=cheap)).run(
        catching({"errors": "*", "outputs": {}}),
        a_step("after", "call", params={"message": "{{ steps.call.error.code }}"}),
    )

    assert (end.step("call").status, end.step("call").error_code) == (OK, "http_404")
    [told] = [e.details for e in end.history if e.event_type == "step_completed"][:1]
    assert (told["error_code"], told["error"], told["caught"]) == ("http_404", "no luck", [])
    assert end.step("after").outputs["message"] == "http_404"


@both
def test_without_outputs_of_its_own_a_caught_failure_leaves_those_of_the_attempt(drive, cheap):
    end = drive(failing("x", cheap=cheap)).run(catching({"errors": "x"}))

    assert end.step("call").outputs == {"seen": 7}


WAYS = (
    catching({"errors": "away", "next": "wait"}, {"errors": ["gone", "lost"], "next": ["make"]}),
    a_step("use", "call"),
    a_step("wait", "call"),
    a_step("make", "call"),
    a_step("end", "use", "wait", "make"),
)


@both
@pytest.mark.parametrize(
    ("codes", "taken"), [((), "use"), (("away",), "wait"), (("gone",), "make"), (("lost",), "make")]
)
def test_a_failure_leads_to_the_steps_of_the_first_entry_that_speaks_of_it(
    drive, cheap, codes, taken
):
    end = drive(failing(*codes, cheap=cheap)).run(*WAYS)

    others = dict.fromkeys(("use", "wait", "make"), OUT)
    assert end.statuses == {"call": OK, **others, taken: OK, "end": OK}
    assert {end.step(s).skip_reason for s in others if s != taken} == {"branch"}
    assert end.status == OK


@both
@pytest.mark.parametrize(
    ("codes", "ends"),
    [
        ((), {"one": OK, "two": OK, "use": OK, "fallback": OUT}),
        (("x",), {"one": OK, "two": OUT, "use": OUT, "fallback": OK}),
        ((None, "x"), {"one": OK, "two": OK, "use": OUT, "fallback": OK}),
    ],
)
def test_several_steps_may_share_a_way_out(drive, cheap, codes, ends):
    catch = [{"errors": "x", "next": "fallback"}]

    end = drive(failing(*codes, cheap=cheap)).run(
        a_step("one", action="failing", catch=catch),
        a_step("two", "one", action="failing", catch=catch),
        a_step("use", "two"),
        a_step("fallback", "one", "two"),
    )

    assert (end.status, end.statuses) == (OK, ends)


def test_what_only_a_failure_leads_to_waits_for_all_else_that_it_needs(drive):
    end = drive(failing("away")).run(
        catching({"errors": "away", "next": "wait"}),
        a_step("beside"),
        a_step("wait", "call", "beside"),
    )
    fine = drive(failing()).run(
        catching({"errors": "away", "next": "wait"}),
        a_step("beside"),
        a_step("wait", "call", "beside"),
    )

    assert (end.statuses["wait"], fine.statuses["wait"]) == (OK, OUT)


def test_who_looks_at_a_skipped_way_is_told_why(drive):
    caught, fine = drive(failing("away")).run(*WAYS), drive(failing()).run(*WAYS)

    elsewhere = "The failure of 'call' was caught, and leads elsewhere"
    none = "Only a failure of 'call' leads here, and there was none of that kind"
    assert [caught.step(s).error_message for s in ("use", "make")] == [elsewhere, none]
    assert [fine.step(s).error_message for s in ("wait", "make")] == [none] * 2


@pytest.mark.parametrize(
    ("fields", "status", "use"),
    [
        ({}, BAD, "aborted"),
        ({"settings": {"fail_fast": False}}, BAD, "upstream_failed"),
        ({"on_failure": "continue"}, OK, None),
    ],
)
def test_a_failure_that_no_entry_speaks_of_fails_on(drive, fields, status, use):
    call = WAYS[0] | {k: v for k, v in fields.items() if k != "settings"}

    end = drive(failing("other")).run(call, *WAYS[1:], settings=fields.get("settings", {}))

    assert (end.status, end.statuses["call"]) == (status, BAD)
    assert end.step("use").skip_reason == use
    assert end.statuses["wait"] == end.statuses["make"] == OUT


@pytest.mark.parametrize("rule", ["none_failed", "all_done", "always"])
def test_what_only_a_failure_leads_to_does_not_run_when_its_step_is_skipped(drive, rule):
    end = drive(failing("away")).run(
        catching({"errors": "*", "next": "wait"}, condition="false"),
        a_step("use", "call"),
        a_step("wait", "call", trigger_rule=rule),
    )

    assert end.statuses == {"call": OUT, "use": OK, "wait": OUT}


def test_retries_come_first_and_a_failure_that_is_not_tried_again_is_caught_at_once(drive):
    retry = {"max_attempts": 3, "backoff_seconds": 0, "no_retry_on": ["gone"]}
    entry = {"errors": "*", "outputs": {"code": "{{ error.code }}"}}

    tried = drive(failing("away", "away", "away")).run(catching(entry, retry=retry))
    gone = drive(failing("away", "gone")).run(catching(entry, retry=retry))

    assert (tried.step("call").attempt, tried.step("call").outputs) == (3, {"code": "away"})
    assert (gone.step("call").attempt, gone.step("call").outputs) == (2, {"code": "gone"})


def test_cheap_steps_in_front_and_behind_run_as_ever(drive):
    """The worker runs ahead, and some of the results that ``outputs`` read are in no row yet."""
    end = drive(failing("x", "y")).run(
        a_step("first"),
        a_step("a", "first", action="failing", catch=[{"errors": "x", "next": "b"}]),
        a_step("b", "a"),
        a_step(
            "c",
            "b",
            action="failing",
            catch=[{"errors": "*", "outputs": {"of": "{{ steps.b.outputs.message }}"}}],
        ),
        a_step("d", "c", params={"message": "{{ steps.c.outputs.of }}"}),
        a_step("beside", "a"),
    )

    assert end.statuses == dict.fromkeys(["first", "a", "b", "c", "d"], OK) | {"beside": OUT}
    assert end.step("d").outputs["message"] == "b"


def test_params_that_cannot_be_rendered_are_caught_like_any_failure(drive):
    end = drive().run(
        a_step("first"),
        a_step(
            "bad",
            "first",
            params={"message": "{{ steps.first.outputs.message + 1 }}"},
            catch=[{"errors": ["*"], "outputs": {"told": "{{ steps.first.outputs.message }}"}}],
        ),
    )

    assert (end.statuses["bad"], end.step("bad").outputs) == (OK, {"told": "first"})


def test_outputs_that_cannot_be_made_are_one_more_reason_to_fail(drive):
    end = drive(failing("x")).run(catching({"errors": "x", "outputs": {"a": "{{ 1 / 0 }}"}}))

    assert (end.status, end.step("call").error_code) == (BAD, "x")
    assert "no luck; the outputs of catch cannot be made: " in end.step("call").error_message


def test_a_step_whose_time_is_up_is_caught(drive):
    driver = drive(an_action("park", park))
    execution_id = driver.start(
        a_step("call", action="park", catch=[{"errors": "timeout", "next": "late"}]),
        a_step("late", "call"),
        a_step("use", "call"),
    )
    driver.settle()
    driver.change("UPDATE step_executions SET deadline_at = now() WHERE awaiting_event")

    assert driver.finish(execution_id).statuses == {"call": OK, "late": OK, "use": OUT}


def park(_: ActionContext) -> ActionResult:
    return ActionResult(success=True, awaiting_event=True, event_keys=["k"])


def test_a_fan_out_is_caught_as_a_whole(drive):
    end = drive(failing("x", "y")).run(
        catching(
            {"errors": "x", "outputs": {"an": "item"}},
            {"errors": "items_failed", "outputs": {"failed": "{{ error.outputs.failed }}"}},
            for_each=[1, 2],
        ),
        settings={"fail_fast": False},
    )

    assert (end.status, end.step("call").outputs) == (OK, {"failed": 1})
    assert [item.status for item in end.items("call")] == [BAD, OUT]


def test_a_fan_out_whose_time_is_up_is_caught(drive):
    driver = drive(an_action("park", park))
    execution_id = driver.start(
        a_step(
            "call",
            action="park",
            for_each=[1, 2],
            timeout_seconds=60,
            catch=[{"errors": "timeout", "outputs": {"late": True}}],
        )
    )
    driver.settle()
    driver.change("UPDATE step_executions SET deadline_at = now() WHERE items_total IS NOT NULL")

    assert driver.finish(execution_id).step("call").outputs == {"late": True}


def test_what_comes_of_a_fan_out_has_the_room_that_fan_outs_have(drive):
    def execute(context: ActionContext) -> ActionResult:
        return ActionResult(success=context.params["n"] > 1, outputs={"text": "x" * 500})

    work = an_action("work", execute, params=["n"], cheap=True)
    catch = [{"errors": "items_failed", "outputs": {"some": "{{ error.outputs.results }}"}}]

    end = drive(work, max_output_bytes=1000).run(
        a_step("each", action="work", params={"n": "{{ item }}"}, for_each=[3, 2, 1], catch=catch),
        settings={"fail_fast": False},
    )

    assert (end.status, len(end.step("each").outputs["some"])) == (OK, 3)


def test_what_a_caught_attempt_starts_too_late_is_called_off(drive):
    gate, called_off = Gate(), []

    def execute(context: ActionContext) -> ActionResult:
        gate.execute(context)
        return ActionResult(success=True, awaiting_event=True, external_workflow_id="job")

    def cleanup(context: ActionContext) -> None:
        called_off.extend(context.external_workflow_ids)

    driver = drive(an_action("call", execute, cleanup=cleanup))
    execution_id = driver.start(a_step("call", action="call", catch=[{"errors": "timeout"}]))

    with in_background(lambda: driver.settle_only(execution_id)):
        gate.wait_for("call")
        driver.change("UPDATE step_executions SET deadline_at = now() WHERE step_id = 'call'")
        end = driver.finish(execution_id)
        gate.open()

    assert (end.status, end.statuses) == (OK, {"call": OK})
    assert called_off == ["job"]


def test_a_child_keeps_its_own_code(drive, session):
    driver = drive(failing("no_fit"))
    a_pipeline(session, a_step("deep", action="failing"), name="child")

    end = driver.run(
        a_step(
            "call",
            action="run_pipeline",
            params={"pipeline": "child"},
            catch=[{"errors": "no_fit", "outputs": {"fits": False}}],
        )
    )

    assert (end.status, end.step("call").outputs) == (OK, {"fits": False})


def test_what_is_stopped_is_not_caught(drive):
    driver = drive(an_action("park", park))
    execution_id = driver.start(
        a_step("call", action="park", catch=[{"errors": "*", "next": "late"}]),
        a_step("late", "call"),
    )
    driver.settle()
    executions.cancel(SYSTEM, driver.runtime, execution_id)

    assert driver.finish(execution_id).statuses == {"call": OUT, "late": OUT}


def test_an_operator_sees_a_catch_that_was_not_followed(drive):
    driver = drive(failing("away"))
    execution_id = driver.start(*WAYS)
    driver.finish(execution_id)
    told = "UPDATE events SET details = details || %(said)s::jsonb WHERE details ? 'caught'"

    driver.change(told, said='{"caught": ["make"]}')

    assert any("wrong_catch" in finding for finding in driver.audit(execution_id))


# ── Several policies ─────────────────────────────────────────────────────────────────────


AT_ONCE = {"backoff_seconds": 0}
POLICIES = [
    {"retry_on": ["busy"], "max_attempts": 5, **AT_ONCE},
    {"retry_on": ["down_*"], "max_attempts": 2, **AT_ONCE},
]


@both
@pytest.mark.parametrize(
    ("codes", "attempts", "code"),
    [
        (["busy"] * 4, 5, None),
        (["busy"] * 5, 5, "busy"),
        (["down_a", "busy", "busy", "down_b"], 4, "down_b"),
        (["busy", "down_a", "busy", "busy", "busy"], 6, None),
        (["other"], 1, "other"),
    ],
)
def test_attempts_are_counted_for_each_policy(drive, cheap, codes, attempts, code):
    end = drive(failing(*codes, cheap=cheap)).run(a_step("call", action="failing", retry=POLICIES))

    assert (end.step("call").attempt, end.step("call").error_code) == (attempts, code)


def test_a_step_is_tried_again_and_then_the_failure_is_tolerated(drive):
    retry = {"max_attempts": 2, **AT_ONCE}

    end = drive(failing("x", "x")).run(
        a_step("call", action="failing", retry=retry, on_failure="continue"),
        a_step("after", "call"),
    )

    assert (end.status, end.step("call").attempt) == (OK, 2)
    assert end.statuses == {"call": BAD, "after": OK}


def test_no_attempt_begins_when_the_time_for_all_of_them_is_up(drive):
    driver = drive(failing("x", "x", "x"))
    retry = {"max_attempts": 9, "max_elapsed_seconds": 60, **AT_ONCE}
    execution_id = driver.start(a_step("call", action="failing", retry=retry))
    driver.settle_only(execution_id)
    assert driver.look(execution_id).step("call").status == "RETRYING"

    driver.change("UPDATE step_executions SET started_at = now() - interval '1 minute'")

    end = driver.finish(execution_id)
    assert (end.status, end.step("call").attempt) == (BAD, 2)
