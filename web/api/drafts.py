"""``/pipelines/{id}/draft``: what the caller has typed into a definition and not published."""

from __future__ import annotations

from typing import Any

from pipeline_engine.services import Act, Scope
from pipeline_engine.services import drafts as services
from pipeline_engine.services.drafts import Draft

from .blueprint import Blueprint
from .bodies import VerbatimParser
from .context import caller, runtime, session
from .preconditions import etag, versions_if_given
from .schemas.drafts import DraftBody, DraftSchema, SavedDraftSchema


class DraftBlueprint(Blueprint):
    """Routes that are sent what somebody types."""

    ARGUMENTS_PARSER = VerbatimParser()


drafts = DraftBlueprint("drafts", __name__, description="What is typed and not published.")


@drafts.on("GET", "/<pipeline_id>/draft", operation="get_draft", scope=Scope.PIPELINES_READ)
@drafts.answers(200, DraftSchema)
def show(pipeline_id: str) -> tuple[Draft, dict[str, str]]:
    """Return the caller's own draft of a pipeline; all is null if there is none.

    `ETag` is what `If-Match` of a change has to name, also where there is none yet.
    """
    found = services.get(caller(), session(), runtime(), pipeline_id)
    return found, etag(found.version)


@drafts.on(
    "PUT",
    "/<pipeline_id>/draft",
    operation="save_draft",
    scope=Scope.PIPELINES_WRITE,
    act=Act.DRAFT_BEGIN,
)
@drafts.body(DraftBody)
@drafts.answers(200, SavedDraftSchema)
def save(body: dict[str, Any], pipeline_id: str) -> tuple[Draft, dict[str, str]]:
    """Keep what was typed, whatever it is, in place of what was kept before."""
    with versions_if_given() as versions:
        saved = services.save(
            caller(), session(), runtime(), pipeline_id, **body, versions=versions
        )
    return saved, etag(saved.version)


@drafts.on(
    "DELETE",
    "/<pipeline_id>/draft",
    operation="discard_draft",
    scope=Scope.PIPELINES_WRITE,
    act=Act.DRAFT_DISCARD,
)
@drafts.answers(204)
def discard(pipeline_id: str) -> None:
    """Delete the caller's own draft; it is no error if there is none."""
    with versions_if_given() as versions:
        services.discard(caller(), session(), pipeline_id, versions=versions)
