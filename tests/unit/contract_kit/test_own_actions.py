"""The actions that come with the engine keep the contract that it asks of everybody's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from support.contract_cases import CASES, OWN_PEERS, PEERS
from support.stand_ins import stand_ins

from pipeline_engine.contract_kit import broken_clauses
from pipeline_engine.demo.peers.process import APPS
from pipeline_engine.registry import OWN_DISTRIBUTION, Registry

ACTIONS = [action for action in Registry.discover() if action.distribution == OWN_DISTRIBUTION]


@pytest.fixture(scope="module")
def peers() -> Iterator[Mapping[str, Any]]:
    with stand_ins() as running:
        running.control(silent=True)  # the kit tells of the jobs itself
        world = running.server.services.world
        world.put("profile", "p-1", {"id": "p-1"})
        world.put("guardrail", "d-1", {"id": "d-1"})
        yield {**PEERS, **{app: f"{running.server.url}/{app}" for app in APPS}}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.meta.type)
def test_a_built_in_action_keeps_its_contract(peers, action):
    own = OWN_PEERS.get(action.meta.type, {})

    breaches = broken_clauses(action, CASES[action.meta.type], {**peers, **own})

    assert "\n".join(map(str, breaches)) == ""


def test_the_cases_are_those_of_actions_that_there_are():
    assert set(CASES) == {action.meta.type for action in ACTIONS}
