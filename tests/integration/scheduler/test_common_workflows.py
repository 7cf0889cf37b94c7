"""The workflows of docs/howto/common-workflows.md, each run as its page says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from pages.peer_workflows import PEERS
from sqlalchemy.orm import Session
from support.documented_workflows import documents, without_pauses
from support.driving import Driver, Look
from support.factories import a_pipeline
from support.local_service import Answer, LocalService, local_service
from support.runtimes import MakeRuntime

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.errors import InvalidParams
from pipeline_engine.services import inbox
from pipeline_engine.services.inbox import Arrival

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


def test_one_at_a_time_runs_whoever_starts_it(driver, service):
    for warehouse in ("north", "south"):
        service.answer(f"POST /count/{warehouse}", {"counted": 7})
    given = {"shop": service.url}
    first, second, other = (
        driver.start(**DOCUMENTS["one-at-a-time"], params={**given, "warehouse": warehouse})
        for warehouse in ("north", "north", "south")
    )

    waits = [driver.look(one).step("count").in_line for one in (first, second, other)]
    ends = [driver.finish(one) for one in (first, second, other)]

    assert waits == [False, True, False]
    assert [end.outputs for end in ends] == [{"counted": 7}] * 3


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


def test_pages_are_followed_until_there_is_no_next_one(run, service):
    service.answer("GET /1", {"items": ["a", "b"], "next": f"{service.url}/2"})
    service.answer("GET /2", {"items": ["c"], "next": f"{service.url}/3"})
    service.answer("GET /3", {"items": []})

    assert run("all-pages", first=f"{service.url}/1").outputs == {"items": ["a", "b", "c"]}


@pytest.mark.parametrize(
    ("last", "status", "value"), [("done", OK, {"value": 7}), ("broken", BAD, None)]
)
def test_a_job_is_asked_until_it_has_ended_also_while_its_server_is_away(
    run, service, last, status, value
):
    states = [Answer(200, {"state": "queued"}), Answer(503), Answer(503)]
    service.answer_in_turn("GET /job", *states, Answer(200, {"state": last, "value": 7}))

    end = run("outside-job", job=f"{service.url}/job")

    assert (end.status, end.outputs) == (status, value)
    assert end.step("poll").outputs["iterations"] == 4


@pytest.mark.parametrize("says_no", [False, True])
def test_several_people_are_asked_and_the_first_no_ends_it(driver, service, says_no):
    desks = ("legal", "ops", "press")
    for desk in desks:
        service.answer(f"POST /{desk}", {})
    given = {"release": "1.4", "desks": [f"{service.url}/{desk}" for desk in desks]}
    execution_id = driver.start(**DOCUMENTS["approvals"], params=given)
    driver.settle()
    addresses = {asked.path: asked.body["answer"] for asked in service.received}

    for desk in desks[: 1 if says_no else 3]:
        said = {"action": "fail", "error": "too early"} if says_no else {"action": "complete"}
        token = addresses[f"/{desk}"].rsplit("/", 1)[-1]
        inbox.accept_callback(driver.runtime, token, said)
    end = driver.finish(execution_id)

    assert end.status == (BAD if says_no else OK)
    assert [item.status for item in end.items("ask")] == ([BAD, OUT, OUT] if says_no else [OK] * 3)


def happens(driver: Driver, key: str, **facts: Any) -> None:
    arrival = Arrival(source="tests", body={"event_key": key, **facts})
    inbox.accept(SYSTEM, driver.runtime, arrival)


def test_several_events_of_one_kind_are_waited_for(driver):
    execution_id = driver.start(**DOCUMENTS["fever"], params={"patient": "7"})
    for temperature in (38.5, 36.6, 39, 37, 40.1):
        happens(driver, "patient-7", temperature=temperature)

    assert driver.finish(execution_id).outputs == {"said": "38.5, 39, 40.1"}


def test_events_that_belong_together_are_waited_for_again_and_again(driver, service):
    service.answer("POST /report", {})
    given = {"room": "7", "rounds": 2, "hook": f"{service.url}/report"}
    execution_id = driver.start(**DOCUMENTS["room-report"], params=given)
    for kind, value in (("warmth", 20), ("warmth", 22), ("damp", 40), ("damp", 45)):
        happens(driver, f"{kind}-7", value=value)

    assert driver.finish(execution_id).status == OK
    assert service.received[-1].body == [{"warmth": 20, "damp": 40}, {"warmth": 22, "damp": 45}]


@pytest.mark.parametrize(
    ("found", "status", "requests"),
    [
        (200, OK, ["GET /thing"]),
        (404, OK, ["GET /thing", "POST /thing"]),
        (403, BAD, ["GET /thing"]),
    ],
)
def test_one_failure_is_an_answer_and_the_others_are_failures(
    run, service, found, status, requests
):
    service.answer("GET /thing", {"id": 7}, status=found)
    service.answer("POST /thing", {"id": 8})

    end = run("find-or-create", url=f"{service.url}/thing")

    assert (end.status, asked(service)) == (status, requests)
    if status == OK:
        assert end.outputs == {"id": 7 if found == 200 else 8}


def test_wrong_inputs_are_refused_before_anything_runs(run):
    good = {"user": "ada", "mail": "ada@example.org", "age": 36}

    assert run("sign-up", **good).outputs == {"said": "Welcome ada"}
    with pytest.raises(InvalidParams) as refused:
        run("sign-up", user="Ada!", mail="ada", age=17, plan="gold", tags=["x" * 21])
    assert [problem.pointer for problem in refused.value.facts["problems"]] == [
        f"/params/{name}" for name in ("user", "mail", "age", "plan", "tags/0")
    ]


@pytest.mark.parametrize(("amount", "said"), [(1001, "paid, checked"), (10, "paid, unchecked")])
def test_a_branch_is_joined_again(run, amount, said):
    assert run("branch-and-join", amount=amount).outputs == {"said": said}


@pytest.mark.parametrize(("is_open", "loaded"), [(True, OK), (False, OUT)])
def test_all_that_stands_behind_a_closed_gate_is_skipped(run, is_open, loaded):
    end = run("short-circuit", is_open=is_open)

    assert (end.status, end.outputs) == (OK, {"said": f"load: {loaded}"})
    assert end.statuses["fetch"] == loaded


def test_something_is_done_for_each_and_added_up(run):
    assert run("map-and-sum", numbers=[1, 2, 3]).outputs == {"sum": 9}


@pytest.mark.parametrize(("users", "status", "told"), [(200, OK, "well"), (500, BAD, "badly")])
def test_a_group_tells_how_it_went(run, service, users, status, told):
    service.answer("GET /orders", [1, 2])
    service.answer("GET /users", [3], status=users)
    service.answer("POST /well", {})
    service.answer("POST /badly", {})

    end = run("group-with-hooks", shop=service.url, hook=service.url)

    assert (end.status, asked(service)[-1]) == (status, f"POST /{told}")
    assert end.outputs == ({"rows": [1, 2, 3]} if status == OK else None)


@pytest.mark.parametrize(("last", "deepest"), [(3, 10), (12, 12)])
def test_a_pipeline_calls_itself_as_deep_as_it_may(make_runtime, session, last, deepest):
    driver = Driver(make_runtime(max_tree_depth=deepest))
    stored(session, "count-up")

    assert driver.run(**DOCUMENTS["count-up"], params={"n": 1, "last": last}).outputs == {
        "reached": last
    }


def test_a_pipeline_that_calls_itself_deeper_is_told_which_setting_bounds_it(driver, session):
    stored(session, "count-up")

    end = driver.run(**DOCUMENTS["count-up"], params={"n": 1, "last": 11})

    assert (end.status, end.execution.error["code"]) == (BAD, "too_deeply_nested")
    assert end.execution.error["message"].endswith(
        "Pipelines are nested more than 10 deep (PIPELINE_MAX_TREE_DEPTH)"
    )


def test_a_pipeline_calls_itself_twice(driver, session):
    stored(session, "fibonacci")

    assert driver.run(**DOCUMENTS["fibonacci"], params={"n": 6}).outputs == {"value": 8}


def stored(session: Session, name: str) -> None:
    document = dict(DOCUMENTS[name])
    a_pipeline(session, *document.pop("steps"), **document)


# ── Blocks ───────────────────────────────────────────────────────────────────────────────


def test_a_loop_in_a_loop_goes_one_after_the_other_while_the_outer_one_goes_side_by_side(
    run, service
):
    letters, numbers = ["a", "b", "c"], [1, 2, 3]
    for letter, number in product(letters, numbers):
        service.answer(f"POST /{letter}{number}", {})

    end = run("nested-loops", letters=letters, numbers=numbers, hook=service.url)

    assert end.status == OK
    paths = [request.path for request in service.received]
    assert len(paths) == 9
    for letter in letters:
        own = [path for path in paths if path.startswith(f"/{letter}")]
        assert own == [f"/{letter}{number}" for number in numbers]


def test_several_steps_and_a_choice_are_repeated_until_nothing_is_left(run, service):
    service.answer_in_turn(
        "POST /take",
        *(Answer(200, job) for job in ({"kind": "mail", "left": 1}, {"kind": "bill", "left": 0})),
    )
    service.answer("POST /mail", {})

    end = run("loop-of-steps", jobs=service.url)

    assert (end.status, end.outputs) == (OK, {"did": ["mailed", "filed bill"]})
    assert asked(service) == ["POST /take", "POST /mail", "POST /take"]


def test_each_item_gets_the_work_of_its_kind_and_all_are_joined(run, service):
    for route in ("POST /shrink", "POST /cut"):
        service.answer(route, {})
    service.answer("POST /scenes", ["dawn", "noon", "night"])

    end = run("fork-by-kind", files=[{"kind": "picture"}, {"kind": "film"}], tools=service.url)

    assert (end.status, end.outputs) == (OK, {"parts": 4})
    assert sorted(asked(service)) == ["POST /cut"] * 3 + ["POST /scenes", "POST /shrink"]


@pytest.mark.parametrize(
    ("stored", "said", "requests"),
    [
        (200, "with more data", ["GET /more", "PUT /data"]),
        (507, "without more data", ["GET /more", "PUT /data", "POST /alarm"]),
    ],
)
def test_a_part_may_fail_in_its_own_way_and_the_rest_goes_on(run, service, stored, said, requests):
    service.answer("GET /more", {"a": 1})
    service.answer("PUT /data", {}, status=stored)
    service.answer("POST /alarm", {})

    end = run("part-that-may-fail", shop=service.url)

    assert (end.status, end.outputs, asked(service)) == (OK, {"said": said}, requests)
    if stored != 200:
        assert service.received[-1].body == {"because": "http_507"}


@pytest.mark.parametrize(("refusals", "status"), [(2, OK), (3, BAD)])
def test_all_steps_of_a_part_are_tried_again_when_one_fails(run, service, refusals, status):
    service.answer("POST /carts", {"id": 7})
    service.answer_in_turn("POST /carts/7/payment", *[Answer(503)] * refusals, Answer(200, {}))

    end = run("retry-together", shop=service.url)

    assert (end.status, end.outputs) == (status, {"cart": 7} if status == OK else None)
    assert asked(service) == ["POST /carts", "POST /carts/7/payment"] * 3


# ── The table ────────────────────────────────────────────────────────────────────────────


def test_every_workflow_of_the_page_is_run():
    here = Path(__file__).read_text(encoding="utf-8")

    assert [name for name in DOCUMENTS if f'"{name}"' not in here] == []


def test_every_workflow_of_the_page_is_one_that_people_write_for_other_engines():
    told = {name for peer in PEERS for name in peer.ours}

    assert set(DOCUMENTS) <= told
    assert {peer.number for peer in PEERS if not set(peer.ours) <= set(DOCUMENTS)} == set()
