"""What came from outside, for operators: what was kept, and offering it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from pipeline_engine.errors import DeliveryNotFound
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services import inbox
from pipeline_engine.services.pages import Listed, Page
from pipeline_engine.services.redaction import Redactor
from pipeline_engine.storage.inbox import Delivery, Disposition

DISPOSITIONS: tuple[str, ...] = tuple(Disposition)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRecord:
    """One delivery, and what became of it."""

    id: int
    source: str
    delivery_key: str
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


def listed(session: Session, *, disposition: str | None, page: Page) -> Listed[DeliveryRecord]:
    """Deliveries, newest first; the unmatched ones can be replayed."""
    wanted = true() if disposition is None else Delivery.disposition == disposition
    total = session.scalar(select(func.count()).select_from(Delivery).where(wanted)) or 0
    rows = session.scalars(
        select(Delivery)
        .where(wanted)
        .order_by(Delivery.id.desc())
        .limit(page.size)
        .offset(page.offset)
    )
    return Listed([_record(row) for row in rows], total, page)


def replay(runtime: Runtime, delivery_id: int | str) -> None:
    """Offer an unmatched delivery to the steps that wait now; raises ``DeliveryNotFound``."""
    number = str(delivery_id)
    if not number.isdecimal() or len(number) > len(str(2**63)) - 1:
        raise DeliveryNotFound(f"No delivery {number}")
    inbox.replay(runtime, int(number))


def _record(row: Delivery) -> DeliveryRecord:
    found = {name: getattr(row, name) for name in DeliveryRecord.__dataclass_fields__}
    redactor = Redactor()
    return DeliveryRecord(
        **found | {name: redactor.redact(found[name]) for name in ("body", "note")}
    )
