"""Real servers for the tests: started once per run, emptied after each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_client
import structlog
from scheduling import WholeFiles
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session
from support.installing import environment_of, make_database, open_directory

from pipeline_engine.cli.db import upgrade
from pipeline_engine.config import Settings
from pipeline_engine.embedded.servers import EmbeddedServers

TEMPLATE = "migrated"
#: TRUNCATE makes new files for every table and index, which costs as much as a small test; deleted
#: rows stay in the way until somebody vacuums.  So only what has grown beyond some pages gets them.
EMPTY = """
DO $$
DECLARE
  tables regclass[] := ARRAY(
    SELECT format('%I', tablename)::regclass FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
  );
  one regclass;
BEGIN
  SET LOCAL lock_timeout = '5s';
  -- All rows go: no foreign key need be followed, and the audit log has to let go of its own.
  SET LOCAL session_replication_role = replica;
  IF (SELECT max(pg_relation_size(name)) FROM unnest(tables) AS name) > 16 * 8192 THEN
    EXECUTE 'TRUNCATE ' || array_to_string(tables, ', ') || ' CASCADE';
    RETURN;
  END IF;
  EXECUTE 'LOCK TABLE ' || array_to_string(tables, ', ');
  FOREACH one IN ARRAY tables LOOP
    IF pg_relation_size(one) > 0 THEN
      EXECUTE format('DELETE FROM %s', one);
    END IF;
  END LOOP;
END $$
"""


def pytest_configure() -> None:
    """Log tracebacks as they are: structlog, left alone, paints every variable of every frame.

    That took a tenth of a second each, and there are thousands of actions here that raise.
    """
    *before, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(processors=[*before, plain])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeFiles:
    return WholeFiles(config, log)


@pytest.fixture
def server_directory() -> Iterator[Path]:
    """A folder for the servers of one test."""
    with open_directory() as directory:
        yield directory


@pytest.fixture(scope="session")
def servers() -> Iterator[EmbeddedServers]:
    """PostgreSQL and Valkey for this run; with xdist, a pair for each worker."""
    with open_directory() as directory, EmbeddedServers.start(directory, durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def empty_database_url(servers: EmbeddedServers) -> str:
    """A database without tables, for the tests of the migrations themselves."""
    return make_database(servers, "empty")


@pytest.fixture(scope="session")
def migrated_template(servers: EmbeddedServers) -> str:
    """The name of a migrated database that others are copied from; nobody stays connected."""
    upgrade(make_database(servers, TEMPLATE))
    return TEMPLATE


@pytest.fixture(scope="session")
def database_url(servers: EmbeddedServers, migrated_template: str) -> str:
    """A migrated database; ask for ``engine`` or ``session`` to have it emptied afterwards."""
    return make_database(servers, "tests", template=migrated_template)


@pytest.fixture(scope="session")
def redis_url(servers: EmbeddedServers) -> str:
    """Database 0 of Valkey; ask for ``redis`` to have it emptied afterwards."""
    return servers.redis_url


@pytest.fixture(scope="session")
def settings(database_url: str, redis_url: str) -> Settings:
    return Settings.from_env(environment_of(database_url, redis_url))


@pytest.fixture(scope="session")
def pool(database_url: str) -> Iterator[Engine]:
    """The connections of the whole run; tests take ``engine``."""
    engine = create_engine(database_url.replace("postgresql://", "postgresql+psycopg2://"))
    empty_tables(engine)  # of what has come with the schema
    yield engine
    engine.dispose()


@pytest.fixture
def engine(pool: Engine) -> Iterator[Engine]:
    """An engine on the migrated database, whose tables are empty again after the test."""
    yield pool
    empty_tables(pool)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session that a test may commit; what it leaves is deleted."""
    with Session(engine) as opened:
        yield opened


@pytest.fixture
def redis(redis_url: str) -> Iterator[redis_client.Redis]:
    """A client of the tests' Redis, which is empty again after the test."""
    with redis_client.Redis.from_url(redis_url) as client:
        yield client
        client.flushdb()


def empty_tables(engine: Engine) -> None:
    """Delete every row; a transaction that a test left open fails this instead of hanging it."""
    with engine.begin() as connection:
        connection.exec_driver_sql(EMPTY, execution_options={"no_parameters": True})
