"""``callback_url`` in the params of a step: the address at which its attempt is answered.

It is a secret of the attempt. A loop that renders params for its items does not know theirs yet: it
hands on a stand-in, which is no address, and each attempt of an item puts its own in that place.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pipeline_engine.config import Settings
from pipeline_engine.domain.checks.limits import MAX_SECONDS
from pipeline_engine.domain.expressions import ledger_of
from pipeline_engine.scheduler.actions.callback_tokens import CallbackToken, callback_url
from pipeline_engine.scheduler.plan.planned_step import PlannedStep
from pipeline_engine.sdk import BaseActionExecutor
from pipeline_engine.storage.rows import StepRow

NAME = "callback_url"
#: An action may park for as long as it likes, but no execution is open for longer than this.
LONGEST_LIFE = timedelta(seconds=MAX_SECONDS)


def address_of(
    settings: Settings, planned: PlannedStep, target: int, attempt: int, seconds: float | None
) -> str:
    """The address that ends this attempt, which has *seconds*; signing costs as a cheap step."""
    token = CallbackToken(target, attempt, is_checked=checks_events(planned.executor))
    valid_for = LONGEST_LIFE if seconds is None else timedelta(seconds=seconds)
    return callback_url(settings, token, valid_for=valid_for)


def checks_events(executor: BaseActionExecutor) -> bool:
    """Whether the action wants to look at callbacks before they are accepted."""
    return type(executor).check_event is not BaseActionExecutor.check_event


def stand_in(settings: Settings, row: StepRow) -> str:
    """What stands for the address of an item; nobody outside can write it into a param."""
    whose = f"{NAME}:{row.execution_id}:{row.step_id}"
    return f"{NAME}-{hmac.digest(settings.secret_key.encode(), whose.encode(), 'sha256').hex()}"


def hand_out(scope: dict[str, Any], address: str, *, stands_in: bool = False) -> None:
    """Let the templates of *scope* write down an address, or what stands in for it."""
    ledger = ledger_of(scope)
    assert ledger is not None, "make_scope has made one"
    if stands_in:
        ledger.stands_in = address
    scope[NAME] = ledger.secret(address)


def put_in(value: Any, *, address: str, instead_of: str) -> Any:
    """*value* with the address of this attempt in place of what stood in for it."""
    if isinstance(value, str):
        return value.replace(instead_of, address)
    if isinstance(value, Mapping):
        return {key: put_in(v, address=address, instead_of=instead_of) for key, v in value.items()}
    if isinstance(value, list):
        return [put_in(member, address=address, instead_of=instead_of) for member in value]
    return value
