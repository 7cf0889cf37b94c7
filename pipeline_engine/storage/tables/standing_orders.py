"""What schedules, webhooks and event triggers have in common: whom they start what for."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.storage.tables.base import Json, Timestamped, uuid_key


class StandingOrder(Timestamped):
    """Mixed into rows that say: start this pipeline whenever something happens."""

    id: Mapped[uuid_key]
    user_id: Mapped[str | None]  #: its owner, and that of what it starts; null is the system
    #: with which rights it starts (``domain/authority.py``): those of whoever saved it last
    authority: Mapped[dict[str, Json]]
    #: null once the pipeline was deleted
    pipeline_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("pipelines.id", ondelete="SET NULL"), index=True
    )
    name: Mapped[str]
    description: Mapped[str | None]
    params: Mapped[dict[str, Json]]  #: what it gives to each execution
    #: some texts in the params are sealed: they are for secret parameters
    sealed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    enabled: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    #: why the engine has disabled it: a stable word
    disabled_reason: Mapped[str | None]
    callback_topics: Mapped[list[Json] | None]
    subscriber_ids: Mapped[str | None]
    payload_type: Mapped[str | None]
    notification_workflow_id: Mapped[str | None]
    created_by: Mapped[str]  #: the principal that made it
    lock_version: Mapped[int] = mapped_column(default=1, server_default="1")
