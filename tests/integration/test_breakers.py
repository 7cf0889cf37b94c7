"""A peer that does not answer is left alone, and tried again after a while."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import redis as redis_client
from support.local_service import LocalService, SomeSettings, local_service
from support.waiting import wait_until

from pipeline_engine.sdk import Peers, ServiceError
from pipeline_engine.sdk.breakers import Breakers
from pipeline_engine.sdk.errors import CircuitOpen

LONG, SHORT = 60.0, 0.2


@pytest.fixture
def service() -> Iterator[LocalService]:
    with local_service() as running:
        yield running


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def peers_at(url: str, breakers: Breakers) -> Peers:
    names = ("budapp", "budsim")
    return Peers(SomeSettings(service_urls=dict.fromkeys(names, url)), breakers)


def fail(peers: Peers, times: int, app_id: str = "budapp") -> list[type[ServiceError]]:
    """Call, and return how each call failed."""
    failures = []
    for _ in range(times):
        with pytest.raises(ServiceError) as failure:
            peers.invoke(app_id, "things")
        failures.append(failure.type)
    return failures


def test_after_five_failures_in_a_row_a_peer_is_not_asked_any_more(service: LocalService) -> None:
    service.answer("POST /things", {"detail": "broken"}, status=500)
    peers = peers_at(service.url, Breakers(recovery_seconds=LONG))

    failures = fail(peers, 7)

    assert failures == [ServiceError] * 5 + [CircuitOpen] * 2
    assert len(service.received) == 5


def test_a_call_that_was_not_made_may_be_made_later(nobody: str) -> None:
    peers = peers_at(nobody, Breakers(failure_threshold=1, recovery_seconds=LONG))
    fail(peers, 1)

    with pytest.raises(CircuitOpen) as refused:
        peers.invoke("budapp", "things")

    assert (refused.value.error_code, refused.value.retryable) == ("circuit_open", True)
    assert "budapp" in str(refused.value)


def test_one_peer_says_nothing_about_another(nobody: str) -> None:
    peers = peers_at(nobody, Breakers(failure_threshold=2, recovery_seconds=LONG))

    fail(peers, 3, "budapp")

    assert fail(peers, 1, "budsim") == [ServiceError]


@pytest.mark.parametrize("status", [302, 400, 404, 409, 429])
def test_a_peer_that_refuses_a_request_is_well(service: LocalService, status: int) -> None:
    service.answer("POST /things", {"detail": "no"}, status=status)
    peers = peers_at(service.url, Breakers(failure_threshold=2, recovery_seconds=LONG))

    assert fail(peers, 4) == [ServiceError] * 4


def test_a_request_that_could_not_be_sent_says_nothing_about_the_peer(
    service: LocalService,
) -> None:
    service.answer("POST /things", {"ok": True})
    peers = peers_at(service.url, Breakers(failure_threshold=1, recovery_seconds=LONG))

    with pytest.raises(ServiceError):
        peers.invoke("budapp", "things", headers={"X-Broken": "a\nb"})

    assert peers.invoke("budapp", "things") == {"ok": True}


def test_an_answer_in_between_begins_the_count_again(service: LocalService) -> None:
    peers = peers_at(service.url, Breakers(failure_threshold=3, recovery_seconds=LONG))

    for _ in range(3):
        service.answer("POST /things", status=503)
        fail(peers, 2)
        service.answer("POST /things", {"ok": True})
        peers.invoke("budapp", "things")

    assert len(service.received) == 9


def test_a_peer_that_is_back_is_noticed_by_one_call_and_then_asked_as_before(
    service: LocalService,
) -> None:
    service.answer("POST /things", status=500)
    peers = peers_at(service.url, Breakers(failure_threshold=2, recovery_seconds=SHORT))
    fail(peers, 2)
    service.answer("POST /things", {"ok": True})

    def answers() -> bool:
        try:
            return bool(peers.invoke("budapp", "things"))
        except CircuitOpen:
            return False

    wait_until(answers, within=5)
    service.answer("POST /things", status=500)

    assert fail(peers, 3) == [ServiceError, ServiceError, CircuitOpen]


def test_a_failed_trial_leaves_the_circuit_open(service: LocalService) -> None:
    service.answer("POST /things", status=500)
    peers = peers_at(service.url, Breakers(failure_threshold=1, recovery_seconds=SHORT))
    fail(peers, 1)

    wait_until(lambda: fail(peers, 1) == [ServiceError], within=5, what="a trial")

    assert fail(peers, 1) == [CircuitOpen]
    assert len(service.received) == 2


def test_calls_of_one_peer_do_not_wait_for_each_other() -> None:
    """pybreaker holds a lock while it calls; a worker has sixteen threads that call."""
    breakers = Breakers()
    inside = threading.Barrier(4, timeout=10)

    def call() -> None:
        with breakers.guard("budapp"):
            inside.wait()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not inside.broken


def test_what_one_process_learned_another_knows(redis_url: str, nobody: str, redis: object) -> None:
    with (
        redis_client.Redis.from_url(redis_url) as ours,
        redis_client.Redis.from_url(redis_url) as theirs,
    ):
        first = peers_at(nobody, Breakers(ours, prefix="pe:", failure_threshold=3))
        second = peers_at(nobody, Breakers(theirs, prefix="pe:", failure_threshold=3))

        fail(first, 3)

        assert fail(second, 1) == [CircuitOpen]


def test_a_redis_that_forgot_everything_closes_the_circuits(
    redis_url: str, nobody: str, redis: redis_client.Redis
) -> None:
    with redis_client.Redis.from_url(redis_url) as ours:
        peers = peers_at(nobody, Breakers(ours, prefix="pe:", failure_threshold=2))
        fail(peers, 2)

        redis.flushdb()

        assert fail(peers, 3) == [ServiceError, ServiceError, CircuitOpen]


def test_without_redis_each_process_has_breakers_of_its_own(nobody: str) -> None:
    with redis_client.Redis.from_url("redis://127.0.0.1:1/0", retry=None) as away:
        peers = peers_at(nobody, Breakers(away, failure_threshold=2, recovery_seconds=LONG))

        assert fail(peers, 3) == [ServiceError, ServiceError, CircuitOpen]
