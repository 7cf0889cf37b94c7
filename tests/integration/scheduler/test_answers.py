"""Whatever foreign code answers, its step ends or parks at once, and no worker stumbles over it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.driving import Driver
from support.factories import a_fan_out, a_step, an_action
from support.waiting import wait_until

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler import sweep
from pipeline_engine.sdk import (
    ActionContext,
    ActionError,
    ActionResult,
    EventAction,
    EventResult,
    Item,
    ItemResult,
    MoreItems,
    StepStatus,
)
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Arrival

FOR_EVER = {"max_attempts": 5, "backoff_seconds": 3600}


class Unreadable(Mapping[str, Any]):
    """Outputs of a plug-in's own making that break when somebody looks at them."""

    def __getitem__(self, key: str) -> Any:
        raise ConnectionError("no \x00 luck")

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


class Speechless(Exception):
    """An error whose author made a mistake."""

    def __str__(self) -> str:
        raise AttributeError("response")


class Uninitialised(ActionError):
    """An error whose author forgot the base class."""

    def __init__(self) -> None:
        pass


def parked(**fields: Any) -> ActionResult:
    return ActionResult(
        success=True, awaiting_event=True, **{"external_workflow_id": "job", **fields}
    )


def only_attempt(driver: Driver, execution_id: UUID, step_id: str = "a") -> tuple[str, str | None]:
    """How a step stands after everything was done that could be; it was run once."""
    row = driver.look(execution_id).step(step_id)
    assert (row.attempt, row.retry_count, row.lost_count, row.leased_until) == (1, 0, 0, None)
    return row.status, row.error_code


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "NoneType"),
        ("done", "str"),
        (ActionResult(success=True, outputs=["not", "a", "mapping"]), "list"),  # type: ignore[arg-type]
        (parked(external_workflow_id="no\x00text"), "NUL"),
        (parked(external_workflow_id="half \ud800"), "surrogate"),
        (parked(external_workflow_id=""), "external id"),
        (parked(external_workflow_id="x" * 513), "512"),
        (parked(external_workflow_ids=range(1001)), "1000"),
        (parked(timeout_seconds=math.inf), "timeout_seconds"),
        (parked(timeout_seconds=math.nan), "timeout_seconds"),
        (parked(timeout_seconds=-1), "timeout_seconds"),
        (parked(timeout_seconds=10**400), "timeout_seconds"),
        (parked(timeout_seconds="60"), "timeout_seconds"),
        (parked(wake_at=datetime(2030, 1, 1)), "time zone"),  # noqa: DTZ001 (that is its fault)
        (parked(wake_at="tomorrow"), "time zone"),
        (parked(wake_at=datetime.max.replace(tzinfo=UTC)), "hundred years"),
        (ActionResult(success=True, skip_targets=["no-such-step"]), "skip_targets"),
        (ActionResult(success=True, skip_targets=[["b"]]), "skip_targets"),  # type: ignore[list-item]
        (ActionResult(success=True, skip_targets=["\x00"]), "skip_targets"),
    ],
)
@pytest.mark.parametrize("cheap", [True, False])
def test_an_answer_that_makes_no_sense_fails_its_step_at_once_and_says_why(
    drive, answer, words, cheap
):
    driver = drive(an_action("odd", lambda context: answer, cheap=cheap))
    execution_id = driver.start(
        a_step("a", action="odd", retry=FOR_EVER), a_step("b"), settings={"fail_fast": False}
    )

    driver.settle()

    assert only_attempt(driver, execution_id) == ("FAILED", "invalid_result")
    end = driver.finish(execution_id)
    assert words in end.step("a").error_message
    assert end.step("b").status == "COMPLETED", "a step of the same batch is not to blame"


def test_a_thousand_external_ids_are_not_too_many(drive):
    driver = drive(an_action("many", lambda context: parked(external_workflow_ids=range(999))))

    execution_id = driver.start(a_step("a", action="many"))
    driver.settle()

    assert driver.look(execution_id).step("a").awaiting_event


