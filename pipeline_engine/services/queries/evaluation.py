"""A template or an expression tried against an execution, for whoever writes one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.callers import Caller
from pipeline_engine.domain.expressions import ExpressionError, Fuel, Template, parse_template
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.errors import InvalidExpression, StepNotFound
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.services.queries.one_step import seen_from
from pipeline_engine.storage import rows

#: Bytes of a value that is answered.
MOST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is tried, and from where: a step, an item of it, or the execution as a whole."""

    template: str | None = None
    expression: str | None = None  #: the same without braces
    step_id: str | None = None
    item_index: int | None = None
    within: str | None = None  #: the blocks around the step: ``each[3]``


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The value, as JSON has it."""

    value: Any

    @property
    def type(self) -> str:
        """What JSON calls its kind."""
        return next(name for kinds, name in _TYPES if isinstance(self.value, kinds))


#: A boolean is an integer for Python, so it comes first.
_TYPES: tuple[tuple[Any, str], ...] = (
    (type(None), "null"),
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


def evaluate(
    caller: Caller, session: Session, runtime: Runtime, execution_id: UUID, trial: Trial
) -> Evaluated:
    """Evaluate with what the step sees, of which nothing is secret.

    Raises ``ExecutionNotFound``, ``StepNotFound`` and ``InvalidExpression``.
    """
    ends_at = time.monotonic() + runtime.settings.cheap_step_seconds
    fuel = Fuel(deadline=ends_at, room=MOST_BYTES)
    seen = seen_from(caller, session, runtime, execution_id, None, fuel=fuel)
    if trial.step_id is not None:
        where = (execution_id, trial.step_id, trial.item_index, trial.within)
        row = rows.step_named(session.connection(), *where)
        if row is None:
            raise StepNotFound(f"Execution {execution_id} has no such step {trial.step_id!r}")
        seen = seen.at(row)
    try:
        value = json_guard.check(fuel.hand_out(_parsed(trial).render(seen.scope(), fuel)))
    except ExpressionError as error:
        raise _refused(trial, error, error.code, error.hint) from error
    except JsonRejected as error:  # no step could be given it, either
        raise _refused(trial, error, error.reason) from error
    return Evaluated(seen.redactor.redact(value))


def _parsed(trial: Trial) -> Template:
    if trial.expression is None:
        return parse_template(trial.template or "")
    parsed = parse_template(f"{{{{ {trial.expression} }}}}")
    if not parsed.is_native:
        raise ExpressionError("An expression has no braces; a template has.")
    return parsed


def _refused(
    trial: Trial, error: Exception, code: str, hint: str | None = None
) -> InvalidExpression:
    problem = {
        "pointer": "/template" if trial.expression is None else "/expression",
        "in": "body",
        "code": code,
        "message": str(error),
        "hint": hint,
    }
    return InvalidExpression(str(error), problems=[problem])
