"""The gateway's tables in a real Redis: written and taken back as one, whatever comes between."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial

import pytest
from pipeline_engine_actions.guardrail.rollback import Rollback
from pipeline_engine_actions.guardrail.sync_redis import SyncRedis
from redis import Redis
from support.stand_ins import StandIns, stand_ins

from pipeline_engine.sdk import GatewayTables, ServiceError, StepStatus
from pipeline_engine.sdk.gateway_tables import ENDPOINTS

CONFIG = {"name": "Chat", "providers": {"bud_sentinel": {"custom_rules": [], "big": 2**60 + 1}}}
OTHER = {"name": "Other", "providers": {}}
COMPLETED, FAILED = StepStatus.COMPLETED, StepStatus.FAILED
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def tables(redis_url: str, redis: Redis) -> Iterator[GatewayTables]:
    """The tables of a gateway that knows two endpoints, one of which is guarded already."""
    redis.set(f"{ENDPOINTS}e-1", json.dumps({"routing": [], "n": 2**60 + 1}))
    redis.set(f"{ENDPOINTS}e-2", json.dumps({"guardrail_profile": "older"}))
    found = GatewayTables(redis_url, api_key="of the gateway")
    yield found
    found.close()


def endpoint(redis: Redis, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(redis.get(f"{ENDPOINTS}{name}"))  # type: ignore[arg-type]
    return found


def test_a_table_is_written_with_the_key_and_guards_its_endpoints(tables, redis):
    tables.write("p-1", CONFIG, ["e-1", "e-2", "e-1"], by="x")

    assert json.loads(redis.get("guardrail_table:p-1")) == {**CONFIG, "api_key": "of the gateway"}
    assert endpoint(redis, "e-1") == {"routing": [], "n": 2**60 + 1, "guardrail_profile": "p-1"}
    assert tables.read("p-1") == {**CONFIG, "api_key": None}, "nobody is shown the key"


def test_what_was_there_is_put_back_once_however_often_it_was_replaced(tables, redis):
    tables.write("p-1", OTHER, [], by="an earlier execution")
    before = redis.get("guardrail_table:p-1")
    for _ in range(3):
        tables.write("p-1", CONFIG, ["e-2"], by="x")

    back = tables.restore("p-1", by="x")

    assert (back.was_there, back.endpoint_ids) == (True, ["e-2"])
    assert redis.get("guardrail_table:p-1") == before
    assert endpoint(redis, "e-2") == {"guardrail_profile": "older"}
    tables.write("p-1", CONFIG, [], by="a later one")
    assert not tables.restore("p-1", by="x").was_there, "what came later is not taken back"
    assert tables.read("p-1") == {**CONFIG, "api_key": None}


def test_a_table_that_was_new_is_gone_again_and_one_that_others_have_replaced_stays(tables, redis):
    tables.write("p-1", CONFIG, ["e-1"], by="x")
    tables.write("p-2", CONFIG, ["e-2"], by="x")
    tables.write("p-2", OTHER, ["e-2"], by="y")

    tables.restore("p-1", by="x")
    tables.restore("p-2", by="x")

    assert redis.get("guardrail_table:p-1") is None
    assert endpoint(redis, "e-1") == {"routing": [], "n": 2**60 + 1}
    assert tables.read("p-2") == {**OTHER, "api_key": None}
    assert endpoint(redis, "e-2") == {"guardrail_profile": "p-2"}, "it is not left unguarded"


@pytest.mark.parametrize("has_written", [True, False])
def test_a_worker_that_was_frozen_writes_nothing_after_it_was_taken_back(
    tables, redis, has_written
):
    if has_written:
        tables.write("p-1", CONFIG, ["e-1"], by="x")
    tables.restore("p-1", by="x")

    with pytest.raises(ServiceError, match="taken back") as refusal:
        tables.write("p-1", CONFIG, ["e-1"], by="x")

    assert not refusal.value.retryable
    assert redis.get("guardrail_table:p-1") is None
    assert endpoint(redis, "e-1") == {"routing": [], "n": 2**60 + 1}


def test_an_endpoint_that_the_gateway_does_not_know_leaves_nothing_written(tables, redis):
    redis.hset(f"{ENDPOINTS}odd", "a", "b")
    redis.set(f"{ENDPOINTS}broken", "{")
    for name in ("nobody", "odd", "broken"):
        with pytest.raises(ServiceError, match=name) as refusal:
            tables.write("p-1", CONFIG, ["e-1", name], by="x")
        assert not refusal.value.retryable
    assert redis.keys("guardrail_*") == []
    assert "guardrail_profile" not in endpoint(redis, "e-1")


def test_a_deleted_table_is_named_by_no_endpoint_any_more(tables, redis):
    redis.hset(f"{ENDPOINTS}odd", "a", "b")
    redis.set(f"{ENDPOINTS}broken", "{ p-1")
    tables.write("p-1", CONFIG, ["e-1"], by="x")

    gone = tables.delete("p-1")

    assert (gone.was_there, gone.endpoint_ids) == (True, ["e-1"])
    assert endpoint(redis, "e-2") == {"guardrail_profile": "older"}, "that of another stays"
    assert not tables.delete("p-1").was_there


def test_no_change_of_others_is_lost_while_many_write(tables, redis):
    def other_writer() -> None:
        for number in range(50):
            redis.transaction(partial(count, number), f"{ENDPOINTS}e-1")

    def count(number, pipe):
        facts = json.loads(pipe.get(f"{ENDPOINTS}e-1"))
        pipe.multi()
        pipe.set(f"{ENDPOINTS}e-1", json.dumps({**facts, f"n{number}": True}))

    thread = threading.Thread(target=other_writer)
    thread.start()
    for number in range(20):
        tables.write("p-1", {**CONFIG, "n": number}, ["e-1"], by="x")
    thread.join()

    facts = endpoint(redis, "e-1")
    assert facts["guardrail_profile"] == "p-1"
    assert all(f"n{number}" in facts for number in range(50))


def test_a_gateway_that_is_away_is_an_error_that_may_be_tried_again():
    with pytest.raises(ServiceError) as away:
        GatewayTables(NOWHERE).write("p-1", CONFIG, [], by="x")
    assert away.value.retryable


@pytest.fixture(scope="module")
def running() -> Iterator[StandIns]:
    with stand_ins() as found:
        yield found


def test_the_action_writes_what_the_user_of_the_execution_may_see_and_nothing_else(
    running: StandIns, tables: GatewayTables, redis: Redis
):
    running.reset()
    running.server.services.world.put("profile", "p-1", {"id": "p-1", "name": "Chat"})
    running.door.peers.gateway = tables
    params = {"profile_id": "p-1", "config": CONFIG, "endpoint_ids": ["e-1"]}

    end = running.carry_out(SyncRedis(), params)
    foreign = running.carry_out(SyncRedis(), {**params, "profile_id": "of-another"})
    away = running.carry_out(SyncRedis(), {**params, "endpoint_ids": ["missing-1"]})

    assert end.outputs["key"] == "guardrail_table:p-1"
    assert tables.read("p-1") == {**CONFIG, "api_key": None}
    assert [one.status for one in (end, foreign, away)] == [COMPLETED, FAILED, FAILED]
    assert redis.keys("guardrail_table:*") == [b"guardrail_table:p-1"]
    assert running.written("PUT /budapp") == [], "budapp is asked, and writes nothing"


def test_a_rollback_gives_the_gateway_what_it_read_before_and_only_that_of_its_execution(
    running: StandIns, tables: GatewayTables, redis: Redis
):
    running.reset()
    for name in ("p-2", "p-3"):
        running.server.services.world.put("profile", name, {"id": name, "name": "Chat"})
    running.door.peers.gateway = tables
    tables.write("p-2", OTHER, ["e-2"], by="another execution")
    tables.write("p-3", OTHER, [], by="another execution")
    running.carry_out(SyncRedis(), {"profile_id": "p-2", "config": CONFIG, "endpoint_ids": ["e-1"]})

    there = running.carry_out(Rollback(), {"profile_id": "p-2", "guardrail_profile_id": "p-2"})
    foreign = running.carry_out(Rollback(), {"table_of": "p-3"})

    assert there.outputs["cleaned_up"]["redis_keys"] == ["guardrail_table:p-2"]
    assert there.outputs["preserved"]["profiles"] == ["p-2"]
    assert tables.read("p-2") == {**OTHER, "api_key": None}
    assert endpoint(redis, "e-2")["guardrail_profile"] == "p-2"
    assert "guardrail_profile" not in endpoint(redis, "e-1")
    assert tables.read("p-3") == {**OTHER, "api_key": None}
    assert foreign.status is COMPLETED
    assert running.written("POST /budapp/internal/guardrails/redis") == []


def test_a_profile_that_is_deleted_takes_every_table_of_it_along(
    running: StandIns, tables: GatewayTables, redis: Redis
):
    running.reset()
    running.server.services.world.put("profile", "p-4", {"id": "p-4", "name": "Chat"})
    running.door.peers.gateway = tables
    for profile in ("p-4", "of-another"):
        tables.write(profile, CONFIG, [], by="an execution that is over")

    for profile in ("p-4", "of-another"):
        running.carry_out(Rollback(), {"profile_id": profile})

    assert redis.keys("guardrail_table:*") == [b"guardrail_table:of-another"]
