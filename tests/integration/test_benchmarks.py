"""A benchmark is worth nothing unless both sides did all of their work, and did it once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text

from benchmarks import report
from benchmarks.engine import Engine, EngineTiming
from benchmarks.ledger import Incomplete, Ledger
from benchmarks.machine import Machine
from benchmarks.measuring import Comparison, compare
from benchmarks.raw import Baseline, Canvas, RawCelery
from benchmarks.shapes import SHAPES, chain, fan_out, layered, wide, wide_in_a_batch
from benchmarks.workers import environment_of, raw_celery, running_workers
from pipeline_engine.config import Settings
from pipeline_engine.services import Runtime

TINY = [wide(5), wide_in_a_batch(5), layered(3, 4, 20), chain(5), fan_out(40)]


@pytest.fixture(scope="module")
def environment(database_url: str, redis_url: str) -> dict[str, str]:
    # A prefix of its own: what another test has left in Redis is not for these workers.
    return environment_of(database_url, redis_url) | {"PIPELINE_KEY_PREFIX": "benchmarks:"}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return Ledger(tmp_path_factory.mktemp("ledger") / "ledger")


@pytest.fixture(scope="module")
def workers(
    environment: dict[str, str], ledger: Ledger, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    with running_workers(environment, ledger, tmp_path_factory.mktemp("logs")):
        yield


@pytest.fixture
def raw(environment: dict[str, str], ledger: Ledger) -> Iterator[RawCelery]:
    with raw_celery(Settings.from_env(environment), ledger) as publisher:
        yield publisher


@pytest.fixture
def measured(environment: dict[str, str], engine) -> Iterator[Engine]:
    runtime = Runtime.start(Settings.from_env(environment))
    yield Engine(runtime)
    runtime.stop()


def test_a_run_leaves_one_result_for_every_step_of_every_shape(workers, raw, measured, engine):
    comparisons = compare(TINY, raw, measured, repeat=1, warm_up=0)

    assert [(len(c.raw), len(c.engine)) for c in comparisons] == [(1, 1)] * len(TINY)
    with engine.connect() as connection:
        results, steps = connection.execute(
            text(
                "SELECT count(*), count(DISTINCT step_execution_id) FROM events"
                " WHERE event_type = 'step_completed'"
            )
        ).one()
    assert results == steps == sum(shape.results for shape in TINY)


def test_an_execution_with_another_number_of_results_is_not_reported(workers, measured):
    with pytest.raises(Incomplete, match="7"):
        measured.run(replace(chain(5), results=7))


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
    sizes = {name: (make().results, make().edges) for name, make in SHAPES.items()}

    assert sizes["wide"] == (1002, 2000)
    assert sizes["layered"] == (1000, 3000)
    assert sizes["chain"] == (200, 199)
    assert sizes["fan-out"] == (402, 1)


def test_the_ratio_compares_rates_because_the_sides_differ_in_size():
    shape = replace(chain(4), results=4, baseline=Baseline(Canvas.CHAIN, 2))
    timings = [EngineTiming(accepting=1, running=1), EngineTiming(accepting=2, running=2)]

    comparison = Comparison(shape, raw=[1.0, 2.0], engine=timings)

    assert (comparison.ratio, comparison.whole_ratio) == (2.0, 1.0)


def test_every_measurement_is_kept_with_the_machine_that_made_it(tmp_path: Path, pool):
    comparison = Comparison(chain(4), raw=[1.0], engine=[EngineTiming(0.5, 0.5)])

    report.write([comparison], Machine.here(pool), tmp_path / "kept" / "run.json")

    kept = orjson.loads((tmp_path / "kept" / "run.json").read_bytes())
    assert kept["machine"]["cpus"] >= 1
    assert kept["shapes"]["chain"]["running_seconds"] == [0.5]
    assert kept["shapes"]["chain"]["reached"] is True
