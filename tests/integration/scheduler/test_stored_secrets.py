"""Secrets of the store: whose they are, who may be given them, and that nothing shows them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from support.canaries import CANARY, FORMS, forms_of, quotes, rows_that_quote
from support.counting import counted_statements
from support.driving import Driver
from support.factories import a_block, a_document, a_pipeline, a_step, an_action
from support.parked_job import accept

from pipeline_engine.domain.audit_log import Act
from pipeline_engine.domain.callers import SYSTEM, Caller
from pipeline_engine.domain.masking import MASK
from pipeline_engine.errors import PermissionDenied
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk import ActionContext, ActionResult, EventAction, EventResult
from pipeline_engine.services import executions, secrets
from pipeline_engine.services.executions import StartRequest
from pipeline_engine.services.secrets import SecretChange
from pipeline_engine.storage.tables.audit_log import AuditRecord

MAY = frozenset({"executions:run", "secrets:use"})
ADA = Caller("ada", rights=MAY, principal="token:ada")
BOB = Caller("bob", rights=MAY, principal="token:bob")
OPS = Caller("group:ops", rights=MAY)
MEMBER = Caller("ada", frozenset({"group:ops"}), MAY)
NEW = "the-next-canary-4711"
GIVEN = {"given": "{{ secrets.token }}"}

Keep: TypeAlias = Callable[..., None]


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def tell(seen: list[Any]) -> Any:
    """An action that quotes what it was given in every form, in its log, too."""

    def execute(context: ActionContext) -> ActionResult:
        given = context.params["given"]
        seen.append(given)
        forms = forms_of(given) | {"in a sentence": f"it was {given}!"}
        context.log.info("told", given=given, forms=forms)
        fails = bool(context.params.get("fails"))
        return ActionResult(
            success=not fails,
            outputs=forms,
            error=f"refused {forms}" if fails else None,
            error_code=f"no {given}" if fails else None,
        )

    return an_action("tell", execute, params=["given", "fails"], idempotent=True)


@pytest.fixture
def keep(session: Session, make_runtime: Callable[..., Runtime]) -> Keep:
    """A way to set a secret of an owner; its sealer has the key of all runtimes."""
    runtime = make_runtime()

    def put(caller: Caller, value: str = CANARY, name: str = "token") -> None:
        secrets.put(caller, session, runtime, name, SecretChange(value=value))
        session.commit()

    return put


def start(driver: Driver, caller: Caller, *steps: dict[str, Any], **fields: Any) -> Any:
    document, params = a_document(*steps, **fields), fields.get("params", {})
    request = StartRequest(params=params)
    return executions.run_ephemeral(caller, driver.runtime, document, request).id


def run(driver: Driver, caller: Caller, *steps: dict[str, Any], **fields: Any) -> Any:
    """The end of an execution; between any two moves all rows are searched for the canary."""
    execution_id = start(driver, caller, *steps, **fields)
    while driver.round():
        assert rows_that_quote(driver) == []
    end = driver.finish(execution_id)
    assert rows_that_quote(driver) == []
    return end


# ── Nothing shows it ─────────────────────────────────────────────────────────────────────

TELL = a_step("tell", action="tell", params=GIVEN)
FAILS = a_step("tell", action="tell", params={**GIVEN, "fails": True})
INNER = {"action": "tell", "action_params": GIVEN}
LATER = "tell-later"
WAYS: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
    "a step": ([TELL], {}),
    "a failure": ([FAILS], {}),
    "tried again": ([FAILS | {"retry": {"max_attempts": 2, "backoff_seconds": 0.01}}], {}),
    "by a condition": ([TELL | {"condition": "secrets.token is defined"}], {}),
    "items": (
        [a_step("tell", action="tell", params={"given": "{{ item }}"})
         | {"for_each": ["{{ secrets.token }}"]}],
        {},
    ),
    "made items": (
        [a_step("tell", action="tell", params={"given": "{{ item.k }}"})
         | {"for_each": [{"k": "{{ secrets.token | b64encode }}"}]}],
        {},
    ),
    "for_each": ([a_step("tell", action="for_each", params={"items": [1], **INNER})], {}),
    "while": (
        [a_step("tell", action="while", params={"condition": "iteration < 2", **INNER})],
        {},
    ),
    "carried by while": (
        [a_step("tell", action="while", params={
            "condition": "iteration < 2",
            "carry": {"start": "{{ secrets.token }}", "next": "{{ carry }}"},
            "action": "tell",
            "action_params": {"given": "{{ carry }}"},
        })],
        {},
    ),
    "a block": ([a_block("block", TELL, for_each=["{{ secrets.token }}"])], {}),
    "a handler": ([a_step("a")], {"settings": {"finally": [TELL]}}),
    "after a failure": (
        [a_step("a", action="fail", params={"message": "no"})],
        {"settings": {"on_failure": [TELL]}},
    ),
    "a compensation": (
        [
            a_step("a") | {"compensate": {"action": "tell", "params": GIVEN}},
            a_step("b", "a", action="fail", params={"message": "no"}),
        ],
        {},
    ),
    "a sub-pipeline": (
        [a_step("tell", action="run_pipeline", params={
            "pipeline": "child", "params": {"url": "https://u:{{ secrets.token }}@host"},
        })],
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_no_row_shows_a_secret_in_any_form_whatever_is_done_with_it(
    drive: Callable[..., Driver], tell: Any, keep: Keep, session: Session, seen: list[Any], way: str
) -> None:
    keep(ADA)
    child = a_pipeline(
        session,
        a_step("tell", action="tell", params={"given": "{{ params.url }}"}),
        name="child",
        outputs={"echo": "{{ params.url }}"},
    )
    child.user_id = "ada"
    session.commit()
    steps, fields = WAYS[way]

    run(drive(tell), ADA, *steps, **fields)

    assert seen, "the action was given something"
    assert all(quotes(given) for given in seen), "and that was the secret, or made of it"


def test_what_a_secret_was_sent_to_may_answer_it_to_another_step(
    drive: Callable[..., Driver], tell: Any, keep: Keep
) -> None:
    echo = an_action("echo", lambda _: ActionResult(success=True, outputs={"echo": CANARY}))
    keep(ADA)

    end = run(drive(tell, echo), ADA, TELL, a_step("echo", "tell", action="echo"))

    assert end.step("echo").outputs == {"echo": MASK}


def test_a_step_that_is_skipped_or_cannot_be_rendered_shows_nothing(
    drive: Callable[..., Driver], keep: Keep
) -> None:
    keep(ADA)

    end = run(
        drive(),
        ADA,
        a_step("cut", params={"message": "{{ [secrets.token] | first | upper }}"}),
        a_step("skipped", "cut", params={"message": "{{ secrets.token }}"}),
    )

    assert end.statuses == {"cut": "FAILED", "skipped": "SKIPPED"}


def test_an_address_that_cannot_be_reached_is_told_without_the_secret_in_it(
    drive: Callable[..., Driver], keep: Keep
) -> None:
    keep(ADA)
    urls = ("http://127.0.0.1:9/{{ secrets.token | urlencode }}", "http://{{ secrets.token }}/")
    steps = [
        a_step(f"call{n}", action="http_request", params={"url": url, "timeout_seconds": 2})
        for n, url in enumerate(urls)
    ]

    end = run(drive(), ADA, *steps, settings={"fail_fast": False})

    assert end.statuses == {"call0": "FAILED", "call1": "FAILED"}


@pytest.mark.parametrize("form", ["text", "json"])
def test_logs_show_nothing_of_it_neither_while_the_step_runs_nor_later(
    drive: Callable[..., Driver],
    tell: Any,
    keep: Keep,
    own_logging: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    form: str,
) -> None:
    keep(ADA)
    own_logging(log_format=form)

    run(drive(tell), ADA, FAILS, a_step("say", params={"message": "{{ secrets.token }}"}))
    try:
        raise RuntimeError(f"the peer refused {CANARY}")
    except RuntimeError:
        logging.getLogger("urllib3").exception("no luck with %s", FORMS["url"])

    said = capsys.readouterr().err
    assert "told" in said
    assert "no luck" in said
    assert not quotes(said)


def test_a_reason_and_a_clean_up_that_quote_it_are_masked(
    drive: Callable[..., Driver], keep: Keep
) -> None:
    def cleanup(context: ActionContext) -> None:
        raise RuntimeError(f"could not stop with {context.params['given']}")

    def parks(_: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_id="job")

    keep(ADA)
    driver = drive(an_action("park", parks, params=["given"], cleanup=cleanup))
    execution_id = start(driver, ADA, a_step("wait", action="park", params=GIVEN))
    driver.settle()

    executions.cancel(ADA, driver.runtime, execution_id, reason=f"{CANARY} has leaked")
    end = driver.finish(execution_id)

    assert end.status == "INTERRUPTED"
    assert rows_that_quote(driver) == []


# ── Whose it is ──────────────────────────────────────────────────────────────────────────


def test_two_owners_have_different_secrets_of_one_name(
    drive: Callable[..., Driver], tell: Any, keep: Keep, seen: list[Any]
) -> None:
    keep(ADA, "the one of ada")
    keep(BOB, "the one of bob")
    driver = drive(tell)

    run(driver, ADA, TELL)
    run(driver, BOB, TELL)

    assert seen == ["the one of ada", "the one of bob"]


def stored(session: Session, owner: str | None, *steps: dict[str, Any], **columns: Any) -> Any:
    pipeline = a_pipeline(session, *(steps or (TELL,)), name=uuid4().hex)
    for column, value in {"name": "job", "user_id": owner, **columns}.items():
        setattr(pipeline, column, value)
    session.commit()
    return pipeline.id


def test_a_pipeline_of_a_group_uses_the_secret_of_the_group_whoever_runs_it(
    drive: Callable[..., Driver], tell: Any, keep: Keep, session: Session, seen: list[Any]
) -> None:
    keep(OPS, "the one of the group")
    keep(MEMBER, "the one of the member")
    driver, pipeline = drive(tell), stored(session, "group:ops")

    driver.finish(executions.start(MEMBER, driver.runtime, pipeline, StartRequest()).id)

    assert seen == ["the one of the group"]


@pytest.mark.parametrize("in_store", [True, False])
def test_a_pipeline_of_the_system_uses_its_store_and_then_what_the_installation_has(
    drive: Callable[..., Driver],
    tell: Any,
    keep: Keep,
    session: Session,
    seen: list[Any],
    in_store: bool,
) -> None:
    keep(ADA, "the one of ada")
    if in_store:
        keep(SYSTEM, "the one of the system")
    driver = drive(tell, secrets={"token": "of the installation"})
    pipeline = stored(session, None, system_owned=True)

    driver.finish(executions.start(ADA, driver.runtime, pipeline, StartRequest()).id)

    assert seen == ["the one of the system" if in_store else "of the installation"]


@pytest.mark.parametrize(
    ("lent_to", "given"),
    [
        ((), None),
        (("bob",), None),
        (("ada",), "of the installation"),
        (("*",), "of the installation"),
    ],
)
def test_the_installation_s_secrets_are_given_to_those_alone_whom_a_setting_names(
    drive: Callable[..., Driver], tell: Any, seen: list[Any], lent_to: tuple[str, ...], given: Any
) -> None:
    driver = drive(tell, secrets={"token": "of the installation"}, secrets_owners=lent_to)

    end = run(driver, ADA, TELL)

    assert seen == ([] if given is None else [given])
    assert end.step("tell").error_code == ("unknown_secret" if given is None else None)


def test_one_s_own_secret_comes_before_one_that_is_lent(
    drive: Callable[..., Driver], tell: Any, keep: Keep, seen: list[Any]
) -> None:
    keep(ADA, "the one of ada")

    run(drive(tell, secrets={"token": "of the installation"}, secrets_owners=("*",)), ADA, TELL)

    assert seen == ["the one of ada"]


def test_a_sub_pipeline_uses_the_secrets_of_its_own_owner(
    drive: Callable[..., Driver], tell: Any, keep: Keep, session: Session, seen: list[Any]
) -> None:
    keep(OPS, "the one of the group")
    keep(MEMBER, "the one of the member")
    stored(session, "group:ops")

    run(drive(tell), MEMBER, a_step("run", action="run_pipeline", params={"pipeline": "job"}))

    assert seen == ["the one of the group"]


@pytest.mark.parametrize(
    ("owner", "own"), [(None, True), (None, False), ("group:ops", True), ("group:ops", False)]
)
def test_whoever_starts_a_pipeline_cannot_put_one_of_his_own_in_the_place_of_those_it_calls(
    drive: Callable[..., Driver],
    tell: Any,
    keep: Keep,
    session: Session,
    seen: list[Any],
    owner: str | None,
    own: bool,
) -> None:
    keep(SYSTEM if owner is None else OPS)
    take = a_step("take", action="tell", params={"given": "{{ params.given }}"})
    stored(session, "ada", take)
    call = a_step("call", action="run_pipeline", params={"pipeline": "job", "params": GIVEN})
    pipeline = stored(session, owner, call, name="top", system_owned=owner is None)
    if own:
        stored(session, owner, a_step("fine"), system_owned=owner is None)
    driver = drive(tell)

    started = executions.start(MEMBER, driver.runtime, pipeline, StartRequest())

    end = driver.finish(started.id)
    assert seen == []
    assert end.step("call").error_code == (None if own else "pipeline_not_found")


@pytest.mark.parametrize("by_id", [True, False])
def test_a_pipeline_of_a_group_reaches_nothing_that_only_its_starter_has(
    drive: Callable[..., Driver], tell: Any, keep: Keep, session: Session, by_id: bool
) -> None:
    private = stored(session, "ada", a_step("a"))
    named = str(private) if by_id else "job"
    call = a_step("call", action="run_pipeline", params={"pipeline": named})
    of_group, of_ada = (stored(session, o, call, name="top") for o in ("group:ops", "ada"))
    driver = drive(tell)

    ends = [
        driver.finish(executions.start(MEMBER, driver.runtime, one, StartRequest()).id)
        for one in (of_group, of_ada)
    ]

    assert [end.step("call").error_code for end in ends] == ["pipeline_not_found", None]


def test_who_acts_for_everybody_is_not_given_the_system_s_for_a_definition_of_his_own(
    drive: Callable[..., Driver], tell: Any, keep: Keep, seen: list[Any]
) -> None:
    keep(SYSTEM)
    service = Caller(rights=MAY | {"owners:any"})

    end = run(drive(tell, secrets={"other": "of the installation"}), service, TELL)

    assert (end.step("tell").error_code, seen) == ("unknown_secret", [])


# ── Who may be given it ──────────────────────────────────────────────────────────────────


def test_who_may_not_use_secrets_starts_nothing_that_names_one(
    drive: Callable[..., Driver], tell: Any, keep: Keep
) -> None:
    keep(ADA)
    without = replace(ADA, rights=frozenset({"executions:run"}))

    with pytest.raises(PermissionDenied, match="secrets:use"):
        start(drive(tell), without, TELL)

    assert run(drive(tell), without, a_step("a")).status == "COMPLETED"


def test_a_step_of_an_execution_without_the_right_fails_and_is_not_tried_again(
    drive: Callable[..., Driver], tell: Any, keep: Keep, seen: list[Any]
) -> None:
    keep(ADA)
    driver = drive(tell)
    execution_id = start(driver, ADA, TELL | {"retry": {"max_attempts": 3}})
    with driver.runtime.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE executions SET authority = jsonb_set(authority, '{rights}', '[]')"
        )

    end = Driver(drive(tell).runtime).finish(execution_id)

    tried = end.step("tell")
    assert (tried.error_code, tried.attempt, seen) == ("permission_denied", 1, [])


def test_a_sub_pipeline_that_names_a_secret_is_not_started_without_the_right(
    drive: Callable[..., Driver], tell: Any, keep: Keep, session: Session
) -> None:
    keep(OPS)
    stored(session, "group:ops")
    without = replace(MEMBER, rights=frozenset({"executions:run"}))
    call = a_step("run", action="run_pipeline", params={"pipeline": "job"})

    end = run(drive(tell), without, call | {"retry": {"max_attempts": 3}})

    assert (end.step("run").error_code, end.step("run").attempt) == ("permission_denied", 1)


def test_a_secret_that_there_is_not_fails_the_step_by_its_name(
    drive: Callable[..., Driver], tell: Any, keep: Keep, seen: list[Any]
) -> None:
    keep(BOB)

    end = run(drive(tell), ADA, TELL | {"retry": {"max_attempts": 3}})

    tried = end.step("tell")
    assert (tried.error_code, tried.attempt, seen) == ("unknown_secret", 1, [])
    assert "'token'" in tried.error_message


def test_a_name_that_is_computed_finds_any_secret_of_the_owner(
    drive: Callable[..., Driver], tell: Any, keep: Keep, seen: list[Any]
) -> None:
    keep(ADA, "for the test stage", "test_key")
    keep(BOB, "for bob's live stage", "live_key")
    step = a_step("tell", action="tell", params={"given": "{{ secrets[params.stage ~ '_key'] }}"})
    stages = {"parameters": [{"name": "stage"}], "settings": {"fail_fast": False}}
    driver = drive(tell)

    run(driver, ADA, step, params={"stage": "test"}, **stages)
    end = run(driver, ADA, step, params={"stage": "live"}, **stages)

    assert seen == ["for the test stage"]
    assert end.step("tell").error_code == "unknown_secret"


# ── Rotation ─────────────────────────────────────────────────────────────────────────────


def parking(**methods: Any) -> Any:
    def parks(_: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_id="job")

    def on_event(context: Any) -> EventResult:
        said = {"given": context.params["given"], "event": dict(context.event_data)}
        return EventResult(action=EventAction.COMPLETE, status="COMPLETED", outputs=said)

    return an_action("park", parks, params=["given"], on_event=on_event, **methods)


def test_an_event_may_quote_a_value_that_was_changed_while_its_step_was_parked(
    drive: Callable[..., Driver], keep: Keep
) -> None:
    keep(ADA)
    driver = drive(parking())
    execution_id = start(driver, ADA, a_step("wait", action="park", params=GIVEN))
    driver.settle()
    keep(ADA, NEW)

    accept(driver, echo=[CANARY, NEW])
    end = driver.finish(execution_id)

    assert end.step("wait").outputs["event"]["echo"] == [MASK, MASK]
    assert rows_that_quote(driver, NEW) == [], "the event was masked, too, once it was read"


def test_the_next_attempt_is_given_the_new_value_and_the_old_one_stays_hidden(
    drive: Callable[..., Driver], tell: Any, keep: Keep, seen: list[Any]
) -> None:
    keep(ADA)
    keep(ADA, NEW)

    end = run(drive(tell), ADA, TELL)

    assert seen == [NEW]
    assert not quotes(repr(end.step("tell").outputs), NEW)


def test_an_item_that_was_sealed_with_the_old_value_is_given_it_and_hides_it(
    drive: Callable[..., Driver], tell: Any, keep: Keep, session: Session, seen: list[Any]
) -> None:
    keep(ADA)
    driver = drive(tell)
    step = a_step("tell", action="tell", params={"given": "{{ item }}"}, for_each=[GIVEN["given"]])
    execution_id = start(driver, ADA, step)
    (expanding,) = [row.id for row in driver.look(execution_id).rows if row.queued_at]
    driver.turn(expanding)
    secrets.delete(ADA, session, "token")
    session.commit()

    driver.settle()

    assert seen in ([], [CANARY])
    assert rows_that_quote(driver) == []


@pytest.mark.parametrize("way", ["event", "cancel"])
def test_a_parked_step_can_be_ended_although_its_secret_was_deleted(
    drive: Callable[..., Driver], keep: Keep, session: Session, way: str
) -> None:
    stopped: list[Any] = []
    keep(ADA)
    driver = drive(parking(cleanup=lambda context: stopped.append(context.params["given"])))
    execution_id = start(driver, ADA, a_step("wait", action="park", params=GIVEN))
    driver.settle()
    secrets.delete(ADA, session, "token")
    session.commit()

    if way == "event":
        accept(driver, done=True)
    else:
        executions.cancel(ADA, driver.runtime, execution_id)
    end = driver.finish(execution_id)

    assert end.status == ("COMPLETED" if way == "event" else "INTERRUPTED")
    assert stopped == ([] if way == "event" else [MASK])


def with_keys(driver: Driver, key: str, *old: str) -> Driver:
    settings = replace(driver.runtime.settings, secret_key=key, old_secret_keys=old)
    return Driver(Runtime.start(settings, registry=driver.runtime.registry))


@pytest.mark.parametrize("is_known", [True, False])
def test_a_value_is_read_as_long_as_the_key_that_has_sealed_it_is_known(
    drive: Callable[..., Driver], tell: Any, keep: Keep, seen: list[Any], is_known: bool
) -> None:
    keep(ADA)
    driver = drive(tell)
    old = [driver.runtime.settings.secret_key] if is_known else []
    rotated = with_keys(driver, "another-key-of-the-tests", *old)

    end = run(rotated, ADA, TELL)

    rotated.runtime.stop()
    assert seen == ([CANARY] if is_known else [])
    assert end.step("tell").error_code == (None if is_known else "secret_unreadable")


# ── What it costs ────────────────────────────────────────────────────────────────────────


def test_the_last_use_is_noted_for_the_version_that_was_given_and_once_a_minute(
    drive: Callable[..., Driver], tell: Any, keep: Keep, session: Session
) -> None:
    keep(ADA)
    keep(ADA, NEW)
    keep(ADA, "nobody asks for this one", "other")
    driver = drive(tell)

    def used(name: str = "token") -> list[Any]:
        session.commit()
        return [one.last_used_at for one in secrets.get(ADA, session, name).versions]

    run(
        driver,
        ADA,
        TELL,
        a_step("say", condition="false", params={"message": "{{ secrets.other }}"}),
    )
    first, nobody = used(), used("other")
    run(driver, ADA, TELL)
    second = used()
    with driver.runtime.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE secret_versions SET last_used_at = now() - interval '2 minutes'"
            " WHERE last_used_at IS NOT NULL"
        )
    run(driver, ADA, TELL)

    assert [at is not None for at in first] == [True, False]
    assert nobody == [None]
    assert second == first
    assert used()[0] > first[0]


def test_a_pipeline_that_names_no_secret_costs_no_statement(
    drive: Callable[..., Driver], tell: Any, keep: Keep
) -> None:
    keep(ADA)
    driver = drive(tell)
    plain = a_step("cheap"), a_step("blocking", action="tell", params={"given": "x"}, queue="io")

    with counted_statements(driver.runtime.engine) as counts:
        driver.finish(start(driver, ADA, *plain))
    with counted_statements(driver.runtime.engine) as naming:
        driver.finish(start(driver, ADA, *plain, TELL))

    assert not [sql for sql in counts if "secret" in sql]
    assert [sql for sql in naming if "secret" in sql], "it would have been counted"


# ── Who was given it ─────────────────────────────────────────────────────────────────────


def test_the_audit_log_says_once_which_execution_was_given_which_version(
    drive: Any, tell: Any, keep: Keep, session: Session
) -> None:
    keep(ADA)
    driver = drive(tell)
    each = a_step("each", action="tell", params=GIVEN) | {"for_each": [1, 2, 3]}
    first = run(driver, ADA, each, TELL | {"depends_on": ["each"]})
    keep(ADA, NEW)
    second = run(driver, ADA, TELL)

    session.rollback()
    uses = session.scalars(
        select(AuditRecord).where(AuditRecord.act == Act.SECRET_USE).order_by(AuditRecord.id)
    )
    assert [(use.target, use.owner, use.principal, use.details) for use in uses] == [
        ("token", "ada", "token:ada", {"execution_id": one, "step_id": step, "version": version})
        for one, step, version in (
            (str(first.execution.id), "each", 1),
            (str(second.execution.id), "tell", 2),
        )
    ]
