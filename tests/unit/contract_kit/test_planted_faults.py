"""The contract kit finds each kind of fault, and says which one it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.faulty_actions import CASE, FAULTS, PEERS, Batch, Fault, Job

from pipeline_engine.contract_kit import CLAUSES, Case, StandIns, broken_clauses
from pipeline_engine.contract_kit.action import Checked
from pipeline_engine.contract_kit.trial import Trial

BY_NAME = {clause.name: clause for clause in CLAUSES}


@pytest.fixture(scope="module")
def stand_ins():
    with StandIns(PEERS) as running:
        yield running


def test_an_action_that_keeps_its_contract_passes_with_events_and_with_items():
    assert broken_clauses(Job, [CASE, replace(CASE, secrets=["name"])], PEERS) == []
    assert broken_clauses(Batch, [Case(params={"name": "ab"}, succeeds=True)], PEERS) == []


@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda fault: f"{fault.action.__name__}-{fault.clause}"
)
def test_a_planted_fault_is_caught_by_its_clause_and_told_in_words(stand_ins, fault: Fault):
    clause = BY_NAME[fault.clause]
    trial = Trial(Checked.of(fault.action), fault.case, stand_ins)

    with pytest.raises(AssertionError) as breach:
        clause.check(trial)

    assert breach.value.clause == fault.clause
    assert fault.says in str(breach.value)
    assert clause.says in str(breach.value)
    assert "docs/howto/test-an-action.md" in str(breach.value)


def test_every_clause_has_caught_a_fault_or_nobody_would_know_that_it_can():
    assert {fault.clause for fault in FAULTS} == set(BY_NAME)
