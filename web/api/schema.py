"""``/schema``: what a definition may hold, for editors."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Response

from pipeline_engine.services import Scope, stored_actions
from pipeline_engine.services import definitions as services

from .actions import OWNERS, UNCHANGED, marks_of_caller
from .blueprint import Blueprint
from .context import caller, runtime, session
from .kept import kept

schema = Blueprint("schema", __name__, description="What a definition may hold.")


@schema.on("GET", operation="get_schema", scope=Scope.ACTIONS_READ)
@schema.answers(200, {"type": "object"})
@schema.or_answers(304, meaning=UNCHANGED)
def show() -> Response:
    """Return the JSON Schema (2020-12) of a definition, with the params of every action.

    Stored actions are those of the owner for whom the caller acts, and those of the system.
    """
    registry = runtime().registry
    key, marks = ("schema", registry, registry.changes), marks_of_caller()
    if not marks:
        return kept(key, partial(services.schema_for_editors, registry))
    return kept((*key, caller().user_id, *marks), _with_stored, most=OWNERS)


def _with_stored() -> Any:
    its = stored_actions.metas_of(caller(), session(), runtime())
    return services.schema_for_editors(runtime().registry, its)
