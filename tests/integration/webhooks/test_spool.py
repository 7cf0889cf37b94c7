"""Webhooks while PostgreSQL is away: known from Redis, kept in Redis, and drained afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.driving import Driver
from support.webhooks import ALICE, KEY, Hook, a_hook, as_json, finished

from pipeline_engine.errors import StorageUnavailable
from pipeline_engine.services.webhooks import refusals, saving, secrets, spooling

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
def driver(drive) -> Driver:
    return drive()


@pytest.fixture
def hook(driver) -> Hook:
    return a_hook(driver.runtime)


@pytest.fixture
def lonely(hook, make_runtime) -> Hook:
    """The same webhook at the door of a process that cannot reach PostgreSQL."""
    return Hook(make_runtime(database_url=NOWHERE), hook.stored)


def test_what_comes_while_the_database_is_away_is_started_under_the_id_that_was_told(
    driver, hook, lonely
) -> None:
    told = lonely.knock(as_json({"a": 1}), idempotency_key="k")
    again = lonely.knock(as_json({"a": 1}), idempotency_key="k")
    spooled = spooling.spool_of(driver.runtime).lengths()

    drained = spooling.drain(driver.runtime)

    assert (spooled, drained, spooling.drain(driver.runtime)) == ((1, 0), 1, 0)
    assert (again.execution_id, again.duplicate) == (told.execution_id, True)
    look = finished(driver, told)
    assert look.execution.params["_trigger"]["body"] == {"a": 1}
    assert hook.knock(idempotency_key="k").execution_id == told.execution_id


def test_one_that_had_come_before_the_database_went_leaves_a_row_that_says_so(
    driver, hook, lonely
) -> None:
    first = hook.knock(idempotency_key="k")
    told = lonely.knock(idempotency_key="k")

    spooling.drain(driver.runtime)
    driver.settle()

    rows = [(one.execution_id, one.outcome, one.duplicates) for one in hook.deliveries()]
    assert rows == [(first.execution_id, "started", 1), (told.execution_id, "duplicate", 0)]


def test_an_equal_body_of_longer_ago_than_counts_is_another_one_then_too(
    driver, make_runtime, redis
) -> None:
    hook = a_hook(driver.runtime, config={"repeat_seconds": 60})
    lonely = Hook(make_runtime(database_url=NOWHERE), hook.stored)
    now = datetime.now(UTC)
    hook.knock(b"[1]", now=now - timedelta(hours=1))

    told = lonely.knock(b"[1]", now=now)
    (key,) = redis.keys(f"{spooling.spool_of(driver.runtime).name}:{hook.id}:*")
    seconds = redis.ttl(key)
    spooling.drain(driver.runtime)

    assert finished(driver, told).status == "COMPLETED"
    assert 0 < seconds <= 60


def test_an_entry_that_is_drained_twice_is_kept_once(driver, hook, lonely, redis) -> None:
    lonely.knock()
    name = spooling.spool_of(driver.runtime).name
    ((_, entry),) = redis.xrange(name)
    redis.xadd(name, entry)

    assert spooling.drain(driver.runtime) == 2
    assert len(hook.deliveries()) == 1


def test_the_secret_is_asked_for_then_too_and_a_revoked_one_is_known(driver, hook, lonely) -> None:
    second = hook.rotate(overlap=timedelta(hours=1))
    lonely.knock(secret=KEY)
    with driver.runtime.sessions.begin() as session:
        secrets.revoke(ALICE, session, driver.runtime, hook.id, None)

    with pytest.raises(refusals.InvalidWebhookSecret):
        lonely.knock(secret=KEY)
    lonely.knock(secret=second)


def test_an_old_state_does_not_come_back_after_a_newer_one(driver, hook, lonely) -> None:
    before = lonely.door.copies.find(hook.stored.webhook.id)
    with driver.runtime.sessions.begin() as session:
        saving.change(ALICE, session, driver.runtime, hook.id, {"enabled": False}, versions=None)

    lonely.door.copies.keep(before)  # by a request that had read it earlier

    with pytest.raises(refusals.WebhookDisabled):
        lonely.knock()


def test_a_deleted_webhook_is_known_to_be_gone(driver, hook, lonely) -> None:
    saving.delete(ALICE, driver.runtime, hook.id)

    with pytest.raises(refusals.WebhookNotFound):
        lonely.knock()


def test_without_a_copy_or_without_redis_the_sender_has_to_come_again(
    hook, lonely, make_runtime, redis
) -> None:
    nothing = make_runtime(database_url=NOWHERE, redis_url="redis://127.0.0.1:1/0")

    with pytest.raises(StorageUnavailable):
        Hook(nothing, hook.stored).knock()
    redis.flushdb()
    with pytest.raises(StorageUnavailable):
        lonely.knock()


def test_what_the_database_refuses_is_set_aside_and_holds_nobody_up(
    driver, hook, lonely, redis
) -> None:
    lonely.knock()
    saving.delete(ALICE, driver.runtime, hook.id)
    redis.xadd(spooling.spool_of(driver.runtime).name, {"webhook_delivery": "{}"})

    assert spooling.drain(driver.runtime) == 2
    assert spooling.spool_of(driver.runtime).lengths() == (0, 2)
