"""What budapp answers may be anything: it is read, or refused, and never breaks a request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.local_service import Answer, LocalService, SomeSettings, local_service

from pipeline_engine.errors import InvalidGuardrailStep, PeerUnavailable
from pipeline_engine.guardrails.peers import Budapp, look_up
from pipeline_engine.guardrails.rules.steps import State
from pipeline_engine.sdk import Peers

PROBE, ENDPOINTS = "GET /guardrails/probe/p1", "GET /endpoints"
ASKED = State(given={"project_id": "project-1", "probe_selections": [{"id": "p1"}]})


@pytest.fixture(scope="module")
def service() -> Iterator[LocalService]:
    with local_service() as running:
        yield running


@pytest.fixture
def budapp(service: LocalService) -> Iterator[Budapp]:
    rule = {"id": "r1", "model_uri": "org/one", "model_id": "m1"}
    service.answer("GET /projects/project-1", {"project": {"id": "project-1"}})
    service.answer(PROBE, {"probe": {"id": "p1", "rules": [rule]}})
    service.answer(ENDPOINTS, {"endpoints": []})
    service.turns.clear()
    peers = Peers(SomeSettings({"budapp": service.url}))
    yield Budapp(peers, "budapp", "alice")
    peers.close()


@pytest.mark.parametrize("text", ["NUL: \0", "half a pair: \ud800"])
def test_what_no_row_can_keep_is_told_and_not_run_into(
    service: LocalService, budapp: Budapp, text: str
) -> None:
    service.answer(PROBE, {"probe": {"rules": [{"id": "r1", "model_uri": text}]}})

    with pytest.raises(PeerUnavailable, match="nobody can keep"):
        look_up(budapp, State(), ASKED, {}, refresh=False)


@pytest.mark.parametrize("status", [403, 404])
def test_a_project_whose_endpoints_nobody_may_see_has_not_none(
    service: LocalService, budapp: Budapp, status: int
) -> None:
    service.answer(ENDPOINTS, {"message": "No"}, status=status)

    with pytest.raises(InvalidGuardrailStep) as refused:
        look_up(budapp, State(), ASKED, {}, refresh=False)

    (problem,) = refused.value.facts["problems"]
    assert (problem.pointer, problem.code) == ("/project_id", "unknown_project")


def test_a_peer_that_gives_fewer_at_once_than_it_was_asked_for_is_asked_for_the_rest(
    service: LocalService, budapp: Budapp
) -> None:
    first = {"endpoints": [{"id": "e1", "model_id": "m2", "status": "running"}], "total_record": 2}
    second = {"endpoints": [{"id": "e2", "model_id": "m1", "status": "running"}], "total_record": 2}
    service.answer_in_turn(ENDPOINTS, Answer(body=first), Answer(body=second))

    found: Any = look_up(budapp, State(), ASKED, {}, refresh=False).statuses

    assert [one["endpoint_id"] for one in found] == ["e2"]
