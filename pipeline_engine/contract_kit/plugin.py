"""A plug-in of pytest that checks installed actions from the command line.

``pytest -p pipeline_engine.contract_kit.plugin --pipeline-action greet`` adds a test for each
clause and each example of the action. Nothing loads it unasked: no entry point names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline_engine.contract_kit.action import Checked
from pipeline_engine.contract_kit.case import Case
from pipeline_engine.contract_kit.clause import Breach, Clause
from pipeline_engine.contract_kit.contract import applicable, pair_name
from pipeline_engine.contract_kit.stand_ins import StandIns
from pipeline_engine.contract_kit.trial import Trial
from pipeline_engine.errors import ActionNotFound
from pipeline_engine.registry import TRUSTING, Registry


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say which installed actions are checked, and where their peers are."""
    group = parser.getgroup("pipeline-engine", "contract of actions")
    group.addoption(
        "--pipeline-action",
        action="append",
        default=[],
        metavar="TYPE",
        help="check the contract of an installed action; repeatable",
    )
    group.addoption(
        "--pipeline-package",
        action="append",
        default=[],
        metavar="NAME",
        help="check that of every action of an installed package; repeatable",
    )
    group.addoption(
        "--pipeline-peer",
        action="append",
        default=[],
        metavar="NAME=URL",
        help="where a peer is that they call; repeatable",
    )


def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the checks to what was collected."""
    peers = dict(peer.split("=", 1) for peer in config.getoption("--pipeline-peer"))
    for action in _asked_for(config):
        for clause, case, number in applicable(action, ()):
            name = f"{action.meta.type}::{pair_name(clause, case, number)}"
            facts = {"action": action, "clause": clause, "case": case, "peers": peers}
            items.append(ContractItem.from_parent(session, name=name, **facts))


class ContractItem(pytest.Item):
    """One clause of the contract in one case."""

    def __init__(
        self, *, action: Checked, clause: Clause, case: Case, peers: dict[str, str], **named: Any
    ) -> None:
        super().__init__(**named)
        self._action, self._clause, self._case, self._peers = action, clause, case, peers

    def runtest(self) -> None:
        """Check it."""
        with StandIns(self._peers) as stand_ins:
            self._clause.check(Trial(self._action, self._case, stand_ins))

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Show what is broken without the lines of the kit."""
        if isinstance(excinfo.value, Breach):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Name the check as a person would."""
        return self.path, None, f"contract of {self.name}"


def _asked_for(config: pytest.Config) -> Iterator[Checked]:
    types, packages = config.getoption("--pipeline-action"), config.getoption("--pipeline-package")
    if not (types or packages):
        return
    registry = Registry.discover(terms=TRUSTING)
    try:
        yield from (Checked.of(registry.get(name)) for name in types)
    except ActionNotFound as error:
        raise pytest.UsageError(str(error)) from error
    for name in packages:
        found = [action for action in registry if action.distribution == name]
        if not found:
            raise pytest.UsageError(f"The package {name} brings no action")
        yield from map(Checked.of, found)
