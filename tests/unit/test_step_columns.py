"""The columns of a step are declared once, by the model, and whatever uses them agrees with it."""

from __future__ import annotations

from dataclasses import fields
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest
import sqlalchemy as sa

from pipeline_engine.services.queries.steps import StepRecord
from pipeline_engine.storage import new_executions, new_steps
from pipeline_engine.storage.diagnostics import OpenStep
from pipeline_engine.storage.new_steps import NewStep
from pipeline_engine.storage.rows import StepRow
from pipeline_engine.storage.tables.steps import StepExecution

COLUMNS: dict[str, sa.Column[Any]] = dict(StepExecution.__table__.columns)
#: Fields that are made of columns, or that columns are made of.
NO_COLUMNS = {StepRecord: {"items", "holds_steps"}, NewStep: {"queued", "due_after"}}
#: Foreign JSON, of which null is one.
ANY = {"item", "outputs"}


@pytest.mark.parametrize("view", [StepRow, OpenStep, StepRecord, NewStep])
def test_what_is_read_or_written_of_a_step_may_be_null_where_its_column_may(view):
    hints = get_type_hints(view)
    names = {field.name for field in fields(view)} - NO_COLUMNS.get(view, set())

    assert names - set(COLUMNS) == set()
    optional = {name for name in names - ANY if NoneType in get_args(hints[name])}
    assert optional == {name for name in names - ANY if COLUMNS[name].nullable}


@pytest.mark.parametrize("statement", [new_steps.INSERT_STEPS, new_executions.BEGIN_EXECUTION])
def test_no_new_row_lacks_what_its_column_demands(statement):
    (written,) = (
        part.partition("(")[2].partition(")")[0].split(", ")
        for part in statement.split("INSERT INTO ")
        if part.startswith("step_executions")
    )
    demanded = {
        name
        for name, column in COLUMNS.items()
        if not column.nullable and column.server_default is None and column.identity is None
    }

    assert demanded - set(written) == set()
    assert set(written) - set(COLUMNS) == set()
