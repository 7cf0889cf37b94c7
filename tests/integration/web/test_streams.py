"""Streams of events: nothing is lost or told twice, and the slow and the many hold up nobody."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from importlib import import_module
from itertools import islice
from socket import SO_RCVBUF, SOL_SOCKET, socket
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, delete, text, update
from sqlalchemy.orm import Session
from support.door_server import Limits, Site, running_door
from support.history_rows import a_pipeline, an_event, an_execution
from support.runtimes import MakeRuntime
from support.waiting import wait_until

from pipeline_engine.client import ApiRefused, Client, follow, stream
from pipeline_engine.client.sse import Message, Reader
from pipeline_engine.domain.callers import Caller
from pipeline_engine.services import Runtime, executions
from pipeline_engine.services.streams import Follow, Newsroom, Place, Sight
from pipeline_engine.storage import retention
from pipeline_engine.storage.positions import Position
from pipeline_engine.storage.streams import horizon
from pipeline_engine.storage.tables.events import Event, EventType
from pipeline_engine.storage.tables.executions import Execution

ALICE, BOB = "alice-token", "bob-token"
BASE = "/api/v1"
THREADS = 2

telling = import_module("pipeline_engine_web.api.telling")


def serving(application: Flask, runtime: Runtime, **bounds: Any) -> Any:
    return running_door(
        application,
        Limits(threads=THREADS, **bounds),
        ended=partial(executions.ended, runtime),
        news=telling.Teller(runtime).look,
    )


@pytest.fixture(scope="module")
def site(application: Flask, runtime: Runtime) -> Iterator[Site]:
    with serving(application, runtime, stream_check_seconds=0.2) as running:
        yield running


def a_history(session: Session, count: int, *, user_id: str = "alice", **columns: Any) -> UUID:
    execution = an_execution(session, user_id=user_id, **columns)
    add(session, execution.id, *range(1, count + 1))
    return execution.id


def add(session: Session, execution_id: UUID, *numbers: int, **details: Any) -> None:
    for number in numbers:
        an_event(session, execution_id, EventType.STEP_PROGRESS, n=number, **details)
    session.commit()


def end(session: Session, execution_id: UUID, status: str = "COMPLETED") -> None:
    an_event(session, execution_id, EventType.WORKFLOW_COMPLETED)
    session.execute(update(Execution).where(Execution.id == execution_id).values(status=status))
    session.commit()


class Listener:
    """Somebody who has opened a stream."""

    def __init__(
        self, site: Site, path: str, *, token: str = ALICE, last_id: str | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        self.answer = requests.get(
            f"http://127.0.0.1:{site.port}{BASE}{path}", headers=headers, stream=True, timeout=10
        )
        self.reader, self.seen = Reader(), b""
        self._messages = self._read()

    def _read(self) -> Iterator[Message]:
        for chunk in self.answer.iter_content(65536):
            self.seen += chunk
            yield from self.reader.feed(chunk)

    def next(self, count: int = 1) -> list[Message]:
        return list(islice(self._messages, count))

    def rest(self) -> list[Message]:
        return list(self._messages)

    def close(self) -> None:
        self.answer.close()


@pytest.fixture
def listen(site: Site) -> Iterator[Any]:
    with ExitStack() as stack:
        yield lambda path, **given: stack.enter_context(closing(Listener(site, path, **given)))


def ids(messages: list[Message]) -> list[str]:
    return [message.last_id for message in messages]


def names(messages: list[Message]) -> list[str]:
    return [message.name for message in messages]


# ── One execution ───────────────────────────────────────────────────────────────────────


def test_an_execution_is_told_from_its_beginning_to_its_end_and_then_no_more(
    session: Session, listen: Any
) -> None:
    execution_id = a_history(session, 2)
    found = listen(f"/executions/{execution_id}/stream")

    first = found.next(2)
    add(session, execution_id, 3)
    third = found.next()
    end(session, execution_id)
    last = found.rest()

    assert ids(first + third) == ["1", "2", "3"]
    assert names(last) == ["workflow_completed", "end"]
    assert f'"execution_id":"{execution_id}","status":"COMPLETED"' in last[-1].data
    again = listen(f"/executions/{execution_id}/stream", last_id=last[-1].last_id)
    assert (again.answer.status_code, again.answer.content) == (204, b"")


def test_it_is_told_so_that_proxies_pass_it_on_at_once(session: Session, listen: Any) -> None:
    found = listen(f"/executions/{a_history(session, 1)}/stream")
    found.next()

    headers = found.answer.headers
    assert headers["Content-Type"] == "text/event-stream"
    assert headers["Cache-Control"] == "no-cache, no-transform"
    assert headers["X-Accel-Buffering"] == "no"
    assert "Content-Encoding" not in headers
    assert "X-Correlation-ID" in headers
    assert 2 <= found.reader.retry_seconds <= 10


def test_an_event_is_told_as_it_is_listed(
    session: Session, listen: Any, alice: FlaskClient
) -> None:
    execution_id = an_execution(session, user_id="alice", params={"password": "hunter2-hunter2"}).id
    add(session, execution_id, 1, said="hunter2-hunter2", line="a\nid: 9\r\n\u2028b")
    found = listen(f"/executions/{execution_id}/stream")

    (message,) = found.next()

    listed = alice.get(f"{BASE}/executions/{execution_id}/events").json["events"]
    assert json.loads(message.data) == listed[0]
    assert "hunter2" not in message.data
    assert message.name == "step_progress"


@pytest.mark.parametrize(
    ("query", "header", "told"),
    [
        ("", None, ["1", "2", "3", "4"]),
        ("", "", ["1", "2", "3", "4"]),
        ("", "0", ["1", "2", "3", "4"]),
        ("", "2", ["3", "4"]),
        ("?last_event_id=3", None, ["4"]),
        ("?last_event_id=1", "3", ["4"]),
        ("?last_event_id=abc", "3", ["4"]),
    ],
)
def test_who_comes_back_goes_on_behind_his_last_event_and_the_header_wins(
    session: Session, listen: Any, query: str, header: str | None, told: list[str]
) -> None:
    execution_id = a_history(session, 4)

    found = listen(f"/executions/{execution_id}/stream{query}", last_id=header)

    assert ids(found.next(len(told))) == told


@pytest.mark.parametrize("given", ["999999", "abc", "-1", "1e3", "12-7", "9" * 30, "\u0663"])
def test_an_id_that_nothing_has_is_told_as_a_gap_and_not_as_all_or_nothing(
    session: Session, listen: Any, given: str
) -> None:
    execution_id = a_history(session, 3)
    found = listen(f"/executions/{execution_id}/stream", last_id=given.encode().decode("latin-1"))

    (gap,) = found.next()
    add(session, execution_id, 4)
    (new,) = found.next()

    assert (gap.name, gap.data) == ("gap", '{"reason":"unknown_id"}')
    assert b"event: gap\ndata:" in found.seen  # without an id: that would be a place
    assert new.last_id == "4"


def test_only_some_types_are_told_and_the_numbers_are_those_of_all(
    session: Session, listen: Any
) -> None:
    execution_id = a_history(session, 2)
    end(session, execution_id)
    path = f"/executions/{execution_id}/stream?event_types=WORKFLOW_COMPLETED,step_failed"

    found = listen(path).rest()
    nothing = listen(f"/executions/{execution_id}/stream?event_types=step_failed").rest()

    assert (names(found), ids(found)) == (["workflow_completed", "end"], ["3", "3"])
    assert (names(nothing), ids(nothing)) == (["end"], ["3"])
    assert listen(path, last_id="3").answer.status_code == 204


def test_an_execution_that_is_deleted_meanwhile_ends_its_stream(
    session: Session, listen: Any
) -> None:
    execution_id = a_history(session, 1)
    found = listen(f"/executions/{execution_id}/stream")
    found.next()

    session.execute(delete(Event))
    session.execute(delete(Execution))
    session.commit()

    assert [(m.name, '"status":null' in m.data) for m in found.rest()] == [("end", True)]


def test_nobody_is_told_what_belongs_to_another(session: Session, listen: Any) -> None:
    execution_id = a_history(session, 1)

    found = listen(f"/executions/{execution_id}/stream", token=BOB)

    assert (found.answer.status_code, found.answer.json()["code"]) == (404, "execution_not_found")


# ── All that somebody sees ──────────────────────────────────────────────────────────────


def test_everything_that_somebody_sees_is_told_from_now_on(session: Session, listen: Any) -> None:
    a_history(session, 1)
    of_alice, of_all = listen("/stream"), listen("/stream", token="service-token")

    theirs = a_history(session, 1, user_id="bob")
    hers = a_history(session, 1)

    (seen,), both = of_alice.next(), of_all.next(2)
    assert str(hers) in seen.data
    assert [str(theirs) in both[0].data, str(hers) in both[1].data] == [True, True]
    assert "sequence_number" not in seen.data


def test_who_comes_back_to_everything_misses_nothing(session: Session, listen: Any) -> None:
    first = listen("/stream")
    execution_id = a_history(session, 3)
    told = first.next(3)
    add(session, execution_id, 4)

    from_first = listen("/stream", last_id=told[0].last_id).next(3)
    session.execute(delete(Event).where(Event.details["n"].as_integer() == 2))
    session.commit()
    from_deleted = listen("/stream", last_id=told[1].last_id).next(2)

    assert ids(from_first)[:2] == ids(told)[1:]
    assert ids(from_deleted) == ids(from_first)[1:]


def test_a_place_is_known_before_anything_has_happened(session: Session, listen: Any) -> None:
    """Else what happens while a client is away for the first time is lost to it."""
    first = listen("/stream")
    wait_until(lambda: next(first.answer.iter_content(4096), b"").count(b"id: "), what="a place")


def test_what_was_deleted_behind_a_place_is_told_as_a_gap(session: Session, listen: Any) -> None:
    execution_id = a_history(session, 1)
    found = listen("/stream")
    add(session, execution_id, 2)
    (old,) = found.next()
    session.execute(delete(Event))
    add(session, execution_id, 3, 4)

    behind_deleted = listen("/stream", last_id=old.last_id).next(3)
    session.execute(text("TRUNCATE events RESTART IDENTITY"))
    session.commit()
    (of_emptied,) = listen("/stream", last_id=old.last_id).next()
    (of_another,) = listen("/stream", last_id="999999999999-1").next()

    assert names(behind_deleted) == ["gap", "step_progress", "step_progress"]
    assert (of_emptied.name, of_emptied.data) == ("gap", '{"reason":"deleted"}')
    assert (of_another.name, of_another.data) == ("gap", '{"reason":"unknown_id"}')


def test_what_the_clean_up_deletes_in_the_middle_is_told_as_a_gap_to_those_before_it(
    session: Session, listen: Any
) -> None:
    kept = a_history(session, 1)
    found = listen("/stream")
    add(session, kept, 2)
    deleted = a_history(session, 1)
    add(session, kept, 3)
    add(session, kept, 4)
    told = found.next(4)
    retention.delete_events(session.connection(), [deleted])
    session.commit()

    before = listen("/stream", last_id=told[0].last_id).next(3)
    behind = listen("/stream", last_id=told[2].last_id).next(1)

    assert names(before) == ["gap", "step_progress", "step_progress"]
    assert names(behind) == ["step_progress"]


def test_everything_can_be_only_what_one_pipeline_does(session: Session, listen: Any) -> None:
    wanted, other = (a_pipeline(session, name=name).id for name in ("wanted", "other"))
    session.commit()
    found = listen(f"/stream?pipeline_id={wanted}&event_types=step_progress")

    a_history(session, 1, pipeline_id=other)
    hers = a_history(session, 1, pipeline_id=wanted)

    assert str(hers) in found.next()[0].data


# ── Order and numbers ───────────────────────────────────────────────────────────────────


def test_an_event_that_is_stored_late_is_told_once_and_in_its_place(
    session: Session, listen: Any, engine: Engine
) -> None:
    """Numbers are given before a commit: a cursor over them would pass this one over."""
    execution_id = a_history(session, 1)
    one, everything = listen(f"/executions/{execution_id}/stream"), listen("/stream")
    one.next()

    with Session(engine) as early, Session(engine) as undone:
        an_event(early, execution_id, EventType.STEP_PROGRESS, n=101)
        add(session, execution_id, 102)
        early.commit()
        told = one.next(2), everything.next(2)
        an_event(undone, execution_id, EventType.STEP_PROGRESS, n=103)
        add(session, execution_id, 104)
        undone.rollback()
    after = one.next(1), everything.next(1)

    for messages in told:
        assert ['"n":101' in messages[0].data, '"n":102' in messages[1].data] == [True, True]
    assert ids(told[0]) == ["2", "3"]
    assert all('"n":104' in messages[0].data for messages in after)


def test_what_many_write_at_once_is_told_once_each_and_whole(
    session: Session, listen: Any, engine: Engine
) -> None:
    writers, each = 8, 25
    execution_id = a_history(session, 0)
    one, everything = listen(f"/executions/{execution_id}/stream"), listen("/stream")

    def write(number: int) -> None:
        with Session(engine) as own:
            for n in range(each):
                add(own, execution_id, number * each + n)

    threads = [Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    found, also = one.next(writers * each), everything.next(writers * each)
    for thread in threads:
        thread.join()

    numbers = {int(m.data.partition('"n":')[2].partition("}")[0]) for m in found}
    assert numbers == set(range(writers * each))
    assert ids(found) == [str(n) for n in range(1, writers * each + 1)]
    assert [m.data.partition('"n":')[2] for m in also] == [
        m.data.partition('"n":')[2] for m in found
    ]


# ── The slow, the many, and the end ─────────────────────────────────────────────────────


def test_many_who_follow_or_wait_hold_up_nobody_and_no_connection(
    session: Session, site: Site, runtime: Runtime
) -> None:
    execution_id = a_history(session, 1)
    head = f"Host: test\r\nAuthorization: Bearer {ALICE}\r\n"
    stream_of = f"GET {BASE}/executions/{execution_id}/stream HTTP/1.1\r\n{head}\r\n".encode()
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(site.connect(30))) for _ in range(60)]
        for client in clients:
            client.sendall(stream_of)
        told = [received_until(client, b"id: 1\n") for client in clients]

        began_at = time.monotonic()
        listed = site.get("/api/v1/executions", Authorization=f"Bearer {ALICE}")
        health = site.get("/health")
        took = time.monotonic() - began_at
        wait_until(lambda: runtime.engine.pool.checkedout() == 0, what="an idle pool")
        add(session, execution_id, 2)
        more = [received_until(client, b"id: 2\n") for client in clients]

    assert (len(told), len(more), listed.status, health.status) == (60, 60, 200, 200)
    assert took < 1


def received_until(connection: socket, mark: bytes) -> bytes:
    found = b""
    while mark not in found:
        part = connection.recv(65536)
        assert part, found
        found += part
    return found


def test_beyond_the_bound_a_client_is_told_to_come_back_later(
    session: Session, application: Flask, runtime: Runtime
) -> None:
    """Not by a 503: a browser gives up for good on anything but a 200."""
    execution_id = a_history(session, 1)
    path = f"/executions/{execution_id}/stream"
    with serving(application, runtime, streams=1) as site:
        with closing(Listener(site, path)) as first, closing(Listener(site, path)) as second:
            first.next()
            told = second.rest()
        wait_until(lambda: first_of(site, path), what="a free place")

    assert (second.answer.status_code, told) == (200, [])
    assert 10 <= second.reader.retry_seconds <= 30


def first_of(site: Site, path: str) -> list[Message]:
    with closing(Listener(site, path)) as listener:
        return listener.next()


def test_a_server_that_stops_sends_everybody_away_each_to_come_back_at_another_time(
    session: Session, application: Flask, runtime: Runtime
) -> None:
    execution_id = a_history(session, 1)
    path = f"/executions/{execution_id}/stream"
    with serving(application, runtime) as site, ExitStack() as stack:
        listeners = [stack.enter_context(closing(Listener(site, path))) for _ in range(8)]
        for listener in listeners:
            listener.next()
        began_at = time.monotonic()
        site.server.should_exit = True
        ends = [listener.rest() for listener in listeners]
        took = time.monotonic() - began_at

    assert ends == [[]] * 8
    assert took < 3
    assert len({listener.reader.retry_seconds for listener in listeners}) > 1


def test_a_client_that_takes_nothing_is_cut_off_and_its_memory_is_free(
    session: Session, application: Flask, runtime: Runtime
) -> None:
    execution_id = an_execution(session, user_id="alice").id
    add(session, execution_id, *range(1, 401), padding="x" * 20_000)
    with (
        serving(application, runtime, request_seconds=0.5) as site,
        closing(site.connect(30)) as client,
    ):
        client.setsockopt(SOL_SOCKET, SO_RCVBUF, 4096)
        path = f"{BASE}/executions/{execution_id}/stream"
        client.sendall(
            f"GET {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {ALICE}\r\n\r\n".encode()
        )
        wait_until(lambda: site.server.server_state.connections, what="a connection")
        wait_until(lambda: not site.server.server_state.connections, within=20, what="none")


def test_a_right_that_is_taken_away_ends_the_stream(
    session: Session, listen: Any, service: FlaskClient
) -> None:
    asked = {"name": "t", "scopes": ["executions:read"], "user_id": "alice"}
    made = service.post(f"{BASE}/tokens", json=asked).json
    execution_id = a_history(session, 1)
    found = listen(f"/executions/{execution_id}/stream", token=made["token"])
    found.next()

    service.delete(f"{BASE}/tokens/{made['id']}")

    assert found.rest() == []
    refused = listen(f"/executions/{execution_id}/stream", token=made["token"], last_id="1")
    assert refused.answer.status_code == 401


# ── Without a door ──────────────────────────────────────────────────────────────────────


def test_without_a_door_it_is_told_in_pieces_and_a_browser_comes_back_for_the_next(
    session: Session, alice: FlaskClient
) -> None:
    execution_id = a_history(session, 2)
    path = f"{BASE}/executions/{execution_id}/stream"

    first, reader = alice.get(path), Reader()
    told = list(reader.feed(first.data))
    end(session, execution_id)
    last = list(reader.feed(alice.get(path, headers={"Last-Event-ID": reader.last_id}).data))

    assert (ids(told), names(last)) == (["1", "2"], ["workflow_completed", "end"])
    assert 2 <= reader.retry_seconds <= 3
    assert alice.get(path, headers={"Last-Event-ID": reader.last_id}).status_code == 204


def test_without_a_door_nothing_is_lost_between_two_pieces_of_everything(
    session: Session, alice: FlaskClient
) -> None:
    reader = Reader()
    list(reader.feed(alice.get(f"{BASE}/stream").data))
    a_history(session, 2)

    again = alice.get(f"{BASE}/stream", headers={"Last-Event-ID": reader.last_id})

    assert len(list(reader.feed(again.data))) == 2


# ── The client ──────────────────────────────────────────────────────────────────────────


def test_the_client_does_not_go_on_asking_who_is_refused(session: Session, site: Site) -> None:
    client = Client(f"http://127.0.0.1:{site.port}", BOB)

    with pytest.raises(ApiRefused):
        next(stream(client, str(a_history(session, 1))))


def test_who_follows_an_execution_sees_its_end_at_once(session: Session, site: Site) -> None:
    execution_id = a_history(session, 1)
    found = follow(Client(f"http://127.0.0.1:{site.port}", ALICE), str(execution_id))
    next(found)

    began_at = time.monotonic()
    end(session, execution_id)
    last = list(found)

    assert last[-1].status == "COMPLETED"
    assert time.monotonic() - began_at < 2


def test_those_who_are_far_behind_do_not_keep_those_waiting_who_are_at_the_end(
    make_runtime: MakeRuntime, session: Session
) -> None:
    execution = an_execution(session, user_id="alice")
    add(session, execution.id, *range(9))
    sight = Sight(Caller("alice"))
    end = Follow(sight, Place(Position(horizon(session.connection()), 0)))
    far_behind = [Follow(sight, Place(Position(1, number))) for number in range(9)]

    told = Newsroom(make_runtime()).look([*far_behind, end])

    assert told[-1] is not None
    assert sum(turn is not None for turn in told) == 8
