"""``/pipelines``: store, read, change and delete definitions."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Act, Scope
from pipeline_engine.services import archive as archives
from pipeline_engine.services import pipelines as services
from pipeline_engine.services.pages import Page
from pipeline_engine.services.pipelines import PipelineFilter, PipelineRequest, StoredPipeline

from .blueprint import Blueprint
from .context import caller, runtime, session
from .paging import list_headers
from .preconditions import etag, expected_versions
from .schemas.pipelines import (
    ListedPipelineSchema,
    PipelineBody,
    PipelineChange,
    PipelineQuery,
    PipelineSchema,
)

pipelines = Blueprint("pipelines", __name__, description="Stored definitions.")


@pipelines.on(
    "POST",
    operation="create_pipeline",
    scope=Scope.PIPELINES_WRITE,
    act=Act.PIPELINE_CREATE,
)
@pipelines.body(PipelineBody)
@pipelines.answers(201, PipelineSchema)
def create(body: dict[str, Any]) -> tuple[StoredPipeline, dict[str, str]]:
    """Store a pipeline; without steps it is a draft."""
    stored = services.create(caller(), session(), runtime(), _request(body))
    return stored, etag(stored.pipeline.lock_version)


@pipelines.on("GET", operation="list_pipelines", scope=Scope.PIPELINES_READ)
@pipelines.query(PipelineQuery)
@pipelines.answers(200, ListedPipelineSchema(many=True))
def list_pipelines(query: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    """List the caller's pipelines, newest first; `Link` and `X-Total-Count` describe the rest.

    `recent` adds that many of the newest executions of each, and when a schedule starts it next.
    """
    wanted = PipelineFilter(
        include_system=query["include_system"],
        name=query.get("name"),
        q=query.get("q"),
        statuses=query["status"],
    )
    found = services.listed(
        caller(),
        session(),
        wanted,
        Page(query["page"], query["page_size"]),
        with_document=query["include_dag"],
        recent=query.get("recent"),
    )
    return found.entries, list_headers(found)


@pipelines.on("GET", "/<pipeline_id>", operation="get_pipeline", scope=Scope.PIPELINES_READ)
@pipelines.answers(200, PipelineSchema)
def show(pipeline_id: str) -> tuple[StoredPipeline, dict[str, str]]:
    """Return one pipeline; `ETag` is what `If-Match` of a change has to name."""
    stored = services.get(caller(), session(), pipeline_id)
    return stored, etag(stored.pipeline.lock_version)


@pipelines.on(
    "PUT",
    "/<pipeline_id>",
    operation="replace_pipeline",
    scope=Scope.PIPELINES_WRITE,
    act=Act.PIPELINE_REPLACE,
)
@pipelines.body(PipelineChange)
@pipelines.answers(200, PipelineSchema)
def replace(body: dict[str, Any], pipeline_id: str) -> tuple[StoredPipeline, dict[str, str]]:
    """Replace a pipeline. Say which version you change: `If-Match`, or `lock_version`."""
    with expected_versions(body.pop("lock_version", None)) as versions:
        stored = services.update(
            caller(), session(), runtime(), pipeline_id, _request(body), versions=versions
        )
    return stored, etag(stored.pipeline.lock_version)


@pipelines.on(
    "DELETE",
    "/<pipeline_id>",
    operation="delete_pipeline",
    scope=Scope.PIPELINES_WRITE,
    act=Act.PIPELINE_DELETE,
)
@pipelines.answers(204)
def delete(pipeline_id: str) -> None:
    """Delete a pipeline; its executions stay, and those that run go on."""
    services.delete(caller(), session(), pipeline_id)


@pipelines.on(
    "POST",
    "/<pipeline_id>/archive",
    operation="archive_pipeline",
    scope=Scope.PIPELINES_WRITE,
    act=Act.PIPELINE_ARCHIVE,
)
@pipelines.answers(200, PipelineSchema)
def archive(pipeline_id: str) -> tuple[StoredPipeline, dict[str, str]]:
    """Keep a pipeline for its history: what starts it is disabled, and what runs goes on."""
    stored = archives.archive(caller(), session(), pipeline_id)
    return stored, etag(stored.pipeline.lock_version)


@pipelines.on(
    "POST",
    "/<pipeline_id>/restore",
    operation="restore_pipeline",
    scope=Scope.PIPELINES_WRITE,
    act=Act.PIPELINE_RESTORE,
)
@pipelines.answers(200, PipelineSchema)
def restore(pipeline_id: str) -> tuple[StoredPipeline, dict[str, str]]:
    """Let an archived pipeline be started again; what used to start it stays disabled."""
    stored = archives.restore(caller(), session(), pipeline_id)
    return stored, etag(stored.pipeline.lock_version)


def _request(body: dict[str, Any]) -> PipelineRequest:
    return PipelineRequest(document=body.pop("dag"), **body)
