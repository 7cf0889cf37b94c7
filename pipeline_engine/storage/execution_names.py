"""The names that executions have: few, however many executions there are."""

from __future__ import annotations

from sqlalchemy import Connection

from pipeline_engine.storage.postgres import driver

#: Distinct names that are looked through, at most. Definitions that are sent along may each have
#: their own, and from then on it is cheaper to look at the executions.
MOST = 2000
# From one name to the next by the index, which no other form of the question does.
_NAMES = f"""
WITH RECURSIVE names AS (
    (SELECT name, 1 AS number FROM executions ORDER BY name LIMIT 1)
    UNION ALL
    SELECT (SELECT x.name FROM executions x WHERE x.name > names.name ORDER BY x.name LIMIT 1),
        number + 1
    FROM names WHERE names.name IS NOT NULL AND number <= {MOST}
)
SELECT name FROM names WHERE name IS NOT NULL"""


def names_with(connection: Connection, part: str) -> list[str] | None:
    """The names that *part* is a part of, in any case; null if there are too many names."""
    names = [row[0] for row in driver.fetch(connection, _NAMES, {})]
    if len(names) > MOST:
        return None
    return [name for name in names if part.lower() in name.lower()]
