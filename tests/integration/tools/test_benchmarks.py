"""A benchmark is worth nothing unless both sides did all of their work, and did it once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from benchmarks import report
from benchmarks.bench import Bench, Row, running_bench
from benchmarks.blocks import Blocks
from benchmarks.callbacks import CallbackAnswers, NextStep
from benchmarks.console import Pages
from benchmarks.crowds import Beside, slow_clients, waiting_clients
from benchmarks.engine import EngineTiming
from benchmarks.fairness import Fair
from benchmarks.followers import following_clients
from benchmarks.growth import Growth
from benchmarks.installations import OneWorker
from benchmarks.installed.discovery import Discovery
from benchmarks.installed.listing import Listing
from benchmarks.judging import Figure, Outcome, Rounds, at_least, at_most
from benchmarks.ledger import Incomplete, Ledger
from benchmarks.machine import Machine
from benchmarks.messages import Messages
from benchmarks.parking import Parked
from benchmarks.rates import Comparison, Rate
from benchmarks.raw import Baseline, Canvas
from benchmarks.recovery import Recovery
from benchmarks.schedules import Due
from benchmarks.shapes import (
    blocking_chain,
    blocking_map,
    calls,
    chain,
    fan_out,
    layered,
    many,
    wide,
    wide_in_a_batch,
)
from benchmarks.starting import StartAnswers
from benchmarks.table import ROWS
from benchmarks.workers import REPOSITORY, environment_of
from pipeline_engine.embedded.servers import EmbeddedServers

ONCE = Rounds(count=1, warm_up=0)
ANY = at_least(0)
SHAPES = [wide(5), wide_in_a_batch(5), layered(3, 4, 20), many(3), chain(5), fan_out(40)]
TINY: list[Row] = [
    *(Rate(lambda _, shape=shape: shape, shape.name, ANY) for shape in SHAPES),
    Blocks(3, target=ANY),
    Rate(lambda bench: calls(4, bench.peer_url), "http", ANY),
    OneWorker(
        Rate(lambda b: blocking_chain(2, b.ledger.path), "blocking-chain", ANY),
        slots=1,
    ),
    OneWorker(
        Rate(lambda b: blocking_map(4, b.ledger.path), "blocking-map-1", ANY),
        slots=1,
    ),
    OneWorker(
        Rate(lambda b: blocking_map(4, b.ledger.path), "blocking-map-16", ANY),
        slots=16,
    ),
    CallbackAnswers(per_second=50, count=10, target=ANY),
    NextStep(count=2, target=ANY),
    StartAnswers(per_second=50, count=4, target=ANY),
    Beside("slow-clients", "", slow_clients, size=4, count=10, per_second=50, target=ANY),
    Beside("waiting-clients", "", waiting_clients, size=4, count=10, per_second=50, target=ANY),
    Beside(
        "following-clients",
        "",
        following_clients,
        size=12,
        count=10,
        per_second=50,
        target=ANY,
        is_ratio=False,
    ),
    Fair(count=1, per_second=2, cheap=3000, blocking=300, target=ANY),
    Messages(events=10, subscribers=3, hanging=1),
    Discovery(2, ANY),
    Listing(actions=2, per_second=50, count=4, target=ANY),
    Due(per_minute=600, seconds=2.5, many=20, at_once=20),
    Parked(20),
    Recovery(lease_seconds=1),
    Pages(50, 20, minutes=0.02, seconds=60, most=60, paths=["/console/parked"]),
    Growth(sizes=(2, 5, 20), together=10),
]


@pytest.fixture(scope="module")
def bench(
    servers: EmbeddedServers,
    database_url: str,
    redis_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Bench]:
    # A prefix of its own: what another test has left in Redis is not for these workers.
    environment = environment_of(database_url, redis_url) | {"PIPELINE_KEY_PREFIX": "benchmarks:"}
    pids = (servers.postgres.pid, servers.valkey.pid)
    with running_bench(environment, tmp_path_factory.mktemp("bench"), pids) as running:
        yield running


@pytest.mark.parametrize("row", TINY, ids=lambda row: row.name)
def test_both_sides_of_a_row_do_all_of_their_work(row, bench):
    bench.clear()

    outcome = row.measure(bench, ONCE)

    assert outcome.row == row.name
    assert all(len(numbers) == ONCE.count for numbers in outcome.rounds.values())


def test_a_tiny_row_stands_for_every_usual_one():
    """But for ``memory``, which needs a stack (tests/acceptance/test_stack.py), and for others."""
    elsewhere = {"memory", "ablation"}
    assert [row.name for row in TINY] == [row.name for row in ROWS if row.name not in elsewhere]


def test_an_execution_with_another_number_of_results_is_not_reported(bench):
    with pytest.raises(Incomplete, match="7"):
        bench.engine.run(replace(chain(5), results=7))


def test_a_raw_task_that_ran_twice_spoils_its_measurement(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    ledger.clear()
    for number in (0, 1, 1):
        ledger.note(number)

    with pytest.raises(Incomplete):
        ledger.wait_for(3, within=1)


def test_a_raw_task_that_never_ran_spoils_its_measurement(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    ledger.clear()
    ledger.note(0)

    with pytest.raises(Incomplete):
        ledger.wait_for(2, within=0.05)


def test_the_usual_shapes_are_the_ones_that_the_targets_were_set_for():
    shapes = [wide(1000), layered(20, 50, 3_000), many(1000), chain(200), fan_out(400)]

    sizes = {shape.name: (shape.executions, shape.results, shape.edges) for shape in shapes}

    assert sizes == {
        "wide": (1, 1002, 2000),
        "layered": (1, 1000, 3000),
        "many": (1000, 20_000, 32),
        "chain": (1, 200, 199),
        "fan-out": (1, 402, 1),
    }


def test_the_ratio_compares_rates_because_the_sides_differ_in_size():
    shape = replace(chain(4), results=4, baseline=Baseline(Canvas.CHAIN, 2))
    timings = [EngineTiming(accepting=1, running=1), EngineTiming(accepting=2, running=2)]

    comparison = Comparison(shape, raw=[1.0, 2.0], raw_cpu=[0.0, 0.0], engine=timings)

    assert (comparison.ratio, comparison.whole_ratio) == (2.0, 1.0)


def test_a_cost_is_judged_from_above_and_a_rate_from_below():
    cost = Figure(name="p99", value=2.0, target=at_most(1.5))
    rate = Figure(name="rate", value=2.0, target=at_least(1.5))

    assert (cost.is_reached, rate.is_reached) == (False, True)
    assert (str(cost.target), str(rate.target)) == ("≤ 1.5", "≥ 1.5")


def test_every_measurement_is_kept_with_the_machine_that_made_it(tmp_path: Path, pool):
    figure = Figure(name="rate", value=2.0, target=at_least(1.5), ours=4, theirs=2)
    outcome = Outcome(
        row="chain", work="", against="", figures=[figure], rounds={"raw_seconds": [0.5]}
    )

    report.write([outcome], Machine.here(pool), tmp_path / "kept" / "run.json")

    kept = orjson.loads((tmp_path / "kept" / "run.json").read_bytes())
    assert kept["machine"]["cpus"] >= 1
    assert kept["rows"]["chain"]["rounds"] == {"raw_seconds": [0.5]}
    assert kept["rows"]["chain"]["reached"] is True


def test_every_row_is_described():
    page = (REPOSITORY / "docs" / "reference" / "benchmarks.md").read_text()

    assert [row.name for row in ROWS if f"| `{row.name}` |" not in page] == []
