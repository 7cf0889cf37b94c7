"""What a process remembers of executions, while many threads ask for it."""

from __future__ import annotations

import time

from support.driving import in_background
from support.factories import a_step

from pipeline_engine.scheduler.runtime import KEPT_FACTS


def test_facts_are_found_although_other_threads_crowd_them_out(drive):
    driver = drive()
    first = driver.start(a_step("a"))
    driver.change(
        "INSERT INTO executions (id, revision_id, name, given_params, params, initiator)"
        " SELECT gen_random_uuid(), revision_id, name, given_params, params, initiator"
        " FROM executions, generate_series(1, %(n)s) WHERE id = %(id)s",
        n=KEPT_FACTS + 50,
        id=str(first),
    )
    with driver.runtime.engine.connect() as connection:
        ids = list(connection.exec_driver_sql("SELECT id FROM executions").scalars())
    ends_at = time.monotonic() + 0.7

    def ask() -> None:
        with driver.runtime.engine.connect() as connection:
            while time.monotonic() < ends_at:
                for asked in ids:
                    assert driver.runtime.facts(connection, [asked])[asked].id == asked

    with in_background(ask, ask, ask, ask):
        pass


def test_an_execution_that_does_not_exist_has_no_facts(drive):
    driver = drive()

    with driver.runtime.engine.connect() as connection:
        assert driver.runtime.facts(connection, []) == {}
