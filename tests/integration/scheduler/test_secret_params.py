"""What an execution is given as a secret is sealed in rows, masked elsewhere, plain in actions."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session
from support.driving import Driver
from support.factories import a_document, a_pipeline, a_step, an_action
from support.parked_job import accept

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.domain.masking import MASK
from pipeline_engine.errors import IdempotencyKeyReused
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk import ActionContext, ActionResult, EventAction, EventResult
from pipeline_engine.services import executions
from pipeline_engine.services.executions import StartRequest

SECRET = 'c4nary/of "p@rams"\\\n1'
DECLARED = {"parameters": [{"name": "token", "type": "secret"}], "params": {"token": SECRET}}
FORMS = [
    SECRET,
    json.dumps(SECRET)[1:-1],
    base64.b64encode(SECRET.encode()).decode()[:20],
    repr(SECRET)[1:-1],
]


def rows_that_quote(driver: Driver, *texts: str) -> list[str]:
    """The tables in which one of these texts stands, in whatever column."""
    with driver.runtime.engine.connect() as connection:
        tables = connection.exec_driver_sql(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        ).scalars()
        # Inside JSON a text is escaped: the value that it is says whether it is quoted.
        return [
            table
            for table in tables.all()
            for row in connection.exec_driver_sql(f'SELECT row_to_json(t) FROM "{table}" t')  # noqa: S608
            if any(text in json.dumps(row[0]) or text in repr(row[0]) for text in texts)
        ]


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def tell(seen: list[Any]) -> Any:
    """An action that quotes what it was given in every way there is."""

    def execute(context: ActionContext) -> ActionResult:
        given, fails = context.params["given"], context.params.get("fails")
        seen.append(given)
        return ActionResult(
            success=not fails,
            outputs={"plain": given, "json": json.dumps({"k": given}), "python": repr([given])},
            error=f"refused {given!r}" if fails else None,
            error_code=f"no {given}" if fails else None,
        )

    return an_action("tell", execute, params=["given", "fails"])


def run_looking(driver: Driver, *steps: dict[str, Any], **fields: Any) -> Any:
    """Carry an execution to its end, and look at all rows between any two moves."""
    execution_id = driver.start(*steps, **fields)
    assert rows_that_quote(driver, *FORMS) == []
    while driver.round():
        assert rows_that_quote(driver, *FORMS) == []
    return driver.finish(execution_id)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(
    "given",
    ["{{ params.token }}", "Bearer {{ params.token }}!", "{{ ('u:' ~ params.token) | b64encode }}"],
)
def test_no_row_holds_a_secret_param_at_any_time(
    drive: Callable[..., Driver], tell: Any, seen: list[Any], given: str, fails: bool
) -> None:
    driver = drive(tell)
    step = a_step("tell", action="tell", params={"given": given, "fails": fails})

    end = run_looking(driver, step, **DECLARED)

    assert end.status == ("FAILED" if fails else "COMPLETED")
    assert (
        seen[0].replace("Bearer ", "").rstrip("!") == SECRET
        or seen[0] == base64.b64encode(f"u:{SECRET}".encode()).decode()
    )
    assert MASK in end.step("tell").outputs["plain"]
    assert MASK in end.step("tell").outputs["json"]
    assert not fails or MASK in end.step("tell").error_message
    assert not fails or MASK in end.step("tell").error_code


@pytest.mark.parametrize(
    "step",
    [
        {"action": "tell", "params": {"given": "{{ item }}"}, "for_each": ["{{ params.token }}"]},
        {
            "action": "for_each",
            "params": {
                "items": ["{{ params.token }}"],
                "action": "tell",
                "action_params": {"given": "{{ item }}"},
            },
        },
        {
            "action": "while",
            "params": {
                "condition": "{{ iteration < 1 }}",
                "action": "tell",
                "action_params": {"given": "{{ params.token }}"},
            },
        },
    ],
    ids=["for_each of a step", "for_each", "while"],
)
def test_items_are_given_a_secret_and_their_rows_are_sealed(
    drive: Callable[..., Driver], tell: Any, seen: list[Any], step: dict[str, Any]
) -> None:
    end = run_looking(drive(tell), a_step("each", **step), **DECLARED)

    assert (end.status, seen) == ("COMPLETED", [SECRET])


@pytest.mark.parametrize(
    "template",
    ["{{ item[:3] }}", "{{ item | reverse }}", "{{ item | upper }}", "{{ item == 'a' }}"],
)
@pytest.mark.parametrize("values", [["{{ params.token }}"], ["{{ secrets.api }}"]])
def test_an_item_that_is_a_secret_is_opaque(
    drive: Callable[..., Driver], tell: Any, seen: list[Any], template: str, values: list[str]
) -> None:
    driver = drive(tell, secrets={"api": SECRET})
    inner = {"action": "tell", "action_params": {"given": template}}
    steps = [
        a_step("own", action="tell", params={"given": template}, for_each=values),
        a_step("each", action="for_each", params={"items": values, **inner}),
        a_step("keep", action="filter", params={"items": values, "condition": template}),
    ]

    end = driver.run(*steps, settings={"fail_fast": False}, **DECLARED)

    assert seen == []
    assert end.statuses == dict.fromkeys(["own", "each", "keep"], "FAILED")
    assert end.items("own")[0].error_code == "secret_misused"
    assert end.step("each").error_code == end.step("keep").error_code == "secret_misused"


@pytest.mark.parametrize("operation", ["uppercase", "reverse", "count", "sort", "unique"])
def test_transform_does_not_look_into_a_secret(
    drive: Callable[..., Driver], operation: str
) -> None:
    params = {"input": "{{ params.token }}", "operation": operation}

    end = drive().run(a_step("change", action="transform", params=params), **DECLARED)

    assert end.step("change").error_code == "secret_misused"
    assert SECRET not in repr(end.step("change").outputs)


def test_a_secret_is_no_id_and_no_key(drive: Callable[..., Driver], tell: Any) -> None:
    def parks(context: ActionContext) -> ActionResult:
        given = context.params["given"]
        return ActionResult(success=True, awaiting_event=True, external_workflow_id=f"job-{given}")

    driver = drive(tell, an_action("park", parks, params=["given"]))
    held = {"given": "{{ params.token }}"}
    key = {"items": [{"k": "{{ params.token }}"}], "key": "{{ item.k }}"}

    end = driver.run(
        a_step("parked", action="park", params=held),
        a_step("keyed", action="tell", params={"given": "x"}, for_each=key),
        settings={"fail_fast": False},
        **DECLARED,
    )

    assert end.step("parked").error_code == "secret_misused"
    assert end.step("keyed").error_code == "secret_misused"
    assert rows_that_quote(driver, *FORMS) == []


def test_an_event_that_quotes_a_secret_leaves_none_in_the_outputs(
    drive: Callable[..., Driver],
) -> None:
    def parks(_: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_id="job")

    def on_event(context: Any) -> EventResult:
        return EventResult(
            action=EventAction.COMPLETE,
            status="FAILED",
            outputs={"event": dict(context.event_data)},
            error=f"it said {context.event_data}",
        )

    driver = drive(an_action("park", parks, on_event=on_event))
    execution_id = driver.start(a_step("wait", action="park"), **DECLARED)
    driver.settle()

    accept(driver, echo=[SECRET])
    end = driver.finish(execution_id)

    assert end.step("wait").outputs["event"]["echo"] == [MASK]
    assert SECRET not in end.step("wait").error_message


# ── Children ─────────────────────────────────────────────────────────────────────────────

CHILD = {
    "pipeline": "child",
    "params": {"url": "https://u:{{ params.token }}@host", "deep": [{"t": "{{ params.token }}"}]},
}


@pytest.fixture
def child(session: Session) -> Callable[..., None]:
    def stored(*steps: dict[str, Any], **fields: Any) -> None:
        a_pipeline(session, *steps, name="child", **fields)

    return stored


def test_a_child_keeps_the_secret_that_it_was_given(
    drive: Callable[..., Driver], tell: Any, seen: list[Any], child: Callable[..., None]
) -> None:
    child(
        a_step("one", action="tell", params={"given": "{{ params.url }}"}),
        a_step("two", action="tell", params={"given": "{{ params.deep[0].t }}"}),
        outputs={"echo": "{{ steps.one.outputs.plain }}", "param": "{{ params.url }}"},
    )

    end = run_looking(drive(tell), a_step("run", action="run_pipeline", params=CHILD), **DECLARED)

    assert sorted(seen) == sorted([f"https://u:{SECRET}@host", SECRET])
    assert end.status == "COMPLETED"
    assert end.step("run").outputs["outputs"] == {
        "echo": f"https://u:{MASK}@host",
        "param": f"https://u:{MASK}@host",
    }


def test_a_child_cannot_look_into_the_secret_that_it_was_given(
    drive: Callable[..., Driver], tell: Any, seen: list[Any], child: Callable[..., None]
) -> None:
    child(a_step("one", action="tell", params={"given": "{{ params.url[:20] }}"}))

    end = run_looking(drive(tell), a_step("run", action="run_pipeline", params=CHILD), **DECLARED)

    assert (end.step("run").status, seen) == ("FAILED", [])


# ── The key ──────────────────────────────────────────────────────────────────────────────


def with_keys(driver: Driver, key: str, *old: str) -> Driver:
    settings = replace(driver.runtime.settings, secret_key=key, old_secret_keys=old)
    return Driver(Runtime.start(settings, registry=driver.runtime.registry))


def test_a_worker_with_a_new_key_goes_on_with_what_the_old_one_sealed(
    drive: Callable[..., Driver], tell: Any, seen: list[Any]
) -> None:
    driver = drive(tell)
    step = a_step("tell", action="tell", params={"given": "{{ params.token }}"})
    execution_id = driver.start(step, **DECLARED)
    rotated = with_keys(driver, "another-key-of-the-tests", driver.runtime.settings.secret_key)

    end = rotated.finish(execution_id)

    rotated.runtime.stop()
    assert (end.status, seen) == ("COMPLETED", [SECRET])


def test_without_the_key_the_steps_of_the_execution_fail_and_those_of_others_go_on(
    drive: Callable[..., Driver], tell: Any, seen: list[Any]
) -> None:
    driver = drive(tell)
    step = a_step("tell", action="tell", params={"given": "{{ params.token }}"})
    execution_id = driver.start(step, **DECLARED)
    other = driver.start(a_step("log"))
    forgetful = with_keys(driver, "another-key-of-the-tests")

    end, others = forgetful.finish(execution_id), forgetful.finish(other)

    forgetful.runtime.stop()
    assert (end.step("tell").error_code, others.status) == ("secret_unreadable", "COMPLETED")
    assert seen == []


def test_the_default_of_a_secret_parameter_is_sealed_with_the_definition(
    drive: Callable[..., Driver], tell: Any, seen: list[Any]
) -> None:
    declared = [{"name": "token", "type": "secret", "default": SECRET, "required": False}]
    step = a_step("tell", action="tell", params={"given": "{{ params.token }}"})

    end = run_looking(drive(tell), step, parameters=declared)

    assert (end.status, seen) == ("COMPLETED", [SECRET])


def test_a_repeated_request_is_found_again_by_a_hash_that_needs_the_key(
    drive: Callable[..., Driver],
) -> None:
    driver = drive()
    document = a_document(a_step("log"))

    def start(runtime: Runtime, request_hash: str) -> Any:
        request = StartRequest(idempotency_key="once", request_hash=request_hash)
        return executions.run_ephemeral(SYSTEM, runtime, document, request)

    first = start(driver.runtime, "hash-of-the-body")
    rotated = with_keys(driver, "another-key-of-the-tests", driver.runtime.settings.secret_key)

    assert start(driver.runtime, "hash-of-the-body").id == first.id
    assert start(rotated.runtime, "hash-of-the-body").id == first.id
    with pytest.raises(IdempotencyKeyReused):
        start(driver.runtime, "hash-of-another-body")
    assert rows_that_quote(driver, "hash-of-the-body") == []
    rotated.runtime.stop()


# ── Logs ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_log_action_writes_no_secret(
    drive: Callable[..., Driver],
    own_logging: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    form: str,
) -> None:
    own_logging(log_format=form)
    message = "it is {{ params.token }} and {{ params.token | tojson }}"

    end = drive().run(a_step("say", action="log", params={"message": message}), **DECLARED)

    said = capsys.readouterr().err
    assert MASK in said
    assert not any(text in said for text in FORMS)
    assert end.step("say").outputs["message"] == f'it is {MASK} and "{MASK}"'


@pytest.mark.parametrize("form", ["text", "json"])
def test_control_characters_of_a_message_are_logged_as_escapes(
    drive: Callable[..., Driver],
    own_logging: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    form: str,
) -> None:
    own_logging(log_format=form)
    message = "\x1b[2J\x1b]0;gone\x07 a\nforged line\r\x9b31m \u202e\u2028 end"

    drive().run(a_step("say", action="log", params={"message": message}))

    (line,) = [line for line in capsys.readouterr().err.split("\n") if "gone" in line]
    assert "forged line" in line
    assert " end" in line
    assert not any(c in line for c in "\x1b\x07\r\x9b\u202e\u2028")


# ── What was made of a secret ────────────────────────────────────────────────────────────

TWICE = "{{ params.token | b64encode | b64encode }}"
MADE = base64.b64encode(base64.b64encode(SECRET.encode())).decode()
SHORT = "q7Zx"  # known only where it stands alone


@pytest.mark.parametrize(
    "step",
    [
        {"action": "tell", "for_each": [TWICE], "params": {"given": "{{ item }}"}},
        {
            "action": "for_each",
            "params": {
                "items": [TWICE],
                "action": "tell",
                "action_params": {"given": "{{ item }}"},
            },
        },
        {
            "action": "while",
            "params": {
                "condition": "iteration < 1",
                "action": "tell",
                "action_params": {"given": TWICE},
            },
        },
    ],
    ids=["for_each of a step", "for_each", "while"],
)
def test_an_item_knows_again_what_its_fan_out_has_made_of_a_secret(
    drive: Callable[..., Driver], tell: Any, seen: list[Any], step: dict[str, Any]
) -> None:
    driver = drive(tell)

    end = driver.run(a_step("each", **step), **DECLARED)

    assert (end.status, seen) == ("COMPLETED", [MADE])
    assert rows_that_quote(driver, MADE) == []


def test_an_item_that_was_made_of_a_secret_is_opaque(
    drive: Callable[..., Driver], tell: Any, seen: list[Any]
) -> None:
    step = a_step("own", action="tell", params={"given": "{{ item[:8] }}"}, for_each=[TWICE])

    end = drive(tell).run(step, **DECLARED)

    assert (seen, end.items("own")[0].error_code) == ([], "secret_misused")


@pytest.mark.parametrize(
    ("template", "made"),
    [(TWICE, MADE), ("z{{ secrets.short }}z", f"z{SHORT}z")],
    ids=["encoded twice", "a short one among letters"],
)
def test_logs_do_not_hold_what_an_attempt_has_made_of_a_secret(
    drive: Callable[..., Driver],
    own_logging: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    template: str,
    made: str,
) -> None:
    own_logging(log_format="json")
    driver = drive(secrets={"short": SHORT})

    driver.run(a_step("say", action="log", params={"message": template}), **DECLARED)

    said = capsys.readouterr().err
    assert "pipeline_engine.actions" in said
    assert made not in said


@pytest.mark.parametrize(
    "params",
    [
        {"inputs": ["a", "{{ secrets.short }}", "b"], "separator": ""},
        {"inputs": ["a", "b"], "separator": "{{ secrets.short }}"},
    ],
    ids=["among the inputs", "as the separator"],
)
def test_what_aggregate_joins_a_short_secret_to_is_hidden_with_it(
    drive: Callable[..., Driver], params: dict[str, Any]
) -> None:
    driver = drive(secrets={"short": SHORT})

    end = driver.run(a_step("join", action="aggregate", params={"operation": "join", **params}))

    assert end.step("join").outputs["result"] == MASK
    assert rows_that_quote(driver, SHORT) == []
