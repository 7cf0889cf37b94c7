"""A callback answered with 2xx is never lost and never applied twice.

Early, late, doubled, out of order, at the same time, or while a server is away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from secrets import token_hex
from typing import Any
from uuid import UUID

import pytest
from contexts import a_notification
from driving import Driver, in_background
from factories import a_step, an_action
from sqlalchemy.exc import OperationalError

from pipeline_engine.errors import (
    DeliveryNotFound,
    ExternalIdTooLong,
    InvalidCallbackToken,
    StorageUnavailable,
)
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.callbacks import CallbackToken, callback_url
from pipeline_engine.sdk import (
    ActionContext,
    ActionResult,
    EventAction,
    EventContext,
    EventResult,
    ExecutionMode,
    StepStatus,
)
from pipeline_engine.services import executions, inbox
from pipeline_engine.services.inbox import Arrival, Receipt

NOWHERE = "127.0.0.1:1"
DONE = EventResult(action=EventAction.COMPLETE, status=StepStatus.COMPLETED)


class Parked:
    """An action that parks on ``job`` and writes down the events that it is given."""

    def __init__(self) -> None:
        self.seen: list[Mapping[str, Any]] = []
        self.urls: list[str] = []

    def park(self, context: ActionContext) -> ActionResult:
        self.urls.append(context.callback_url)
        return ActionResult(
            success=True, awaiting_event=True, external_workflow_id="job", outputs={"n": 0}
        )

    def on_event(self, context: EventContext) -> EventResult:
        self.seen.append(context.event_data)
        answer = context.event_data.get("answer", "complete")
        number = int(context.step_outputs["n"]) + 1
        if answer == "more":
            return EventResult(
                action=EventAction.UPDATE_OUTPUTS,
                outputs={"n": number, f"k{context.event_data['number']}": True},
            )
        if answer == "progress":
            return EventResult(
                action=EventAction.UPDATE_PROGRESS,
                progress=context.event_data.get("progress"),
                eta_minutes=context.event_data.get("eta"),
            )
        if answer == "ignore":
            return EventResult(action=EventAction.IGNORE)
        if answer == "crash":
            raise ValueError("cannot read \x00 this")
        return replace(DONE, outputs={"n": number})

    def action(self, **meta: Any) -> RegisteredAction:
        return an_action(
            "job",
            self.park,
            on_event=self.on_event,
            execution_mode=ExecutionMode.EVENT_DRIVEN,
            **meta,
        )


@pytest.fixture
def job() -> Parked:
    return Parked()


@pytest.fixture
def driver(drive, job: Parked) -> Driver:
    return drive(job.action())


@pytest.fixture
def waiting(driver: Driver) -> UUID:
    """An execution whose only step waits for an event with the workflow id ``job``."""
    execution_id = driver.start(a_step("a", action="job"))
    driver.settle()
    return execution_id


def accept(driver: Driver, source: str = "tests", key: str | None = None, **body: Any) -> Receipt:
    arrival = Arrival(source=source, body={"workflow_id": "job", **body}, delivery_id=key)
    return inbox.accept(driver.runtime, arrival)


def dispositions(driver: Driver) -> list[str]:
    with driver.runtime.engine.connect() as connection:
        query = "SELECT disposition FROM inbox ORDER BY id"
        return list(connection.exec_driver_sql(query).scalars())


# ── Once, early, late ────────────────────────────────────────────────────────────────────


def test_an_event_for_a_parked_step_is_accepted_kept_and_applied(driver, waiting, job):
    receipt = accept(driver)

    assert (receipt.outcome, receipt.routed) == ("accepted", True)
    assert job.seen == [], "a worker applies it, not the request"
    assert driver.finish(waiting).status == "COMPLETED"
    assert dispositions(driver) == ["applied"]


@pytest.mark.parametrize("memory", ["redis remembers", "redis was wiped"])
@pytest.mark.parametrize("key", [None, "delivery-1"])
def test_a_doubled_delivery_gets_the_first_answer_and_is_applied_once(
    driver, waiting, job, redis, key, memory
):
    first = accept(driver, key=key)
    if memory == "redis was wiped":
        redis.flushdb()

    second = accept(driver, key=key)

    assert (second.outcome, second.delivery_id) == ("duplicate", first.delivery_id)
    assert driver.finish(waiting).status == "COMPLETED"
    assert len(job.seen) == 1


def test_the_same_body_from_another_source_is_another_delivery(driver, waiting, job):
    accept(driver, source="one", answer="more", number=1)
    accept(driver, source="two", answer="more", number=1)

    driver.settle()

    assert driver.look(waiting).step("a").outputs["n"] == 2


def test_an_early_event_waits_for_its_step(driver, job):
    """[!] 6.4: there an event that arrives before the step is parked is dropped."""
    receipt = accept(driver)
    execution_id = driver.start(a_step("a", action="job"))

    assert (receipt.outcome, receipt.routed) == ("early", False)
    assert driver.finish(execution_id).status == "COMPLETED"
    assert len(job.seen) == 1


def test_early_events_are_given_in_the_order_in_which_they_came(driver, job):
    for number in range(3):
        accept(driver, answer="more", number=number)
    execution_id = driver.start(a_step("a", action="job"))

    driver.settle()

    assert [seen["number"] for seen in job.seen] == [0, 1, 2]
    assert driver.look(execution_id).step("a").outputs["n"] == 3


def test_a_late_event_is_kept_and_told_so(driver, waiting, job):
    accept(driver)
    driver.finish(waiting)

    late = accept(driver, number=2)
    driver.deliver()

    assert late.outcome == "closed"
    assert dispositions(driver) == ["applied", "closed"]
    assert len(job.seen) == 1


def test_progress_that_comes_after_the_end_changes_nothing(driver, waiting):
    accept(driver, number=1)
    accept(driver, answer="progress", progress=50, number=2)

    end = driver.finish(waiting)
    driver.deliver()

    assert (end.status, end.step("a").progress_percentage) == ("COMPLETED", 100)
    assert dispositions(driver) == ["applied", "closed"]


def test_an_event_that_nobody_waits_for_is_kept_as_possibly_early(driver, waiting):
    receipt = inbox.accept(driver.runtime, Arrival(source="tests", body={"workflow_id": "another"}))
    driver.deliver()

    assert (receipt.outcome, receipt.routed) == ("early", False)
    assert dispositions(driver) == ["pending"]


def test_after_a_day_it_is_unmatched_and_can_be_replayed(driver, job):
    receipt = accept(driver)
    driver.change("UPDATE inbox SET received_at = now() - interval '25 hours'")
    sweep.sweep(driver.runtime)
    assert dispositions(driver) == ["unmatched"]
    execution_id = driver.start(a_step("a", action="job"))
    driver.settle()

    inbox.replay(driver.runtime, int(receipt.delivery_id))

    assert driver.finish(execution_id).status == "COMPLETED"
    with pytest.raises(DeliveryNotFound):
        inbox.replay(driver.runtime, int(receipt.delivery_id))


def test_an_event_without_any_id_is_kept_all_the_same(driver):
    receipt = inbox.accept(driver.runtime, Arrival(source="tests", body={"type": "hello"}))

    driver.deliver()

    assert receipt.outcome == "early"


def test_an_id_that_is_far_too_long_is_refused_and_never_spooled(driver, redis):
    with pytest.raises(ExternalIdTooLong):
        accept(driver, workflow_id="x" * 100_000)

    assert redis.keys("*spool*") == []


def test_a_delivery_id_of_any_length_is_a_key(driver, waiting):
    key = token_hex(10_000)  # does not fit an index entry, not even compressed

    first, second = accept(driver, key=key), accept(driver, key=key)

    assert (first.outcome, second.outcome) == ("accepted", "duplicate")


# ── At the same time ─────────────────────────────────────────────────────────────────────


def test_fifty_callbacks_at_the_same_time_for_one_step_are_all_applied(driver, waiting, job):
    """[!] 6.4: there concurrent events collide on the version, and one is lost."""
    calls = [lambda n=n: accept(driver, answer="more", number=n) for n in range(50)]
    with in_background(*calls):
        pass
    with driver.runtime.engine.connect() as connection:
        ids = list(connection.exec_driver_sql("SELECT id FROM inbox").scalars())
    parts = [ids[n::5] for n in range(5)]

    with in_background(*[lambda part=part: driver.hand_over(*part) for part in parts]):
        pass

    outputs = driver.look(waiting).step("a").outputs
    assert outputs["n"] == 50
    assert all(outputs[f"k{number}"] for number in range(50))


def test_the_same_delivery_in_many_hands_is_applied_once(driver, waiting, job):
    delivery = int(accept(driver, answer="more", number=1).delivery_id)

    with in_background(*[lambda: driver.hand_over(delivery) for _ in range(8)]):
        pass

    assert len(job.seen) == 1


def test_the_same_delivery_accepted_by_many_at_once_is_kept_once(driver, waiting):
    receipts: list[Receipt] = []

    with in_background(*[lambda: receipts.append(accept(driver, key="k")) for _ in range(8)]):
        pass

    assert sorted(receipt.outcome for receipt in receipts) == ["accepted"] + ["duplicate"] * 7
    assert len({receipt.delivery_id for receipt in receipts}) == 1


def test_two_ends_at_the_same_time_give_one_end(driver, waiting):
    ids = [int(accept(driver, number=n).delivery_id) for n in range(6)]

    with in_background(*[lambda i=i: driver.hand_over(i) for i in ids]):
        pass

    end = driver.finish(waiting)
    assert end.events("a").count("step_completed") == 1
    assert sorted(dispositions(driver)) == ["applied"] + ["closed"] * 5


# ── Finding the step ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        {"workflow_id": "job"},
        {"payload": {"workflow_id": "job"}},
        {"notification_metadata": {"workflow_id": "job"}},
        {"payload": {"content": {"result": {"workflow_id": "job"}}}},
        {"workflow_id": "", "payload": {"workflow_id": None}, "event_key": "job"},
        {"workflow_id": "job", "payload": {"workflow_id": "another"}},
        {"payload": {"workflow_id": "job"}, "notification_metadata": {"workflow_id": "another"}},
        {"payload": "text", "notification_metadata": {"workflow_id": "job"}},
    ],
)  # fmt: skip
def test_the_id_is_looked_for_where_peers_put_it(driver, waiting, body):
    """Spec 6.2: the first that is not empty."""
    assert inbox.accept(driver.runtime, Arrival(source="tests", body=body)).outcome == "accepted"
    assert driver.finish(waiting).status == "COMPLETED"


def job_event(event: str, payload_type: str, result: Any = None, **fields: Any) -> dict[str, Any]:
    body = a_notification(event, payload_type=payload_type, result=result)
    body["payload"]["workflow_id"] = body["notification_metadata"]["workflow_id"] = "job"
    body["payload"]["content"] |= fields
    return body


@pytest.mark.parametrize(
    "body",
    [
        job_event("results", "perform_model_extraction", {"workflow_id": "job", "local_path": "/"}),
        job_event("eta", "perform_model_extraction", message="12"),
        job_event("timeout", "model_extraction_eta_workflow"),
        job_event("deployment_status", "deploy_model", status="STARTED"),
        job_event("run_performance_benchmark", "performance_benchmark", {"cluster_id": "c"}),
        job_event("results", "add_worker", {"number_of_nodes": 2}),
        job_event("results", "delete_deployment", results={"namespace": "n", "cluster_id": "c"}),
        job_event("results", "get_cluster_recommendations", {"recommendations": []}),
        {"type": "workflow_completed", "workflow_id": "job", "status": "COMPLETED", "result": {}},
    ],
    ids=lambda body: body.get("payload", {}).get("type", "workflow_completed"),
)
def test_every_event_that_peers_really_produce_finds_its_step(driver, waiting, job, body):
    """Spec 6.6."""
    receipt = inbox.accept(driver.runtime, Arrival(source="tests", body=body))
    driver.settle()

    assert receipt.outcome == "accepted"
    assert job.seen == [body]


def test_two_steps_that_wait_for_the_same_id_both_get_the_event(driver, job):
    """[!] 6.2: there two matches are an exception, and the event is lost."""
    ids = [driver.start(a_step("a", action="job")) for _ in range(2)]
    driver.settle()

    accept(driver)

    assert [driver.finish(i).status for i in ids] == ["COMPLETED", "COMPLETED"]


# ── What the event means ─────────────────────────────────────────────────────────────────


def test_an_event_about_the_eta_alone_does_not_set_the_progress_back(driver, waiting):
    accept(driver, answer="progress", progress=40)
    driver.settle()
    accept(driver, answer="progress", eta=3)
    driver.settle()

    row = driver.look(waiting).step("a")
    assert (row.progress_percentage, row.eta_seconds) == (40, 180)
    assert driver.look(waiting).events("a")[-2:] == ["step_progress", "eta_update"]


@pytest.mark.parametrize(
    ("progress", "eta", "shown"), [(250, -5, (100, 0)), (-1, 10**12, (0, 2**31 - 1))]
)
def test_impossible_progress_is_cut_to_what_is_possible(driver, waiting, progress, eta, shown):
    accept(driver, answer="progress", progress=progress, eta=eta)
    driver.settle()

    row = driver.look(waiting).step("a")
    assert (row.progress_percentage, row.eta_seconds) == shown


@pytest.mark.parametrize("answer", ["ignore", "crash"])
def test_an_event_that_means_nothing_leaves_the_step_waiting(driver, waiting, answer):
    accept(driver, answer=answer)
    driver.settle()

    assert driver.look(waiting).step("a").awaiting_event
    assert dispositions(driver) == ["applied"]


def test_an_action_that_reads_no_events_ignores_them(drive):
    driver = drive(an_action("deaf", Parked().park))
    execution_id = driver.start(a_step("a", action="deaf"))
    driver.settle()

    accept(driver)
    driver.settle()

    assert driver.look(execution_id).step("a").awaiting_event


def test_an_event_for_an_earlier_attempt_does_not_end_a_later_one(drive, job):
    attempts = iter(["first", "second"])

    def park(context: ActionContext) -> ActionResult:
        return ActionResult(success=True, awaiting_event=True, external_workflow_id=next(attempts))

    driver = drive(an_action("job", park, on_event=lambda context: DONE))
    execution_id = driver.start(
        a_step("a", action="job", retry={"max_attempts": 2, "backoff_seconds": 0})
    )
    driver.settle()
    driver.change("UPDATE step_executions SET deadline_at = now() WHERE awaiting_event")
    sweep.sweep(driver.runtime)
    sweep.sweep(driver.runtime)
    driver.settle()
    assert driver.look(execution_id).step("a").attempt == 2

    accept(driver, workflow_id="first")
    driver.settle()

    assert driver.look(execution_id).step("a").awaiting_event
    assert dispositions(driver) == ["closed"]
    accept(driver, workflow_id="second")
    assert driver.finish(execution_id).status == "COMPLETED"


# ── Callback tokens ──────────────────────────────────────────────────────────────────────


def token_of(url: str) -> str:
    return url.rsplit("/", 1)[-1]


def call_back(driver: Driver, token: str, **body: Any) -> Receipt:
    return inbox.accept_callback(driver.runtime, token, body)


def test_the_address_that_an_action_was_given_ends_its_step(driver, waiting, job):
    receipt = call_back(driver, token_of(job.urls[0]), status="fine")

    assert receipt.outcome == "accepted"
    assert driver.finish(waiting).status == "COMPLETED"


def test_a_callback_that_comes_before_the_step_is_parked_waits_for_it(drive):
    seen: list[Receipt] = []
    holder: list[Driver] = []

    def park(context: ActionContext) -> ActionResult:
        seen.append(call_back(holder[0], token_of(context.callback_url)))
        holder[0].deliver()
        return ActionResult(success=True, awaiting_event=True, awaiting_callback=True)

    action = an_action(
        "job", park, on_event=lambda c: DONE, execution_mode=ExecutionMode.EVENT_DRIVEN
    )
    holder.append(drive(action))
    execution_id = holder[0].start(a_step("a", action="job"))

    assert holder[0].finish(execution_id).status == "COMPLETED"
    assert [receipt.outcome for receipt in seen] == ["early"]


def test_a_token_is_good_for_one_attempt_only(driver, waiting, job):
    driver.change("UPDATE step_executions SET deadline_at = now() WHERE awaiting_event")
    driver.finish(waiting)

    receipt = call_back(driver, token_of(job.urls[0]))
    driver.deliver()

    assert (receipt.outcome, dispositions(driver)) == ("closed", ["closed"])


def forged(driver: Driver, step: int) -> str:
    settings = replace(driver.runtime.settings, secret_key="of somebody else: " + "x" * 20)
    return token_of(callback_url(settings, CallbackToken(step, 1), valid_for=timedelta(hours=1)))


def expired(driver: Driver, step: int) -> str:
    target = CallbackToken(step, 1)
    settings = driver.runtime.settings
    return token_of(callback_url(settings, target, valid_for=timedelta(days=-2)))


@pytest.mark.parametrize("made", [forged, expired, lambda *_: "", lambda *_: "a.b.c"])
def test_a_token_that_is_not_ours_or_too_old_is_refused(driver, waiting, made):
    token = made(driver, driver.look(waiting).step("a").id)

    with pytest.raises(InvalidCallbackToken):
        call_back(driver, token)

    assert dispositions(driver) == []


def test_a_token_is_no_key_to_another_step(driver, waiting, job):
    other = driver.start(a_step("b", action="job"))
    driver.settle()

    call_back(driver, token_of(job.urls[0]))
    driver.settle()

    assert driver.look(waiting).status == "COMPLETED"
    assert driver.look(other).step("b").awaiting_event


# ── While a server is away ───────────────────────────────────────────────────────────────


def without_database(drive) -> Driver:
    return drive(database_url=f"postgresql://nobody@{NOWHERE}/none")


def test_while_postgresql_is_away_deliveries_are_spooled_and_drained_once(
    drive, driver, waiting, job
):
    cut_off = without_database(drive)
    receipts = [accept(cut_off, answer="more", number=n) for n in (1, 2)]
    assert {receipt.outcome for receipt in receipts} == {"early"}
    assert dispositions(driver) == []

    moved: list[int] = []
    with in_background(*[lambda: moved.append(inbox.drain_spool(driver.runtime))] * 3):
        pass

    driver.settle()
    assert driver.look(waiting).step("a").outputs["n"] == 2
    assert inbox.drain_spool(driver.runtime) == 0
    assert accept(driver, answer="more", number=1).outcome == "duplicate"


def test_a_spooled_delivery_stays_until_the_database_has_it(drive, driver):
    cut_off = without_database(drive)
    accept(cut_off)

    with pytest.raises(OperationalError):
        inbox.drain_spool(cut_off.runtime)

    assert inbox.drain_spool(driver.runtime) == 1
    assert dispositions(driver) == ["pending"]


def test_a_spooled_entry_that_cannot_be_kept_does_not_hold_up_the_others(drive, driver, redis):
    cut_off = without_database(drive)
    redis.xadd("pe:spool:deliveries", {"delivery": '{"source": "s"}'})
    accept(cut_off)

    inbox.drain_spool(driver.runtime)

    assert dispositions(driver) == ["pending"]
    assert redis.xlen("pe:spool:deliveries") == 0
    assert redis.xlen("pe:spool:deliveries:refused") == 1


def test_while_redis_is_away_postgresql_alone_serves(drive, job):
    driver = drive(job.action(), redis_url=f"redis://{NOWHERE}/0")
    execution_id = driver.start(a_step("a", action="job"))
    driver.settle()

    first, second = accept(driver), accept(driver)

    assert (first.outcome, second.outcome) == ("accepted", "duplicate")
    assert driver.finish(execution_id).status == "COMPLETED"


def test_without_both_servers_nothing_is_promised(drive):
    """[!] 6.1: every failure used to be answered with 200, and the event was lost."""
    driver = drive(
        database_url=f"postgresql://nobody@{NOWHERE}/none", redis_url=f"redis://{NOWHERE}/0"
    )

    with pytest.raises(StorageUnavailable):
        accept(driver)


def test_a_delivery_whose_wake_up_was_lost_is_found_by_the_sweep(driver, waiting, redis):
    accept(driver)
    redis.flushdb()
    assert sweep.sweep(driver.runtime).deliveries == 0, "it may still be on its way"
    driver.change("UPDATE inbox SET received_at = now() - interval '1 minute'")

    assert sweep.sweep(driver.runtime).deliveries == 1


def test_a_cancelled_step_gets_no_events(driver, waiting, job):
    executions.cancel(driver.runtime, waiting)

    assert accept(driver).outcome == "closed"
    driver.deliver()
    assert job.seen == []
