"""What the end of a step sets free: joins, trigger rules, conditions, branches."""

from __future__ import annotations

import pytest
from support.driving import Gate, in_background
from support.factories import a_step, an_action

from pipeline_engine.sdk import ActionContext, ActionResult

OK, BAD, OUT = "COMPLETED", "FAILED", "SKIPPED"


def branches(**targets: str) -> dict[str, object]:
    """Params of a conditional; the branch named ``yes`` is taken."""
    return {
        "branches": [
            {"id": name, "condition": str(name == "yes").lower(), "target_step": target}
            for name, target in targets.items()
        ]
    }


def test_a_join_waits_for_all_its_dependencies_and_sees_their_outputs(drive):
    end = drive().run(
        a_step("left", params={"message": "l"}),
        a_step("right", params={"message": "r"}),
        a_step(
            "join",
            "left",
            "right",
            params={"message": "{{ steps.left.outputs.message }}{{ steps.right.outputs.message }}"},
        ),
        outputs={"both": "{{ steps.join.outputs.message }}"},
    )

    assert end.outputs == {"both": "lr"}
    assert end.status == OK


def test_a_wide_join_is_set_free_once_although_many_workers_end_its_dependencies(drive):
    driver = drive()
    names = [f"w{number}" for number in range(40)]
    execution_id = driver.start(*map(a_step, names), a_step("join", *names))
    ids = [row.id for row in driver.look(execution_id).rows if row.step_id in names]

    with in_background(*[lambda part=ids[n::4]: driver.turn(*part) for n in range(4)]):
        pass

    end = driver.finish(execution_id)
    assert end.status == OK
    assert end.events("join") == ["step_completed"]


# ── Trigger rules ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rule", "good", "mixed", "bad"),
    [
        ("none_failed", OK, OUT, OUT),
        ("all_success", OK, OUT, OUT),
        ("all_done", OK, OK, OK),
        ("always", OK, OK, OK),
        ("one_success", OK, OK, OUT),
        ("one_failed", OUT, OK, OK),
        ("all_failed", OUT, OUT, OK),
        ({"at_least": 2}, OK, OUT, OUT),
    ],
)
def test_a_step_starts_by_its_trigger_rule(drive, rule, good, mixed, bad):
    driver = drive()

    def status_after(*actions: str) -> str:
        before = [a_step(f"d{n}", action=action) for n, action in enumerate(actions)]
        last = a_step("last", "d0", "d1", trigger_rule=rule)
        return driver.run(*before, last, settings={"fail_fast": False}).statuses["last"]

    assert status_after("log", "log") == good
    assert status_after("log", "fail") == mixed
    assert status_after("fail", "fail") == bad


def test_an_eager_step_starts_while_its_other_dependency_still_runs(drive):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute))
    execution_id = driver.start(
        a_step("quick"),
        a_step("slow", action="gate"),
        a_step("eager", "quick", "slow", trigger_rule="one_success"),
    )
    slow = driver.look(execution_id).step("slow").id

    with in_background(lambda: driver.turn(slow)):
        gate.wait_for("slow")
        driver.settle()
        early = driver.look(execution_id)
        gate.open()

    assert early.statuses == {"quick": OK, "slow": "RUNNING", "eager": OK}
    assert early.status == "RUNNING", "an execution must not end before its steps"
    assert driver.finish(execution_id).events("eager") == ["step_completed"]


def test_an_eager_step_runs_once_however_many_dependencies_meet_its_rule(drive):
    driver = drive()
    names = ["a", "b", "c", "d"]

    end = driver.run(*map(a_step, names), a_step("eager", *names, trigger_rule={"at_least": 2}))

    assert end.events("eager") == ["step_completed"]


# ── Conditions ───────────────────────────────────────────────────────────────────────────


def test_a_step_skipped_by_its_own_condition_does_not_stop_those_behind_it(drive):
    end = drive().run(
        a_step("a", condition="params.go"),
        a_step("b", "a", params={"message": "<{{ steps.a.outputs.message }}>"}),
        outputs={"b": "{{ steps.b.outputs.message }}", "a": "{{ steps.a.status }}"},
        parameters=[{"name": "go", "type": "boolean", "default": False}],
    )

    assert end.statuses == {"a": OUT, "b": OK}
    assert end.outputs == {"a": OUT, "b": "<>"}
    assert (end.step("a").skip_reason, end.step("a").attempt) == ("condition", 0)


def test_a_condition_sees_how_earlier_steps_ended(drive):
    end = drive().run(
        a_step("a", action="fail", on_failure="continue", params={"message": "no luck"}),
        a_step("b", "a", condition="steps.a.status == 'FAILED'"),
        a_step("c", "a", condition="steps.a.status == 'COMPLETED'"),
    )

    assert end.statuses == {"a": BAD, "b": OK, "c": OUT}


