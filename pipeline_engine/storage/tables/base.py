"""What all tables share: constraint names, timestamps, column types."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Identity, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from pipeline_engine.domain.identity import new_id

# Without a convention a constraint gets its name from the server, and no migration can drop it.
CONSTRAINT_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Json = Any
uuid_key = Annotated[UUID, mapped_column(primary_key=True, default=new_id)]
counted_key = Annotated[int, mapped_column(BigInteger, Identity(always=False), primary_key=True)]


class Base(DeclarativeBase):
    """The tables of Pipeline Engine."""

    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)
    # No length limits on columns: limits are rules of the definition, and rules change.
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Json]: JSONB(none_as_null=True),
        list[Json]: JSONB(none_as_null=True),
    }


class Timestamped:
    """Mixed into rows that say when they were made and last changed."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


def one_of(column: str, values: type[Any] | tuple[str, ...]) -> str:
    """The text of a check constraint that allows *values* in *column*."""
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"
