"""What the processes of a stack are told by their environment, and what its clients are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from pipeline_engine.embedded import leftovers
from pipeline_engine.embedded.credentials import Credentials
from pipeline_engine.embedded.home import Home
from pipeline_engine.embedded.ports import Ports
from pipeline_engine.embedded.postgres import postgres
from pipeline_engine.embedded.processes import Layout
from pipeline_engine.embedded.server import Server
from pipeline_engine.embedded.valkey import valkey

FLOWER_USER = "admin"
DATABASE_URL, REDIS_URL = "DATABASE_URL", "REDIS_URL"
#: Servers that are started unless the environment names one, by the variable that would.
SERVERS = {DATABASE_URL: "PostgreSQL", REDIS_URL: "Valkey"}
#: Variables that give access to the servers themselves; clients of the API do not need them.
OF_SERVERS = (DATABASE_URL, REDIS_URL, "PIPELINE_SECRET_KEY")


def without_ours(given: Mapping[str, str], credentials: Credentials) -> dict[str, str]:
    """Leave out what is empty, and servers that are this stack's own.

    A shell that ran ``env --servers`` names those; nobody else knows their passwords.
    """
    own = {
        DATABASE_URL: credentials.postgres_password,
        REDIS_URL: credentials.valkey_password,
    }
    return {
        name: value for name, value in given.items() if value and not _has(value, own.get(name))
    }


def _has(url: str, password: str | None) -> bool:
    try:
        return password is not None and urlsplit(url).password == password
    except ValueError:  # no address; the settings say what is wrong with it
        return False


def servers(
    home: Home, credentials: Credentials, given: Mapping[str, str], ports: Ports
) -> Iterator[Server]:
    """Yield what has to be started because the environment names no server of its kind."""
    if DATABASE_URL not in given:
        port = ports.of("PostgreSQL")
        yield postgres(home, password=credentials.postgres_password, port=port)
    if REDIS_URL not in given:
        yield valkey(home, password=credentials.valkey_password, port=ports.of("Valkey"))


def environment(
    home: Home,
    credentials: Credentials,
    given: Mapping[str, str],
    *,
    layout: Layout,
    started: tuple[Server, ...],
) -> dict[str, str]:
    """Return what the processes are told: the given environment, and what it left open."""
    made = {
        "PIPELINE_API_TOKEN": credentials.api_token,
        "PIPELINE_SECRET_KEY": credentials.secret_key,
        "PIPELINE_PUBLIC_URL": layout.web_url,
    }
    if layout.flower_port:
        made["PIPELINE_WORKER_EVENTS"] = "true"
        made["FLOWER_BASIC_AUTH"] = f"{FLOWER_USER}:{credentials.flower_password}"
    urls = {server.variable: server.url for server in started}
    if layout.flower_url:
        urls["FLOWER_URL"] = layout.flower_url
    return {**made, **given, **urls, leftovers.MARK: str(home.directory)}


def for_clients(told: Mapping[str, str], layout: Layout, token: str) -> dict[str, str]:
    """Return what a client of this stack needs in its environment."""
    exports = {"PIPELINE_API_URL": layout.web_url, "PIPELINE_API_TOKEN": token}
    if layout.flower_url:
        exports["FLOWER_URL"] = layout.flower_url
        exports["FLOWER_BASIC_AUTH"] = told["FLOWER_BASIC_AUTH"]
    return exports
