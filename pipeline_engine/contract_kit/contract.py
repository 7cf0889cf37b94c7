"""What an author writes: a class with an action and its cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, ClassVar

from pipeline_engine.contract_kit.action import Checked
from pipeline_engine.contract_kit.case import Case
from pipeline_engine.contract_kit.clause import Breach, Clause
from pipeline_engine.contract_kit.clauses import CLAUSES
from pipeline_engine.contract_kit.stand_ins import Peer, StandIns
from pipeline_engine.contract_kit.trial import Trial

NO_CASES: Sequence[Case] = ()
NO_PEERS: Mapping[str, Peer] = {}


class ActionContract:
    """Extend it in a test class of pytest: each clause is a test for each case.

    ``action`` is the class that ``register_action`` was given, or the type of an installed action.
    ``cases`` are ways to use it; without any, the examples of its metadata are. ``peers`` are those
    that it calls, by name: a table ``{"POST /jobs": answer}``, a WSGI application, or the address
    of a server that your tests have started.
    """

    action: ClassVar[Any]
    cases: ClassVar[Sequence[Case]] = NO_CASES
    peers: ClassVar[Mapping[str, Peer]] = NO_PEERS

    _stand_ins: ClassVar[StandIns]

    @classmethod
    def setup_class(cls) -> None:
        """Start the peers."""
        cls._stand_ins = StandIns(cls.peers).__enter__()

    @classmethod
    def teardown_class(cls) -> None:
        """Stop them."""
        cls._stand_ins.__exit__()

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Make a test of each clause and each case that says enough for it."""
        if {"clause", "case"} <= set(metafunc.fixturenames):
            pairs = [*applicable(Checked.of(self.action), self.cases)]
            ids = [pair_name(clause, case, number) for clause, case, number in pairs]
            metafunc.parametrize(("clause", "case"), [pair[:2] for pair in pairs], ids=ids)

    def test_contract(self, clause: Clause, case: Case) -> None:
        """Check one clause in one case."""
        clause.check(Trial(Checked.of(self.action), case, self._stand_ins))


def broken_clauses(
    action: Any, cases: Sequence[Case] = NO_CASES, peers: Mapping[str, Peer] = NO_PEERS
) -> list[Breach]:
    """Check an action without pytest, and return every breach; empty if it keeps its contract."""
    checked, breaches = Checked.of(action), []
    with StandIns(peers) as stand_ins:
        for clause, case, _ in applicable(checked, cases):
            try:
                clause.check(Trial(checked, case, stand_ins))
            except Breach as breach:
                breaches.append(breach)
    return breaches


def applicable(action: Checked, cases: Sequence[Case]) -> Iterator[tuple[Clause, Case, int]]:
    """Each clause with each case that says enough for it, and the number of that case."""
    given = cases or [Case(params=dict(example.params)) for example in action.meta.examples]
    for clause, (number, case) in product(CLAUSES, enumerate(given or [Case()])):
        if clause.applies(case) and not (clause.once and number):
            yield clause, case, number


def pair_name(clause: Clause, case: Case, number: int) -> str:
    """What the check of a clause in a case is called."""
    return clause.name if clause.once else f"{clause.name}-{case.name or number}"