@pytest.mark.parametrize("action", ["lo\\u0000g", "\\ud800", "x" * 4001])
@pytest.mark.parametrize("loop", ["for_each", "while"])
def test_an_action_whose_name_no_row_can_hold_fails_its_loop_at_once(drive, loop, action):
    params = {"action": f"{{{{ '{action}' }}}}", "items": [1], "condition": "iteration < 1"}
    driver = drive()
    execution_id = driver.start(a_step("a", action=loop, params=params, retry=FOR_EVER))

    driver.settle()

    assert only_attempt(driver, execution_id) == ("FAILED", "invalid_result")


@pytest.mark.parametrize("cheap", [True, False])
def test_outputs_that_cannot_be_read_fail_their_step_at_once(drive, cheap):
    answers = {"a": Unreadable(), "b": {"inside": Unreadable()}}
    driver = drive(
        an_action(
            "odd",
            lambda context: ActionResult(success=True, outputs=answers[context.step_id]),
            cheap=cheap,
        )
    )
    execution_id = driver.start(
        a_step("a", action="odd"), a_step("b", action="odd"), settings={"fail_fast": False}
    )

    driver.settle()

    assert only_attempt(driver, execution_id) == ("FAILED", "json_rejected")
    assert only_attempt(driver, execution_id, "b") == ("FAILED", "json_rejected")


@pytest.mark.parametrize(("named", "attempts"), [([], 1), (["json_rejected"], 3)])
@pytest.mark.parametrize("cheap", [True, False])
@pytest.mark.parametrize("parks", [True, False])
def test_an_effect_is_not_repeated_because_its_answer_cannot_be_stored(
    drive, cheap, parks, named, attempts
):
    large = {"text": "x" * 9000}

    def work(context: ActionContext) -> ActionResult:
        return parked() if parks else ActionResult(success=True, outputs=large)

    def read(context: object) -> EventResult:
        return EventResult(action=EventAction.COMPLETE, status=StepStatus.COMPLETED, outputs=large)

    retry = {"max_attempts": 3, "backoff_seconds": 0.001, "retry_on": named}
    driver = drive(an_action("big", work, on_event=read, cheap=cheap), max_output_bytes=1500)
    execution_id = driver.start(a_step("a", action="big", retry=retry))
    for number in range(attempts if parks else 0):
        wait_until(lambda: is_parked(driver, execution_id))
        arrival = Arrival(source="tests", body={"workflow_id": "job", "number": number})
        inbox.accept(SYSTEM, driver.runtime, arrival)

    step = driver.finish(execution_id).step("a")

    assert (step.error_code, step.attempt) == ("json_rejected", attempts)
    assert step.error_message.startswith("The outputs cannot be stored")


def is_parked(driver: Driver, execution_id: UUID) -> bool:
    """Carry the execution on, as far as that goes now."""
    sweep.sweep(driver.runtime)
    driver.settle()
    return driver.look(execution_id).step("a").awaiting_event


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ({"code": 7, "message": "No money"}, "No money"),
        ({"reasons": ["a", None]}, '{"reasons":["a",null]}'),
        (["a", True], '["a",true]'),
    ],
)
def test_an_error_that_is_no_text_is_not_shown_as_python_would(drive, error, words):
    driver = drive(
        an_action("odd", lambda context: ActionResult(success=False, error=error)),
        an_action("raise", lambda context: raise_(ActionError(error))),
    )

    end = driver.run(
        a_step("a", action="odd"), a_step("b", action="raise"), settings={"fail_fast": False}
    )

    assert [end.step(i).error_message for i in "ab"] == [words, words]


def raise_(error: Exception) -> ActionResult:
    raise error


@pytest.mark.parametrize("error", [Speechless(), Uninitialised()], ids=["speechless", "bare"])
@pytest.mark.parametrize("cheap", [True, False])
def test_a_broken_error_is_a_failure_like_any_other(drive, error, cheap):
    def crash(context: ActionContext) -> ActionResult:
        raise error

    driver = drive(an_action("crash", crash, cheap=cheap))
    execution_id = driver.start(a_step("a", action="crash"))

    driver.settle()

    assert only_attempt(driver, execution_id)[0] == "FAILED"


