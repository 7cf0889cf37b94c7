"""Receivers that hang, drip, pour, lead astray or inside: none of them costs anybody else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from support.bad_receivers import BadReceiver, Manner, bad_receiver, drip, hang, pour
from support.history_rows import an_execution
from support.local_service import LocalService
from support.messengers import OneMessenger, happened, subscribe
from support.waiting import wait_until

from pipeline_engine.config import Settings
from pipeline_engine.domain.subscriptions import TargetType
from pipeline_engine.messaging.progress import ProgressNotes
from pipeline_engine.scheduler.runtime import Runtime

if TYPE_CHECKING:
    from pipeline_engine.worker.messenger import Messenger


def something_happens(session: Session, times: int = 1) -> UUID:
    execution = an_execution(session)
    for _ in range(times):
        happened(session, execution.id, "step_progress")
    session.commit()
    return execution.id


def last_error(messenger: OneMessenger, subscription: UUID) -> str | None:
    return messenger.row(subscription).last_error


@pytest.mark.parametrize("manner", [hang, drip])
def test_a_receiver_has_one_time_for_everything(
    reaching: Callable[..., Runtime], session: Session, manner: Manner
) -> None:
    runtime = reaching(message_timeout_seconds=0.4)
    messenger = OneMessenger(runtime)
    with bad_receiver(manner) as receiver:
        made = subscribe(runtime, receiver.url).shown.subscription.id
        something_happens(session)
        began = time.monotonic()

        messenger.look()

        assert 0.3 < time.monotonic() - began < 2
        assert last_error(messenger, made) == "no answer in time"
        assert receiver.requests == 1


def test_of_an_endless_answer_only_the_beginning_is_read(
    messenger: OneMessenger, runtime: Runtime, session: Session
) -> None:
    with bad_receiver(pour) as receiver:
        made = subscribe(runtime, receiver.url).shown.subscription.id
        something_happens(session)

        messenger.send_all()

        # Its status says all that there is to know; the rest is what the sockets hold.
        assert [message.status for message in messenger.messages(made)] == ["sent"]
        assert receiver.sent < 32 * 1024**2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_leads_nowhere(
    messenger: OneMessenger,
    runtime: Runtime,
    receiver: LocalService,
    session: Session,
    status: int,
) -> None:
    receiver.answer("POST /hook", status=status, Location=f"{receiver.url}/hook")
    made = subscribe(runtime, f"{receiver.url}/hook").shown.subscription.id
    something_happens(session)

    messenger.send_all()

    assert [(one.method, one.path) for one in receiver.received] == [("POST", "/hook")]
    assert last_error(messenger, made) == f"HTTP {status}"


def test_a_name_that_leads_inside_when_something_is_sent_is_not_followed(
    make_runtime: Callable[..., Runtime],
    receiver: LocalService,
    session: Session,
) -> None:
    runtime = make_runtime()
    names = {"hooks.example": "127.0.0.1"}

    def look_up(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (names[host], port))]

    runtime.peers.guard = replace(runtime.peers.guard, look_up=look_up)
    port = receiver.url.rpartition(":")[2]
    made = subscribe(runtime, f"http://hooks.example:{port}/hook").shown.subscription.id
    something_happens(session)
    messenger = OneMessenger(runtime)

    messenger.send_all()

    assert receiver.received == []
    assert "is not on the public Internet" in str(last_error(messenger, made))


@pytest.fixture
def hanging() -> Iterator[BadReceiver]:
    with bad_receiver(hang) as receiver:
        yield receiver


def let_go(hanging: BadReceiver) -> None:
    """Wait until no thread writes any more: the tables are emptied behind each test."""

    def is_over() -> bool:
        names = [thread.name for thread in threading.enumerate()]
        return not any(name == "messenger" or name.startswith("message ") for name in names)

    hanging.over.set()
    wait_until(is_over, within=10)


@pytest.fixture
def make_messenger(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Callable[[Runtime], Messenger]:
    """A way to make the threads of a worker; their package reads its settings when imported."""
    for name in ("database_url", "redis_url"):
        monkeypatch.setenv(name.upper(), getattr(settings, name))
    monkeypatch.setenv("PIPELINE_SECRET_KEY", settings.secret_key)
    made = import_module("pipeline_engine.worker.messenger").Messenger
    return lambda runtime: made(lambda: runtime)


def test_subscribers_who_hang_keep_nobody_else_waiting(
    make_messenger: Callable[[Runtime], Messenger],
    reaching: Callable[..., Runtime],
    hanging: BadReceiver,
    receiver: LocalService,
    session: Session,
) -> None:
    runtime = reaching(message_threads=4, message_backoff_seconds=0.1)
    for _ in range(3):
        subscribe(runtime, hanging.url)
    for number in range(5):
        receiver.answer(f"POST /{number}", status=204)
        subscribe(runtime, f"{receiver.url}/{number}")
    messenger = make_messenger(runtime)
    messenger.start()
    try:
        something_happens(session, times=40)
        wait_until(lambda: len(receiver.received) >= 200, within=8)
    finally:
        messenger.stop()
        let_go(hanging)

    by_path = [
        [r.headers["webhook-id"] for r in receiver.received if r.path == f"/{n}"] for n in range(5)
    ]
    assert [len(ids) for ids in by_path] == [40] * 5
    assert all(ids == sorted(ids, key=lambda one: int(one.rpartition("_")[2])) for ids in by_path)


def test_while_redis_is_away_messages_wait_and_then_come_in_order(
    make_runtime: Callable[..., Runtime], session: Session, runtime: Runtime
) -> None:
    away = make_runtime(redis_url="redis://127.0.0.1:1/0")
    made = subscribe(runtime, "audit", target=TargetType.REDIS_STREAM).shown.subscription.id
    something_happens(session, times=3)

    OneMessenger(away).look()
    waiting = OneMessenger(away).row(made)
    messenger = OneMessenger(runtime)
    messenger.make_due()
    messenger.send_all()

    assert str(waiting.last_error).startswith("Redis: ")
    entries = runtime.redis.xrange("pe:messages::audit")
    ids = [fields["id"] for _, fields in entries]
    assert len(ids) == 3
    assert ids == [message.message_id for message in messenger.messages(made)]


@pytest.mark.parametrize(
    "head", [b"Content-Encoding: gzip\r\nContent-Length: 9", b"Content-Length: 99"]
)
def test_a_good_answer_with_a_broken_body_is_a_good_answer(
    messenger: OneMessenger, runtime: Runtime, session: Session, head: bytes
) -> None:
    def answer(connection: socket.socket, _: BadReceiver) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\nnot gzip!")

    with bad_receiver(answer) as receiver:
        made = subscribe(runtime, receiver.url).shown.subscription.id
        something_happens(session)

        messenger.send_all()

        assert [message.status for message in messenger.messages(made)] == ["sent"]


def test_a_thread_that_slept_through_its_lease_is_not_taken_for_the_next_one(
    make_messenger: Callable[[Runtime], Messenger],
    reaching: Callable[..., Runtime],
    hanging: BadReceiver,
    session: Session,
) -> None:
    runtime = reaching(message_timeout_seconds=5.0)
    made = subscribe(runtime, hanging.url).shown.subscription.id
    something_happens(session)
    messenger, notes = make_messenger(runtime), ProgressNotes(runtime)

    messenger.look(notes)
    first = OneMessenger(runtime).row(made).leased_by
    # A thread has its lease anew when it reads what to send, so it sleeps from here on.
    wait_until(lambda: hanging.requests, what="the request")
    session.execute(text("UPDATE subscriptions SET leased_until = now() - interval '1 s'"))
    session.commit()
    messenger.look(notes)
    second = OneMessenger(runtime).row(made).leased_by
    let_go(hanging)

    assert None not in {first, second}
    assert first != second
