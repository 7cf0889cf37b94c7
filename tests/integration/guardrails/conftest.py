"""The stand-ins, and users who go through workflows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.orm import Session
from support.guardrails import ALICE, GuardrailDriver, Wizard, peers_of
from support.runtimes import MakeRuntime
from support.stand_ins import StandIns, stand_ins

from pipeline_engine.domain.callers import Caller
from pipeline_engine.guardrails import shipping


@pytest.fixture(scope="module")
def peers() -> Iterator[StandIns]:
    with stand_ins() as running:
        yield running


@pytest.fixture
def driver(make_runtime: MakeRuntime, peers: StandIns, session: Session) -> GuardrailDriver:
    """Workers with the shipped pipelines, and the stand-ins as their peers."""
    runtime = make_runtime(service_urls=peers_of(peers))
    shipping.ship(session, runtime.registry)
    session.commit()
    peers.reset()
    return GuardrailDriver(runtime, peers)


@pytest.fixture
def begin(driver: GuardrailDriver) -> Callable[..., Wizard]:
    """A way to let a user begin a workflow."""

    def begin(caller: Caller = ALICE, **facts: str) -> Wizard:
        return Wizard(driver, caller, **facts)

    return begin
