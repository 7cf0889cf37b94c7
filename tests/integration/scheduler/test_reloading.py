"""With ``PIPELINE_RELOAD`` an execution that is under way goes on with what its author saves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine
from support.authors import Author, an_author
from support.driving import Driver
from support.waiting import wait_until

from pipeline_engine.config import Settings
from pipeline_engine.scheduler.runtime import Runtime


@pytest.fixture
def author(tmp_path: Path) -> Iterator[Author]:
    with an_author(tmp_path, "author_of_an_execution") as made:
        yield made


@pytest.fixture
def driver(author: Author, engine: Engine, settings: Settings) -> Iterator[Driver]:
    runtime = Runtime.start(replace(settings, reload=True), registry=author.registry)
    yield Driver(runtime)
    runtime.stop()


def test_a_saved_file_is_live_on_the_next_step(author: Author, driver: Driver) -> None:
    one = {"id": "one", "name": "One", "action": f"{author.package}_one"}
    execution = driver.start(one, one | {"id": "two", "depends_on": ["one"]})
    driver.settle_only(execution)
    before = author.registry.changes

    author.save("words", "WORD = 'second'")
    wait_until(lambda: author.registry.look() > before, within=5)
    found = driver.finish(execution)

    said = [(found.step(step).outputs or {})["said"] for step in ("one", "two")]
    assert said == ["first", "second"]
