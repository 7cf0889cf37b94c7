"""``/schema``: what a definition may hold, for editors."""

from __future__ import annotations

from functools import partial

from flask import Response

from pipeline_engine.services import Scope
from pipeline_engine.services import definitions as services

from .actions import UNCHANGED
from .blueprint import Blueprint
from .context import runtime
from .kept import kept

schema = Blueprint("schema", __name__, description="What a definition may hold.")


@schema.on("GET", operation="get_schema", scope=Scope.ACTIONS_READ)
@schema.answers(200, {"type": "object"})
@schema.or_answers(304, meaning=UNCHANGED)
def show() -> Response:
    """Return the JSON Schema (2020-12) of a definition, with the params of every action."""
    registry = runtime().registry
    key = ("schema", registry, registry.changes)
    return kept(key, partial(services.schema_for_editors, registry))