def test_a_condition_that_cannot_be_evaluated_fails_its_step(drive):
    end = drive().run(
        a_step("a", condition="params.n / 0 > 1"),
        params={"n": 1},
        parameters=[{"name": "n", "type": "integer"}],
    )

    assert end.status == BAD
    assert end.step("a").error_code == "division_by_zero"


# ── Branches ─────────────────────────────────────────────────────────────────────────────


def test_the_untaken_branch_is_skipped_with_all_that_only_it_leads_to(drive):
    end = drive().run(
        a_step("q", action="conditional", params=branches(no="n1", yes="y1")),
        a_step("n1", "q"),
        a_step("n2", "n1"),
        a_step("n3", "n2"),
        a_step("y1", "q"),
        a_step("meet", "n3", "y1"),
    )

    assert end.statuses == {"q": OK, "n1": OUT, "n2": OUT, "n3": OUT, "y1": OK, "meet": OK}
    assert {end.step(s).skip_reason for s in ("n1", "n2", "n3")} == {"branch"}
    assert end.status == OK


def test_an_item_chooses_for_itself_alone_and_skips_no_step(drive):
    end = drive().run(
        a_step("q", action="conditional", for_each=[1, 2], params=branches(no="n", yes="y")),
        a_step("n", "q"),
        a_step("y", "q"),
    )

    assert end.statuses == {"q": OK, "n": OK, "y": OK}


def test_a_step_that_asks_for_any_end_runs_behind_an_untaken_branch(drive):
    end = drive().run(
        a_step("q", action="conditional", params=branches(no="n", yes="y")),
        a_step("n", "q"),
        a_step("y", "q"),
        a_step("after_n", "n", trigger_rule="all_done"),
    )

    assert end.statuses["after_n"] == OK


def test_two_conditionals_may_rule_out_the_same_step_in_one_transaction(drive):
    driver = drive()
    execution_id = driver.start(
        a_step("p", action="conditional", params=branches(no="n", yes="y")),
        a_step("q", action="conditional", params=branches(no="n", yes="y")),
        a_step("n", "p", "q"),
        a_step("m", "n", "y"),
        a_step("y", "p", "q"),
    )
    start = driver.look(execution_id)

    driver.turn(start.step("p").id, start.step("q").id)

    end = driver.finish(execution_id)
    assert end.statuses == {"p": OK, "q": OK, "n": OUT, "y": OK, "m": OK}
    assert end.events("n") == ["step_skipped"]


def test_an_untaken_step_is_over_only_when_its_other_dependencies_are(drive):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute))
    execution_id = driver.start(
        a_step("q", action="conditional", params=branches(no="n", yes="y")),
        a_step("slow", action="gate"),
        a_step("n", "q", "slow"),
        a_step("y", "q"),
    )

    with in_background(lambda: driver.turn(driver.look(execution_id).step("slow").id)):
        gate.wait_for("slow")
        driver.settle()
        early = driver.look(execution_id)
        gate.open()

    assert early.status == "RUNNING", "an execution must not end before its steps"
    end = driver.finish(execution_id)
    assert (end.status, end.statuses["n"], end.step("n").skip_reason) == (OK, OUT, "branch")


def test_an_eager_step_on_an_untaken_branch_is_skipped(drive):
    end = drive().run(
        a_step("other"),
        a_step("q", "other", action="conditional", params=branches(no="n", yes="y")),
        a_step("n", "q", "other", trigger_rule={"at_least": 2}),
        a_step("y", "q"),
    )

    assert end.statuses["n"] == OUT


def test_a_conditional_whose_attempt_was_superseded_rules_nothing_out(drive):
    gate = Gate()

    def choose(context: ActionContext) -> ActionResult:
        gate.execute(context)
        return ActionResult(success=True, skip_targets=["n"])

    driver = drive(an_action("choose", choose))
    execution_id = driver.start(a_step("q", action="choose"), a_step("n", "q"))
    q = driver.look(execution_id).step("q").id

    with in_background(lambda: driver.turn(q)):
        gate.wait_for("q")
        driver.change("UPDATE step_executions SET attempt = attempt + 1 WHERE id = %(id)s", id=q)
        gate.open()

    now = driver.look(execution_id)
    assert now.statuses == {"q": "RUNNING", "n": "PENDING"}
    assert now.step("n").skip_reason is None


# ── Failures ─────────────────────────────────────────────────────────────────────────────


def test_a_failure_skips_what_never_started_and_ends_the_execution(drive):
    end = drive().run(a_step("a", action="fail"), a_step("b", "a"), a_step("c", "b"))

    assert end.statuses == {"a": BAD, "b": OUT, "c": OUT}
    assert (end.status, end.execution.error["step_id"]) == (BAD, "a")
    assert (end.step("b").skip_reason, end.step("b").error_message) == (
        "aborted",
        "Workflow aborted",
    )


