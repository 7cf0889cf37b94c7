"""``pipeline-engine db`` on a real database."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from pipeline_engine.cli import main

# SQLAlchemy has no name for PostgreSQL's xid8 (the transaction of an event) when it reflects.
pytestmark = pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")


@pytest.fixture
def run(database_url, redis_url):
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PIPELINE_SECRET_KEY": "a key of sixteen or more",
    }
    return lambda *words: CliRunner().invoke(main, ["db", *words], env=environment)


@pytest.fixture
def an_old_execution(session):
    session.execute(
        text(
            "WITH r AS (INSERT INTO pipeline_revisions (id, revision, version, document)"
            " VALUES (gen_random_uuid(), 1, '1.0', '{}') RETURNING id)"
            " INSERT INTO executions (id, revision_id, name, given_params, params, initiator,"
            " status, finished_at) SELECT gen_random_uuid(), r.id, 'old', '{}', '{}', 'api',"
            " 'COMPLETED', now() - interval '40 days' FROM r"
        )
    )
    session.commit()


def test_upgrading_an_upgraded_database_changes_nothing_so_every_replica_may_try(run):
    done = run("upgrade")

    assert done.exit_code == 0
    assert "up to date" in done.output


def test_current_names_the_revision_that_the_database_is_at(run):
    done = run("current")

    assert "(head)" in done.output


def test_check_finds_no_drift_between_the_models_and_the_migrations(run):
    done = run("check")

    assert done.exit_code == 0, done.output


def test_check_fails_if_somebody_has_changed_the_schema_by_hand(run, engine):
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE stray (id integer)"))
    try:
        done = run("check")
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE stray"))

    assert done.exit_code == 1
    assert "stray" in done.output


def test_settings_that_cannot_be_used_are_named_in_one_sentence():
    done = CliRunner().invoke(main, ["db", "upgrade"], env={"DATABASE_URL": "mysql://x"})

    assert done.exit_code == 1
    assert "DATABASE_URL" in done.output
    assert "invalid_settings" in done.output


def test_a_dry_clean_up_counts_and_deletes_nothing(run, session, an_old_execution):
    looked = run("clean-up", "--dry-run")
    cleaned = run("clean-up")

    assert "1 executions" in looked.output
    assert "would be deleted" in looked.output
    assert "1 executions" in cleaned.output
    assert session.scalar(text("SELECT count(*) FROM executions")) == 0


def test_what_db_finds_can_be_read_by_programs(run):
    current, check = run("current", "--json"), run("check", "--json")
    cleaned = run("clean-up", "--dry-run", "--json")

    assert json.loads(current.stdout)["is_newest"] is True
    assert json.loads(check.stdout) == {"differs": False}
    assert json.loads(cleaned.stdout)["dry_run"] is True
