"""Messages to subscribers: in order, at least once, under one id, whatever the receiver does."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from threading import Event, Thread
from typing import Any
from uuid import UUID

import pytest
import redis as redis_client
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from support.driving import Driver
from support.factories import a_step
from support.history_rows import an_execution
from support.local_service import Answer, LocalService, Received
from support.messengers import SENDER, OneMessenger, happened, subscribe

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.domain.subscriptions import Format, TargetType
from pipeline_engine.errors import MessageWaits
from pipeline_engine.messaging import look
from pipeline_engine.messaging.look import Places
from pipeline_engine.messaging.turn import Turn
from pipeline_engine.messaging.writing import Writer
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import retention, subscription_messages, subscriptions
from pipeline_engine.services.subscriptions import WithSecret
from pipeline_engine.storage import messages, news
from pipeline_engine.storage.messages import Message
from pipeline_engine.storage.positions import Position

TOO_LATE = timedelta(hours=25)


@pytest.fixture
def history(session: Session) -> Callable[..., UUID]:
    """A way to let things happen: an execution with these events, committed."""

    def happen(*event_types: str, execution_id: UUID | None = None, **details: Any) -> UUID:
        found = execution_id or an_execution(session).id
        for event_type in event_types:
            happened(session, found, event_type, **details)
        session.commit()
        return found

    return happen


@pytest.fixture
def made(runtime: Runtime, receiver: LocalService) -> WithSecret:
    return subscribe(runtime, f"{receiver.url}/hook")


@pytest.fixture
def subscription(made: WithSecret) -> UUID:
    return made.shown.subscription.id


def types(receiver: LocalService) -> list[str]:
    return [received.body["type"] for received in receiver.received]


def ids(receiver: LocalService) -> list[str]:
    return [received.headers["webhook-id"] for received in receiver.received]


def signature(secret: str | None, received: Received) -> str:
    signed = f"{received.headers['webhook-id']}.{received.headers['webhook-timestamp']}.".encode()
    key = base64.b64decode(str(secret).removeprefix("whsec_"))
    return f"v1,{base64.b64encode(hmac.digest(key, signed + received.raw, 'sha256')).decode()}"


def seconds_until_next_try(messenger: OneMessenger, subscription_id: UUID) -> float:
    due_at = messenger.messages(subscription_id)[0].due_at
    assert due_at is not None
    return (due_at - datetime.now(UTC)).total_seconds()


# ── What is sent ─────────────────────────────────────────────────────────────────────────


def test_a_subscriber_hears_the_history_of_an_execution_in_its_order(
    runtime: Runtime, messenger: OneMessenger, receiver: LocalService, made: WithSecret
) -> None:
    Driver(runtime).run(a_step("a"), a_step("b", "a"))

    messenger.send_all()

    bodies, first = [received.body for received in receiver.received], receiver.received[0]
    ends = ["step_completed", "step_completed", "workflow_completed"]
    assert [body["type"] for body in bodies] == ["workflow_started", *ends]
    assert [body["data"]["sequence_number"] for body in bodies] == [1, 2, 3, 4]
    assert bodies[1]["data"]["step"]["step_id"] == "a"
    assert first.headers["webhook-signature"] == signature(made.secret, first)
    assert first.headers["webhook-id"] == bodies[0]["id"]
    kept = messenger.messages(made.shown.subscription.id)
    assert [(m.status, m.body.encode()) for m in kept] == [
        ("sent", received.raw) for received in receiver.received
    ]


def test_everybody_hears_of_his_own_and_of_what_he_asked_for(
    runtime: Runtime, messenger: OneMessenger, receiver: LocalService, session: Session
) -> None:
    for path in ("alice", "failures", "bob"):
        receiver.answer(f"POST /{path}", status=200)
    alice, bob = SYSTEM.acting_for("alice"), SYSTEM.acting_for("bob")
    subscribe(runtime, f"{receiver.url}/alice", caller=alice)
    subscribe(runtime, f"{receiver.url}/failures", caller=alice, event_types=["step_failed"])
    subscribe(runtime, f"{receiver.url}/bob", caller=bob)
    execution = an_execution(session, user_id="alice")
    for event_type in ("step_started", "step_failed"):
        happened(session, execution.id, event_type)
    session.commit()

    messenger.send_all()

    heard = {(received.path, received.body["type"]) for received in receiver.received}
    assert heard == {
        ("/alice", "step_started"),
        ("/alice", "step_failed"),
        ("/failures", "step_failed"),
    }


def test_what_commits_late_is_heard_and_what_is_rolled_back_holds_nobody_up(
    messenger: OneMessenger,
    receiver: LocalService,
    history: Callable[..., UUID],
    subscription: UUID,
    engine: Engine,
) -> None:
    execution_id = history()
    with Session(engine) as slow, Session(engine) as undone, Session(engine) as quick:
        happened(slow, execution_id, "step_started")
        happened(undone, execution_id, "step_failed")
        happened(quick, execution_id, "step_completed")
        quick.commit()
        messenger.send_all()
        before = types(receiver)
        undone.rollback()
        slow.commit()
    messenger.send_all()

    assert before == []
    assert types(receiver) == ["step_started", "step_completed"]


def test_what_200_writers_commit_at_once_is_heard_once_each(
    messenger: OneMessenger,
    runtime: Runtime,
    history: Callable[..., UUID],
    engine: Engine,
    redis: redis_client.Redis,
) -> None:
    subscribe(runtime, "news", target=TargetType.REDIS_STREAM)
    execution_id, stop = history(), Event()

    def write() -> None:
        for _ in range(25):
            with Session(engine) as session:
                happened(session, execution_id, "step_progress")
                session.commit()

    def send() -> None:
        while not stop.is_set():
            messenger.look()

    writers, sender = [Thread(target=write) for _ in range(8)], Thread(target=send)
    for thread in (sender, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    sender.join()
    messenger.send_all()

    entries = redis.xrange("pe:messages::news")
    assert len(entries) == len({fields[b"id"] for _, fields in entries}) == 200


def test_a_stream_is_bounded_and_a_channel_has_the_name_of_its_owner(
    runtime: Runtime,
    messenger: OneMessenger,
    history: Callable[..., UUID],
    redis: redis_client.Redis,
) -> None:
    for name, most in (("short", 10), ("long", None)):
        subscribe(runtime, name, target=TargetType.REDIS_STREAM, max_length=most)
    told = redis.pubsub(ignore_subscribe_messages=True)
    told.subscribe("pe:messages::live")
    told.get_message(timeout=5)
    subscribe(runtime, "live", target=TargetType.REDIS_CHANNEL)

    history(*["step_progress"] * 400)
    messenger.send_all()

    # The length is kept about: Redis drops whole nodes of a hundred entries.
    assert redis.xlen("pe:messages::short") < 200
    assert redis.xlen("pe:messages::long") == 400
    message = told.get_message(timeout=5)
    assert b'"type":"step_progress"' in message["data"]
    told.close()


# ── What the receiver answers ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [404, 408, 429, 500, 302, 307])
def test_an_answer_about_the_receiver_lets_all_messages_wait_in_their_order(
    messenger: OneMessenger,
    receiver: LocalService,
    history: Callable[..., UUID],
    subscription: UUID,
    status: int,
) -> None:
    receiver.answer("POST /hook", status=status, Location=f"{receiver.url}/elsewhere")
    history("step_started", "step_completed")
    history("step_failed")

    messenger.send_all()
    tried = types(receiver)
    receiver.answer("POST /hook", status=204)
    messenger.make_due()
    messenger.send_all()

    assert tried == ["step_started"]
    assert [r.path for r in receiver.received if r.path != "/hook"] == []
    assert types(receiver)[1:] == ["step_started", "step_completed", "step_failed"]
    first, again = receiver.received[:2]
    assert (first.raw, first.headers["webhook-id"]) == (again.raw, again.headers["webhook-id"])
    message = messenger.messages(subscription)[0]
    assert [one["status_code"] for one in message.tries] == [status, 204]
    assert messenger.row(subscription).failures == 0


def test_a_refused_message_holds_up_its_execution_and_no_other(
    messenger: OneMessenger,
    receiver: LocalService,
    history: Callable[..., UUID],
    subscription: UUID,
) -> None:
    receiver.answer_in_turn("POST /hook", Answer(422))
    one = history("step_started", "step_completed")
    history("step_failed")

    messenger.send_all()
    tried = types(receiver)
    messenger.make_due()
    messenger.send_all()

    assert tried == ["step_started", "step_failed"]
    assert types(receiver)[2:] == ["step_started", "step_completed"]
    assert receiver.received[-1].body["data"]["execution_id"] == str(one)


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [("120", 118, 121), ("315360000", 14_398, 14_400), ("0", -1, 5), ("soon", -1, 5)],
)
def test_the_pause_that_a_receiver_asks_for_is_kept_within_reason(
    messenger: OneMessenger,
    receiver: LocalService,
    history: Callable[..., UUID],
    subscription: UUID,
    asked: str,
    least: float,
    most: float,
) -> None:
    receiver.answer("POST /hook", status=429, Retry_After=asked)
    history("step_started")

    messenger.send_all()

    assert least <= seconds_until_next_try(messenger, subscription) <= most
    assert messenger.look() == 0


def test_a_pause_may_be_asked_for_by_a_date(
    messenger: OneMessenger,
    receiver: LocalService,
    history: Callable[..., UUID],
    subscription: UUID,
) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=120), usegmt=True)
    receiver.answer("POST /hook", status=429, Retry_After=moment)
    history("step_started")

    messenger.send_all()

    assert 118 <= seconds_until_next_try(messenger, subscription) <= 121


def test_a_receiver_that_is_gone_is_never_asked_again(
    messenger: OneMessenger,
    runtime: Runtime,
    receiver: LocalService,
    history: Callable[..., UUID],
    subscription: UUID,
) -> None:
    receiver.answer_in_turn("POST /hook", Answer(422), Answer(410))
    history("step_started")
    history("step_failed", "step_completed")

    messenger.send_all()
    messenger.make_due()
    messenger.send_all()

    row = messenger.row(subscription)
    assert len(receiver.received) == 2
    assert (row.status, row.reason) == ("failed", "gone")
    assert {(m.status, m.note) for m in messenger.messages(subscription)} == {("dead", "gone")}


def test_the_receiver_of_a_message_that_was_tried_often_enough_is_given_up(
    reaching: Callable[..., Runtime],
    receiver: LocalService,
    history: Callable[..., UUID],
) -> None:
    runtime = reaching(message_tries=2)
    messenger = OneMessenger(runtime)
    subscription = subscribe(runtime, f"{receiver.url}/hook").shown.subscription.id
    receiver.answer("POST /hook", status=503)
    history("step_started", "step_completed")

    messenger.send_all()
    messenger.make_due()
    messenger.send_all()
    given_up = messenger.row(subscription)
    receiver.answer("POST /hook", status=200)
    with runtime.sessions.begin() as session:
        subscriptions.resume(SYSTEM, session, runtime, str(subscription))
    messenger.send_all()

    assert (given_up.status, given_up.reason) == ("failed", "receiver_away")
    assert types(receiver) == ["step_started", "step_started", "step_completed"]
    kept = messenger.messages(subscription)
    assert [(m.status, m.attempts) for m in kept] == [("dead", 2), ("sent", 0)]
    assert messenger.row(subscription).status == "active"


def test_a_receiver_that_refuses_one_message_after_the_other_is_given_up(
    reaching: Callable[..., Runtime],
    receiver: LocalService,
    history: Callable[..., UUID],
) -> None:
    runtime = reaching(message_tries=1)
    messenger = OneMessenger(runtime)
    subscription = subscribe(runtime, f"{receiver.url}/hook").shown.subscription.id
    receiver.answer("POST /hook", status=400)
    history(*["step_started"] * 12)

    messenger.send_all()

    assert messenger.row(subscription).reason == "messages_refused"
    assert len(receiver.received) == 10


def test_a_killed_sender_sends_again_and_counts_right(
    messenger: OneMessenger,
    runtime: Runtime,
    receiver: LocalService,
    history: Callable[..., UUID],
    subscription: UUID,
) -> None:
    receiver.answer_in_turn("POST /hook", Answer(500))
    history("step_started")
    messenger.send_all()

    another = OneMessenger(runtime)
    another.make_due()
    another.send_all()

    message = messenger.messages(subscription)[0]
    assert (message.status, message.attempts, len(message.tries)) == ("sent", 1, 2)


# ── Signatures ───────────────────────────────────────────────────────────────────────────


def test_every_try_has_the_same_bytes_and_id_and_is_signed_anew_by_the_secrets_of_its_time(
    runtime: Runtime,
    messenger: OneMessenger,
    receiver: LocalService,
    history: Callable[..., UUID],
    made: WithSecret,
) -> None:
    now, first = datetime.now(UTC), made.secret
    subscription = str(made.shown.subscription.id)
    receiver.answer_in_turn("POST /hook", Answer(500), Answer(500))
    history("step_failed", error="Grüße, 世界")

    messenger.send_all(now=now)
    with runtime.sessions.begin() as session:
        second = subscriptions.rotate_secret(
            SYSTEM, session, runtime, subscription, overlap=timedelta(hours=24)
        ).secret
    for later in (timedelta(hours=12), TOO_LATE):
        messenger.make_due()
        messenger.send_all(now=now + later)

    tries = receiver.received
    assert len(tries) == 3
    assert len({received.raw for received in tries}) == len(set(ids(receiver))) == 1
    assert len({received.headers["webhook-timestamp"] for received in tries}) == 3
    signed = [received.headers["webhook-signature"].split(" ") for received in tries]
    assert signed[0] == [signature(first, tries[0])]
    assert signed[1] == [signature(second, tries[1]), signature(first, tries[1])]
    assert signed[2] == [signature(second, tries[2])]


# ── Pause, delete, test, replay ──────────────────────────────────────────────────────────


def test_nothing_is_sent_of_what_is_deleted(
    runtime: Runtime,
    messenger: OneMessenger,
    receiver: LocalService,
    history: Callable[..., UUID],
    subscription: UUID,
) -> None:
    receiver.answer("POST /hook", status=422)
    for _ in range(3):
        history("step_started")
    messenger.send_all()

    with runtime.sessions.begin() as session:
        subscriptions.delete(SYSTEM, session, str(subscription))
    messenger.make_due()
    messenger.send_all()

    assert len(receiver.received) == 3
    assert messenger.messages(subscription) == []


def test_what_happens_during_a_pause_is_sent_afterwards_in_order(
    runtime: Runtime,
    messenger: OneMessenger,
    receiver: LocalService,
    history: Callable[..., UUID],
    subscription: UUID,
) -> None:
    execution_id = history("step_started")
    messenger.send_all()
    with runtime.sessions.begin() as session:
        subscriptions.pause(SYSTEM, session, runtime, str(subscription))
    history("step_progress", "step_completed", execution_id=execution_id)
    messenger.send_all()
    quiet = types(receiver)

    with runtime.sessions.begin() as session:
        subscriptions.resume(SYSTEM, session, runtime, str(subscription))
    messenger.send_all()

    assert quiet == ["step_started"]
    assert types(receiver) == ["step_started", "step_progress", "step_completed"]


def test_a_failing_test_says_nothing_of_the_subscription(
    runtime: Runtime, messenger: OneMessenger, receiver: LocalService, subscription: UUID
) -> None:
    receiver.answer("POST /hook", status=500)
    for _ in range(10):
        with runtime.sessions.begin() as session:
            subscription_messages.test(SYSTEM, session, str(subscription))
        messenger.send_all()

    row = messenger.row(subscription)
    assert types(receiver) == ["test"] * 10
    assert (row.status, row.failures, row.dead_in_a_row, row.has_test) == ("active", 0, 0, False)
    assert {(m.status, m.note) for m in messenger.messages(subscription)} == {("dead", "HTTP 500")}
    with runtime.engine.begin() as connection:
        assert messages.counts(connection, [subscription]) == {subscription: {}}, (
            "tests count for nothing"
        )


def test_a_dead_message_is_replayed_once_at_a_time_under_its_id(
    reaching: Callable[..., Runtime],
    receiver: LocalService,
    history: Callable[..., UUID],
) -> None:
    runtime = reaching(message_tries=1)
    messenger = OneMessenger(runtime)
    subscription = str(subscribe(runtime, f"{receiver.url}/hook").shown.subscription.id)
    receiver.answer_in_turn("POST /hook", Answer(422))
    history("step_started")
    messenger.send_all()
    dead = messenger.messages(UUID(subscription))[0].message_id

    with runtime.sessions.begin() as session:
        subscription_messages.replay_one(SYSTEM, session, subscription, dead)
    with runtime.sessions() as session, pytest.raises(MessageWaits):
        subscription_messages.replay_one(SYSTEM, session, subscription, dead)
    messenger.send_all()

    assert ids(receiver) == [dead, dead]
    message = messenger.messages(UUID(subscription))[0]
    assert (message.status, message.origin, len(message.tries)) == ("sent", "replay", 2)


def test_all_is_sent_again_from_a_moment_or_a_position_on(
    runtime: Runtime,
    messenger: OneMessenger,
    receiver: LocalService,
    history: Callable[..., UUID],
    subscription: UUID,
) -> None:
    history("workflow_started")
    middle = datetime.now(UTC)
    history("step_started")
    history("step_completed")
    messenger.send_all()
    last = messenger.messages(subscription)[-1]
    position = str(subscription_messages.MessageRecord(last).position)

    for wanted in ({"since": middle}, {"position": position}):
        with runtime.sessions.begin() as session:
            subscription_messages.replay_from(SYSTEM, session, str(subscription), **wanted)
        messenger.send_all()

    once = ["workflow_started", "step_started", "step_completed"]
    assert types(receiver) == [*once, *once[1:], once[-1]]
    assert ids(receiver)[3:5] == ids(receiver)[1:3]
    assert [m.origin for m in messenger.messages(subscription)] == ["event", "replay", "replay"]


def test_what_is_no_event_is_posted_once_under_its_id(
    messenger: OneMessenger, runtime: Runtime, receiver: LocalService, subscription: UUID
) -> None:
    alert = Message(
        id="msg_late_1",
        event_type="late",
        execution_id=None,
        position=Position(0, 0),
        body='{"type":"late"}',
        in_order=False,
    )
    for _ in range(2):
        with runtime.engine.begin() as connection:
            messages.post(connection, subscription, alert)
        messenger.send_all()

    assert ids(receiver) == ["msg_late_1"]
    assert receiver.received[0].raw == b'{"type":"late"}'


# ── What is kept ─────────────────────────────────────────────────────────────────────────


def test_the_last_hundred_that_were_sent_are_kept(
    messenger: OneMessenger,
    receiver: LocalService,
    history: Callable[..., UUID],
    subscription: UUID,
) -> None:
    history(*["step_progress"] * 130)

    messenger.send_all()

    kept = messenger.messages(subscription)
    assert [message.message_id for message in kept] == ids(receiver)[-len(kept) :]
    assert len(kept) == 100


def test_what_was_given_up_long_ago_is_deleted_and_what_waits_is_not(
    messenger: OneMessenger,
    runtime: Runtime,
    receiver: LocalService,
    history: Callable[..., UUID],
    subscription: UUID,
) -> None:
    receiver.answer_in_turn("POST /hook", Answer(204), Answer(500))
    history("step_started", "step_completed")
    messenger.send_all()

    cleaned = retention.clean_up(runtime, now=datetime.now(UTC) + timedelta(days=15))

    assert cleaned.ledgers["subscription_messages"] == 1
    assert [message.status for message in messenger.messages(subscription)] == ["waiting"]


def test_one_that_has_expired_is_told_no_more(
    messenger: OneMessenger,
    runtime: Runtime,
    receiver: LocalService,
    history: Callable[..., UUID],
    subscription: UUID,
    session: Session,
) -> None:
    receiver.answer("POST /hook", status=500)
    history("step_started")
    messenger.send_all()
    session.execute(
        text(
            "UPDATE subscriptions SET created_at = now() - interval '2 hours',"
            " expires_at = now() - interval '1 second'"
        )
    )
    session.commit()

    ended = look.tidy(runtime)
    messenger.make_due()
    messenger.send_all()

    assert ended == 1
    row = messenger.row(subscription)
    assert (row.status, row.reason) == ("expired", "expired")
    assert [(m.status, m.note) for m in messenger.messages(subscription)] == [("dead", "expired")]
    assert len(receiver.received) == 1


def test_a_long_history_is_counted_through_once_a_turn(
    session: Session, runtime: Runtime, made: WithSecret, history: Callable[..., UUID]
) -> None:
    long = history(*["step_progress"] * 3)
    history("step_started")
    history(*["step_progress"] * 2, execution_id=long)
    look.ring(runtime)
    (one,) = look.take_turns(runtime, "a-test", Places(1, 1))
    numbers = news.Numbers()

    first = news.read(session.connection(), one, one.cursor, most=3, numbers=numbers)
    session.execute(text("DELETE FROM events WHERE id < :id"), {"id": first.reached.event_id})
    second = news.read(session.connection(), one, first.reached, most=3, numbers=numbers)

    assert [event.number for event in first.events] == [1, 2, 3]
    assert [event.number for event in second.events] == [1, 4, 5]


def test_what_a_turn_came_past_is_not_remembered(
    session: Session, runtime: Runtime, made: WithSecret, history: Callable[..., UUID]
) -> None:
    executions = [history("step_started") for _ in range(3)]
    look.ring(runtime)
    (one,) = look.take_turns(runtime, "a-test", Places(1, 1))
    writer = Writer(one)

    for event in news.read(session.connection(), one, one.cursor, most=9).events:
        writer.write(session.connection(), [event])

    assert set(writer.known) == {executions[-1]}


def test_nobody_has_a_turn_as_long_as_nothing_can_be_read(
    messenger: OneMessenger, runtime: Runtime, receiver: LocalService, engine: Engine
) -> None:
    with engine.connect() as other:
        other.execute(text("SELECT pg_current_xact_id()"))
        subscribe(runtime, f"{receiver.url}/hook")
        while_it_is_open = messenger.look()
    afterwards = messenger.look()

    assert (while_it_is_open, afterwards) == (0, 1)


def test_a_turn_that_raises_is_not_repeated_at_once_and_keeps_nobody_else(
    session: Session,
    messenger: OneMessenger,
    runtime: Runtime,
    receiver: LocalService,
    subscription: UUID,
    history: Callable[..., UUID],
) -> None:
    form = Format.REFERENCE
    broken = subscribe(runtime, f"{receiver.url}/hook", format=form).shown.subscription.id
    # A word that the form does not know, as from a newer version that runs beside this one.
    session.execute(
        text("UPDATE subscriptions SET heard = :heard WHERE id = :id"),
        {"heard": ["step_parked"], "id": broken},
    )
    history("step_parked")
    look.ring(runtime)

    for one in look.take_turns(runtime, SENDER, Places(100, 100)):
        with suppress(KeyError):
            Turn(runtime, one, SENDER).run()

    assert messenger.row(broken).last_error == "The sender has failed: see its log."
    assert types(receiver) == ["step_parked"]
    assert messenger.look() == 0
