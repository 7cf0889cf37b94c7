"""What came from outside: what was kept, who was offered it, and offering it again.

A service sees all of it; a user sees letters to himself, and whatever was offered to his steps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.redaction import Redactor
from pipeline_engine.errors import DeliveryNotFound
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import audit_log
from pipeline_engine.services.audit_log import Act
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.storage import deliveries
from pipeline_engine.storage.tables.inbox import Delivery, DeliveryTarget, Disposition
from pipeline_engine.storage.visibility import visible_to

DISPOSITIONS: tuple[str, ...] = tuple(Disposition)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRecord:
    """What one step, or one event trigger, said to a delivery."""

    step_execution_id: int | None
    attempt: int | None
    trigger_id: UUID | None
    verdict: str
    note: str | None
    execution_id: UUID | None  #: that a trigger has started
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """One delivery, and what became of it."""

    id: int
    owner: str | None
    source: str
    delivery_key: str  #: what its sender calls it, or a digest
    external_id: str | None
    step_execution_id: int | None
    attempt: int | None
    event_type: str
    body: dict[str, Any]
    disposition: str
    verdict: str | None
    note: str | None
    received_at: datetime
    settled_at: datetime | None
    targets: Sequence[TargetRecord]


def listed(
    caller: Caller, session: Session, *, disposition: str | None, page: Page
) -> Listed[DeliveryRecord]:
    """Deliveries, newest first; the unmatched ones can be replayed."""
    wanted = true() if disposition is None else Delivery.disposition == disposition
    seen = (wanted, visible_to(Delivery, caller))
    total = session.scalar(select(func.count()).select_from(Delivery).where(*seen)) or 0
    rows = session.scalars(
        select(Delivery)
        .where(*seen)
        .order_by(Delivery.id.desc())
        .limit(page.size)
        .offset(page.offset)
    ).all()
    targets = _targets(caller, session, [row.id for row in rows])
    return Listed([_record(row, targets[row.id]) for row in rows], total, page)


def replay(caller: Caller, runtime: Runtime, delivery_id: int | str) -> None:
    """Offer an unmatched delivery to the steps that wait now, and to triggers that have not had it.

    Raises ``DeliveryNotFound``, also for what belongs to another user.
    """
    number = str(delivery_id)
    if not number.isdecimal() or len(number) > len(str(2**63)) - 1:
        raise DeliveryNotFound(f"No delivery {number}")
    seen = select(Delivery.owner).where(Delivery.id == int(number), visible_to(Delivery, caller))
    with runtime.engine.begin() as connection:
        found = connection.execute(seen).one_or_none()
        if found is None:
            raise DeliveryNotFound(f"No delivery {number}")
        if not deliveries.reopen(connection, int(number)):
            raise DeliveryNotFound(f"No unmatched delivery {number}")
        audit_log.record(caller, connection, Act.DELIVERY_REPLAY, number, found.owner)
    runtime.dispatch.announce(int(number))
    runtime.dispatch.announce_offer(int(number))


def _targets(
    caller: Caller, session: Session, ids: Sequence[int]
) -> Mapping[int, Sequence[TargetRecord]]:
    """What steps and triggers said to these deliveries: those that the caller may see."""
    rows = session.scalars(
        select(DeliveryTarget)
        .where(DeliveryTarget.delivery_id.in_(ids), visible_to(DeliveryTarget, caller))
        .order_by(
            DeliveryTarget.decided_at, DeliveryTarget.step_execution_id, DeliveryTarget.trigger_id
        )
    )
    found: dict[int, list[TargetRecord]] = defaultdict(list)
    for row in rows:
        fields = {name: getattr(row, name) for name in TargetRecord.__dataclass_fields__}
        found[row.delivery_id].append(
            TargetRecord(**fields | {"note": Redactor().redact(row.note)})
        )
    return found


def _record(row: Delivery, targets: Sequence[TargetRecord]) -> DeliveryRecord:
    names = set(DeliveryRecord.__dataclass_fields__) - {"targets"}
    found = {name: getattr(row, name) for name in names}
    redactor = Redactor()
    hidden = {name: redactor.redact(found[name]) for name in ("body", "note")}
    key = row.sender_id or row.delivery_key
    return DeliveryRecord(**found | hidden | {"delivery_key": key, "targets": targets})
