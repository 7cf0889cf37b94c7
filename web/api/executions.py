"""``/executions``: start, list, follow and cancel executions."""

from __future__ import annotations

from typing import Any

from flask import jsonify

from pipeline_engine.services import Act, Scope, approvals, queries
from pipeline_engine.services import executions as services
from pipeline_engine.services.explain import explain as explain_execution
from pipeline_engine.services.pages import Page
from pipeline_engine.services.queries import (
    EventFilter,
    ExecutionFilter,
    ItemFilter,
    LogFilter,
    ProgressQuery,
)

from .blueprint import Blueprint
from .context import caller, runtime, session
from .identities import execution_id_of, step_execution_id_of
from .schemas import executions as wire
from .schemas.evaluation import EvaluateBody, EvaluatedSchema
from .schemas.events import EventListSchema, EventQuery
from .schemas.explanations import ExplanationSchema
from .schemas.logs import LogListSchema, LogQuery
from .schemas.one_step import OneStepSchema
from .schemas.progress import ProgressParams, ProgressSchema
from .schemas.steps import StepListSchema, StepQuery
from .staleness import stale_when_away
from .starting import shown, start_request

executions = Blueprint("executions", __name__, description="Runs of pipelines.")


@executions.on(
    "POST",
    operation="start_execution",
    scope=Scope.EXECUTIONS_RUN,
    act=Act.EXECUTION_START,
)
@executions.body(wire.StartBody)
@executions.query(wire.StartQuery)
@executions.header(wire.StartHeaders)
@executions.answers(201, wire.StartedSchema)
def start(body: dict[str, Any], query: dict[str, Any], headers: dict[str, Any]) -> Any:
    """Execute a stored pipeline, by its id or name: it is PENDING at once, and lasting.

    A name means the caller's own pipeline, or else the system's; 409 if that leaves several.

    `wait_seconds` or `Prefer: wait=N` holds the answer back until the end, 60 s at most.
    """
    request = start_request(body, headers.get("idempotency_key"))
    if name := body.get("pipeline_name"):
        started = services.start_named(caller(), runtime(), name, request)
    else:
        wanted = body.get("pipeline_id") or body["workflow_id"]
        started = services.start(caller(), runtime(), wanted, request)
    return shown(started, body, query.get("wait_seconds"))


@executions.on(
    "POST",
    "/run",
    operation="run_definition",
    scope=(Scope.EXECUTIONS_RUN, Scope.PIPELINES_WRITE),
    act=Act.EXECUTION_START,
)
@executions.body(wire.EphemeralBody)
@executions.query(wire.StartQuery)
@executions.header(wire.StartHeaders)
@executions.answers(201, wire.StartedSchema)
def run(body: dict[str, Any], query: dict[str, Any], headers: dict[str, Any]) -> Any:
    """Execute a definition that is sent along and not stored as a pipeline."""
    request = start_request(body, headers.get("idempotency_key"))
    started = services.run_ephemeral(caller(), runtime(), body["pipeline_definition"], request)
    return shown(started, body, query.get("wait_seconds"))


@executions.on("GET", operation="list_executions", scope=Scope.EXECUTIONS_READ)
@executions.query(wire.ExecutionQuery)
@executions.answers(200, wire.ExecutionListSchema)
def list_executions(query: dict[str, Any]) -> Any:
    """List executions, newest first; definitions, params and outputs are left out.

    A `param` is `name:value`: the value as JSON, where it is that, or as a text. Several: all of
    them.
    """
    wanted = ExecutionFilter(
        start=query.get("start_date"),
        end=query.get("end_date"),
        ended_from=query.get("ended_from"),
        ended_before=query.get("ended_before"),
        statuses=query["status"],
        initiator=query.get("initiator"),
        pipeline_id=query.get("pipeline_id") or query.get("workflow_id"),
        pipeline_name=query.get("pipeline_name"),
        root=query.get("root"),
        q=query.get("q"),
        params=[(name, value) for name, _, value in (one.partition(":") for one in query["param"])],
        parked=query.get("parked"),
    )
    page = Page(query["page"], query["page_size"])
    return queries.executions(caller(), session(), wanted, page)


