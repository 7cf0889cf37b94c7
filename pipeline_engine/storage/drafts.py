"""The SQL of drafts of pipelines: keep one in place of those that its person has seen."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.storage.postgres import driver

# Of two who begin a draft at the same moment the second finds the row of the first.
_KEEP = """
INSERT INTO pipeline_drafts AS d (pipeline_id, person, user_id, based_on, document, saved_at)
VALUES (%(pipeline_id)s, %(person)s, %(user_id)s, %(based_on)s, %(document)s, %(saved_at)s)
ON CONFLICT (pipeline_id, person) DO UPDATE SET version = DEFAULT, user_id = excluded.user_id,
    based_on = excluded.based_on, document = excluded.document, saved_at = excluded.saved_at
WHERE %(versions)s::bigint[] IS NULL OR d.version = ANY(%(versions)s::bigint[])
RETURNING version
"""


class NewDraft(NamedTuple):
    """A draft, about to be kept."""

    pipeline_id: UUID
    person: str
    user_id: str | None
    based_on: int | None
    document: str  #: sealed
    saved_at: datetime


def keep(
    connection: Connection, new: NewDraft, versions: Collection[int] | None = None
) -> int | None:
    """The version of what is kept from now on; None if there is another one than *versions*."""
    asked = new._asdict() | {
        "pipeline_id": str(new.pipeline_id),
        "versions": None if versions is None else sorted(versions),
    }
    rows = driver.fetch(connection, _KEEP, asked)
    return int(rows[0][0]) if rows else None