def test_a_verdict_in_plain_words_means_what_it_says(drive):
    verdict = EventResult(action="complete", status="COMPLETED")  # type: ignore[arg-type]
    action = an_action("park", lambda context: parked(), on_event=lambda context: verdict)
    driver = drive(action)
    execution_id = driver.start(a_step("a", action="park"))
    driver.settle()

    inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body={"workflow_id": "job"}))

    assert driver.finish(execution_id).statuses == {"a": "COMPLETED"}


# ── Whatever it is ───────────────────────────────────────────────────────────────────────

TEXTS = st.sampled_from(["", "job", "a\x00b", "\ud800", "x" * 600, "x" * 5000])
NUMBERS = st.sampled_from(
    [0, 1, -1, 0.5, True, math.inf, -math.inf, math.nan, 1e300, 10**400, 2**31, 2**63]
)
TIMES = st.sampled_from(
    [
        datetime.now(UTC) - timedelta(days=1),
        datetime.now(UTC) + timedelta(days=1),
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime(2030, 1, 1),  # noqa: DTZ001 (that is its fault)
        datetime(2030, 1, 1).date(),  # noqa: DTZ001
    ]
)
THINGS = st.sampled_from([None, object(), b"bytes", [], {}, Unreadable(), Speechless(), {1: 2}])
ANYTHING = TEXTS | NUMBERS | TIMES | THINGS
LISTS = ANYTHING | st.lists(ANYTHING, max_size=3)
OUTPUTS = ANYTHING | st.dictionaries(ANYTHING.filter(lambda key: key.__hash__), LISTS, max_size=3)

RESULTS = st.fixed_dictionaries(
    {"success": st.booleans() | ANYTHING},
    optional={
        "outputs": OUTPUTS,
        "error": ANYTHING,
        "error_code": ANYTHING,
        "retryable": ANYTHING,
        "skip_targets": LISTS,
    },
)
WAITING = st.fixed_dictionaries(
    {"success": st.just(True), "awaiting_event": st.just(True), "awaiting_callback": st.just(True)},
    optional={
        "outputs": OUTPUTS,
        "external_workflow_id": ANYTHING,
        "external_workflow_ids": LISTS,
        "timeout_seconds": NUMBERS | ANYTHING,
        "wake_at": TIMES | ANYTHING,
        "skip_targets": LISTS,
    },
)
ITEMS = LISTS | st.lists(
    st.builds(
        Item,
        value=LISTS,
        key=ANYTHING,
        action=st.none() | st.just("log") | ANYTHING,
        params=st.none() | OUTPUTS,
        delay_seconds=st.just(0) | NUMBERS | ANYTHING,
    ),
    max_size=3,
)
COUNTS = st.sampled_from([None, 0, 1, 2]) | NUMBERS | ANYTHING
VERDICTS = st.fixed_dictionaries(
    {"action": st.sampled_from([*EventAction, "complete", "update_outputs"]) | ANYTHING},
    optional={
        "status": st.sampled_from([*StepStatus, "COMPLETED"]) | ANYTHING,
        "outputs": OUTPUTS,
        "error": ANYTHING,
        "error_code": ANYTHING,
        "progress": NUMBERS | ANYTHING,
        "eta_minutes": NUMBERS | ANYTHING,
        "eta_seconds": NUMBERS | ANYTHING,
    },
)


class Oddity:
    """One action, one fan-out and a driver, for as many answers as there are."""

    def __init__(self, drive: Any, *, cheap: bool) -> None:
        self.answers: dict[str, Any] = {}
        by_name = {
            name: self._method(name)
            for name in ("on_event", "on_wake", "join", "max_concurrency", "tolerated_failures")
        }
        events = {name: by_name.pop(name) for name in ("on_event", "on_wake")}
        single = an_action("odd", self._method("execute"), cheap=cheap, **events)
        many = a_fan_out(
            "many",
            self._method("expand"),
            execute_item=lambda context: ActionResult(success=context.item != 1),
            **by_name,
        )
        self.driver: Driver = drive(single, many)

    def _method(self, name: str) -> Any:
        return lambda context, *results: self.answers[name](*results)

    def run(self, action: str = "odd", **answers: Any) -> UUID:
        """What the methods answer is made anew each time, by these functions."""
        self.answers = answers
        execution_id = self.driver.start(
            a_step("a", action=action, on_failure="continue"), a_step("b")
        )
        self.driver.settle()
        return execution_id

    def check(self, execution_id: UUID) -> None:
        """Nothing was raised, nothing is left to a lease that expires, nothing waits for ever."""
        found = self.driver.look(execution_id)
        for row in found.rows:
            assert (row.leased_until, row.lost_count, row.queued_at) == (None, 0, None)
            if row.awaiting_event:
                assert row.deadline_at or row.due_at, "it would wait for ever"
            elif row.status == "RUNNING":
                assert row.items_open, "its items have ended"
            elif row.status == "PENDING":
                assert row.kind == "sink" or row.held or row.due_at, "nobody would begin it"
        assert any(row.status == "PENDING" and row.due_at for row in found.rows) or not any(
            row.held for row in found.rows
        ), "nobody would let them in"
        assert found.step("b").status == "COMPLETED"


