"""What it costs to share a queue grows with the number of its owners, not with what they queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from pipeline_engine.storage import admission, shares

#: Steps that one owner has queued.
QUEUED = 20_000
#: Pages that a statement may read for a few owners.
MOST_PAGES = 100
FILL = """
WITH pipeline AS (
    INSERT INTO pipeline_revisions (id, pipeline_id, revision, version, document)
    SELECT gen_random_uuid(), NULL, 1, '1', '{}' RETURNING id
), execution AS (
    INSERT INTO executions (id, revision_id, name, given_params, params, initiator, user_id)
    SELECT gen_random_uuid(), pipeline.id, 'x', '{}', '{}', 'api', owner
    FROM pipeline, unnest(%(owners)s::text[]) AS owner RETURNING id, user_id
)
INSERT INTO step_executions (execution_id, step_id, name, action, kind, sequence_number, queue,
    cheap, owner, queued_at, publish_count)
SELECT execution.id, 's' || n, 's', 'log', 'step', n, 'io', false, user_id,
    now() - interval '1 hour' + n * interval '1 millisecond', 9
FROM execution, generate_series(1, CASE user_id WHEN 'many' THEN %(queued)s ELSE 5 END) AS n
"""


@pytest.fixture(autouse=True)
def queued(engine: Engine) -> None:
    """One owner has many steps in a queue, three others have five each."""
    with engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE step_executions, executions CASCADE")
        owners = ["early", "many", "other", "zoe"]
        connection.exec_driver_sql(FILL, {"owners": owners, "queued": QUEUED})
        connection.exec_driver_sql("ANALYZE step_executions")


def pages(connection: Connection, sql: str, values: dict[str, Any]) -> int:
    """How many pages a statement reads."""
    explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}"
    plan = connection.exec_driver_sql(explained, values).scalar_one()[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def test_who_waits_and_what_is_next_is_looked_up_without_reading_what_is_queued(engine):
    nobody: dict[str, Any] = {"queue": "io", "beginning": "", "step": None}
    with engine.begin() as connection:
        found = {
            "waiting": pages(connection, shares.WAITING, nobody),
            "many": pages(
                connection, shares.LOCK_NEXT, {"queue": "io", "owner": "many", "most": 5}
            ),
            "few": pages(connection, shares.LOCK_NEXT, {"queue": "io", "owner": "zoe", "most": 5}),
            "blocking": pages(
                connection, shares.BLOCKING, nobody | {"waiting_for": "1 s", "most": 16}
            ),
        }
        owners = shares.waiting(connection, "io").names
        again = pages(connection, admission.QUEUE_DUE, {"limit": 500})

    assert owners == ("early", "many", "other", "zoe")
    assert all(read < MOST_PAGES for read in found.values()), found
    assert again < MOST_PAGES


def test_what_was_sent_again_a_moment_ago_is_not_read_by_the_next_sweep(engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE step_executions SET queued_at = now()")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM step_executions")
    with engine.begin() as connection:
        values = {"patience": timedelta(seconds=30), "limit": 500}
        read = pages(connection, admission.REQUEUE_UNCLAIMED, values)

    assert read < MOST_PAGES
