"""All clauses of the contract, in the order in which they are checked."""

from __future__ import annotations

from pipeline_engine.contract_kit.clause import Clause
from pipeline_engine.contract_kit.clauses import (
    description,
    ends,
    events,
    fan_outs,
    repeats,
    results,
)

CLAUSES: tuple[Clause, ...] = tuple(
    found
    for module in (description, results, repeats, events, ends, fan_outs)
    for found in vars(module).values()
    if isinstance(found, Clause)
)
