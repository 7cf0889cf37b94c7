"""Definitions, executions and actions for tests, as small as they can be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from pipeline_engine.domain.callers import SYSTEM
from pipeline_engine.registry import RegisteredAction
from pipeline_engine.scheduler.runtime import Runtime
from pipeline_engine.sdk import (
    ActionMeta,
    BaseActionExecutor,
    ConditionalVisibility,
    FanOutActionExecutor,
    ParamDefinition,
    ParamType,
)
from pipeline_engine.services import executions
from pipeline_engine.services.executions import StartRequest
from pipeline_engine.storage.tables.pipelines import Pipeline, PipelineRevision


def a_step(step_id: str, *depends_on: str, action: str = "log", **fields: Any) -> dict[str, Any]:
    """One step of a document; without an action it logs its own id."""
    given = {"params": {"message": step_id}} if action == "log" else {}
    return {
        "id": step_id,
        "name": step_id,
        "action": action,
        "depends_on": list(depends_on),
        **given,
        **fields,
    }


def a_block(step_id: str, *steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A step that holds these."""
    return {"id": step_id, "name": step_id, "steps": list(steps), **fields}


def a_document(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A definition of these steps, or of a single one."""
    return {"name": "under-test", "steps": list(steps) or [a_step("only")], **fields}


def an_execution(
    runtime: Runtime,
    *steps: dict[str, Any],
    params: dict[str, Any] | None = None,
    user_id: str | None = None,
    **fields: Any,
) -> UUID:
    """A started execution of a definition that is not stored as a pipeline."""
    request = StartRequest(params=params or {}, user_id=user_id)
    return executions.run_ephemeral(SYSTEM, runtime, a_document(*steps, **fields), request).id


def a_pipeline(session: Session, *steps: dict[str, Any], name: str, **fields: Any) -> Pipeline:
    """A stored pipeline that can be executed, committed."""
    document = a_document(*steps, **fields) | {"name": name}
    pipeline = Pipeline(name=name, status="ACTIVE", step_count=len(document["steps"]), revision=1)
    session.add(pipeline)
    session.flush()
    session.add(
        PipelineRevision(pipeline_id=pipeline.id, revision=1, version="1.0", document=document)
    )
    session.commit()
    return pipeline


def an_action(
    action: str,
    execute: Callable[..., Any],
    *,
    params: Iterable[str | ParamDefinition] = (),
    **given: Any,
) -> RegisteredAction:
    """An action made of functions; *given* are other methods, and fields of its metadata."""
    methods = {name: given.pop(name) for name in list(given) if callable(given[name])}
    return _registered(BaseActionExecutor, action, params, given, {"execute": execute, **methods})


def a_fan_out(
    action: str,
    expand: Callable[..., Any],
    *,
    params: Iterable[str | ParamDefinition] = (),
    **given: Any,
) -> RegisteredAction:
    """A fan-out made of functions, which get no ``self``."""
    methods = {name: given.pop(name) for name in list(given) if callable(given[name])}
    return _registered(FanOutActionExecutor, action, params, given, {"expand": expand, **methods})


class HostileParam(Exception):
    """A plug-in raises where it is only asked about its metadata."""


class _Unanswerable(ConditionalVisibility):
    def holds(self, value: Any) -> bool:
        raise HostileParam


def a_hostile_param(name: str) -> ParamDefinition:
    """A param that breaks whoever asks whether it is shown: the engine itself, in its own turn.

    Given as a template, it is asked about when the step is about to run, and not before.
    """
    return ParamDefinition(name, name, show_when=_Unanswerable(name))


def _registered(
    base: type[BaseActionExecutor],
    action: str,
    params: Iterable[str | ParamDefinition],
    meta: dict[str, Any],
    methods: dict[str, Callable[..., Any]],
) -> RegisteredAction:
    body = {name: staticmethod(method) for name, method in methods.items()}
    described = ActionMeta(
        type=action,
        name=action,
        category="Tests",
        description="Does what a test says.",
        params=[
            ParamDefinition(param, param, ParamType.JSON) if isinstance(param, str) else param
            for param in params
        ],
        **meta,
    )
    return RegisteredAction(described, type(action, (base,), body), "tests", "1")
