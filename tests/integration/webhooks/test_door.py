"""The door of webhooks on real servers: who passes, what counts once, and what becomes of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.driving import Driver
from support.meeting import wait_for_blocked
from support.webhooks import ALICE, KEY, a_hook, as_json, finished, signed_by_body, signed_message

from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.transaction import Transaction, run_surviving_disconnects
from pipeline_engine.scheduler.webhooks import follow_all
from pipeline_engine.services import archive, pipelines
from pipeline_engine.services.rate_limits import RateLimited
from pipeline_engine.services.webhooks import refusals, saving, secrets
from pipeline_engine.services.webhooks.refusals import InvalidWebhookSecret
from pipeline_engine.storage.webhook_deliveries import lock_pending

NOON = datetime(2026, 5, 28, 12, 0, tzinfo=UTC)
NOW = 1780000000
N = [{"name": "n", "type": "integer", "required": True}]


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(NOW + seconds, UTC)


@pytest.fixture
def driver(drive) -> Driver:
    return drive()


def test_what_is_accepted_is_started_under_the_id_that_its_sender_was_told(driver) -> None:
    hook = a_hook(driver.runtime, config={"headers_to_include": ["X-Event"]}, parameters=N)

    told = hook.knock(as_json({"params": {"n": 7}}), x_event="push", query="a=1&a=2")

    look = finished(driver, told)
    assert (told.status, look.status, look.execution.initiator) == (
        "PENDING",
        "COMPLETED",
        "webhook",
    )
    assert look.execution.user_id == "alice"
    (delivery,) = hook.deliveries()
    trigger = look.execution.params.pop("_trigger")
    assert look.execution.params == {"n": 7, "header_x_event": "push", "user_id": "alice"}
    assert trigger == {
        "type": "webhook",
        "webhook_id": hook.id,
        "webhook_name": "w",
        "triggered_at": delivery.received_at.isoformat(),
        "delivery_id": str(delivery.id),
        "delivery_key": None,
        "sent_at": None,
        "body": {"params": {"n": 7}},
        "body_bytes": 18,
        "query": {"a": ["1", "2"]},
    }
    assert KEY not in str(delivery.headers)


def test_what_cannot_be_started_is_written_down_and_undoes_no_other(driver) -> None:
    hook = a_hook(driver.runtime, parameters=N)
    for body in ({"params": {"n": "x"}}, {"params": {"n": 1}}, {}):
        hook.knock(as_json(body))

    driver.settle()

    assert hook.outcomes() == [
        ("refused", "invalid_params"),
        ("started", None),
        ("refused", "invalid_params"),
    ]
    refused = hook.deliveries()[0]
    assert "params.n" in (refused.message or "")


def test_a_map_takes_of_a_strangers_body_what_it_names_and_no_more(driver) -> None:
    mapping = {"n": "{{ body.commits | length }}"}
    hook = a_hook(driver.runtime, config={"map": mapping}, parameters=N)

    told = hook.knock(as_json({"commits": [1, 2, 3], "params": {"n": 99, "user_id": "bob"}}))

    assert finished(driver, told).execution.params["n"] == 3


def test_a_body_that_is_too_large_to_be_kept_whole_is_mapped_all_the_same(drive) -> None:
    driver = drive(webhook_kept_body_bytes=10)
    mapping = {"n": "{{ body.text | length }}"}
    hook = a_hook(driver.runtime, config={"map": mapping}, parameters=N)

    told = hook.knock(as_json({"text": "x" * 50}))

    params = finished(driver, told).execution.params
    assert (params["n"], params["_trigger"]["body"]) == (50, None)
    assert params["_trigger"]["body_omitted"] is True


# ── Secrets ──────────────────────────────────────────────────────────────────────────────


def test_a_secret_that_was_rotated_counts_for_its_overlap_and_a_revoked_one_no_more(driver) -> None:
    hook = a_hook(driver.runtime)
    hour = timedelta(hours=1)
    second = hook.rotate(overlap=hour, now=NOON)

    hook.knock(secret=KEY, now=NOON + hour / 2)
    hook.knock(secret=second, now=NOON + hour / 2)
    third = hook.rotate(overlap=hour, now=NOON + timedelta(minutes=40))
    for secret in (KEY, second, third):
        hook.knock(secret=secret, now=NOON + timedelta(minutes=59))
    with pytest.raises(InvalidWebhookSecret):  # the second rotation did not make it live longer
        hook.knock(secret=KEY, now=NOON + hour + timedelta(seconds=1))
    with driver.runtime.sessions.begin() as session:
        secrets.revoke(ALICE, session, driver.runtime, hook.id, None)

    with pytest.raises(InvalidWebhookSecret):
        hook.knock(secret=second, now=NOON + timedelta(minutes=59))
    hook.knock(secret=third, now=NOON + timedelta(minutes=59))


def test_a_webhook_without_a_secret_needs_one_once_it_has_got_one(driver) -> None:
    hook = a_hook(driver.runtime, config={"require_secret": False})
    hook.knock(secret=None)

    hook.rotate(overlap=timedelta(0))

    with pytest.raises(InvalidWebhookSecret):
        hook.knock(secret=None)


def test_a_message_that_is_played_again_within_its_life_starts_nothing(driver) -> None:
    hook = a_hook(driver.runtime)
    message = signed_message(b"{}", name="X", at=NOW + 300)

    first = hook.knock(now=at(0), **message)
    again = hook.knock(now=at(599), **message)

    assert (again.execution_id, again.duplicate) == (first.execution_id, True)
    assert len(hook.deliveries()) == 1


def test_what_was_fresh_when_it_came_runs_however_late_a_worker_has_time(driver) -> None:
    hook = a_hook(driver.runtime)
    long_ago = datetime.now(UTC) - timedelta(minutes=20)
    message = signed_message(b"{}", name="X", at=long_ago.timestamp())

    told = hook.knock(now=long_ago, **message)

    trigger = finished(driver, told).execution.params["_trigger"]
    assert trigger["sent_at"] == long_ago.replace(microsecond=0).isoformat()


# ── Once ─────────────────────────────────────────────────────────────────────────────────


def test_a_delivery_is_known_by_its_webhook_and_its_id(driver) -> None:
    a, b = a_hook(driver.runtime), a_hook(driver.runtime, name="other")
    github = {"x_github_delivery": "g"}

    first = a.knock(b"{}", **github, **signed_by_body(b"{}"))
    same = a.knock(b"{}", **github, **signed_by_body(b"{}"))
    of_b = b.knock(b"{}", **github, **signed_by_body(b"{}"))
    changed = a.knock(b"[]", **github, **signed_by_body(b"[]"))

    assert [one.duplicate for one in (first, same, of_b, changed)] == [False, True, False, True]
    assert {first.execution_id, same.execution_id, changed.execution_id} == {first.execution_id}
    row = a.deliveries()[0]
    assert (row.duplicates, row.conflicts, bytes(row.raw)) == (2, 1, b"{}")
    driver.settle()
    assert a.outcomes() == [("started", None), ("started", None)]
    assert a.knock(b"{}", **github, **signed_by_body(b"{}")).status == "COMPLETED"


def test_what_is_refused_has_claimed_no_id(driver) -> None:
    hook = a_hook(driver.runtime)

    with pytest.raises(InvalidWebhookSecret):
        hook.knock(secret="not-the-secret-at-all", webhook_id="h")
    good = hook.knock(b"{}", **signed_by_body(b"{}"), x_github_delivery="h")

    assert not good.duplicate
    assert len(hook.deliveries()) == 1


def test_twenty_copies_at_once_are_one(driver) -> None:
    hook = a_hook(driver.runtime)

    with ThreadPoolExecutor(20) as threads:
        sent = [threads.submit(hook.knock, idempotency_key="k") for _ in range(20)]
    told = {one.result().execution_id for one in sent}
    driver.settle()

    assert len(told) == 1
    assert [(one.outcome, one.duplicates) for one in hook.deliveries()] == [("started", 19)]


def test_a_repetition_that_meets_the_start_is_told_how_the_execution_stands(driver) -> None:
    """It waits for the worker, and has begun when there was no execution yet."""
    hook, again = a_hook(driver.runtime), []
    hook.knock(idempotency_key="k")
    ids = [one.id for one in hook.deliveries()]

    with ThreadPoolExecutor(1) as threads:

        def start(tx: Transaction) -> None:
            locked = lock_pending(tx.connection, ids)
            again.append(threads.submit(hook.knock, idempotency_key="k"))
            wait_for_blocked(driver)
            follow_all(tx, locked)

        run_surviving_disconnects(driver.runtime, start)

    assert again[0].result().status == "PENDING"


def test_equal_bodies_without_an_id_are_two_and_late_ones_come_with_both_their_times(
    driver,
) -> None:
    hook = a_hook(driver.runtime)
    hook.knock(now=at(0))
    hook.knock(now=at(1))
    hook.knock(now=at(6), **signed_message(b"{}", name="e2", at=NOW + 5))
    hook.knock(now=at(7), **signed_message(b"{}", name="e1", at=NOW))

    driver.settle()

    assert hook.outcomes() == [("started", None)] * 4
    *_, second, first = (driver.look(one.execution_id) for one in hook.deliveries())
    sent = [look.execution.params["_trigger"] for look in (second, first)]
    assert [one["sent_at"] for one in sent] == [at(5).isoformat(), at(0).isoformat()]
    assert [one["triggered_at"] for one in sent] == [at(6).isoformat(), at(7).isoformat()]


def test_an_equal_body_within_the_window_is_a_repetition_whatever_its_id(driver) -> None:
    hook = a_hook(driver.runtime, config={"repeat_seconds": 60})

    told = [
        hook.knock(b"[1]", now=at(seconds), x_github_delivery=f"g{seconds}").duplicate
        for seconds in (0, 59, 60, 61)
    ]

    assert told == [False, True, False, True]


# ── How often, from where, and what is gone ──────────────────────────────────────────────


def test_junk_costs_a_webhook_nothing_and_a_refused_one_has_claimed_nothing(driver, redis) -> None:
    hook = a_hook(driver.runtime, config={"max_per_minute": 2})
    for _ in range(10):
        with pytest.raises(InvalidWebhookSecret):
            hook.knock(secret="not-the-secret-at-all")

    told = [hook.knock(webhook_id_of(word), idempotency_key=word) for word in "ab"]
    with pytest.raises(RateLimited) as refused:
        hook.knock(idempotency_key="c")
    redis.delete(*redis.keys("*rate:webhook:*"))  # the window is over
    later = hook.knock(idempotency_key="c")

    assert 1 <= refused.value.facts["retry_after_seconds"] <= 60
    assert [one.duplicate for one in (*told, later)] == [False] * 3
    assert len(hook.deliveries()) == 3


def webhook_id_of(word: str) -> bytes:
    return as_json({"word": word})


def test_only_the_networks_that_are_named_may_call(driver) -> None:
    hook = a_hook(driver.runtime, config={"allowed_ips": ["192.0.2.0/28", "2001:db8::/32"]})

    hook.knock(address="192.0.2.7")
    hook.knock(address="2001:db8::7")
    with pytest.raises(refusals.AddressNotAllowed, match="IP not allowed"):
        hook.knock(address="192.0.2.16")


def test_after_its_pipeline_a_webhook_is_gone_and_what_was_accepted_is_refused_on_record(
    driver,
) -> None:
    hook = a_hook(driver.runtime)
    hook.knock()
    runtime = driver.runtime
    with runtime.sessions.begin() as session:
        pipelines.delete(ALICE, session, hook.stored.webhook.pipeline_id)

    with pytest.raises(refusals.PipelineGone):
        hook.knock()
    driver.settle()

    assert hook.outcomes() == [("refused", "pipeline_not_found")]
    with runtime.sessions.begin() as session, pytest.raises(refusals.PipelineGone):
        saving.change(ALICE, session, runtime, hook.id, {"enabled": True}, versions=None)


def test_an_archived_pipeline_is_gone_until_its_webhook_is_enabled_again(driver) -> None:
    hook, runtime = a_hook(driver.runtime), driver.runtime
    pipeline = hook.stored.webhook.pipeline_id
    with runtime.sessions.begin() as session:
        archive.archive(ALICE, session, pipeline)
    with pytest.raises(refusals.PipelineGone):
        hook.knock()

    with runtime.sessions.begin() as session:
        archive.restore(ALICE, session, pipeline)
    with runtime.sessions.begin() as session:
        saving.change(ALICE, session, runtime, hook.id, {"enabled": True}, versions=None)

    assert finished(driver, hook.knock()).status == "COMPLETED"


def test_who_deletes_a_webhook_starts_what_it_had_accepted(driver) -> None:
    hook = a_hook(driver.runtime)
    told = hook.knock()

    saving.delete(ALICE, driver.runtime, hook.id)

    assert finished(driver, told).status == "COMPLETED"
    with pytest.raises(refusals.WebhookNotFound):
        hook.knock()


def test_a_new_revision_counts_for_what_is_started_after_it(driver) -> None:
    hook, runtime = a_hook(driver.runtime), driver.runtime
    told = hook.knock()
    document = {"name": "hooked", "steps": [{"id": "b", "name": "b", "action": "log"}]}
    document["steps"][0]["params"] = {"message": "second"}
    with runtime.sessions.begin() as session:
        request = pipelines.PipelineRequest(document=document)
        wanted: Any = hook.stored.webhook.pipeline_id
        pipelines.update(ALICE, session, runtime, wanted, request, versions=None)

    look = finished(driver, told)

    assert look.statuses == {"b": "COMPLETED"}


# ── What was lost ────────────────────────────────────────────────────────────────────────


def test_the_sweep_sends_again_what_no_worker_has_heard_of(drive) -> None:
    driver = drive(republish_after_seconds=0.01)
    hook = a_hook(driver.runtime)
    told = hook.knock()

    assert sweep.sweep(driver.runtime).webhooks == 1
    assert finished(driver, told).status == "COMPLETED"
    assert sweep.sweep(driver.runtime).webhooks == 0


def test_a_message_that_comes_twice_starts_once(driver) -> None:
    hook = a_hook(driver.runtime)
    told = hook.knock()

    assert driver.follow_webhooks() is True
    assert driver.follow_webhooks() is False
    assert finished(driver, told).status == "COMPLETED"
