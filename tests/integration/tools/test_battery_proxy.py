"""The battery's proxy passes everything on, except when it is told to do harm."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import redis as redis_client
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from battery.proxy import Proxy
from pipeline_engine.storage.postgres.session import driver_url

POSTGRES, VALKEY = "postgres", "valkey"


@pytest.fixture(scope="module")
def proxy(database_url: str, redis_url: str) -> Iterator[Proxy]:
    with Proxy.start({POSTGRES: database_url, VALKEY: redis_url}) as started:
        yield started


@pytest.fixture
def client(proxy: Proxy) -> Iterator[redis_client.Redis]:
    """A client that does not connect again by itself."""
    url, retry = proxy.addresses[VALKEY], Retry(NoBackoff(), 0)
    with redis_client.Redis.from_url(url, retry=retry) as opened:
        yield opened


def test_a_cut_breaks_every_connection_and_new_ones_are_let_through(proxy: Proxy) -> None:
    parts = urlsplit(proxy.addresses[VALKEY])
    address = (parts.hostname, parts.port)
    with socket.create_connection(address, timeout=10) as before:
        before.sendall(b"PING\r\n")
        answer = before.recv(100)

        cut = proxy.cut(VALKEY)

        assert answer.startswith(b"-NOAUTH")
        assert cut >= 1
        assert before.recv(100) == b"", "the end of the connection"
    with socket.create_connection(address, timeout=10) as after:
        after.sendall(b"PING\r\n")
        assert after.recv(100) == answer


def test_a_request_whose_answer_is_lost_has_had_its_effect(
    proxy: Proxy, client: redis_client.Redis, redis: redis_client.Redis
) -> None:
    proxy.lose_next_answer(VALKEY, "LPUSH")

    with pytest.raises(redis_client.ConnectionError):
        client.lpush("somewhere", "message")

    assert redis.llen("somewhere") == 1
    assert proxy.answers_lost(VALKEY) == 1
    assert client.lpush("somewhere", "another") == 2, "one answer only"


def test_a_commit_whose_answer_is_lost_is_kept(proxy: Proxy, database_url: str) -> None:
    through = create_engine(driver_url(proxy.addresses[POSTGRES]), poolclass=NullPool)
    direct = create_engine(driver_url(database_url), poolclass=NullPool)
    with direct.begin() as connection:
        connection.execute(text("CREATE TABLE kept (n int)"))
    proxy.lose_next_answer(POSTGRES, "COMMIT")

    with pytest.raises(OperationalError), through.begin() as connection:
        connection.execute(text("INSERT INTO kept VALUES (1)"))

    with direct.begin() as connection:
        assert connection.scalar(text("SELECT count(*) FROM kept")) == 1
        connection.execute(text("DROP TABLE kept"))


def test_a_delay_is_for_every_piece_until_it_is_taken_back(
    proxy: Proxy, client: redis_client.Redis
) -> None:
    client.ping()
    proxy.delay(VALKEY, 0.2)

    began = time.monotonic()
    client.ping()
    slow = time.monotonic() - began
    proxy.delay(VALKEY, 0)

    assert slow >= 0.4, "there and back"