def test_without_fail_fast_independent_branches_finish_first(drive):
    end = drive().run(
        a_step("bad", action="fail"),
        a_step("behind", "bad"),
        a_step("good"),
        a_step("further", "good"),
        settings={"fail_fast": False},
    )

    assert end.statuses == {"bad": BAD, "behind": OUT, "good": OK, "further": OK}
    assert end.step("behind").skip_reason == "upstream_failed"
    assert end.status == BAD


def test_a_failure_that_is_to_be_ignored_leaves_the_execution_alone(drive):
    end = drive().run(
        a_step("a", action="fail", on_failure="continue"),
        a_step("b", "a", params={"message": "<{{ steps.a.outputs.message }}>"}),
    )

    assert end.statuses == {"a": BAD, "b": OK}
    assert (end.status, end.execution.error) == (OK, None)


def test_some_rules_survive_the_failure_of_the_execution(drive):
    end = drive().run(
        a_step("a", action="fail"),
        a_step("rescue", "a", trigger_rule="one_failed"),
        a_step("after_rescue", "rescue"),
        a_step("report", "after_rescue", trigger_rule="all_done"),
    )

    assert end.statuses == {"a": BAD, "rescue": OK, "after_rescue": OUT, "report": OK}
    assert end.status == BAD


def test_a_survivor_with_dependants_that_were_skipped_ends_before_the_execution_does(drive):
    gate = Gate()
    driver = drive(an_action("gate", gate.execute))
    execution_id = driver.start(
        a_step("a", action="fail"),
        a_step("rescue", "a", action="gate", trigger_rule="all_done"),
        a_step("after", "rescue"),
    )
    driver.turn(driver.look(execution_id).step("a").id)

    with in_background(lambda: driver.turn(driver.look(execution_id).step("rescue").id)):
        gate.wait_for("rescue")
        while_it_runs = driver.look(execution_id).status
        gate.open()

    assert while_it_runs == "RUNNING"
    assert driver.finish(execution_id).statuses == {"a": BAD, "rescue": OK, "after": OUT}


def test_an_exception_is_a_failure_like_any_other(drive):
    """[!] 3.5: it used to bypass ``continue`` and to leave its step SKIPPED."""

    def crash(context: ActionContext) -> ActionResult:
        raise ValueError("a bad \x00 \ud800 value")

    end = drive(an_action("crash", crash)).run(
        a_step("a", action="crash", on_failure="continue"), a_step("b", "a")
    )

    assert end.statuses == {"a": BAD, "b": OK}
    assert end.step("a").error_code == "action_crashed"
    assert end.step("a").error_message.startswith("ValueError: a bad")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "done",
        ActionResult(success=True, outputs=["not", "a", "mapping"]),
        ActionResult(success=True, outputs={"when": object()}),
        ActionResult(success=True, outputs={"nul": "\x00"}),
        ActionResult(success=False, error=ValueError("not a text")),
    ],
    ids=["nothing", "text", "list", "unstorable", "nul", "error_object"],
)
@pytest.mark.parametrize("cheap", [True, False])
def test_an_answer_that_cannot_be_kept_fails_its_step_and_no_other(drive, answer, cheap):
    action = an_action("odd", lambda context: answer, cheap=cheap)

    end = drive(action).run(a_step("a", action="odd", on_failure="continue"), a_step("b"))

    assert end.statuses == {"a": BAD, "b": OK}
    assert (end.step("a").attempt, end.step("a").lost_count) == (1, 0)


# ── The end ──────────────────────────────────────────────────────────────────────────────


def test_the_outputs_of_an_execution_are_those_that_its_definition_names(drive):
    end = drive().run(
        a_step("a", params={"message": "x"}),
        outputs={
            "one": "{{ steps.a.outputs.message }}",
            "none": "{{ steps.a.outputs.nothing | default('') }}",
        },
    )

    assert end.outputs == {"one": "x", "none": ""}
    assert end.execution.progress_percentage == 100


def test_outputs_that_cannot_be_rendered_fail_the_execution_and_say_so(drive):
    end = drive().run(a_step("a"), outputs={"bad": "{{ 1 / 0 }}"})

    assert (end.status, end.outputs) == (BAD, None)
    assert end.execution.error["code"] == "division_by_zero"


def test_the_history_tells_the_story_once(drive):
    end = drive().run(a_step("a"), a_step("b", "a", condition="false"))

    assert end.events() == [
        "workflow_started",
        "step_completed",
        "step_skipped",
        "workflow_completed",
    ]


def test_params_of_the_execution_that_an_action_changes_stay_as_they_were_for_the_next(drive):
    def overwrite(context: ActionContext) -> ActionResult:
        context.workflow_params["region"] = "overwritten"
        return ActionResult(success=True)

    end = drive(an_action("overwrite", overwrite)).run(
        a_step("a", action="overwrite"),
        a_step("b", "a", params={"message": "{{ params.region }}"}),
        parameters=[{"name": "region", "type": "string"}],
        params={"region": "eu"},
        outputs={"region": "{{ steps.b.outputs.message }}"},
    )

    assert end.outputs == {"region": "eu"}
