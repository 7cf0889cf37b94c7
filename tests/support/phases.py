"""Rows of every phase, and the moves between phases that somebody makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from pipeline_engine.domain.phases import Phase
from pipeline_engine.storage.phases import IS, NAME


def steps_in(phase: Phase, also: str = "true", *, column: str = "id") -> str:
    """A query for the ids, or another *column*, of the steps in a phase of which *also* is true."""
    return f"SELECT {column} FROM step_executions WHERE {IS[phase]} AND ({also}) ORDER BY id"


#: Rows that are rolled back leave no record; no key, or the writers would wait for each other.
RECORD = f"""
CREATE UNLOGGED TABLE recorded_moves (before text, after text);
CREATE FUNCTION phase_of(step_executions) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT {NAME} FROM (SELECT $1.*) s $$;
CREATE FUNCTION record_move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO recorded_moves VALUES (phase_of(OLD), phase_of(NEW));
    RETURN NULL;
END $$;
CREATE TRIGGER record_move AFTER UPDATE ON step_executions FOR EACH ROW
    WHEN (phase_of(OLD) <> phase_of(NEW)) EXECUTE FUNCTION record_move();
"""
FORGET = """
DROP TRIGGER record_move ON step_executions;
DROP FUNCTION record_move();
DROP FUNCTION phase_of(step_executions);
DROP TABLE recorded_moves;
"""


@contextmanager
def recorded_moves(engine: Engine) -> Iterator[set[tuple[Phase, Phase]]]:
    """All moves that are committed inside; the set is filled at the end."""
    found: set[tuple[Phase, Phase]] = set()
    with engine.begin() as connection:
        connection.exec_driver_sql(RECORD)
    try:
        yield found
        with engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT DISTINCT before, after FROM recorded_moves")
            found |= {(Phase(before), Phase(after)) for before, after in rows}
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(FORGET)
