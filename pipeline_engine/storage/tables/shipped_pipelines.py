"""Which pipelines an installation has got with the engine, and what they were then."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from pipeline_engine.storage.tables.base import Base


class ShippedPipeline(Base):
    """One pipeline that ``db upgrade`` has stored; one that is deleted is shipped anew."""

    __tablename__ = "shipped_pipelines"

    name: Mapped[str] = mapped_column(primary_key=True)
    pipeline_id: Mapped[UUID] = mapped_column(ForeignKey("pipelines.id", ondelete="CASCADE"))
    revision: Mapped[int]  #: the last one that was shipped; a later one is somebody's edit
    engine_version: Mapped[str]  #: of the engine that has shipped it
    shipped_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
