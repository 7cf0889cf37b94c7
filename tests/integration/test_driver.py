"""Statements that go past SQLAlchemy fail exactly as those that do not."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from pipeline_engine.storage import driver


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
