"""``pipeline-engine db``: bring the database's schema to this version, or tell how far it is."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline_engine.cli.group import example
from pipeline_engine.cli.output import json_option, print_json
from pipeline_engine.errors import PipelineEngineError, StorageUnavailable

if TYPE_CHECKING:
    from alembic.config import Config

    from pipeline_engine.guardrails.shipping import Shipped

#: What is said of a pipeline, by what has become of it; nothing of one that says the same.
SAID_OF = {
    "created": "The pipeline {one.name} was stored.",
    "updated": "The pipeline {one.name} was updated: revision {one.revision}.",
    "kept": (
        "The pipeline {one.name} was edited here and stays as it is;"
        " --take-ours {one.name} replaces it."
    ),
    "newer": "The pipeline {one.name} is that of version {one.engine_version} and stays.",
}
STOP = (signal.SIGINT, signal.SIGTERM)


class SchemaDiffers(PipelineEngineError):
    """The database's schema is not that of this version."""

    code = "schema_differs"


def upgrade(
    database_url: str, revision: str = "head", *, take_ours: Collection[str] = ()
) -> Sequence[Shipped]:
    """Migrate the database at *database_url* up to *revision*.

    At the newest one the pipelines that come with the engine are stored. Raises
    ``StorageUnavailable``.
    """
    from alembic import command
    from sqlalchemy.exc import OperationalError

    config = alembic_config(database_url)
    try:
        command.upgrade(config, revision)
        return _ship(database_url, config, take_ours)
    except OperationalError as error:
        raise StorageUnavailable(f"The database cannot be reached: {error.orig}") from error


def _ship(database_url: str, config: Config, take_ours: Collection[str]) -> Sequence[Shipped]:
    """Store our pipelines; none in a database that is not (yet) at the newest revision."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from sqlalchemy.orm import Session

    from pipeline_engine.guardrails import shipping
    from pipeline_engine.registry import Registry, own_entry_points
    from pipeline_engine.storage.postgres.session import make_engine

    engine = make_engine(database_url)
    try:
        with Session(engine) as session, session.begin():
            at = MigrationContext.configure(session.connection()).get_current_heads()
            if set(at) != set(ScriptDirectory.from_config(config).get_heads()):
                return []
            actions = Registry.discover(own_entry_points())
            return shipping.ship(session, actions, take_ours=take_ours)
    finally:
        engine.dispose()


def alembic_config(database_url: str) -> Config:
    """Return what Alembic needs to know; ``migrations/env.py`` reads ``attributes``."""
    from alembic.config import Config

    config = Config(attributes={"database_url": database_url}, stdout=sys.stdout)
    # "%" is special to the configuration parser, and allowed in a path.
    config.set_main_option("script_location", str(migrations_directory()).replace("%", "%%"))
    return config


def migrations_directory() -> Path:
    """Return where the migrations are installed: the checkout, or site-packages."""
    spec = find_spec("pipeline_engine_migrations")
    folders = spec.submodule_search_locations if spec else None
    assert folders, "setup.py ships the migrations"
    return Path(next(iter(folders)))


@click.group("db")
def db() -> None:
    """Look after the database's schema."""


@db.command("upgrade", epilog=example("pipeline-engine db upgrade"))
@click.argument("revision", default="head")
@click.option("--stay", is_flag=True, help="Do not end until told to (SIGTERM, Ctrl-C).")
@click.option(
    "--take-ours",
    multiple=True,
    metavar="NAME",
    help="Let this shipped pipeline be ours again, whoever has edited it.",
)
@json_option
def upgrade_command(revision: str, stay: bool, take_ours: tuple[str, ...], as_json: bool) -> None:
    """Migrate the database of DATABASE_URL up (to REVISION, or to the newest).

    Then store the pipelines that come with the engine, but for those that somebody has edited.

    No other setting is needed. Managers of processes such as honcho stop all of them when one
    ends: with --stay this one does not.
    """
    from pipeline_engine.config import Settings

    if stay:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    shipped = upgrade(Settings.database_url_from_env(), revision, take_ours=take_ours)
    if as_json:
        print_json({"revision": revision, "pipelines": [asdict(one) for one in shipped]})
    else:
        click.echo("The schema is up to date.")
        for one in shipped:
            if words := SAID_OF.get(one.outcome):
                click.echo(words.format(one=one))
    if stay:
        signal.sigwait(STOP)


@db.command(epilog=example("pipeline-engine db current"))
@json_option
def current(as_json: bool) -> None:
    """Print the revision that the database is at."""
    from alembic import command

    from pipeline_engine.config import Settings

    config = alembic_config(Settings.database_url_from_env())
    if as_json:
        config.stdout = said = io.StringIO()
    command.current(config)
    if as_json:
        revision, _, newest = said.getvalue().strip().partition(" ")
        print_json({"revision": revision or None, "is_newest": newest == "(head)"})


@db.command(epilog=example("pipeline-engine db check"))
@json_option
def check(as_json: bool) -> None:
    """Fail if the models and the database's schema differ."""
    from alembic import command
    from alembic.util.exc import AutogenerateDiffsDetected

    from pipeline_engine.config import Settings

    config = alembic_config(Settings.database_url_from_env())
    if as_json:
        config.stdout = io.StringIO()  # Alembic's own sentence
    try:
        command.check(config)
    except AutogenerateDiffsDetected as drift:
        raise SchemaDiffers(str(drift)) from drift
    if as_json:
        print_json({"differs": False})


@db.command("clean-up", epilog=example("pipeline-engine db clean-up --dry-run"))
@click.option("--dry-run", is_flag=True, help="Only count what would be deleted.")
@json_option
def clean_up(dry_run: bool, as_json: bool) -> None:
    """Delete executions that ended more than PIPELINE_RETENTION_DAYS ago; beat does it nightly."""
    from pipeline_engine.config import Settings
    from pipeline_engine.services import Runtime, retention

    runtime = Runtime.start(Settings.from_env())
    try:
        cleaned = retention.clean_up(runtime, dry_run=dry_run)
    finally:
        runtime.stop()
    if as_json:
        print_json(asdict(cleaned) | {"cutoff": cleaned.cutoff.isoformat()})
        return
    done = "would be deleted" if dry_run else "deleted"
    before = f"{cleaned.cutoff:%Y-%m-%d}"
    click.echo(f"{cleaned.executions} executions that ended before {before} {done}.")
