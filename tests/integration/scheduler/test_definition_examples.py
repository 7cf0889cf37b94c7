"""The examples of docs/reference/definition.md do what the page says of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.documented_workflows import documents, without_pauses
from support.driving import Driver
from support.local_service import Answer, LocalService, local_service
from support.runtimes import MakeRuntime

DOCUMENTS = documents("reference/definition.md")


@dataclass(frozen=True)
class Run:
    """One run of an example: how its peer answers, what it is started with and what it leaves."""

    name: str
    outputs: Mapping[str, Any]
    answers: tuple[Answer, ...] = ()  #: of ``/``, one after the other; the last one stays
    params: Mapping[str, Any] = field(default_factory=dict)
    status: str = "COMPLETED"


def ok(**body: Any) -> Answer:
    return Answer(200, body)


RUNS = (
    Run("roll-out", {"told": "v1.0 to a"}, params={"servers": [{"host": "a", "port": 1}]}),
    Run("thumbnails", {"total": 2}, (ok(),), {"urls": ["{url}", "{url}"]}),
    Run("price-or-default", {"price": 7}, (Answer(500), ok(price=7)), {"url": "{url}"}),
    Run("price-or-default", {"price": 100}, (Answer(500),), {"url": "{url}"}),
    Run("look-up", {"found": True}, (ok(),), {"url": "{url}"}),
    Run("look-up", {"found": False}, (Answer(404),), {"url": "{url}"}),
    Run("look-up", {}, (Answer(403),), {"url": "{url}"}, status="FAILED"),
    Run(
        "mirror",
        {"from": "first"},
        (ok(**{"from": "first"}),),
        {"url": "{url}", "mirror": "{url}mirror"},
    ),
    Run("mirror", {"from": "mirror"}, (Answer(503),), {"url": "{url}", "mirror": "{url}mirror"}),
    Run("race", {"won": 7, "slow": "SKIPPED"}),
    Run("only-if-needed", {"changed": 0}, params={"items": []}),
    Run("only-if-needed", {"changed": 2}, params={"items": [1, 2]}),
    Run("patient", {"body": {"a": 1}}, (*[Answer(429)] * 3, ok(a=1)), {"url": "{url}"}),
    Run("patient", {}, (Answer(503),), {"url": "{url}"}, status="FAILED"),
)


@pytest.fixture
def service() -> Iterator[LocalService]:
    with local_service() as running:
        yield running


@pytest.fixture
def driver(make_runtime: MakeRuntime) -> Driver:
    return Driver(make_runtime(http_allowed_hosts=("127.0.0.1",)))


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.name}-{run.status}")
def test_an_example_does_what_the_page_says(driver: Driver, service: LocalService, run: Run):
    for answer in run.answers[-1:]:
        service.answers["GET", "/"] = answer
    service.answer_in_turn("GET /", *run.answers)
    service.answer("GET /mirror", {"from": "mirror"})
    params = json.loads(json.dumps(run.params).replace("{url}", f"{service.url}/"))

    end = driver.run(**without_pauses(DOCUMENTS[run.name]), params=params)

    assert end.status == run.status
    found = (end.outputs or {}).get("fetched", end.outputs) or {}
    assert {name: found.get(name) for name in run.outputs} == run.outputs


def test_every_example_is_run():
    assert set(DOCUMENTS) == {run.name for run in RUNS}
