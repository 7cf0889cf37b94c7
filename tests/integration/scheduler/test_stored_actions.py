"""Actions that are data run like any other, in the version that a revision has kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from sqlalchemy.orm import Session
from support.canaries import CANARY, rows_that_quote
from support.driving import Driver
from support.factories import a_block, a_document, a_step, an_action
from support.runtimes import Drive

from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.domain.masking import MASK
from pipeline_engine.errors import ActionExists, InvalidAction, InvalidDefinition, PermissionDenied
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.scheduler.actions.callback_tokens import read_token
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    ExecutionMode,
    ParamDefinition,
    StepStatus,
)
from pipeline_engine.services import executions, inbox, pipelines, secrets, stored_actions
from pipeline_engine.services.executions import StartRequest
from pipeline_engine.services.inbox import Arrival
from pipeline_engine.services.pipelines import PipelineRequest
from pipeline_engine.services.secrets import SecretChange

MAY = frozenset({"executions:run", "secrets:use"})
ADA = Caller("ada", rights=MAY, principal="token:ada")

Store: TypeAlias = Callable[..., Any]


def echo(**given: Any) -> RegisteredAction:
    """Leaves what it was given, and fails if it is given the word."""

    def execute(context: ActionContext) -> ActionResult:
        if "fail" in str(context.params.get("text")):
            return ActionResult(success=False, error="no", error_code="refused")
        return ActionResult(success=True, outputs={"text": context.params.get("text")})

    text = ParamDefinition("text", "Text", required=True)
    return an_action("echo", execute, params=[text, "more"], **given)


def parks(cleaned: list[str] | None = None) -> RegisteredAction:
    def execute(context: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_id="job-1")

    def on_event(context: EventContext) -> EventResult:
        said = {"said": context.event_data["said"]}
        return EventResult(action=EventAction.COMPLETE, status=StepStatus.COMPLETED, outputs=said)

    def cleanup(context: ActionContext) -> None:
        (cleaned if cleaned is not None else []).append(context.step_id)

    return an_action("job", execute, params=["text"], on_event=on_event, cleanup=cleanup)


GREET = {
    "type": "greet",
    "name": "Greet",
    "template": "echo",
    "defaults": {"text": "Hello {{ inputs.who }}"},
    "exposed_params": ["who", "more"],
}
TWICE = {
    "type": "twice",
    "name": "Twice",
    "steps": [
        {"id": "one", "action": "echo", "params": {"text": "{{ inputs.word }}"}},
        {"id": "two", "action": "echo", "params": {"text": "{{ steps.one.outputs.text }}!"}},
    ],
    "exposed_params": ["word"],
    "outputs": {"last": "{{ steps.two.outputs.text }}"},
}
#: The form with names only: each is given those params of the composite that it knows.
ASK_THEN_ECHO = {"type": "ask", "name": "Ask", "sub_actions": ["job", "echo"]}


@pytest.fixture
def store(session: Session) -> Store:
    """A way to store an action, or the next version of it."""

    def put(driver: Driver, definition: dict[str, Any], caller: Caller = SYSTEM) -> None:
        runtime, name = driver.runtime, definition["type"]
        try:
            stored_actions.create(caller, session, runtime, definition)
        except ActionExists:
            stored_actions.replace(caller, session, runtime, name, definition, versions=None)
        session.commit()

    return put


def step(step_id: str, action: str, /, *depends_on: str, **params: Any) -> dict[str, Any]:
    return a_step(step_id, *depends_on, action=action, params=params)


def test_a_template_runs_its_action_with_params_filled_in(drive: Drive, store: Store) -> None:
    driver = drive(echo())
    store(driver, GREET)

    end = driver.run(
        step("hi", "greet", who="{{ params.name }}"),
        params={"name": "Ada"},
        parameters=[{"name": "name", "type": "string"}],
    )

    assert end.status == "COMPLETED"
    assert end.step("hi").outputs == {"text": "Hello Ada"}
    assert end.step("hi").action == "greet"
    assert driver.audit(end.execution.id) == []


def test_what_a_template_is_given_has_to_fit(drive: Drive, store: Store) -> None:
    driver = drive(echo())
    store(driver, GREET)

    end = driver.run(
        step("hi", "greet", who="{{ params.nobody }}"),
        parameters=[{"name": "nobody", "type": "json", "default": [1]}],
    )

    assert end.status == "FAILED"
    assert end.step("hi").error_code == "invalid_params"
    assert "who" in end.step("hi").error_message


def test_a_composite_runs_its_actions_in_their_order(drive: Drive, store: Store) -> None:
    driver = drive(echo())
    store(driver, TWICE)

    end = driver.run(step("both", "twice", word="hi"))

    assert end.status == "COMPLETED", end.step("both").error_message
    assert end.step("both").outputs == {"last": "hi!"}
    assert [(i.item_key, i.action) for i in end.items("both")] == [
        ("one", "echo@1.0.0"),
        ("two", "echo@1.0.0"),
    ]
    assert driver.audit(end.execution.id) == []


def test_the_first_failure_of_a_composite_is_its_own(drive: Drive, store: Store) -> None:
    driver = drive(echo())
    store(driver, TWICE)

    end = driver.run(step("both", "twice", word="fail"))

    assert (end.step("both").error_code, end.step("both").error_message) == ("refused", "one: no")
    assert [i.item_key for i in end.items("both")] == ["one"]
    assert end.step("both").outputs == {"last": None}


def test_an_action_of_a_composite_may_wait_for_its_event(drive: Drive, store: Store) -> None:
    driver = drive(echo(), parks())
    store(driver, ASK_THEN_ECHO)
    execution_id = driver.start(step("ask", "ask", text="hi"))
    driver.settle()

    waiting = driver.look(execution_id)
    arrival = Arrival(source="tests", body={"workflow_id": "job-1", "said": "yes"})
    inbox.accept(SYSTEM, driver.runtime, arrival)
    end = driver.finish(execution_id)

    assert [(i.item_key, i.awaiting_event) for i in waiting.items("ask")] == [("job", True)]
    assert end.step("ask").outputs == {"job": {"said": "yes"}, "echo": {"text": "hi"}}
    assert driver.audit(execution_id) == []


def test_a_cancel_cleans_up_what_a_composite_waits_for(drive: Drive, store: Store) -> None:
    cleaned: list[str] = []
    driver = drive(echo(), parks(cleaned))
    store(driver, ASK_THEN_ECHO)
    execution_id = driver.start(step("ask", "ask", text="hi"))
    driver.settle()

    executions.cancel(SYSTEM, driver.runtime, execution_id)
    end = driver.finish(execution_id)

    assert end.status == "INTERRUPTED"
    assert cleaned == ["ask"]
    assert [i.item_key for i in end.items("ask")] == ["job"]


def test_the_retries_of_a_step_are_those_of_the_action_that_fails(
    drive: Drive, store: Store
) -> None:
    attempts: list[int] = []

    def flaky(context: ActionContext) -> ActionResult:
        attempts.append(context.attempt)
        return ActionResult(success=context.attempt == 3, error="not yet", outputs={"text": "ok"})

    driver = drive(echo(), an_action("flaky", flaky, params=["text"]))
    store(driver, ASK_THEN_ECHO | {"sub_actions": ["echo", "flaky"]})
    retry = {"max_attempts": 3, "backoff_seconds": 0}

    end = driver.run(step("ask", "ask", text="hi") | {"retry": retry})

    assert end.status == "COMPLETED"
    assert attempts == [1, 2, 3]
    assert [(i.item_key, i.attempt) for i in end.items("ask")] == [("echo", 1), ("flaky", 3)]


def test_an_action_whose_condition_does_not_hold_is_left_out(drive: Drive, store: Store) -> None:
    driver = drive(echo())
    said = {"text": "{{ steps.one.status }}"}
    steps = [
        TWICE["steps"][0] | {"condition": "inputs.word == 'loud'"},
        {"id": "two", "action": "echo", "params": said},
    ]
    store(driver, TWICE | {"steps": steps})

    end = driver.run(step("both", "twice", word="quiet"))

    assert end.step("both").outputs == {"last": "SKIPPED"}
    assert [i.item_key for i in end.items("both")] == ["two"]


def test_a_template_may_be_part_of_a_composite(drive: Drive, store: Store) -> None:
    driver = drive(echo())
    store(driver, GREET)
    steps = [{"id": "hi", "action": "greet", "params": {"who": "{{ inputs.word }}"}}]
    outputs = {"last": "{{ steps.hi.outputs.text }}"}
    store(driver, TWICE | {"steps": steps, "outputs": outputs})
    store(driver, GREET | {"defaults": {"text": "Later: {{ inputs.who }}"}})

    end = driver.run(step("both", "twice", word="Ada"), step("now", "greet", who="Bob"))

    assert end.step("both").outputs == {"last": "Hello Ada"}  # as it was when it was put in
    assert end.step("now").outputs == {"text": "Later: Bob"}
    assert [i.action for i in end.items("both")] == ["greet@1"]


def test_loops_run_templates_and_blocks_repeat_composites(drive: Drive, store: Store) -> None:
    driver = drive(echo())
    store(driver, GREET)
    store(driver, TWICE)
    inner = step("both", "twice", word="{{ item }}")
    looped = {"items": ["d"], "action": "greet", "action_params": {"who": "{{ item }}"}}

    end = driver.run(
        step("each", "greet", who="{{ item }}") | {"for_each": ["a", "b"]},
        a_block(
            "block", inner, for_each=["c", "d"], outputs={"last": "{{ steps.both.outputs.last }}"}
        ),
        step("loop", "for_each", **looped),
    )

    assert end.status == "COMPLETED"
    texts = [one["outputs"]["text"] for one in end.step("each").outputs["results"]]
    assert texts == ["Hello a", "Hello b"]
    lasts = [one["outputs"]["last"] for one in end.step("block").outputs["results"]]
    assert lasts == ["c!", "d!"]
    assert end.step("loop").outputs["results"][0]["outputs"] == {"text": "Hello d"}


def test_a_template_of_a_loop_hands_its_inputs_to_what_the_loop_renders(
    drive: Drive, store: Store
) -> None:
    driver = drive(echo())
    poll = {
        "type": "count",
        "name": "Count",
        "template": "while",
        "defaults": {
            "action": "echo",
            "action_params": {"text": "{{ inputs.word }}{{ iteration }}"},
            "until": "{{ result.text == inputs.word ~ inputs.last }}",
        },
        "exposed_params": ["word", {"name": "last", "type": "number", "default": 2}],
    }
    store(driver, poll)

    end = driver.run(step("poll", "count", word="n"))

    assert end.status == "COMPLETED", end.step("poll").error_message
    assert end.step("poll").outputs["iterations"] == 3


def test_a_pipeline_keeps_the_version_that_it_was_saved_with(
    drive: Drive, store: Store, session: Session
) -> None:
    driver = drive(echo())
    store(driver, GREET)
    request = PipelineRequest(document=a_document(step("hi", "greet", who="Ada"), name="greeting"))
    saved = pipelines.create(SYSTEM, session, driver.runtime, request)
    session.commit()

    def run() -> Any:
        found = executions.start(SYSTEM, driver.runtime, saved.pipeline.id, StartRequest())
        return driver.finish(found.id).step("hi").outputs["text"]

    store(driver, GREET | {"defaults": {"text": "Bye {{ inputs.who }}"}})
    after_a_change = run()
    update = (saved.pipeline.id, request)
    pipelines.update(SYSTEM, session, driver.runtime, *update, versions=None)
    session.commit()
    when_saved_again = run()
    stored_actions.delete(SYSTEM, session, "greet")
    session.commit()
    deleted = run()

    assert saved.action_versions == {"greet": "1"}
    assert (after_a_change, when_saved_again, deleted) == ("Hello Ada", "Bye Ada", "Bye Ada")
    with pytest.raises(InvalidDefinition) as refused:
        pipelines.update(SYSTEM, session, driver.runtime, *update, versions=None)
    assert [e.code for e in refused.value.facts["report"].errors] == ["unknown_action"]


def test_a_name_may_ask_for_an_older_version(drive: Drive, store: Store) -> None:
    driver = drive(echo())
    store(driver, GREET)
    store(driver, GREET | {"defaults": {"text": "Bye {{ inputs.who }}"}})

    end = driver.run(step("old", "greet@1", who="Ada"), step("new", "greet", who="Ada"))

    assert end.step("old").outputs == {"text": "Hello Ada"}
    assert end.step("new").outputs == {"text": "Bye Ada"}


def said_by(version: str) -> RegisteredAction:
    def execute(context: ActionContext) -> ActionResult:
        return ActionResult(success=True, outputs={"by": version})

    return an_action("said", execute, version=version, aliases=["told"])


def test_what_an_action_builds_on_by_an_alias_keeps_its_version_too(
    drive: Drive, store: Store
) -> None:
    store(drive(said_by("1.0.0")), {"type": "tell", "name": "Tell", "template": "told"})
    store(drive(said_by("1.0.0")), {"type": "tells", "name": "Tells", "sub_actions": ["told"]})

    end = drive(said_by("1.0.0"), said_by("2.0.0")).run(step("a", "tell"), step("b", "tells"))

    assert end.step("a").outputs == {"by": "1.0.0"}
    assert end.step("b").outputs == {"told": {"by": "1.0.0"}}


def test_what_cannot_run_any_more_as_its_name_asks_is_refused_when_it_is_used(
    drive: Drive, store: Store
) -> None:
    store(drive(said_by("2.1.0")), {"type": "tell", "name": "Tell", "template": "said@2.1"})

    patched = drive(said_by("2.1.3"), said_by("2.2.0")).run(step("a", "tell"))

    assert patched.step("a").outputs == {"by": "2.1.3"}
    with pytest.raises(InvalidDefinition) as refused:
        drive(said_by("2.2.0")).run(step("a", "tell"))
    assert [e.code for e in refused.value.facts["report"].errors] == ["broken_action"]


def each(*exposed: Any, **defaults: Any) -> dict[str, Any]:
    """A template of a loop; its steps give the items, and what else is exposed."""
    return {
        "type": "each",
        "name": "Each",
        "template": "for_each",
        "defaults": defaults,
        "exposed_params": ["items", *exposed],
    }


def test_what_a_stored_loop_runs_keeps_its_version_too(drive: Drive, store: Store) -> None:
    store(drive(said_by("1.0.0")), each(action="told", action_params={}))
    newer = drive(said_by("1.0.0"), said_by("2.0.0"))

    end = newer.run(step("a", "each", items=[1]), step("b", "for_each", items=[1], action="said"))

    said = [end.step(one).outputs["results"][0]["outputs"] for one in ("a", "b")]
    assert said == [{"by": "1.0.0"}, {"by": "2.0.0"}]
    assert newer.audit(end.execution.id) == []
    with pytest.raises(InvalidDefinition) as refused:
        drive(echo()).run(step("a", "each", items=[1]))
    assert [e.code for e in refused.value.facts["report"].errors] == ["broken_action"]


def test_a_stored_loop_runs_stored_actions_as_they_were(
    drive: Drive, store: Store, session: Session
) -> None:
    driver = drive(echo())
    store(driver, GREET)
    store(driver, each(action="greet", action_params={"who": "{{ item }}"}))
    store(driver, GREET | {"defaults": {"text": "Bye {{ inputs.who }}"}})
    stored_actions.delete(SYSTEM, session, "greet")
    session.commit()

    end = driver.run(step("a", "each", items=["Ada"]))

    assert end.step("a").outputs["results"][0]["outputs"] == {"text": "Hello Ada"}


def test_what_the_system_has_stored_runs_its_own_parts_beside_others_of_the_same_name(
    drive: Drive, store: Store
) -> None:
    driver = drive(echo())
    store(driver, GREET)
    store(driver, each(action="greet", action_params={"who": "{{ item }}"}))
    call = {"id": "g", "action": "greet", "params": {"who": "{{ inputs.who }}"}}
    store(driver, {"type": "once", "name": "O", "steps": [call], "exposed_params": ["who"]})
    store(driver, GREET | {"defaults": {"text": "Bye {{ inputs.who }}"}}, ADA)
    document = a_document(
        step("own", "greet@1", who="Ada"),
        step("loop", "for_each", items=["Ada"], action="greet@1", action_params={"who": "Ada"}),
        step("once", "once", who="Ada"),
        step("each", "each", items=["Ada"]),
    )

    found = executions.run_ephemeral(ADA, driver.runtime, document, StartRequest())

    end = driver.finish(found.id)
    assert end.status == "COMPLETED"
    assert end.step("own").outputs == {"text": "Bye Ada"}
    assert end.step("loop").outputs["results"][0]["outputs"] == {"text": "Bye Ada"}
    assert end.step("once").outputs == {"g": {"text": "Hello Ada"}}
    assert end.step("each").outputs["results"][0]["outputs"] == {"text": "Hello Ada"}


def test_a_stored_action_does_not_run_an_older_version_of_itself(
    drive: Drive, store: Store
) -> None:
    driver = drive(echo())
    store(driver, GREET | {"type": "each"})

    with pytest.raises(InvalidAction) as refused:
        store(driver, each(action="each", action_params={"who": "x"}))

    assert [(p.pointer, p.code) for p in refused.value.facts["problems"]] == [
        ("/defaults/action", "nested_fan_out")
    ]


@pytest.mark.parametrize(
    ("stored", "given"),
    [
        (each(action="echo", action_params={"text": "x"}), {}),
        (each("action", action_params={"text": "x"}), {"action": "echo"}),
        (each("action", "action_params"), {"action": "echo", "action_params": "{{ params.p }}"}),
        (each("action", action_params={"who": "x"}), {"action": "greet"}),
    ],
)
def test_the_rights_of_what_a_stored_loop_runs_are_asked_before_it_runs(
    drive: Drive, store: Store, session: Session, stored: dict[str, Any], given: dict[str, Any]
) -> None:
    driver = drive(echo(required_permissions=["model:write"]))
    store(driver, GREET, ADA)
    store(driver, stored, ADA)
    parameters = [{"name": "p", "type": "json", "default": {"text": "x"}}]
    document = a_document(
        step("a", "each", items=[1], **given), name="loops", parameters=parameters
    )

    with pytest.raises(PermissionDenied, match="model:write"):
        executions.run_ephemeral(ADA, driver.runtime, document, StartRequest())
    with pytest.raises(PermissionDenied, match="model:write"):
        pipelines.create(ADA, session, driver.runtime, PipelineRequest(document=document))


def test_what_only_a_template_names_is_known_when_it_runs(drive: Drive, store: Store) -> None:
    driver = drive(echo(required_permissions=["model:write"]))
    named = each("what", action="{{ inputs.what }}", action_params={"text": "x"})
    store(driver, named, ADA)

    found = executions.run_ephemeral(
        ADA, driver.runtime, a_document(step("a", "each", items=[1], what="echo")), StartRequest()
    )

    end = driver.finish(found.id)
    assert end.status == "FAILED"
    assert "model:write" in end.step("a").outputs["results"][0]["error"]


def test_what_a_loop_runs_is_kept_though_a_template_gives_all_its_params(
    drive: Drive, store: Store
) -> None:
    driver = drive(echo())
    store(driver, GREET)

    end = driver.run(
        step("a", "for_each", items=[1], action="greet", action_params="{{ params.all }}"),
        parameters=[{"name": "all", "type": "json", "default": {"who": "Ada"}}],
    )

    assert end.status == "COMPLETED", end.step("a").error_message
    assert end.step("a").outputs["results"][0]["outputs"] == {"text": "Hello Ada"}


def test_the_rights_that_an_action_asks_for_are_asked_of_what_is_made_of_it(
    drive: Drive, store: Store
) -> None:
    driver = drive(echo(required_permissions=["model:write"]))
    store(driver, GREET, ADA)
    store(driver, TWICE, ADA)

    for uses in (step("a", "greet", who="x"), step("a", "twice", word="x")):
        with pytest.raises(PermissionDenied, match="model:write"):
            executions.run_ephemeral(ADA, driver.runtime, a_document(uses), StartRequest())


def test_a_secret_of_the_author_reaches_the_action_and_nobody_else(
    drive: Drive, store: Store, session: Session
) -> None:
    seen: list[Any] = []

    def tell(context: ActionContext) -> ActionResult:
        seen.append(context.params["text"])
        return ActionResult(success=True, outputs={"text": context.params["text"]})

    driver = drive(an_action("echo", tell, params=["text", "more"]))
    secrets.put(ADA, session, driver.runtime, "token", SecretChange(value=CANARY))
    store(driver, GREET | {"defaults": {"text": "{{ inputs.who }} {{ secrets.token }}"}}, ADA)
    store(driver, TWICE, ADA)
    given = step("given", "twice", word="{{ secrets.token }}")
    document = a_document(step("own", "greet", who="ada"), given)

    started = executions.run_ephemeral(ADA, driver.runtime, document, StartRequest())
    while driver.round():
        assert rows_that_quote(driver) == []
    end = driver.finish(started.id)

    assert end.status == "COMPLETED"
    # An output hides it, and what comes after sees the output.
    assert sorted(seen) == sorted([f"ada {CANARY}", CANARY, f"{MASK}!"])
    assert rows_that_quote(driver) == []


def test_a_member_of_no_store_sees_neither_the_action_nor_its_secret(
    drive: Drive, store: Store
) -> None:
    driver = drive(echo())
    store(driver, GREET | {"defaults": {"text": "{{ inputs.who }} {{ secrets.token }}"}}, ADA)
    bob = Caller("bob", rights=MAY, principal="token:bob")

    with pytest.raises(InvalidDefinition) as refused:
        executions.run_ephemeral(
            bob, driver.runtime, a_document(step("a", "greet", who="x")), StartRequest()
        )

    (error,) = refused.value.facts["report"].errors
    assert (error.code, error.hint) == ("unknown_action", None)


def test_what_a_template_has_done_is_undone_by_another(drive: Drive, store: Store) -> None:
    driver = drive(echo())
    store(driver, GREET)
    undo = {"action": "greet", "params": {"who": "{{ steps.hi.outputs.text }}"}}

    end = driver.run(
        step("hi", "greet", who="Ada") | {"compensate": undo},
        step("late", "echo", "hi", text="fail"),
    )

    assert end.status == "FAILED"
    undone = end.step("compensate:hi")
    assert (undone.action, undone.outputs) == ("greet", {"text": "Hello Hello Ada"})


def test_a_composite_counts_against_the_limits_of_its_actions(drive: Drive, store: Store) -> None:
    driver = drive(echo(), action_limits={"echo": 1, "greet": 1})
    store(driver, GREET)
    store(driver, TWICE)

    end = driver.run(
        step("both", "twice", word="hi"), step("a", "greet", who="a"), step("b", "greet", who="b")
    )

    assert end.status == "COMPLETED"
    assert driver.audit(end.execution.id) == []


@pytest.mark.parametrize("waits_in", ["job", "waits"])
def test_an_address_that_a_composite_is_given_is_that_of_the_action_which_waits(
    drive: Drive, store: Store, waits_in: str
) -> None:
    told: list[str] = []

    def execute(context: ActionContext) -> ActionResult:
        told.append(context.params["text"])
        return ActionResult(success=True, awaiting_event=True)

    parked = an_action("job", execute, params=["text"], execution_mode=ExecutionMode.EVENT_DRIVEN)
    driver = drive(parked)
    waits = {"type": "waits", "name": "Waits", "template": "job", "exposed_params": ["url"]}
    store(driver, waits | {"defaults": {"text": "{{ inputs.url }}"}})
    given = {"text" if waits_in == "job" else "url": "{{ inputs.address }}"}
    steps = [{"id": "it", "action": waits_in, "params": given}]
    store(driver, {"type": "c", "name": "C", "steps": steps, "exposed_params": ["address"]})
    execution_id = driver.start(step("ask", "c", address="{{ callback_url }}"))
    driver.settle()

    token = read_token(driver.runtime.settings, told[0].rpartition("/")[2])

    (item,) = driver.look(execution_id).items("ask")
    assert token.step_execution_id == item.id
