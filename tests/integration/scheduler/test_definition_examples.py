"""The examples of docs/reference/definition.md do what the page says of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from support.documented_workflows import documents, without_pauses
from support.driving import Driver, Look
from support.factories import a_pipeline
from support.local_service import Answer, LocalService, local_service
from support.runtimes import MakeRuntime

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.scheduler import sweep
from pipeline_engine.scheduler.actions.callback_tokens import CallbackToken, callback_url
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Arrival

DOCUMENTS = documents("reference/definition.md")
OK, OUT, BAD = "COMPLETED", "SKIPPED", "FAILED"


@dataclass(frozen=True)
class Run:
    """One run of an example: what it is started with, what happens, and what it leaves."""

    name: str
    outputs: Mapping[str, Any]
    answers: tuple[Answer, ...] = ()  #: of ``GET /``, one after the other; the last one stays
    params: Mapping[str, Any] = field(default_factory=dict)
    status: str = OK
    routes: Mapping[str, Answer] = field(default_factory=dict)  #: other answers of its peer
    turns: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)  #: one after the other
    events: tuple[Mapping[str, Any], ...] = ()  #: sent once it waits
    callback: Mapping[str, Any] | None = None  #: sent to the step that waits
    time_is_up: bool = False  #: of the step that waits
    stored: str = ""  #: an example that it runs
    asked: tuple[str, ...] = ()  #: what its peer was asked, if that matters
    statuses: Mapping[str, str] = field(default_factory=dict)  #: of steps, if they matter


def ok(**body: Any) -> Answer:
    return Answer(200, body)


URL = {"url": "{url}/"}
MIRROR = {"url": "{url}/", "mirror": "{url}/mirror"}
NOBODY = {"said": "nobody answered"}
RUNS = (
    Run("in-order", {"product": 12}),
    Run("roll-out", {"told": "v1.0 to a"}, params={"servers": [{"host": "a", "port": 1}]}),
    Run("only-large", {"said": "paid, checked"}, params={"amount": 1001}),
    Run("only-large", {"said": "paid, unchecked"}, params={"amount": 1}),
    Run("one-way", {"said": "by truck"}, params={"kind": "parcel"}),
    Run("one-way", {"said": "by post"}, params={"kind": "letter"}, statuses={"drive": OUT}),
    Run("tear-down", {"said": "work: SKIPPED"}, params={"works": True}),
    Run("tear-down", {}, params={"works": False}, status=BAD, statuses={"down": OK}),
    Run("thumbnails", {"said": "2 of 2", "sizes": [2, 2]}, (ok(),), {"urls": ["{url}/"] * 2}),
    Run("fetch-all", {"fetched": 2}, (ok(),), {"urls": ["{url}/"] * 2, "at_once": 1, "tries": 1}),
    Run("doubling", {"all": [2, 4, 8, 16]}, params={"limit": 10}),
    Run(
        "bills",
        {"total": 12},
        params={"orders": [1, 2], "shop": "{url}"},
        routes={
            "GET /orders/1": ok(amount=5),
            "GET /orders/2": ok(amount=7),
            "POST /charges": ok(),
        },
    ),
    Run(
        "with-fresh-token",
        {"id": 8},
        params={"shop": "{url}"},
        routes={"POST /token": ok(token="t"), "POST /orders": ok(id=8)},
        turns={"PUT /orders/8": (Answer(409), ok())},
        asked=("POST /token", "POST /orders", "PUT /orders/8") * 2,
    ),
    Run("picture-or-icon", {"shown": "a.png"}, (ok(bytes=9, file="a.png"),), URL),
    Run("picture-or-icon", {"shown": "icon.png", "because": "too_heavy"}, (ok(bytes=9999),), URL),
    Run("picture-or-icon", {"shown": "icon.png", "because": "http_404"}, (Answer(404),), URL),
    Run("savings", {"balances": [150, 224, 334], "years": 3}, params={"goal": 300}),
    Run(
        "send-all",
        {"sent": ["hi", "Dear Ada, hello"]},
        params={
            "messages": [
                {"by": "note", "text": "hi"},
                {"by": "letter", "to": "Ada", "text": "hello"},
            ],
            "hook": "{url}/letters",
        },
        routes={"POST /letters": ok()},
        asked=("POST /letters",),
    ),
    Run("price-or-default", {"price": 7}, (Answer(500), ok(price=7)), URL),
    Run("price-or-default", {"price": 100}, (Answer(500),), URL),
    Run("look-up", {"found": True}, (ok(),), URL),
    Run("look-up", {"found": False}, (Answer(404),), URL),
    Run("look-up", {}, (Answer(403),), URL, status=BAD),
    Run("mirror", {"from": "first"}, (ok(**{"from": "first"}),), MIRROR),
    Run(
        "mirror",
        {"from": "mirror"},
        (Answer(503),),
        MIRROR,
        routes={"GET /mirror": ok(**{"from": "mirror"})},
    ),
    Run("patient", {"body": {"a": 1}}, (*[Answer(429)] * 3, ok(a=1)), URL),
    Run("patient", {}, (Answer(503),), URL, status=BAD),
    Run("best-effort", {"said": "cache: FAILED"}, (Answer(500),), URL),
    Run("finish-the-rest", {}, status=BAD, statuses={"behind": OUT, "more": OK}),
    Run("race", {"won": 7, "slow": OUT}),
    Run("enough", {"went_on": True}, params={"enough": 2}),
    Run("enough", {"went_on": False}, params={"enough": 3}),
    Run("only-if-needed", {"changed": 0}, params={"items": []}),
    Run("only-if-needed", {"changed": 2}, params={"items": [1, 2]}),
    Run("nightly-report", {"told": "done"}),
    Run("reindex", {"told": "done"}),
    Run("one-of-two-licences", {"by": "licence"}),
    Run("import-tenants", {"loaded": ["rows of a", "rows of b"]}, params={"tenants": ["a", "b"]}),
    Run("in-time", {"said": "yes"}, events=({"event_key": "answer-{id}", "text": "yes"},)),
    Run("in-time", NOBODY, time_is_up=True),
    Run(
        "fever",
        {"readings": [38.5, 39]},
        params={"patient": "7"},
        events=tuple({"event_key": "patient-7", "temperature": t} for t in (38.5, 37, 39)),
    ),
    Run("sign-off", {"said": "go"}, callback={"approved": True, "by": "ada"}),
    Run("sign-off", {"said": "stay"}, callback={"approved": False, "by": "ada"}),
    Run(
        "job-that-calls-back",
        {"accuracy": 0.9},
        params=URL,
        routes={"POST /": ok()},
        callback={"accuracy": 0.9},
    ),
    Run("a-moment", {"said": "now"}),
    Run("written-in-an-editor", {}),
    Run(
        "for-each-order",
        {"said": ["paid, unchecked", "paid, checked"]},
        params={"orders": [1, 2000]},
        stored="only-large",
    ),
    Run(
        "trip",
        {},
        params=URL,
        status=BAD,
        routes={"POST /hotel": ok(id=1), "DELETE /hotel/1": ok()},
        asked=("POST /hotel", "POST /flight", "DELETE /hotel/1"),
    ),
    Run("told", {}, params={**URL, "works": True}, routes={"POST /note": ok()}),
    Run(
        "told",
        {},
        params={**URL, "works": False},
        status=BAD,
        routes={"POST /alarm": ok(), "POST /note": ok()},
        asked=("POST /alarm", "POST /note"),
    ),
    Run("on-call-is-told", {}, params={"works": True}),
    Run("on-call-is-told", {}, params={"works": False}, status=BAD),
    Run("with-token", {"status": 200}, (ok(),), {**URL, "token": "t-0123456789"}),
)


@pytest.fixture
def service() -> Iterator[LocalService]:
    with local_service() as running:
        yield running


@pytest.fixture
def driver(make_runtime: MakeRuntime) -> Driver:
    return Driver(make_runtime(http_allowed_hosts=("127.0.0.1",)))


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.name}-{run.status}")
def test_an_example_does_what_the_page_says(
    driver: Driver, service: LocalService, session: Session, run: Run
):
    answers(service, run)
    if run.stored:
        child = dict(DOCUMENTS[run.stored])
        a_pipeline(session, *child.pop("steps"), **child)
    params = json.loads(json.dumps(run.params).replace("{url}", service.url))

    execution_id = driver.start(**without_pauses(DOCUMENTS[run.name]), params=params)
    happen(driver, execution_id, run)
    end = driver.finish(execution_id)

    assert end.status == run.status
    assert {name: (end.outputs or {}).get(name) for name in run.outputs} == run.outputs
    assert {name: end.statuses[name] for name in run.statuses} == run.statuses
    if run.asked:
        assert tuple(f"{one.method} {one.path}" for one in service.received) == run.asked


def answers(service: LocalService, run: Run) -> None:
    for answer in run.answers[-1:]:
        service.answers["GET", "/"] = answer
    for route, in_turn in {"GET /": run.answers, **run.turns}.items():
        service.answer_in_turn(route, *in_turn)
    for route, answer in run.routes.items():
        method, _, path = route.partition(" ")
        service.answers[method, path] = answer


def happen(driver: Driver, execution_id: UUID, run: Run) -> None:
    """Let happen outside what the example waits for."""
    if not (run.events or run.callback or run.time_is_up):
        return
    driver.settle()
    for event in run.events:
        body = json.loads(json.dumps(event).replace("{id}", str(execution_id)))
        inbox.accept(SYSTEM, driver.runtime, Arrival(source="tests", body=body))
    if run.callback:
        token = address_of_parked(driver, driver.look(execution_id)).rsplit("/", 1)[-1]
        inbox.accept_callback(driver.runtime, token, dict(run.callback))
    if run.time_is_up:
        driver.change("UPDATE step_executions SET deadline_at = now() WHERE awaiting_event")
        sweep.sweep(driver.runtime)


def address_of_parked(driver: Driver, found: Look) -> str:
    [row] = [row for row in found.rows if row.awaiting_event]
    target = CallbackToken(row.id, row.attempt, is_checked=True)
    return callback_url(driver.runtime.settings, target, valid_for=timedelta(hours=1))


def test_every_example_is_run():
    assert set(DOCUMENTS) == {run.name for run in RUNS}
