"""Clients that wait for an end: they hold neither a thread nor a connection to the database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from socket import socket
from typing import Any
from uuid import UUID

import orjson
import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from support.door_server import Limits, Site, received, replies, running_door
from support.factories import a_document
from support.waiting import wait_until

from pipeline_engine.services import Runtime, executions
from pipeline_engine.storage.tables.executions import Execution

ALICE = "alice-token"
THREADS = 2


@pytest.fixture(scope="module")
def site(application: Flask, runtime: Runtime) -> Iterator[Site]:
    with running_door(
        application,
        Limits(threads=THREADS, waiting=40),
        ended=partial(executions.ended, runtime),
    ) as running:
        yield running


def post(seconds: float, *, close: bool = True) -> bytes:
    body = orjson.dumps({"pipeline_definition": a_document()})
    head = (
        f"POST /executions/run?wait_seconds={seconds} HTTP/1.1\r\nHost: test\r\n"
        f"Authorization: Bearer {ALICE}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n" + ("Connection: close\r\n" if close else "")
    )
    return head.encode() + b"\r\n" + body


def waiting(site: Site, stack: ExitStack, count: int, seconds: float = 30) -> list[socket]:
    found = [stack.enter_context(closing(site.connect(30))) for _ in range(count)]
    for connection in found:
        connection.sendall(post(seconds))
    return found


def started(session: Session, count: int) -> list[UUID]:
    def ids() -> list[UUID] | None:
        session.rollback()
        found = list(session.scalars(select(Execution.id)))
        return found if len(found) == count else None

    return wait_until(ids, within=30, what=f"{count} executions") or []


def end(session: Session, **values: Any) -> None:
    session.execute(
        Execution.__table__.update().values(status="COMPLETED", outputs={"answer": 42}, **values)
    )
    session.commit()


def test_many_who_wait_hold_nobody_up_and_all_are_told(session: Session, site: Site) -> None:
    with ExitStack() as stack:
        clients = waiting(site, stack, 10 * THREADS)
        started(session, 10 * THREADS)

        began_at = time.monotonic()
        listed = site.get("/executions", Authorization=f"Bearer {ALICE}")
        took = time.monotonic() - began_at
        end(session)
        found = [replies(received(client))[0] for client in clients]

    assert (listed.status, len(listed.json["executions"])) == (200, 10 * THREADS)
    assert took < 5
    assert {reply.status for reply in found} == {201}
    assert all(reply.json["status"] == "COMPLETED" for reply in found)
    assert all(reply.json["outputs"] == {"answer": 42} for reply in found)
    assert all("x-correlation-id" in reply.headers for reply in found)


def test_they_hold_no_connection_to_the_database(
    session: Session, site: Site, runtime: Runtime
) -> None:
    with ExitStack() as stack:
        waiting(site, stack, 20)
        started(session, 20)

        wait_until(lambda: runtime.engine.pool.checkedout() == 0, what="an idle pool")
        end(session)


def test_who_has_waited_long_enough_is_told_the_present_state(session: Session, site: Site) -> None:
    (reply,) = site.raw(post(0.3))

    assert (reply.status, reply.json["status"]) == (201, "PENDING")


def test_beyond_the_bound_the_present_state_is_told_at_once(session: Session, site: Site) -> None:
    """Not a 503: the execution is stored, and whoever took it for refused would start another."""
    with ExitStack() as stack:
        waiting(site, stack, 40)
        started(session, 40)

        reply = wait_until(lambda: refused(site), what="a full waiting room")
        end(session)

    assert (reply.status, reply.json["status"]) == (201, "PENDING")
    assert reply.headers["x-wait-refused"] == "too_many_waiting"


def test_a_client_that_leaves_frees_its_place(session: Session, site: Site) -> None:
    with ExitStack() as stack:
        waiting(site, stack, 40)
        started(session, 40)
        wait_until(lambda: refused(site), what="a full waiting room")

    wait_until(lambda: not refused(site), what="a free place")


def test_a_server_that_stops_tells_the_present_state(
    session: Session, application: Flask, runtime: Runtime
) -> None:
    ended = partial(executions.ended, runtime)
    with running_door(application, ended=ended) as site, ExitStack() as stack:
        (client,) = waiting(site, stack, 1)
        started(session, 1)
        site.server.should_exit = True
        (reply,) = replies(received(client))

    assert (reply.status, reply.json["status"]) == (201, "PENDING")


def test_an_execution_that_is_deleted_meanwhile_keeps_nobody_waiting(
    session: Session, site: Site
) -> None:
    with ExitStack() as stack:
        (client,) = waiting(site, stack, 1)
        started(session, 1)
        session.execute(Execution.__table__.delete())
        session.commit()
        (reply,) = replies(received(client))

    assert (reply.status, reply.json["status"]) == (201, "PENDING")


def refused(site: Site):
    (reply,) = site.raw(post(0.05))
    return reply if "x-wait-refused" in reply.headers else None