@executions.on("GET", "/<execution_id>", operation="get_execution", scope=Scope.EXECUTIONS_READ)
@stale_when_away
@executions.answers(200, wire.ExecutionSchema)
def show(execution_id: str) -> Any:
    """Return one execution with its definition, params and outputs; secrets are masked.

    While the database is away: the last known state, `X-Data-Staleness` seconds old.
    """
    return queries.execution(caller(), session(), execution_id_of(execution_id))


@executions.on("GET", "/<execution_id>/steps", operation="list_steps", scope=Scope.EXECUTIONS_READ)
@executions.query(StepQuery)
@executions.answers(200, StepListSchema)
def steps(query: dict[str, Any], execution_id: str) -> Any:
    """List the steps in their order; fan-outs and blocks have counters.

    `parent` lists what is below one of them: items, or the steps of a block, attempt by attempt.
    `q`, `status`, `index` and `parked` find some of them.
    """
    scope = (caller(), session(), execution_id_of(execution_id))
    wanted, outputs = _wanted_steps(query), query["include_outputs"]
    if "parent" not in query:
        return {"steps": queries.steps(*scope, wanted=wanted, with_outputs=outputs)}
    found = queries.below(
        *scope,
        parent_id=query["parent"],
        within=query.get("within"),
        page=Page(query["page"], query["page_size"]),
        wanted=wanted,
        with_outputs=outputs,
    )
    return {"steps": found.entries, "pagination": found}


@executions.on(
    "GET",
    "/<execution_id>/steps/<step_execution_id>",
    operation="get_step",
    scope=Scope.EXECUTIONS_READ,
)
@executions.answers(200, OneStepSchema)
def show_step(execution_id: str, step_execution_id: str) -> Any:
    """Return one step or item: what its action was given, its attempts, what it waits for.

    Params are made again from the definition and from what is shown of the execution, so a secret
    reads as the mask. Outputs of more than 64 KB are at `href`.
    """
    wanted, step = execution_id_of(execution_id), step_execution_id_of(step_execution_id)
    return queries.one_step(caller(), session(), runtime(), wanted, step)


@executions.on(
    "GET",
    "/<execution_id>/steps/<step_execution_id>/outputs",
    operation="get_step_outputs",
    scope=Scope.EXECUTIONS_READ,
)
@executions.answers(200, {"type": "object"})
def show_outputs(execution_id: str, step_execution_id: str) -> Any:
    """Return all outputs of one step or item, however large; secrets are masked."""
    wanted, step = execution_id_of(execution_id), step_execution_id_of(step_execution_id)
    return jsonify(queries.step(caller(), session(), wanted, step).outputs or {})


@executions.on(
    "POST", "/<execution_id>/evaluate", operation="evaluate_expression", scope=Scope.EXECUTIONS_READ
)
@executions.body(EvaluateBody)
@executions.answers(200, EvaluatedSchema)
def evaluate(body: dict[str, Any], execution_id: str) -> Any:
    """Try a template or an expression with what a step of an execution sees; nothing is changed.

    It sees what the caller is shown: a secret is the mask, and so is whatever quotes one.
    """
    wanted, trial = execution_id_of(execution_id), queries.Trial(**body)
    return queries.evaluate(caller(), session(), runtime(), wanted, trial)


def _wanted_steps(query: dict[str, Any]) -> ItemFilter:
    return ItemFilter(
        q=query.get("q"),
        statuses=query["status"],
        index=query.get("index"),
        parked=query.get("parked"),
    )


