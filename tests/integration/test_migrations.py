"""Migrations: numbered, in one line, reversible, and equal to the models."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, inspect

from pipeline_engine.cli.db import alembic_config, migrations_directory, upgrade
from pipeline_engine.storage.postgres.session import driver_url
from pipeline_engine.storage.tables.base import Base

# SQLAlchemy has no name for PostgreSQL's xid8 (the transaction of an event) when it reflects.
pytestmark = pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
NAME = re.compile(r"\d{4}_[a-z0-9_]+\.py")


@pytest.fixture
def database(empty_database_url: str) -> Iterator[Engine]:
    engine = create_engine(driver_url(empty_database_url))
    yield engine
    command.downgrade(alembic_config(empty_database_url), "base")
    engine.dispose()


@pytest.fixture(scope="module")
def scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(alembic_config("unused"))


def schema(connection: Connection) -> dict[str, list[str]]:
    """Every table with its columns, indexes and constraints, as text that can be compared."""
    looked = inspect(connection)
    return {
        table: sorted(
            [
                *(f"{c['name']} {c['type']} {c['nullable']}" for c in looked.get_columns(table)),
                *(f"{i['name']} {i['column_names']}" for i in looked.get_indexes(table)),
                *(str(check["name"]) for check in looked.get_check_constraints(table)),
                *(str(key["name"]) for key in looked.get_foreign_keys(table)),
            ]
        )
        for table in looked.get_table_names()
        if table != "alembic_version"
    }


def test_migrations_are_numbered_in_the_order_in_which_they_run(scripts):
    files = sorted(path.name for path in (migrations_directory() / "versions").glob("[0-9]*.py"))
    revisions = [script.revision for script in reversed(list(scripts.walk_revisions()))]

    assert all(NAME.fullmatch(name) for name in files)
    assert [name[:4] for name in files] == revisions
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]


def test_there_is_one_line_of_migrations(scripts):
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1


def test_up_down_and_up_again_gives_the_same_tables(database, empty_database_url):
    upgrade(empty_database_url)
    with database.connect() as connection:
        first = schema(connection)

    command.downgrade(alembic_config(empty_database_url), "base")
    with database.connect() as connection:
        nothing = schema(connection)
    upgrade(empty_database_url)
    with database.connect() as connection:
        second = schema(connection)

    assert nothing == {}
    assert first == second
    assert set(first) == set(Base.metadata.tables)


def test_every_step_of_the_way_can_be_taken_back(database, empty_database_url, scripts):
    config = alembic_config(empty_database_url)

    for script in reversed(list(scripts.walk_revisions())):
        command.upgrade(config, script.revision)
        command.downgrade(config, "-1")
        command.upgrade(config, script.revision)

    with database.connect() as connection:
        assert set(schema(connection)) == set(Base.metadata.tables)


def test_the_models_and_the_migrated_tables_are_the_same(database, empty_database_url):
    upgrade(empty_database_url)

    with database.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)

    assert differences == []


def test_a_migration_that_fails_leaves_nothing_behind(database, empty_database_url):
    with database.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE step_executions (id int)")  # in the way

    with pytest.raises(Exception, match="already exists"):
        upgrade(empty_database_url)

    with database.begin() as connection:
        left = set(schema(connection))
        connection.exec_driver_sql("DROP TABLE step_executions")
    assert left == {"step_executions"}
    upgrade(empty_database_url)


def test_an_upgrade_that_stops_on_the_way_ships_no_pipelines(database, empty_database_url):
    on_the_way = upgrade(empty_database_url, "0002")
    at_the_end = upgrade(empty_database_url)

    assert (on_the_way, len(at_the_end)) == ([], 3)
