"""What the servers and the stacks of the tests are made of."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline_engine.embedded.postgres import create_database
from pipeline_engine.embedded.servers import EmbeddedServers

API_TOKEN = "token-of-the-tests"
SECRET_KEY = "key-of-the-tests-and-of-nothing-else"


@contextmanager
def open_directory() -> Iterator[Path]:
    """Make a folder that nobody, as whom root runs the servers, may enter; pytest's are closed."""
    directory = Path(tempfile.mkdtemp(prefix="pipeline-engine-tests-"))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def make_database(servers: EmbeddedServers, name: str, *, template: str = "template1") -> str:
    """Create a database on the tests' server and return its address."""
    create_database(servers.database_url, name, template=template)
    return servers.database_url.removesuffix("/pipeline") + f"/{name}"


def environment_of(database_url: str, redis_url: str) -> dict[str, str]:
    """Return the least environment that the engine starts with."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PIPELINE_API_TOKEN": API_TOKEN,
        "PIPELINE_SECRET_KEY": SECRET_KEY,
    }
