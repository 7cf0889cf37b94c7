"""Transactions that begin with their first statement are transactions like any other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from pipeline_engine.config import Settings
from pipeline_engine.storage.postgres.session import autocommit, make_engine


@pytest.fixture
def eager(settings: Settings) -> Iterator[Engine]:
    """An engine as processes have it, whose connections begin transactions eagerly."""
    made = make_engine(settings)
    yield made
    made.dispose()


@pytest.fixture
def suspicious(settings: Settings) -> Iterator[Engine]:
    """An engine that asks every connection whether it lives."""
    made = make_engine(settings, trusted_seconds=0.0)
    yield made
    made.dispose()


@pytest.fixture
def notes(eager: Engine) -> Iterator[Connection]:
    """A connection with a table of its own, outside of any transaction."""
    with eager.connect() as connection:
        connection.exec_driver_sql(
            "CREATE TEMP TABLE notes (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)"
        )
        connection.commit()
        yield connection
        connection.rollback()


def ids(notes: Connection) -> list[int]:
    found = list(notes.exec_driver_sql("SELECT id FROM notes ORDER BY id").scalars())
    notes.rollback()
    return found


def state_of(engine: Engine, connection: Any) -> str:
    """What PostgreSQL says, to another one, of a connection of the driver."""
    with engine.connect() as other:
        return other.exec_driver_sql(
            "SELECT state FROM pg_stat_activity WHERE pid = %(pid)s",
            {"pid": connection.info.backend_pid},
        ).scalar_one()


def test_a_transaction_begins_in_one_message_with_its_first_statement_and_not_again(notes):
    look = "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()"

    sent = notes.exec_driver_sql(look).scalar_one()
    notes.exec_driver_sql("SELECT 1")
    notes.rollback()

    assert sent == f"BEGIN; {look}"
    assert notes.connection.dbapi_connection.notices == []  # there would be a warning


def test_a_commit_keeps_and_a_rollback_undoes_all_statements_since_the_one_before(notes):
    add = "INSERT INTO notes VALUES (%(id)s)"
    for number in (1, 2):
        notes.exec_driver_sql(add, {"id": number})
    notes.commit()
    for number in (3, 4):
        notes.exec_driver_sql(add, {"id": number})
    notes.rollback()

    assert ids(notes) == [1, 2]


def test_a_statement_that_runs_for_many_params_is_undone_for_all_of_them(notes):
    """The driver sends one for each, and would commit each."""
    notes.exec_driver_sql("INSERT INTO notes VALUES (1)")
    notes.commit()

    notes.execute(text("UPDATE notes SET id = id + :by"), [{"by": 10}, {"by": 20}])
    notes.rollback()

    assert ids(notes) == [1]


def test_a_session_whose_first_statement_is_one_for_many_params_can_roll_back(notes):
    with Session(notes) as session:
        session.execute(text("INSERT INTO notes VALUES (:id)"), [{"id": 1}, {"id": 2}])
        session.rollback()

    assert ids(notes) == []


def test_what_the_driver_has_put_together_itself_begins_a_transaction_too(notes):
    raw = notes.connection.dbapi_connection
    with raw.cursor() as cursor:
        cursor.execute(b"INSERT INTO notes VALUES (1)")
    raw.rollback()

    assert ids(notes) == []


def test_a_savepoint_may_be_the_first_of_a_transaction(notes):
    with notes.begin(), notes.begin_nested() as nested:
        notes.exec_driver_sql("INSERT INTO notes VALUES (1)")
        nested.rollback()

    assert ids(notes) == []


@pytest.mark.parametrize("wrong", ["SELECT FROM WHERE", "SELECT nothing", "SELECT 1 / 0"])
@pytest.mark.parametrize("is_first", [True, False])
def test_after_an_error_and_a_rollback_the_connection_is_as_good_as_before(
    notes, engine, wrong, is_first
):
    if not is_first:
        notes.exec_driver_sql("INSERT INTO notes VALUES (1)")
    with pytest.raises(DBAPIError) as caught:
        notes.exec_driver_sql(wrong)
    notes.rollback()
    idle = state_of(engine, notes.connection.dbapi_connection)
    notes.exec_driver_sql("INSERT INTO notes VALUES (2)")
    notes.commit()

    assert not caught.value.connection_invalidated
    assert idle == "idle"
    assert ids(notes) == [2]


def test_a_commit_that_is_refused_is_an_error_and_leaves_no_transaction_behind(notes, engine):
    notes.exec_driver_sql("INSERT INTO notes VALUES (1), (1)")
    with pytest.raises(IntegrityError):
        notes.commit()
    notes.rollback()

    assert state_of(engine, notes.connection.dbapi_connection) == "idle"
    assert ids(notes) == []


@pytest.mark.parametrize("end", ["commit", "rollback", "none"])
def test_no_transaction_stays_open_in_the_pool(eager, engine, end):
    with eager.connect() as connection:
        raw = connection.connection.dbapi_connection
        connection.exec_driver_sql("SELECT 1")
        within = state_of(engine, raw)
        getattr(connection, end, lambda: None)()

    assert (within, state_of(engine, raw)) == ("idle in transaction", "idle")


@pytest.mark.parametrize("end", ["commit", "rollback"])
def test_a_connection_that_dies_before_the_end_of_its_transaction_leaves_the_pool(eager, end):
    with eager.connect() as connection, eager.connect() as other:
        died = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        other.exec_driver_sql("SELECT pg_terminate_backend(%(pid)s, 5000)", {"pid": died})
        with pytest.raises(OperationalError) as caught:
            getattr(connection, end)()

    assert caught.value.connection_invalidated
    with eager.connect() as first, eager.connect() as second:
        alive = [c.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() for c in (first, second)]
    assert died not in alive


def test_a_transaction_of_another_isolation_level_begins_eagerly_and_is_the_only_one(eager):
    look = "SELECT current_setting('transaction_isolation'), query FROM pg_stat_activity"
    mine = " WHERE pid = pg_backend_pid()"
    with eager.connect() as connection:
        raw = connection.connection.dbapi_connection
        connection.execution_options(isolation_level="REPEATABLE READ")
        level, query = connection.exec_driver_sql(look + mine).one()
    with eager.connect() as connection:
        after, _ = connection.exec_driver_sql(look + mine).one()
        is_same = connection.connection.dbapi_connection is raw

    assert (level, after, is_same) == ("repeatable read", "read committed", True)
    assert query == f"BEGIN ISOLATION LEVEL REPEATABLE READ; {look + mine}"
    assert raw.notices == []  # such as that there is a transaction already


def test_a_connection_can_do_without_transactions(notes, engine):
    notes.execution_options(isolation_level="AUTOCOMMIT")
    notes.exec_driver_sql("INSERT INTO notes VALUES (1)")

    assert state_of(engine, notes.connection.dbapi_connection) == "idle"
    assert ids(notes) == [1]


def test_a_statement_that_commits_itself_leaves_a_connection_that_has_transactions_again(
    eager, engine
):
    with autocommit(eager) as connection:
        raw = connection.connection.dbapi_connection
        connection.exec_driver_sql("SELECT 1")
        alone = state_of(engine, raw)
    with eager.begin() as connection:
        is_same = connection.connection.dbapi_connection is raw
        connection.exec_driver_sql("SELECT 1")
        within = state_of(engine, raw)

    assert (alone, is_same, within) == ("idle", True, "idle in transaction")


def test_a_connection_that_died_while_it_was_idle_is_replaced(suspicious, engine):
    with suspicious.connect() as connection:
        died = connection.connection.dbapi_connection.info.backend_pid
    with engine.connect() as other:
        other.exec_driver_sql("SELECT pg_terminate_backend(%(pid)s, 5000)", {"pid": died})

    with suspicious.connect() as connection:
        alive = connection.connection.dbapi_connection.info.backend_pid

    assert alive != died


def test_a_connection_that_is_asked_whether_it_lives_begins_no_transaction(suspicious, engine):
    with suspicious.connect():
        pass

    with suspicious.connect() as connection:
        state = state_of(engine, connection.connection.dbapi_connection)

    assert state == "idle"
