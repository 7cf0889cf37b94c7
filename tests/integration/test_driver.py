"""Statements that go past SQLAlchemy fail exactly as those that do not."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from pipeline_engine.storage.postgres import driver


def test_rows_come_as_the_driver_reads_them(engine):
    with engine.begin() as connection:
        rows = driver.fetch(connection, "SELECT %(n)s + 1, '{\"a\": [1]}'::jsonb", {"n": 1})

    assert rows == [(2, {"a": [1]})]


def test_an_error_has_the_class_and_the_code_that_a_repetition_looks_for(engine):
    with pytest.raises(DBAPIError) as caught, engine.begin() as connection:
        driver.fetch(connection, "SELECT 1 / %(zero)s", {"zero": 0, "secret": "hunter2"})

    assert caught.value.orig.pgcode == "22012"
    assert "hunter2" not in str(caught.value)


def test_a_connection_that_died_leaves_the_pool_so_that_the_next_attempt_works(engine):
    with engine.connect() as connection, engine.connect() as other:
        died = driver.fetch(connection, "SELECT pg_backend_pid()", {})
        driver.fetch(other, "SELECT pg_terminate_backend(%(pid)s)", {"pid": died[0][0]})
        with pytest.raises(OperationalError) as caught:
            driver.fetch(connection, "SELECT 1", {})

    assert caught.value.connection_invalidated
    with engine.begin() as connection:
        assert driver.fetch(connection, "SELECT pg_backend_pid()", {}) != died


def test_a_connection_prepares_a_statement_once_even_if_that_was_rolled_back(engine):
    sql = "SELECT %(n)s::int + 1, %(n)s::int * 2, %(word)s::text"
    with engine.connect() as connection:
        rows = driver.fetch_prepared(connection, sql, {"n": 1, "word": "a%s"})
        connection.rollback()
        again = driver.fetch_prepared(connection, sql, {"n": 2, "word": None})
        known = driver.fetch(
            connection,
            "SELECT count(*) FROM pg_prepared_statements WHERE statement ~ %(sql)s",
            {"sql": "\\* 2, "},
        )

    assert (rows, again) == ([(2, 2, "a%s")], [(3, 4, None)])
    assert known == [(1,)]


def test_a_statement_that_cannot_be_prepared_is_not_taken_for_one_that_is(engine):
    for _ in range(2):
        with pytest.raises(DBAPIError) as caught, engine.begin() as connection:
            driver.fetch_prepared(connection, "SELECT nothing", {})

        assert caught.value.orig.pgcode == "42703"


def test_a_connection_that_died_has_prepared_nothing_when_it_comes_back(engine):
    sql = "SELECT pg_backend_pid() + %(n)s::int"
    with engine.connect() as connection, engine.connect() as other:
        first = driver.fetch_prepared(connection, sql, {"n": 0})
        driver.fetch(other, "SELECT pg_terminate_backend(%(pid)s)", {"pid": first[0][0]})
        with pytest.raises(OperationalError):
            driver.fetch_prepared(connection, sql, {"n": 0})
        connection.rollback()

        again = driver.fetch_prepared(connection, sql, {"n": 0})

    assert again != first