def made(kind: Any, fields: dict[str, Any]) -> Any:
    """An answer; where the constructor refuses to make it, what is wrong is known already."""
    try:
        return kind(**fields)
    except Exception:  # noqa: BLE001 (whatever it says, a worker hears of it as of any other)
        return None


each = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
#: Hypothesis would take the usual end for an example that fails, and shrink it.
enough_time = pytest.mark.timeout(600)


@enough_time
@pytest.mark.parametrize("cheap", [True, False])
def test_whatever_an_action_returns_its_step_ends_or_parks(drive, cheap):
    odd = Oddity(drive, cheap=cheap)

    @each
    @given(answer=RESULTS | WAITING)
    def play(answer: dict[str, Any]) -> None:
        result = made(ActionResult, answer)
        odd.check(odd.run(execute=lambda: result))

    play()


@enough_time
def test_whatever_a_woken_action_returns_its_step_ends_or_parks_again(drive):
    odd = Oddity(drive, cheap=True)

    @each
    @given(answer=RESULTS | WAITING)
    def play(answer: dict[str, Any]) -> None:
        execution_id = odd.run(
            execute=lambda: parked(wake_at=datetime.now(UTC)),
            on_wake=lambda: made(ActionResult, answer),
        )
        swept = sweep.sweep(odd.driver.runtime)
        assert swept.timers >= 1, "the sweep could not mend it"
        odd.driver.settle()
        odd.check(execution_id)

    play()


@enough_time
def test_whatever_an_action_makes_of_an_event_the_event_is_settled(drive):
    odd = Oddity(drive, cheap=True)

    @each
    @given(answer=VERDICTS)
    def play(answer: dict[str, Any]) -> None:
        execution_id = odd.run(
            execute=lambda: parked(external_workflow_id=str(uuid4())),
            on_event=lambda: made(EventResult, answer),
        )
        job = odd.driver.look(execution_id).step("a").external_workflow_id
        arrival = Arrival(source="tests", body={"workflow_id": job})
        inbox.accept(SYSTEM, odd.driver.runtime, arrival)
        odd.driver.settle()
        odd.check(execution_id)
        assert last_verdict(odd.driver) is not None
        odd.driver.change("DELETE FROM inbox")  # what is kept would be handed over ever again

    play()


def last_verdict(driver: Driver) -> str | None:
    """What became of the newest delivery: it is used up, or noted as ignored and kept."""
    with driver.runtime.engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT t.verdict FROM inbox i LEFT JOIN delivery_targets t ON t.delivery_id = i.id"
            " ORDER BY i.id DESC"
        )
        return found.scalars().first()


@enough_time
def test_whatever_items_a_fan_out_names_and_allows_it_ends_or_waits_for_them(drive):
    odd = Oddity(drive, cheap=True)

    @each
    @given(items=ITEMS, at_once=COUNTS, failures=COUNTS, more=st.booleans(), answer=RESULTS)
    def play(items: Any, at_once: Any, failures: Any, more: bool, answer: dict[str, Any]) -> None:
        def join(results: list[ItemResult]) -> Any:
            if more and len(results) <= 1:
                return MoreItems(items=items, progress=at_once)
            return made(ActionResult, answer)

        execution_id = odd.run(
            "many",
            expand=lambda: [Item(value=0)] if more else items,
            max_concurrency=lambda: at_once,
            tolerated_failures=lambda: failures,
            join=join,
        )
        odd.check(execution_id)

    play()
