"""What people see of blocks on the command line, by way of the API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from support.door_server import running_door
from support.driving import Driver
from support.factories import a_block, a_step

from pipeline_engine.cli import main
from pipeline_engine.client import Client, follow
from pipeline_engine.services import Runtime

from .conftest import SERVICE

Cli = Callable[..., Result]
RETRY = {"max_attempts": 2, "backoff_seconds": 0}


@pytest.fixture
def driver(app: Flask, runtime: Runtime) -> Driver:
    return Driver(runtime)


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    with running_door(app) as site:
        yield f"http://127.0.0.1:{site.port}"


@pytest.fixture
def cli(url: str) -> Cli:
    options = ["--url", url, "--token", SERVICE]
    return lambda *words: CliRunner().invoke(main, [*map(str, words), *options])


def names(shown: Result) -> list[str]:
    """The names of the steps as they are set in."""
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("step "))
    return [line[: len(line) - len(line.lstrip())] + line.split()[0] for line in lines[first + 1 :]]


def a_failed_execution(driver: Driver) -> UUID:
    undo = {"action": "log", "params": {"message": "undone"}}
    return driver.run(
        a_block(
            "trip",
            a_step("hotel", compensate=undo),
            a_block("ways", a_step("flight"), depends_on=["hotel"]),
            a_step("pay", "ways", action="fail", params={"message": "no money"}),
            retry=RETRY,
        ),
        a_block("each", a_step("a"), for_each=[1, 2]),
        settings={"fail_fast": False},
    ).execution.id


def test_the_steps_of_a_block_are_set_in_below_it(driver: Driver, cli: Cli) -> None:
    shown = cli("show", a_failed_execution(driver))

    assert names(shown) == [
        *("trip", "  hotel", "  ways", "    flight", "  pay", "  compensate:hotel"),
        "each",
    ]
    assert "4 steps, 0 open, 1 failed" in shown.output
    assert "2 items, 0 open" in shown.output


def test_items_and_all_attempts_are_shown_on_request(driver: Driver, cli: Cli) -> None:
    execution_id = a_failed_execution(driver)

    shown = cli("show", execution_id, "--items")
    failed = json.loads(cli("show", execution_id, "--failed", "--json").stdout)["steps"]

    attempt = ["  hotel", "  ways", "    flight", "  pay", "  compensate:hotel"]
    items = ["  each[0]", "    a", "  each[1]", "    a"]
    assert names(shown) == ["trip", *attempt, *attempt, "each", *items]
    assert shown.output.count("in attempt 1 of the block") == 4
    assert [(one["step_id"], one["within"]) for one in failed] == [
        ("trip", None),
        ("pay", "trip#2"),
    ]


def test_who_follows_an_execution_sees_its_blocks_and_the_rounds_that_run(
    driver: Driver, cli: Cli, url: str
) -> None:
    execution_id = driver.start(
        a_block("pair", a_step("a"), a_step("wait", "a", action="approval")),
        a_block("each", a_step("b"), a_step("ask", "b", action="approval"), for_each=[1]),
    )
    driver.settle()

    snapshot = next(iter(follow(Client(url, SERVICE), str(execution_id))))
    explained = cli("explain", execution_id)
    done = cli("approve", execution_id, "--step", "each[0]/ask")

    assert [(row.within, row.name) for row in snapshot.rows] == [
        *((None, "pair"), ("pair", "a"), ("pair", "wait")),
        *((None, "each"), (None, "item 0"), ("each[0]", "b"), ("each[0]", "ask")),
    ]
    assert snapshot.percentage == 50
    assert "each[0]/ask parked" in explained.output
    assert f"approve {execution_id} --step 'each[0]/ask'" in " ".join(explained.output.split())
    assert "it waits for each[0]/ask (parked)." in explained.output
    assert f"Said yes to each[0]/ask of {execution_id}" in done.output


def test_what_failed_is_found_in_blocks_and_items_and_named_whole(driver: Driver, cli: Cli) -> None:
    execution_id = driver.run(
        a_block(
            "each",
            a_step("a"),
            a_block(
                "part", a_step("bad", action="fail", condition="item == 'us'"), depends_on=["a"]
            ),
            for_each={"items": ["eu", "us"], "key": "{{ item }}"},
        ),
        a_step("behind", "each"),
    ).execution.id

    shown = cli("show", execution_id, "--failed")
    items = cli("show", execution_id, "--items")
    watched = cli("watch", execution_id)

    assert names(shown) == ["each", "each[1]", "each[1]/part", "each[1]/part/bad"]
    assert "us  2 steps, 0 open, 1 failed" in items.output
    assert f"show {execution_id} --failed" in watched.output


def test_what_was_skipped_says_why_once(driver: Driver, cli: Cli) -> None:
    shown = cli(
        "show",
        driver.run(
            a_step("bad", action="fail", catch=[{"errors": "*", "next": "repair"}]),
            a_step("usual", "bad"),
            a_step("repair", "bad"),
        ).execution.id,
    )

    assert "was caught, and leads elsewhere [branch]" in shown.output
    assert "None" not in shown.output


def test_what_a_cancel_has_stopped_says_so_and_has_no_more_attempts(
    driver: Driver, cli: Cli
) -> None:
    asking = a_step("ask", action="approval")
    execution_id = driver.start(a_block("each", a_block("part", asking), for_each=[1]))
    driver.settle()

    cli("cancel", execution_id)
    driver.finish(execution_id)
    shown = cli("show", execution_id, "--items").output

    assert [line.split()[:5] for line in shown.splitlines() if " block " in line] == [
        [name, "block", "-", "skipped", "1"] for name in ("each", "each[0]", "part")
    ]
    assert shown.count("Execution cancelled [aborted]") == 4


def test_a_step_that_stands_in_line_for_a_place_says_so(driver: Driver, cli: Cli) -> None:
    asking = a_step("ask", action="approval", concurrency={"key": "desk"})
    first, second = (driver.start(a_block("each", asking, for_each=[1])) for _ in "ab")
    driver.settle()

    shown = [cli("show", one, "--items").output for one in (first, second)]
    found = json.loads(cli("show", second, "--items", "--json").stdout)["steps"]

    assert ["pending in line" in output for output in shown] == [False, True]
    assert {one["step_id"] for one in found if one["waits_for_place"]} == {"ask"}
