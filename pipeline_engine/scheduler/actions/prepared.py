"""A step that is about to run, with its params rendered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline_engine.domain.expressions import Fuel, ledger_of, masker_in
from pipeline_engine.domain.masking import Masker
from pipeline_engine.domain.sealing import SecretUnreadable
from pipeline_engine.domain.states import StepStatus
from pipeline_engine.scheduler.actions import own_address
from pipeline_engine.scheduler.actions.scope import StepResults, make_scope, opened_item
from pipeline_engine.scheduler.plan.planned_step import PlannedStep
from pipeline_engine.storage.rows import ExecutionFacts, StepRow
from pipeline_engine.storage.tables.steps import StepKind


@dataclass(frozen=True, slots=True)
class Prepared:
    """A step that is about to run: its plan, its rendered params, what its templates see."""

    row: StepRow
    planned: PlannedStep
    facts: ExecutionFacts
    results: StepResults
    scope: Mapping[str, Any]
    params: dict[str, Any]
    fuel: Fuel  #: what is left for the expressions that its action evaluates

    @property
    def given_seconds(self) -> float | None:
        """The time that this attempt was given: by the fan-out that made it, or by its step."""
        return given_seconds(self.row, self.planned)

    @property
    def timeout_seconds(self) -> float | None:
        """The time that this attempt has; None leaves it to the settings."""
        return self.given_seconds or self.planned.meta.timeout_seconds

    @property
    def masker(self) -> Masker:
        """What hides the secrets that the step was given, and what was made of them."""
        return masker_in(self.scope)

    def keep_secret(self, texts: Iterable[str]) -> None:
        """Hide these, too, in all that the step leaves."""
        ledger = ledger_of(self.scope)
        if ledger is not None:
            for text in texts:
                ledger.secret(text)

    def again(self) -> Prepared:
        """The same with a row of its own."""
        return replace(self, row=replace(self.row))


def prepare(
    row: StepRow,
    planned: PlannedStep,
    facts: ExecutionFacts,
    results: StepResults,
    fuel: Fuel | None = None,
    now: str | None = None,
) -> Prepared:
    """Render the params of a step. Raises ``ExpressionError`` and ``SecretUnreadable``.

    *fuel* is the budget of this attempt; its condition may have used some of it, and has seen
    the same *now*.
    """
    if facts.unreadable:
        raise SecretUnreadable(facts.unreadable)
    fuel = Fuel() if fuel is None else fuel
    masker = facts.masker or planned.masker
    if row.item_index is not None:
        opened = opened_item(planned.sealer, row.execution_id, row.item)
        row.item, masker = opened.value, masker.hiding(opened.secrets)
    scope = make_scope(
        facts,
        results,
        row,
        masker=masker,
        sealer=planned.sealer,
        now=now,
    )
    if planned.hands_out_address:
        _hand_out_address(row, planned, scope)
    params = _params(row, planned, scope, fuel)
    return Prepared(row, planned, facts, results, scope, params, fuel)


def _params(
    row: StepRow, planned: PlannedStep, scope: dict[str, Any], fuel: Fuel
) -> dict[str, Any]:
    if row.item_index is not None:
        given = (row.item or {}).get("params")
        if given is not None:  # a loop has rendered them for the action of its item
            return planned.completed(_with_address(given, row, planned, scope), scope, fuel)
    return planned.render(scope, fuel)


def _hand_out_address(row: StepRow, planned: PlannedStep, scope: dict[str, Any]) -> None:
    if planned.meta.inner is not None and row.kind != StepKind.ITEM:  # its items have their own
        address = own_address.stand_in(planned.settings, row)
        own_address.hand_out(scope, address, stands_in=True)
        return
    target, attempt, seconds = row.id, this_attempt(row), given_seconds(row, planned)
    address = own_address.address_of(planned.settings, planned, target, attempt, seconds)
    own_address.hand_out(scope, address)


def _with_address(
    given: Mapping[str, Any], row: StepRow, planned: PlannedStep, scope: Mapping[str, Any]
) -> dict[str, Any]:
    if not planned.hands_out_address:
        return dict(given)
    address = scope[own_address.NAME].reveal()
    stand_in = own_address.stand_in(planned.settings, row)
    found: dict[str, Any] = own_address.put_in(given, address=address, instead_of=stand_in)
    return found


def given_seconds(row: StepRow, planned: PlannedStep) -> float | None:
    """The time of each attempt of a row; None if nobody has said so."""
    if row.item_index is not None and row.item:
        limit: float | None = row.item.get("timeout_seconds")
        if limit:
            return limit
    return planned.definition.timeout_seconds


def this_attempt(row: StepRow) -> int:
    """The number of the attempt that is being made; a claim has counted it already."""
    return row.attempt if row.status == StepStatus.RUNNING else row.attempt + 1


def idempotency_key(execution: ExecutionFacts, row: StepRow) -> str:
    """The same for every attempt of a step, and for no other step."""
    item = "" if row.item_index is None else f":{row.item_index}"
    # Inside of a block each attempt of it has steps of its own, whose effects are others.
    around = "" if row.within is None else f"{row.within}/"
    return f"{execution.text_id}:{around}{row.step_id}{item}"
