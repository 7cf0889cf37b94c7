"""Save a standing order: its pipeline is in sight, its params fit, and its rights are written down.

What starts by itself acts with the rights that its saver had when he saved it; whoever changes it
stamps it anew. It does not end with the token that saved it (ADR 51).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.definitions import PipelineDefinition, merge_params
from pipeline_engine.domain.issues import Issue
from pipeline_engine.domain.masking import remember
from pipeline_engine.domain.redaction import redactor_for
from pipeline_engine.domain.sealing import Sealer
from pipeline_engine.domain.standing_orders import TRIGGER, masked, problems_of_params
from pipeline_engine.errors import AdministratorsOnly, InvalidParams
from pipeline_engine.scheduler import standing_orders as orders
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.scheduler.start import Startable, check_rights, pipeline_with_id
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.services.pipelines import as_id
from pipeline_engine.storage.standing_orders import hold_pipeline
from pipeline_engine.storage.tables.standing_orders import StandingOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What an order may be saved with, as its row keeps it."""

    pipeline_id: UUID
    params: dict[str, Any]
    sealed: bool  #: some texts in the params are
    authority: dict[str, Any]
    pipeline_name: str


def checked(
    caller: Caller,
    session: Session,
    runtime: Runtime,
    wanted: UUID | str,
    params: Mapping[str, Any],
    *,
    order_id: UUID,
    before: StandingOrder | None = None,
    supplied: Collection[str] = (),
) -> Checked:
    """Check what *caller* wants started, and with which params, and say what to store.

    *before* is the order as it is stored: what is a secret in it stays one, whatever another
    pipeline, or another revision, declares. *supplied* are the parameters that the trigger itself
    gives a value. Raises ``AdministratorsOnly`` for an order of the system, ``PipelineNotFound``,
    ``DraftNotExecutable``, ``PermissionDenied``, ``InvalidParams`` and ``SecretUnreadable``.
    """
    if caller.user_id is None and not caller.is_administrator:
        raise AdministratorsOnly
    tx = Transaction(session.connection(), runtime)
    hold_pipeline(session.connection(), as_id(wanted))
    found = pipeline_with_id(tx, (caller,), as_id(wanted))
    check_rights(found.plan, caller)
    definition = found.plan.definition
    if problems := [*problems_of_params(definition, params, supplied), *masked(params)]:
        raise InvalidParams(problems=problems)
    if problems := _misfits(runtime, found, params, supplied):
        raise InvalidParams(problems=problems)
    json_guard.check(dict(params), max_bytes=runtime.settings.max_body_bytes)
    sealed = _sealed(runtime, definition, params, order_id, before)
    return Checked(
        pipeline_id=as_id(wanted),
        params=dict(params) if sealed is None else sealed,
        sealed=sealed is not None,
        authority=_authority(caller, found),
        pipeline_name=found.name,
    )


def _misfits(
    runtime: Runtime, found: Startable, params: Mapping[str, Any], supplied: Collection[str]
) -> list[Issue]:
    """What the params would give to the definition that does not fit, as far as they are known."""
    plan = found.plan
    if plan.open is None or plan.open.needs_any({*supplied, TRIGGER}):
        return []
    merged, missing = merge_params(plan.definition, params)
    if missing:  # what starts it brings them along
        return []
    secrets = (merged.get(name) for name in plan.definition.secret_parameters)
    return runtime.plans.misfits(plan, merged, runtime.masker.hiding(secrets))


def _authority(caller: Caller, found: Startable) -> dict[str, Any]:
    return caller.authority(found.owner, of_system=found.of_system).document()


def _sealed(
    runtime: Runtime,
    definition: PipelineDefinition,
    params: Mapping[str, Any],
    order_id: UUID,
    before: StandingOrder | None,
) -> dict[str, Any] | None:
    """The params with those sealed that are, or were, secret; null if there are none."""
    kept, secrets = _secrets_in(runtime.sealer, before, params)
    whole = definition.secret_parameters | kept
    merged, _ = merge_params(definition, params)
    hidden = (*secrets, *(merged.get(name) for name in whole))
    known = remember(runtime.masker.hiding(hidden))
    sealed: dict[str, Any] | None = runtime.sealer.seal(
        dict(params), str(order_id), masker=known, whole=whole
    )
    return sealed


def _secrets_in(
    sealer: Sealer, order: StandingOrder | None, params: Mapping[str, Any]
) -> tuple[frozenset[str], frozenset[str]]:
    """Those of *params* that *order* keeps as secret texts, and all its secrets."""
    if order is None or not order.sealed:
        return frozenset(), frozenset()
    opened = orders.opened_params(sealer, order)
    stored = {name: value for name, value in order.params.items() if isinstance(value, str)}
    kept = {name for name, value in stored.items() if value != opened.value[name]}
    same = (name for name in kept if params.get(name) == opened.value[name])
    return frozenset(same), opened.secrets


def shown_params(order: StandingOrder, parameters: object) -> dict[str, Any]:
    """The params of an order without its secrets; *parameters*: what its pipeline declares."""
    return redactor_for(order.params, parameters).params(order.params)


def kept_params(
    sealer: Sealer, order: StandingOrder, given: Mapping[str, Any], parameters: object
) -> dict[str, Any]:
    """*given*, with the old value where a client sends back the mask that it was shown.

    Raises ``SecretUnreadable``.
    """
    shown = shown_params(order, parameters)
    return dict(_kept(given, shown, orders.opened_params(sealer, order).value))


def _kept(given: Any, shown: Any, before: Any) -> Any:
    if given == shown:
        return before
    if isinstance(given, Mapping) and isinstance(before, Mapping):
        return {
            name: _kept(value, shown[name], before[name]) if name in before else value
            for name, value in given.items()
        }
    if isinstance(given, list) and isinstance(before, list) and len(given) == len(before):
        return [_kept(*values) for values in zip(given, shown, before, strict=True)]
    return given
