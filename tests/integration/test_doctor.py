"""Every trap is set for real, and the check that is named after it finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import redis as redis_client
from sqlalchemy import Engine, text
from support.driving import Driver
from support.factories import a_step
from support.history_rows import an_execution as an_old_execution
from support.issuers import AUDIENCE, running_issuer
from support.local_service import LocalService, local_service
from support.messengers import happened, subscribe

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.domain.subscriptions import TargetType
from pipeline_engine.messaging import look
from pipeline_engine.registry import BrokenAction, Registry
from pipeline_engine.scheduler import sweep
from pipeline_engine.services import Runtime, presence, tokens
from pipeline_engine.services.doctor import access, broker, configuration, database, run, workers
from pipeline_engine.services.doctor.checks import Check, Installation
from pipeline_engine.services.doctor.database import compare_clocks
from pipeline_engine.services.tokens import TokenRequest

NOWHERE = "127.0.0.1:1"


def checks(part: Any, runtime: Runtime, **facts: Any) -> dict[str, Check]:
    return {check.name: check for check in part.run(Installation(runtime, **facts))}


def is_ill(check: Check, *words: str) -> bool:
    """Whether it names the trouble and says what to do."""
    told = f"{check.says} {check.what_to_do}"
    return not check.is_well and bool(check.what_to_do) and all(word in told for word in words)


@pytest.fixture
def runtime(make_runtime: Callable[..., Runtime]) -> Runtime:
    return make_runtime()


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────


def test_a_database_that_is_as_it_should_be_is_well_in_all_but_the_durability_of_tests(runtime):
    found = checks(database, runtime)

    assert {name for name, check in found.items() if not check.is_well} == {"database_durability"}
    assert "fsync off" in found["database_durability"].says


def test_a_database_that_is_away_is_told_once(make_runtime):
    away = make_runtime(database_url=f"postgresql://nobody@{NOWHERE}/nothing")

    found = list(database.run(Installation(away)))

    assert [check.name for check in found] == ["database"]
    assert is_ill(found[0], "DATABASE_URL")


def test_a_schema_that_is_behind_is_told_and_its_rows_are_not_read(runtime, engine: Engine):
    with revision(engine, "0001"):
        found = checks(database, runtime)

    assert is_ill(found["migrations"], "0001", "db upgrade")
    assert "stuck_executions" not in found


@contextmanager
def revision(engine: Engine, number: str) -> Iterator[None]:
    """Say that the schema is at another revision than it is."""
    with engine.begin() as connection:
        before = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = %s", (number,))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = %s", (before,))


def test_an_execution_that_nothing_will_move_is_found(drive):
    driver: Driver = drive()
    execution_id = driver.start(a_step("a"), a_step("b", "a"))
    driver.change("UPDATE step_executions SET queued_at = NULL")
    driver.change("UPDATE executions SET updated_at = now() - interval '1 minute'")

    found = checks(database, driver.runtime)

    assert is_ill(found["stuck_executions"], str(execution_id), "explain")
    assert is_ill(found["lost_steps"], "a of")


def test_a_new_execution_and_one_that_waits_are_not_stuck(drive):
    driver: Driver = drive()
    driver.start(a_step("a", action="wait_until", params={"duration_hours": 1}), a_step("b", "a"))
    driver.settle()
    driver.change("UPDATE executions SET updated_at = now() - interval '1 day'")

    found = checks(database, driver.runtime)

    assert found["stuck_executions"].is_well
    assert found["lost_steps"].is_well
    assert found["overdue_work"].is_well


def test_work_that_no_sweep_has_moved_is_counted(drive):
    driver: Driver = drive()
    driver.start(a_step("a", action="wait_until", params={"duration_hours": 1}))
    driver.settle()
    driver.change(
        "UPDATE step_executions SET due_at = now() - interval '1 hour' WHERE awaiting_event"
    )

    assert is_ill(checks(database, driver.runtime)["overdue_work"], "1 due steps", "sweep")


@pytest.mark.parametrize(
    ("there", "agrees"), [(100.2, True), (98.0, False), (102.0, False), (101.4, True)]
)
def test_clocks_agree_if_they_do_within_the_time_that_asking_took(there: float, agrees: bool):
    assert compare_clocks(there, 99.5, 100.5).is_well is agrees


def test_a_subscriber_who_is_not_told_is_found_and_one_who_takes_nothing_is_worth_a_look(
    runtime, session
):
    subscribe(runtime, "news", target=TargetType.REDIS_STREAM)
    well = checks(database, runtime)["subscriptions"]
    happened(session, an_old_execution(session).id, "step_started")
    session.execute(text("UPDATE events SET created_at = now() - interval '1 hour'"))
    session.commit()
    look.ring(runtime)
    late = checks(database, runtime)["subscriptions"]
    session.execute(text("UPDATE subscriptions SET failures = 3"))
    session.commit()
    failing = checks(database, runtime)["subscriptions"]

    assert (well.is_well, well.what_to_do) == (True, None)
    assert is_ill(late, "1 have news", "worker")
    assert failing.is_well
    assert "subscriptions list" in str(failing.what_to_do)


# ── Redis ────────────────────────────────────────────────────────────────────────────────


def test_a_redis_that_is_away_is_told_once(make_runtime):
    found = list(broker.run(Installation(make_runtime(redis_url=f"redis://{NOWHERE}/0"))))

    assert [check.name for check in found] == ["redis"]
    assert is_ill(found[0], "REDIS_URL")


def test_a_redis_that_forgets_when_it_is_full_is_found(runtime, redis: redis_client.Redis):
    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        found = checks(broker, runtime)
    finally:
        redis.config_set("maxmemory-policy", "noeviction")

    assert is_ill(found["redis_eviction"], "allkeys-lru", "noeviction")
    assert checks(broker, runtime)["redis_eviction"].is_well


def test_a_redis_that_keeps_nothing_is_found_and_either_way_of_keeping_will_do(
    runtime, redis: redis_client.Redis
):
    nothing = checks(broker, runtime)["redis_persistence"]
    redis.config_set("save", "3600 1")
    try:
        snapshots = checks(broker, runtime)["redis_persistence"]
    finally:
        redis.config_set("save", "")

    assert is_ill(nothing, "appendonly")
    assert snapshots.is_well


def test_a_client_that_repeats_commands_by_itself_is_found(runtime, redis_url: str):
    with redis_client.Redis.from_url(redis_url, decode_responses=True) as careless:
        found = checks(broker, replace(runtime, redis=careless))

    assert is_ill(found["redis_client"], "repeats")
    assert checks(broker, runtime)["redis_client"].is_well


def test_a_queue_that_only_grows_is_found(runtime, redis: redis_client.Redis):
    redis.lpush(f"{runtime.settings.key_prefix}io", *range(broker.LONG_QUEUE + 1))

    assert is_ill(checks(broker, runtime)["queues"], "io", "Add workers")


def test_a_delivery_that_was_set_aside_is_found(runtime, redis: redis_client.Redis):
    prefix = runtime.settings.key_prefix
    redis.xadd(f"{prefix}spool:deliveries:refused", {"delivery": "{}"})

    assert is_ill(checks(broker, runtime)["delivery_spool"], "1 were refused", "refused in Redis")


def test_the_lock_of_beat_is_missing_held_or_held_for_ever(runtime, redis: redis_client.Redis):
    key = f"{runtime.settings.key_prefix}redbeat::lock"

    missing = checks(broker, runtime)["beat"]
    redis.set(key, "somebody", ex=10)
    held = checks(broker, runtime)["beat"]
    redis.persist(key)
    wedged = checks(broker, runtime)["beat"]

    assert is_ill(missing, "Start beat")
    assert held.is_well
    assert "somebody" in held.says
    assert is_ill(wedged, "for ever", key)


def test_a_sweep_that_does_not_run_is_found(runtime):
    silent = checks(broker, runtime)["sweep"]
    sweep.beat_mark(runtime)
    alive = checks(broker, runtime)["sweep"]

    assert is_ill(silent, "beat")
    assert alive.is_well


# ── Workers and Celery ───────────────────────────────────────────────────────────────────


def test_a_queue_that_nobody_serves_is_found(runtime):
    presence.note(runtime.redis, runtime.settings.key_prefix, "w@host", ["fast", "cpu"])

    assert is_ill(checks(workers, runtime)["workers"], "io: nobody", "-Q io")


def test_a_worker_that_is_there_and_does_not_answer_is_found(runtime):
    queues = ["fast", "io", "cpu"]
    presence.note(runtime.redis, runtime.settings.key_prefix, "frozen@host", queues)

    assert is_ill(checks(workers, runtime)["workers"], "no answer from frozen@host")


def test_a_worker_that_lacks_an_action_is_named_with_it(runtime):
    prefix, everything = runtime.settings.key_prefix, runtime.registry.types()
    presence.note(runtime.redis, prefix, "new@host", ["io"], [*everything, "acme_new"])
    alone = checks(workers, runtime)["actions"]
    presence.note(runtime.redis, prefix, "old@host", ["io"], everything)

    both = checks(workers, runtime)["actions"]

    assert alone.is_well
    assert is_ill(both, "old@host lacks acme_new", "Install the same packages")
    assert "new@host" not in both.says
    presence.forget(runtime.redis, prefix, "new@host", ["io"])
    assert checks(workers, runtime)["actions"].is_well


def test_a_worker_that_stopped_in_order_is_gone_at_once_and_a_killed_one_fades(runtime, redis):
    prefix = runtime.settings.key_prefix
    presence.note(runtime.redis, prefix, "stopped", ["io"])
    presence.note(runtime.redis, prefix, "killed", ["io"])

    presence.forget(runtime.redis, prefix, "stopped", ["io"])
    left = presence.look(runtime.redis, prefix).workers["io"]
    redis.zincrby(f"{prefix}workers:io", -presence.ALIVE_SECONDS, "killed")

    assert left == ["killed"]
    assert presence.look(runtime.redis, prefix).workers["io"] == []


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("celery_serializers", "task_serializer", "pickle"),
        ("celery_serializers", "accept_content", ["json", "pickle"]),
        ("celery_prefetch", "worker_prefetch_multiplier", 4),
        ("celery_acks", "task_acks_late", True),
        ("celery_acks", "broker_transport_options", {"ack_emulation": True}),
        ("celery_results", "task_ignore_result", False),
        ("celery_publishing", "task_publish_retry", True),
    ],
)
def test_a_celery_setting_that_rows_cannot_live_with_is_found(runtime, name, setting, value):
    wanted = next(e for e in workers.EXPECTED if f"celery_{e.name}" == name)
    conf = runtime.dispatch.app.conf
    own = {key.partition(".")[0]: conf[key.partition(".")[0]] for key in wanted.settings}

    good = workers.compare(wanted, {"w@host": own})
    bad = workers.compare(wanted, {"w@host": own | {setting: value}})

    assert good.is_well
    assert is_ill(Check.of(name, bad), "w@host", setting)


# ── Installation ─────────────────────────────────────────────────────────────────────────


def test_a_broken_plug_in_is_named_with_its_reason(runtime):
    registry = Registry(broken=[BrokenAction("resize", "acme", "No module named 'acme'")])

    found = checks(configuration, replace(runtime, registry=registry))

    assert is_ill(found["plug_ins"], "resize", "acme", "No module")


def test_a_limit_of_an_action_that_nobody_has_is_found(make_runtime):
    limits = {"log": 1, "tag:gpu": 2, "htp_request": 3}

    found = checks(configuration, make_runtime(action_limits=limits))["action_limits"]

    assert is_ill(found, "htp_request", "PIPELINE_ACTION_LIMITS")
    assert "gpu" not in found.says


def test_an_installation_without_tokens_lets_nobody_in(make_runtime):
    found = checks(access, make_runtime(api_tokens=()))["api_tokens"]

    assert is_ill(found, "PIPELINE_API_TOKEN")


GOOD = "Zr4uQ1xV9kT2mB7cN5wL8pYd"


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("secret_key", "changeme-changeme", "PIPELINE_SECRET_KEY"),
        ("secret_key", "aaaaaaaaaaaaaaaaaaaaaaaa", "PIPELINE_SECRET_KEY"),
        ("api_tokens", (GOOD, "short"), "PIPELINE_API_TOKEN"),
        ("user_tokens", {"your-token-goes-here": "ada"}, "PIPELINE_USER_TOKENS"),
        ("app_api_token", "example-token-1234567890", "APP_API_TOKEN"),
        ("redis_url", "redis://:password@cache.internal/0", "the password in REDIS_URL"),
        ("redis_url", "redis://cache.internal/0", "the password in REDIS_URL"),
    ],
)
def test_a_key_of_an_example_is_found_and_not_told(make_runtime, setting, value, named):
    keys = {"secret_key": GOOD, "api_tokens": (GOOD,), "user_tokens": {}, "app_api_token": None}

    good = checks(access, make_runtime(**keys))["keys"]
    bad = checks(access, make_runtime(**keys | {setting: value}))["keys"]

    assert good.is_well, good.says
    assert is_ill(bad, named)
    assert "goes-here" not in bad.says


def test_a_token_that_never_expires_is_worth_a_look(runtime, session):
    request = TokenRequest(name="old-script", rights=["executions:read"], never_expires=True)
    fine = checks(access, runtime)["endless_tokens"]
    tokens.create(SYSTEM.acting_for("ada"), session, runtime, request)
    session.commit()

    found = checks(access, runtime)["endless_tokens"]

    assert (fine.is_well, fine.what_to_do) == (True, None)
    assert found.is_well
    assert found.what_to_do
    assert "old-script" in found.says


@pytest.mark.parametrize(
    ("url", "remark"),
    [
        ("https://pipelines.example.org", False),
        ("http://127.0.0.1:9082", False),
        ("http://[::1]:9082", False),
        ("http://pipelines.example.org", True),
        ("http://10.0.0.7:9082", True),
    ],
)
def test_an_address_without_tls_is_worth_a_look(make_runtime, url, remark):
    found = checks(access, make_runtime(public_url=url))["tls"]

    assert found.is_well
    assert bool(found.what_to_do) is remark


def test_an_issuer_is_asked_for_its_keys(make_runtime):
    with running_issuer() as issuer:
        told = {"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE}
        well = checks(access, make_runtime(api_tokens=(), **told))
    away = checks(access, make_runtime(**told))["oidc_issuer"]

    assert well["oidc_issuer"].is_well
    assert "keys: 1 (ES256)" in well["oidc_issuer"].says
    assert well["api_tokens"].is_well  # others let in
    assert is_ill(away, issuer.url, "PIPELINE_OIDC_ISSUER")
    assert checks(access, make_runtime())["oidc_issuer"].is_well


def test_a_flower_that_is_open_to_anybody_is_found(runtime):
    with local_service() as flower:
        flower.answer("GET /", b"<html>workers</html>")
        open_to_all = look_at(flower, runtime)
        flower.answer("GET /", status=401)
        closed = look_at(flower, runtime)

    assert is_ill(open_to_all, "FLOWER_BASIC_AUTH")
    assert closed.is_well
    assert checks(configuration, runtime)["flower"].is_well


def look_at(flower: LocalService, runtime: Runtime) -> Check:
    return checks(configuration, runtime, flower_url=f"{flower.url}/")["flower"]


def test_everything_is_looked_at_in_one_go_and_no_two_checks_have_the_same_name(runtime):
    found = [check.name for check in run(runtime)]

    assert len(found) == len(set(found))
    assert {"database", "redis", "workers", "plug_ins"} <= set(found)
