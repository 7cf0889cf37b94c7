"""Real servers for the tests: started once per run, emptied after each test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import redis as redis_client
import structlog
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from pipeline_engine.cli.db import upgrade
from pipeline_engine.config import Settings
from pipeline_engine.embedded.postgres import create_database
from pipeline_engine.embedded.servers import EmbeddedServers
from pipeline_engine.embedded.stack import Stack

TEMPLATE = "migrated"
API_TOKEN = "token-of-the-tests"
SECRET_KEY = "key-of-the-tests-and-of-nothing-else"
STACK_REDIS_DATABASE = 32  # far from the tests' own: they flush it
#: TRUNCATE would make new files for every table and index; most tests fill few of them.
EMPTY = """
DO $$
DECLARE
  name text;
  filled boolean;
BEGIN
  SET LOCAL lock_timeout = '5s';
  SET LOCAL session_replication_role = replica;  -- all rows go, no foreign key need be followed
  FOR name IN
    SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
  LOOP
    EXECUTE format('LOCK TABLE %I', name);
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO filled;
    IF filled THEN
      EXECUTE format('DELETE FROM %I', name);
    END IF;
  END LOOP;
END $$
"""
StartStack = Callable[..., AbstractContextManager[Stack]]
# Short, so that a test of recovery takes seconds.
FAST = {
    "PIPELINE_LEASE_SECONDS": "3",
    "PIPELINE_SWEEP_INTERVAL_SECONDS": "0.5",
    "PIPELINE_REPUBLISH_AFTER_SECONDS": "2",
}


def pytest_configure() -> None:
    """Log tracebacks as they are: structlog, left alone, paints every variable of every frame.

    That took a tenth of a second each, and there are thousands of actions here that raise.
    """
    *before, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(processors=[*before, plain])


@contextmanager
def open_directory() -> Iterator[Path]:
    """Make a folder that nobody, as whom root runs the servers, may enter; pytest's are closed."""
    directory = Path(tempfile.mkdtemp(prefix="pipeline-engine-tests-"))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


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


@pytest.fixture(scope="session")
def stack_environment() -> Mapping[str, str]:
    """What ``stack`` is told beyond the least; tests/acceptance has its own."""
    return {}


@pytest.fixture(scope="session")
def start_stack(
    servers: EmbeddedServers, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> StartStack:
    """A way to start real web, worker and beat processes with a database of their own."""

    def start(name: str, *, redis_database: int, **more: str) -> AbstractContextManager[Stack]:
        database_url = make_database(servers, name, template=migrated_template)
        redis_url = servers.redis_url.removesuffix("/0") + f"/{redis_database}"
        environment = {**environment_of(database_url, redis_url), **FAST, **more}
        return Stack.start(tmp_path_factory.mktemp(name), environment=environment)

    return start


@pytest.fixture(scope="session")
def stack(start_stack: StartStack, stack_environment: Mapping[str, str]) -> Iterator[Stack]:
    """The stack of acceptance tests; a module that needs another one starts its own."""
    with start_stack(
        "acceptance", redis_database=STACK_REDIS_DATABASE, **stack_environment
    ) as running:
        yield running


@pytest.fixture(scope="module")
def breakable_stack(stack_environment: Mapping[str, str]) -> Iterator[Stack]:
    """A stack with servers of its own, for tests that stop them."""
    # Workers are more patient than the servers are away: it is not the sweep that mends it all.
    patience = {"PIPELINE_LEASE_SECONDS": "30", "DB_RETRY_MAX_ATTEMPTS": "6"}
    environment = {**FAST, **stack_environment, **patience}
    with (
        open_directory() as directory,
        Stack.start(directory / "stack", environment=environment) as running,
    ):
        yield running


def environment_of(database_url: str, redis_url: str) -> dict[str, str]:
    """Return the least environment that the engine starts with."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PIPELINE_API_TOKEN": API_TOKEN,
        "PIPELINE_SECRET_KEY": SECRET_KEY,
    }


def make_database(servers: EmbeddedServers, name: str, *, template: str = "template1") -> str:
    """Create a database on the tests' server and return its address."""
    create_database(servers.database_url, name, template=template)
    return servers.database_url.removesuffix("/pipeline") + f"/{name}"


def empty_tables(engine: Engine) -> None:
    """Delete every row; a transaction that a test left open fails this instead of hanging it."""
    with engine.begin() as connection:
        connection.exec_driver_sql(EMPTY, execution_options={"no_parameters": True})
