"""A real stack that knows the stand-in peers and the probe actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from support.installing import environment_of, make_database
from support.observing import Ledger
from support.strangers import PLUGINS as STRANGERS
from support.waiting import wait_until

from pipeline_engine.client import Client
from pipeline_engine.demo.peers.behaviour import Behaviour
from pipeline_engine.demo.peers.process import APPS, PeersProcess
from pipeline_engine.domain.scopes import FAR_REACHING, Scope
from pipeline_engine.embedded.servers import EmbeddedServers
from pipeline_engine.embedded.stack import Stack
from pipeline_engine.failpoints import ARMED_BY_FILE

Send = Callable[..., dict[str, Any]]
PEERS_TOKEN = "token-of-the-peers"
REDIS_DATABASE = 32  # far from the other tests' own: they flush it
#: What http_request may reach here: the services of these tests.
OPEN = {"PIPELINE_HTTP_ALLOWED_HOSTS": "127.0.0.1"}
#: Short, so that a test of recovery takes seconds.
FAST = {
    "PIPELINE_LEASE_SECONDS": "3",
    "PIPELINE_SWEEP_INTERVAL_SECONDS": "0.5",
    "PIPELINE_REPUBLISH_AFTER_SECONDS": "2",
}
PLUGINS = Path(__file__).parents[1] / "plugins" / "probe_pipeline_actions"
USUAL = {
    name: getattr(Behaviour(), name)
    for name in ("answer_delay", "slow_answers", "seed", "silent", "failing", "refusals")
}
TROUBLE = {"event_delay": [0.2, 1.5], "shuffle": True, "duplicates": 0.3, "early": 0.3}


@pytest.fixture(scope="session")
def peers_process() -> Iterator[PeersProcess]:
    with PeersProcess() as process:
        yield process


@pytest.fixture(scope="session")
def armed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder: a file in it, named after a place, kills the first process that comes past."""
    return tmp_path_factory.mktemp("armed")


@pytest.fixture(scope="session")
def stack_environment(peers_process: PeersProcess, armed: Path) -> dict[str, str]:
    """What the stacks of these tests are told beyond the least."""
    return {
        **FAST,
        "APP_API_TOKEN": PEERS_TOKEN,
        "PE_FAILPOINTS": f"{ARMED_BY_FILE}{armed}",
        "PIPELINE_SERVICE_URLS": peers_process.service_urls,
        "PIPELINE_PEERS_WITH_IDEMPOTENCY": ",".join(APPS),
        "PYTHONPATH": f"{PLUGINS}:{STRANGERS}",
        "PIPELINE_TRUSTED_PACKAGES": "probe-pipeline-actions",
    }


@pytest.fixture(scope="package")
def stack(
    servers: EmbeddedServers,
    migrated_template: str,
    stack_environment: Mapping[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """The stack of nearly all of these tests; it stops after the last one, for it is never idle."""
    database_url = make_database(servers, "acceptance", template=migrated_template)
    redis_url = servers.redis_url.removesuffix("/0") + f"/{REDIS_DATABASE}"
    environment = {**environment_of(database_url, redis_url), **OPEN, **stack_environment}
    with Stack.start(tmp_path_factory.mktemp("stack"), environment=environment) as running:
        yield running


@pytest.fixture(scope="package")
def tokens(stack: Stack) -> Callable[..., str]:
    """A way to make a token that may do this, for everybody; nobody here may do everything."""
    wait_until(lambda: is_there(stack), within=60, what="the API")
    bootstrap = Client(stack.api_url, stack.api_token)

    def make(*scopes: str) -> str:
        made = bootstrap.create_token("tests", scopes=[*scopes, Scope.OWNERS_ANY])
        return str(made["token"])

    return make


@pytest.fixture(scope="package")
def client_token(tokens: Callable[..., str]) -> str:
    return tokens(*set(Scope) - FAR_REACHING)


@pytest.fixture(scope="package")
def sender_token(tokens: Callable[..., str]) -> str:
    return tokens(Scope.EVENTS_SEND)


@pytest.fixture
def peers(peers_process: PeersProcess, stack: Stack, sender_token: str) -> PeersProcess:
    """The stand-ins, who send their events shuffled, some of them twice and some too early."""
    peers_process.control(callback_url=stack.api_url, token=sender_token, **USUAL, **TROUBLE)
    return peers_process


@pytest.fixture
def client(stack: Stack, client_token: str) -> Client:
    """A client of the stack, once that answers: the test before may have taken its web away."""
    wait_until(lambda: is_there(stack), within=60, what="the API")
    return Client(stack.api_url, client_token)


@pytest.fixture
def administrator(stack: Stack, client: Client) -> Client:
    """A client that may store pipelines of the system; the API answers."""
    return Client(stack.api_url, stack.api_token)


def is_there(stack: Stack) -> bool:
    try:
        return requests.get(f"{stack.api_url}/health", timeout=5).ok
    except requests.RequestException:
        return False


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


@pytest.fixture
def key() -> str:
    return str(uuid4())


@pytest.fixture
def send(stack: Stack, key: str, sender_token: str) -> Send:
    """Deliver one event for *key* as a CloudEvent and return the API's answer."""

    def deliver(number: int, delivery_id: str | None = None) -> dict[str, Any]:
        event = {
            "specversion": "1.0",
            "id": delivery_id or str(uuid4()),
            "source": "tests",
            "type": "news",
            "data": {"type": "news", "workflow_id": key, "number": number},
        }
        headers = {"Authorization": f"Bearer {sender_token}"}
        url = f"{stack.api_url}/api/v1/events"
        answer = requests.post(url, json=event, headers=headers, timeout=20)
        assert answer.status_code == 202, answer.text
        body: dict[str, Any] = answer.json()
        return body

    return deliver
