"""The stand-ins, and users who go through workflows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session
from support.guardrails import ALICE, GuardrailDriver, Wizard, peers_of
from support.history_rows import a_pipeline
from support.runtimes import MakeRuntime
from support.stand_ins import StandIns, stand_ins

from pipeline_engine.domain.callers import Caller

DOCUMENTS = Path(__file__).parents[3] / "pipeline_engine" / "guardrails" / "pipelines"


@pytest.fixture(scope="module")
def peers() -> Iterator[StandIns]:
    with stand_ins() as running:
        yield running


@pytest.fixture
def driver(make_runtime: MakeRuntime, peers: StandIns, session: Session) -> GuardrailDriver:
    """Workers with the shipped pipelines, and the stand-ins as their peers."""
    for path in sorted(DOCUMENTS.glob("guardrail-*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        a_pipeline(session, name=document["name"], document=document, system_owned=True)
    session.commit()
    peers.reset()
    return GuardrailDriver(make_runtime(service_urls=peers_of(peers)), peers)


@pytest.fixture
def begin(driver: GuardrailDriver) -> Callable[..., Wizard]:
    """A way to let a user begin a workflow."""

    def begin(caller: Caller = ALICE, **facts: str) -> Wizard:
        return Wizard(driver, caller, **facts)

    return begin
