"""A real stack that knows the stand-in peers and the probe actions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from observing import Ledger

from pipeline_engine.client import Client
from pipeline_engine.demo.peers.behaviour import Behaviour
from pipeline_engine.demo.peers.process import PeersProcess
from pipeline_engine.embedded.stack import Stack

PEERS_TOKEN = "token-of-the-peers"
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
def stack_environment(peers_process: PeersProcess) -> dict[str, str]:
    """What the stack of these tests is told beyond the least."""
    return {
        "APP_API_TOKEN": PEERS_TOKEN,
        "PIPELINE_SERVICE_URLS": peers_process.service_urls,
        "PYTHONPATH": str(PLUGINS),
    }


@pytest.fixture
def peers(peers_process: PeersProcess, stack: Stack) -> PeersProcess:
    """The stand-ins, who send their events shuffled, some of them twice and some too early."""
    peers_process.control(callback_url=stack.api_url, token=PEERS_TOKEN, **USUAL, **TROUBLE)
    return peers_process


@pytest.fixture
def client(stack: Stack) -> Client:
    return Client(stack.api_url, stack.api_token)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")
