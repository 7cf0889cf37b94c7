"""Checks that an action keeps the contract of the engine, in its author's own tests.

``ActionContract`` is a base class for a test class, ``Case`` one way to use the action. Nothing
here imports pytest but ``plugin``, which checks installed actions from the command line.
Reading order: marks, case, stand_ins, engine, trial, clause, clauses/, contract, plugin.
"""

from __future__ import annotations

from pipeline_engine.contract_kit.case import Case
from pipeline_engine.contract_kit.clause import Breach, Clause
from pipeline_engine.contract_kit.clauses import CLAUSES
from pipeline_engine.contract_kit.contract import ActionContract, broken_clauses
from pipeline_engine.contract_kit.marks import JOB_ID, NEW_ID, peer_url
from pipeline_engine.contract_kit.stand_ins import StandIns

__all__ = [
    "CLAUSES",
    "JOB_ID",
    "NEW_ID",
    "ActionContract",
    "Breach",
    "Case",
    "Clause",
    "StandIns",
    "broken_clauses",
    "peer_url",
]
