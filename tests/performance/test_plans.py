"""A prepared statement does not keep a plan that the tables have outgrown."""

from __future__ import annotations

from pipeline_engine.storage.postgres import driver


def test_a_plan_that_was_made_for_an_empty_table_is_not_kept_when_the_table_has_grown(engine):
    sql, wanted = "SELECT id FROM growing WHERE id = %(id)s::int", {"id": 7}

    def plan(connection):
        name = connection.info[driver.PREPARED][sql]
        rows = driver.fetch(connection, f"EXPLAIN EXECUTE {name} (7)", {})
        return rows[0][0].split(" on ")[0].split(" using ")[0]

    with engine.connect() as connection:
        driver.run(connection, "SET LOCAL plan_cache_mode TO force_generic_plan", {})
        driver.run(connection, "CREATE TEMP TABLE growing (id int PRIMARY KEY) ON COMMIT DROP", {})
        driver.run(connection, "ANALYZE growing", {})
        driver.fetch_prepared(connection, sql, wanted)
        driver.run(connection, "INSERT INTO growing SELECT generate_series(1, 20000)", {})
        driver.fetch_prepared(connection, sql, wanted)
        kept = plan(connection)
        connection.info[driver.PLANNED] -= driver.PLANNED_SECONDS
        found = driver.fetch_prepared(connection, sql, wanted)
        renewed = plan(connection)

    assert (kept, renewed) == ("Seq Scan", "Index Only Scan")
    assert found == [(7,)]