@executions.on(
    "GET", "/<execution_id>/events", operation="list_execution_events", scope=Scope.EXECUTIONS_READ
)
@executions.query(EventQuery)
@executions.answers(200, EventListSchema)
def events(query: dict[str, Any], execution_id: str) -> Any:
    """List events, newest first; with `after`, oldest first, to follow an execution."""
    wanted = EventFilter(
        event_types=[*query["kind"], *([query["event_type"]] if "event_type" in query else ())],
        step_id=query.get("step_id"),
        q=query.get("q"),
        start=query.get("start_time"),
        end=query.get("end_time"),
        after=query.get("after"),
        limit=query["limit"],
        offset=query["offset"],
    )
    return queries.events(caller(), session(), execution_id_of(execution_id), wanted)


@executions.on(
    "GET", "/<execution_id>/logs", operation="list_execution_logs", scope=Scope.EXECUTIONS_READ
)
@executions.query(LogQuery)
@executions.answers(200, LogListSchema)
def logs(query: dict[str, Any], execution_id: str) -> Any:
    """List what the actions of an execution have written down, oldest first.

    Go on with `after`, the `next_after` of the last answer: lines of attempts that still run come
    within a second or two. `tail` begins with the last lines, `before` goes back; `q` finds lines.
    """
    wanted = LogFilter(
        after=query.get("after"),
        before=query.get("before"),
        q=query.get("q"),
        level=query.get("level"),
        step_id=query.get("step_id"),
        row=query.get("step_execution_id"),
        attempt=query.get("attempt"),
        newest=query["tail"],
        limit=query["limit"],
    )
    return queries.logs(caller(), session(), execution_id_of(execution_id), wanted)


@executions.on(
    "GET", "/<execution_id>/progress", operation="get_progress", scope=Scope.EXECUTIONS_READ
)
@stale_when_away
@executions.query(ProgressParams)
@executions.answers(200, ProgressSchema)
def progress(query: ProgressQuery, execution_id: str) -> Any:
    """Tell how far an execution is: `summary`, `steps`, or `full` with the newest events.

    While the database is away: the last known state, `X-Data-Staleness` seconds old.
    """
    return queries.progress(caller(), session(), execution_id_of(execution_id), query)


@executions.on(
    "GET", "/<execution_id>/explain", operation="explain_execution", scope=Scope.EXECUTIONS_READ
)
@executions.answers(200, ExplanationSchema)
def explain(execution_id: str) -> Any:
    """Say why an execution is not moving: what its open steps wait for, and what to do."""
    return explain_execution(caller(), session(), runtime(), execution_id_of(execution_id))


@executions.on(
    "POST",
    "/<execution_id>/approval",
    operation="answer_approval",
    scope=Scope.EXECUTIONS_CONTROL,
    act=Act.APPROVAL_ANSWER,
)
@executions.body(wire.ApprovalBody)
@executions.answers(202, wire.ApprovalSchema)
def answer_approval(body: dict[str, Any], execution_id: str) -> Any:
    """Say yes or no to the step that waits for an approval; 409 if none does, or several do.

    For whoever sees the execution, and for those whom the step asks by name or by group; 403 for
    one who sees it and is not asked. Where several have to say yes, it waits on for the others.
    """
    wanted, said = execution_id_of(execution_id), approvals.Answer(**body)
    return approvals.answer(caller(), runtime(), wanted, said)


@executions.on(
    "POST",
    "/<execution_id>/cancel",
    operation="cancel_execution",
    scope=Scope.EXECUTIONS_CONTROL,
    act=Act.EXECUTION_CANCEL,
)
@executions.body(wire.CancelBody, required=False)
@executions.query(wire.CancelQuery)
@executions.answers(202, wire.CancelledSchema)
def cancel(body: dict[str, Any], query: dict[str, Any], execution_id: str) -> Any:
    """Store the intent to end an execution; it is INTERRUPTED once its steps are cleaned up.

    Handlers and compensations run; a second cancel, or `force`, stops them, too. 409 when
    nothing is left to stop.
    """
    wanted, force = execution_id_of(execution_id), body["force"] or query["force"]
    return services.cancel(caller(), runtime(), wanted, reason=body["reason"], force=force)
