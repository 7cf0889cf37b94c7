"""A real PostgreSQL: ``initdb`` once, then ``postgres`` on a loopback port with a password."""

from __future__ import annotations

import shutil
import signal
import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg2
from psycopg2 import sql

from pipeline_engine.embedded.binaries import postgres_binaries
from pipeline_engine.embedded.credentials import write_private
from pipeline_engine.embedded.errors import ServerFailed
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.ports import LOOPBACK
from pipeline_engine.embedded.privileges import open_folder, run_as
from pipeline_engine.embedded.programs import Program, Stage
from pipeline_engine.embedded.server import Server

USER = "pipeline"
DATABASE = "pipeline"
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC"}
INITDB = (
    f"--username={USER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    # PostgreSQL's own collation: the same order on every operating system.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # one way in, and no limit on the length of a path
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # short queries: compiling one costs more than running it
    "autovacuum_naptime": "10s",  # rows of steps are rewritten often
    "idle_in_transaction_session_timeout": "5min",
}
# For tests: nothing survives a crash of the machine, and nothing has to.
VOLATILE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "1min",  # each look at each database starts a process
}


def postgres(home: Home, *, password: str, port: int, durable: bool = True) -> Server:
    """Return the PostgreSQL of this stack, with its data initialised."""
    binaries = postgres_binaries(home.account)
    cluster = home.servers / "postgres"
    open_folder(home.servers)
    if not cluster.exists():
        _initialise(home, cluster, binaries, password)
    settings = SETTINGS | {"port": str(port)} | ({} if durable else VOLATILE)
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    program = Program(
        name="postgres",
        command=(str(binaries / "postgres"), "-D", str(cluster), *options),
        environment=ENVIRONMENT,
        stage=Stage.SERVERS,
        speaks=False,
        account=home.account,
        directory=home.servers,
        stop_signal=signal.SIGINT,  # "fast": ends sessions, then writes a checkpoint
        stop_within=timedelta(seconds=30),
        orphan_signal=signal.SIGINT,
    )
    url = f"postgresql://{USER}:{password}@{LOOPBACK}:{port}"
    return Server(
        program,
        "DATABASE_URL",
        f"{url}/{DATABASE}",
        lambda: _answers(f"{url}/postgres"),
    )


def create_database(url: str, name: str, *, template: str = "template1") -> None:
    """Create a database on the server of *url* unless it has one of that name."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
                cursor.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def _answers(url: str) -> bool:
    try:
        create_database(f"{url}?connect_timeout=2", DATABASE)
    except psycopg2.OperationalError:
        return False
    return True


def _initialise(home: Home, cluster: Path, binaries: Path, password: str) -> None:
    """Run ``initdb`` beside the final place, so that a kill leaves no half-made cluster."""
    fresh, secret = cluster.with_name("postgres.new"), cluster.with_name("postgres.password")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    write_private(secret, password)
    if home.account:
        home.account.owns(fresh)
        home.account.owns(secret)
    command = (str(binaries / "initdb"), f"--pgdata={fresh}", f"--pwfile={secret}", *INITDB)
    done = subprocess.run(  # noqa: S603 (the command is ours)
        command,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=home.servers,  # ours may be closed to the account
        **run_as(home.account),
    )
    secret.unlink()
    if done.returncode:
        raise ServerFailed(f"PostgreSQL's initdb failed: {done.stderr.strip()}")
    fresh.rename(cluster)
