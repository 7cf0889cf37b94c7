"""The workflows of docs/howto/common-workflows.md, each run as its page says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.documented_workflows import documents, without_pauses
from support.driving import Driver, Look
from support.local_service import Answer, LocalService, local_service
from support.runtimes import MakeRuntime

DOCUMENTS = documents("howto/common-workflows.md")
OK, OUT, BAD = "COMPLETED", "SKIPPED", "FAILED"
Run = Callable[..., Look]


@pytest.fixture
def service() -> Iterator[LocalService]:
    with local_service() as running:
        yield running


@pytest.fixture
def driver(make_runtime: MakeRuntime) -> Driver:
    return Driver(make_runtime(http_allowed_hosts=("127.0.0.1",)))


@pytest.fixture
def run(driver: Driver) -> Run:
    return lambda name, **params: driver.run(**without_pauses(DOCUMENTS[name]), params=params)


def asked(service: LocalService) -> list[str]:
    return [f"{request.method} {request.path}" for request in service.received]


def test_what_was_done_is_undone_and_the_step_that_failed_too(run, service):
    for route in ("POST /stock", "DELETE /stock"):
        service.answer(route, {})
    service.answer("POST /payment", {}, status=402)
    service.answer_in_turn("DELETE /payment", Answer(503), Answer(204))

    end = run("order", shop=service.url)

    assert end.status == BAD
    assert asked(service) == [
        "POST /stock",
        "POST /payment",
        "DELETE /payment",
        "DELETE /payment",
        "DELETE /stock",
    ]


def test_the_first_of_two_jobs_wins_and_the_other_is_asked_no_more(run, service):
    service.answer("GET /a", {"done": False})
    service.answer_in_turn("GET /b", Answer(200, {"done": False}), Answer(200, {"done": True}))

    end = run("either-of-two", a=f"{service.url}/a", b=f"{service.url}/b")

    assert (end.status, end.outputs) == (OK, {"winner": "b"})
    assert end.statuses == {"job-a": OUT, "job-b": OK, "clock": OUT, "first": OK}


def test_nobody_wins_when_the_time_is_up(driver, service):
    service.answer("GET /job", {"done": False})
    given = dict.fromkeys("ab", f"{service.url}/job")
    execution_id = driver.start(**DOCUMENTS["either-of-two"], params=given)
    driver.settle()
    driver.change("UPDATE step_executions SET due_at = now() WHERE step_id = 'clock'")

    end = driver.finish(execution_id)

    assert (end.status, end.outputs) == (OK, {"winner": "nobody"})
    assert {end.statuses["job-a"], end.statuses["job-b"]} == {OUT}


@pytest.mark.parametrize(("enough", "written"), [(1, True), (2, True), (3, False)])
def test_enough_answers_are_enough(run, service, enough, written):
    for name in ("one", "two"):
        service.answer(f"PUT /{name}", {})
    replicas = {name: f"{service.url}/{name}" for name in ("one", "two", "three")}

    end = run("quorum", enough=enough, replicas=replicas)

    assert (end.status, end.outputs) == (OK, {"written": written})


@pytest.mark.parametrize(
    ("price", "stock", "outputs", "requests"),
    [
        (200, 200, {"price": 7, "because": ""}, 2),
        (503, 200, {"price": "", "because": "http_503"}, 3),
        (200, 503, {"price": "", "because": "http_503"}, 4),
    ],
)
def test_whichever_step_fails_the_same_way_out_is_taken(
    run, service, price, stock, outputs, requests
):
    service.answer("GET /price", {"price": 7}, status=price)
    service.answer("GET /stock", {}, status=stock)

    end = run("shared-fallback", shop=service.url)

    assert (end.status, end.outputs) == (OK, outputs)
    assert len(asked(service)) == requests


@pytest.mark.parametrize(
    ("works", "outputs"), [(True, {"c": OK, "d": OUT}), (False, {"c": OUT, "d": OK})]
)
def test_a_step_may_depend_on_how_others_ended(run, works, outputs):
    assert run("boolean-dependencies", works=works).outputs == outputs


@pytest.mark.parametrize(
    ("works", "status", "told"), [(True, OK, "POST /well"), (False, BAD, "POST /badly")]
)
def test_each_end_is_told_to_its_own_handler_and_to_the_last(run, service, works, status, told):
    for path in ("well", "badly", "end"):
        service.answer(f"POST /{path}", {})

    end = run("exit-handlers", works=works, hook=service.url)

    assert (end.status, asked(service)) == (status, [told, "POST /end"])
    assert service.received[-1].body == {"status": status}
    if not works:
        assert service.received[0].body == {"because": "NO_FIT"}


def test_results_are_collected_chosen_from_and_fanned_out_again(run):
    assert run("aggregate").outputs == {"squares": [1, 9]}


def test_rows_are_worked_through_in_batches(run):
    assert run("batches", rows=[1, 2, 3, 4, 5]).outputs == {"batches": 3}


@pytest.mark.parametrize(
    ("params", "by"),
    [
        ({"kind": "letter"}, "post"),
        ({"kind": "parcel", "size": 11}, "truck"),
        ({"kind": "parcel"}, "bike"),
        ({"kind": "piano"}, "refuse"),
    ],
)
def test_one_of_several_ways_is_taken_and_one_inside_of_it(run, params, by):
    end = run("nested-choice", **params)

    assert (end.status, end.outputs) == (OK, {"by": by})


@pytest.mark.parametrize(("works", "status"), [(True, OK), (False, BAD)])
def test_what_was_set_up_is_torn_down_and_a_failure_stays_one(run, works, status):
    end = run("set-up-and-tear-down", works=works)

    assert (end.status, end.statuses["down"]) == (status, OK)
    assert end.step("down").outputs["message"] == "c1"


def test_every_workflow_of_the_page_is_run():
    here = Path(__file__).read_text(encoding="utf-8")

    assert [name for name in DOCUMENTS if f'"{name}"' not in here] == []
