"""Events start executions: once for each trigger and delivery, whatever happens in between."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from support.driving import in_background
from support.event_triggers import (
    ADA,
    BOB,
    PARAMETERS,
    a_trigger,
    executions,
    outcomes,
    reasons,
    send,
)
from support.factories import a_document, a_step
from support.meeting import wait_for_blocked

from pipeline_engine import failpoints
from pipeline_engine.domain.callers import Caller
from pipeline_engine.errors import EventTriggerNotFound, InvalidEventTrigger, InvalidParams
from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.event_triggers.decide import offer
from pipeline_engine.services import archive, deliveries, event_triggers, pipelines
from pipeline_engine.services.inbox import Receipt
from pipeline_engine.services.pages import Page
from pipeline_engine.services.pipelines import PipelineRequest
from pipeline_engine.storage.tables.event_triggers import EventTrigger

# ── What an event starts ─────────────────────────────────────────────────────────────────


def test_an_event_starts_the_pipeline_with_itself_and_what_the_trigger_gives(
    driver, session, release
):
    trigger_id = a_trigger(driver, session, release)

    receipt = send(driver, model="m-1")
    driver.settle()

    (row,) = executions(session)
    end = driver.finish(row.id)
    assert end.step("a").outputs["message"] == "ready m-1 hello"
    assert (row.user_id, row.initiator) == ("ada", "event")
    told = row.params["_trigger"]
    assert told["delivery_id"] == receipt.delivery_id
    assert {"type", "trigger_id", "trigger_name", "event_type", "triggered_at"} <= set(told)
    trigger = event_triggers.get(ADA, session, trigger_id).trigger
    assert (trigger.trigger_count, trigger.last_triggered_at is not None) == (1, True)
    assert outcomes(session, trigger_id) == ["fired"]


def test_whoever_sends_is_told_which_triggers_decide_and_later_what_they_decided(
    driver, session, release
):
    trigger_id = a_trigger(driver, session, release)

    first = send(driver, key="one")
    driver.settle()
    again = send(driver, key="one")

    assert [(one.trigger_id, one.outcome) for one in first.offered] == [(trigger_id, "pending")]
    (row,) = executions(session)
    assert [(one.outcome, one.execution_id) for one in again.offered] == [("fired", str(row.id))]


def test_only_what_passes_the_filters_and_the_condition_starts_something(driver, session, release):
    config = {"filters": {"a.b": 1}, "condition": "event.n > 2"}
    trigger_id = a_trigger(driver, session, release, **config)

    for said in ({"a": {"b": 1}, "n": 3}, {"a": {"b": 2}, "n": 3}, {"a": {"b": 1}, "n": 2}):
        send(driver, **said)
    driver.offer()

    assert outcomes(session, trigger_id) == ["fired", "filtered", "filtered"]


def test_one_of_every_type_hears_all_and_another_only_its_own(driver, session, release):
    every = a_trigger(driver, session, release, "*")
    own = a_trigger(driver, session, release, "ready")

    send(driver, kind="other")
    send(driver, kind="ready")
    driver.offer()

    assert (outcomes(session, every), outcomes(session, own)) == (["fired", "fired"], ["fired"])


def test_an_event_of_somebody_else_and_one_of_the_system_start_nothing(driver, session, release):
    trigger_id = a_trigger(driver, session, release)

    send(driver, by=BOB)
    send(driver, by=Caller(rights=frozenset({"admin"})))
    driver.offer()

    assert outcomes(session, trigger_id) == []
    with pytest.raises(EventTriggerNotFound):
        event_triggers.firings(BOB, session, trigger_id, page=Page(1, 1))


def test_the_same_event_ends_a_wait_and_starts_an_execution(driver, session, release):
    trigger_id = a_trigger(driver, session, release)
    waiting = driver.start(
        a_step("w", action="wait_for_event", params={"event_key": "k"}), user_id="ada"
    )
    driver.settle()

    receipt = send(driver, event_key="k")

    assert driver.finish(waiting).status == "COMPLETED"
    driver.settle()
    assert outcomes(session, trigger_id) == ["fired"]
    page = deliveries.listed(ADA, session, disposition=None, page=Page(1, 10))
    (entry,) = [one for one in page.entries if str(one.id) == receipt.delivery_id]
    said = {(one.verdict, one.step_execution_id is None) for one in entry.targets}
    assert said == {("complete", False), ("fired", True)}


def test_the_end_of_a_child_is_no_event_for_triggers(driver, session, release):
    trigger_id = a_trigger(driver, session, release, "*")
    child = a_step(
        "c", action="run_pipeline", params={"pipeline": release, "params": {"event": {}}}
    )

    end = driver.run(child, user_id="ada")

    assert end.status == "COMPLETED"
    assert outcomes(session, trigger_id) == []


# ── Once ─────────────────────────────────────────────────────────────────────────────────


def test_twenty_copies_at_once_start_one_execution_whoever_looks_at_them(driver, session, release):
    """C7: the id and the execution are one transaction; duplicates are told so."""
    trigger_id = a_trigger(driver, session, release)
    receipts: list[Receipt] = []

    with in_background(*[lambda: receipts.append(send(driver, key="g"))] * 20):
        pass
    with in_background(*[driver.offer] * 4):
        pass

    assert sorted(r.outcome for r in receipts) == ["duplicate"] * 19 + ["early"]
    assert outcomes(session, trigger_id) == ["fired"]
    assert len(executions(session)) == 1


def test_the_same_id_with_another_body_or_none_at_all_is_another_event(driver, session, release):
    """C7: hook A id g with another body is news; so are two equal bodies with no id, in time."""
    trigger_id = a_trigger(driver, session, release)

    send(driver, key="g", n=1)
    send(driver, key="g", n=2)
    driver.offer()

    assert outcomes(session, trigger_id) == ["fired", "fired"]


def test_a_late_retry_of_an_older_event_is_told_when_each_came(driver, session, release):
    """C7: the pipeline gets the times of the events and the order of their receipt."""
    a_trigger(driver, session, release)

    send(driver, key="e2", time="2026-03-01T12:00:05Z")
    send(driver, key="e1", time="2026-03-01T12:00:00Z")
    driver.offer()

    second, first = executions(session)
    assert (second.params["event"]["time"], first.params["event"]["time"]) == (
        "2026-03-01T12:00:05Z",
        "2026-03-01T12:00:00Z",
    )
    assert second.params["_trigger"]["received_at"] < first.params["_trigger"]["received_at"]
    assert int(second.params["_trigger"]["delivery_id"]) < int(
        first.params["_trigger"]["delivery_id"]
    )


def test_a_replay_fires_no_trigger_again_but_reaches_those_that_had_not_heard(
    driver, session, release
):
    trigger_id = a_trigger(driver, session, release)
    receipt = send(driver)
    driver.settle()
    driver.change("UPDATE inbox SET received_at = now() - interval '25 hours'")
    sweep.sweep(driver.runtime)
    later = a_trigger(driver, session, release)

    deliveries.replay(ADA, driver.runtime, receipt.delivery_id)
    driver.settle()

    assert (outcomes(session, trigger_id), outcomes(session, later)) == (["fired"], ["fired"])
    assert len(executions(session)) == 2


def test_an_offer_whose_message_was_lost_is_sent_again_by_the_sweep(driver, session, release):
    a_trigger(driver, session, release)
    receipt = send(driver)
    driver.change("UPDATE delivery_targets SET decided_at = now() - interval '1 minute'")

    found = sweep.sweep(driver.runtime)

    assert found.offers == 1
    assert receipt.offered
    assert sweep.sweep(driver.runtime).offers == 0, "it is on its way"


def test_a_worker_that_dies_with_a_start_in_hand_has_started_nothing(driver, session, release):
    """C7: an error after the start undoes the outcome with it; the next look makes up for both."""
    trigger_id = a_trigger(driver, session, release)
    send(driver)
    failpoints.arm("in_trigger=raise")
    try:
        with pytest.raises(failpoints.FaultInjected):
            driver.offer()
    finally:
        failpoints.arm(None)
    left = (outcomes(session, trigger_id), len(executions(session)))

    driver.offer()

    assert left == (["pending"], 0)
    assert (outcomes(session, trigger_id), len(executions(session))) == (["fired"], 1)


def test_a_trigger_that_came_later_starts_nothing_for_what_was_before(driver, session, release):
    send(driver)
    trigger_id = a_trigger(driver, session, release)

    driver.offer()

    assert outcomes(session, trigger_id) == []


# ── What is refused is an outcome ────────────────────────────────────────────────────────


def test_a_start_that_is_refused_is_written_down_and_not_tried_again(drive, session):
    driver = drive(max_open_executions=1)
    document = a_document(parameters=PARAMETERS) | {"name": "p"}
    pipeline = pipelines.create(ADA, session, driver.runtime, PipelineRequest(document=document))
    session.commit()
    trigger_id = a_trigger(driver, session, str(pipeline.pipeline.id))

    send(driver, n=1)
    send(driver, n=2)
    driver.offer()

    assert outcomes(session, trigger_id) == ["fired", "failed"]
    assert (reasons(session, trigger_id)[1] or "").startswith("too_many_open_executions: ")
    assert not driver.offer()


def test_a_trigger_of_a_deleted_pipeline_is_disabled_and_starts_nothing(driver, session, release):
    """B12: nothing is started for what comes after; what was offered before is skipped."""
    trigger_id = a_trigger(driver, session, release)
    send(driver, n=1)
    pipelines.delete(ADA, session, release)
    session.commit()

    send(driver, n=2)
    driver.offer()

    assert outcomes(session, trigger_id) == ["skipped"]
    assert reasons(session, trigger_id) == ["pipeline_deleted"]
    trigger = event_triggers.get(ADA, session, trigger_id).trigger
    assert (trigger.enabled, trigger.disabled_reason) == (False, "pipeline_deleted")
    assert executions(session) == []


def test_a_trigger_decides_after_whoever_is_about_to_archive_its_pipeline(driver, session, release):
    """He has locked the pipeline, and wants the trigger next; who has that must not wait."""
    trigger_id = a_trigger(driver, session, release)
    send(driver)

    pipelines.locked(ADA, session, release)
    with in_background(driver.offer):
        wait_for_blocked(driver)
        session.scalars(select(EventTrigger).with_for_update(nowait=True)).all()
        archive.archive(ADA, session, release)
        session.commit()

    assert (outcomes(session, trigger_id), executions(session)) == (["skipped"], [])
    assert reasons(session, trigger_id) == ["pipeline_archived"]


def test_a_new_revision_counts_from_the_next_event_on(driver, session, release):
    """B12: one execution, on one version."""
    a_trigger(driver, session, release)
    document = a_document(a_step("b", params={"message": "new"}), parameters=PARAMETERS)
    request = PipelineRequest(document=document | {"name": "release"})
    pipelines.update(ADA, session, driver.runtime, release, request, versions=None)
    session.commit()

    send(driver)
    driver.settle()

    (row,) = executions(session)
    assert driver.finish(row.id).statuses == {"b": "COMPLETED"}


def test_what_was_deleted_meanwhile_decides_nothing(driver, session, release):
    trigger_id = a_trigger(driver, session, release)
    send(driver)
    event_triggers.delete(ADA, session, trigger_id)
    session.commit()

    driver.offer()

    assert executions(session) == []
    assert not driver.offer()


def test_what_makes_no_sense_is_refused_when_it_is_saved(driver, session, release):
    def saved(**given: Any) -> None:
        whole = {"pipeline_id": release, "name": "t", "config": {"event_type": "x"}}
        event_triggers.create(ADA, session, driver.runtime, whole | given)

    with pytest.raises(InvalidEventTrigger):
        saved(config={"event_type": "x", "condition": "steps.a"})
    with pytest.raises(InvalidParams):
        saved(params={"greting": "hi"})


def test_deciding_again_finds_nothing_to_do(driver, session, release):
    trigger_id = a_trigger(driver, session, release)
    receipt = send(driver)

    counted = [len(list(offer(driver.runtime, [int(receipt.delivery_id)]))) for _ in range(2)]

    assert counted == [1, 0]
    assert outcomes(session, trigger_id) == ["fired"]
