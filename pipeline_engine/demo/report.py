"""What the demo tells at its end: outputs, and what was repaired."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline_engine.client.http import Json
from pipeline_engine.demo.choices import CHAT, SEARCH, Choices
from pipeline_engine.demo.story import Story


def lines(story: Story) -> Iterator[str]:
    """Yield the whole report, one line at a time."""
    fields = story.fields(CHAT.name)
    yield from _models(fields)
    yield from _clusters(fields)
    yield from _rollback(story.fields(SEARCH.name, end=0))
    for choices in (CHAT, SEARCH):
        yield from _endpoints(story, choices)
    lost = [row for row in story.rows if not row.status.is_final]
    yield f"Lost: {len(lost) or 'nothing'}"
    yield f"Repeated because their worker died: {len(story.retried)}"


def _models(fields: Json) -> Iterator[str]:
    yield "Onboarded models:"
    for model in fields.get("onboarded_models") or []:
        yield f"  {model['rule_id']}  {model['model_uri']}  {model['model_id']}"


def _clusters(fields: Json) -> Iterator[str]:
    yield "Recommended clusters:"
    for cluster in fields.get("recommended_clusters") or []:
        room = f"{cluster['headroom_gb']:g} GB to spare"
        yield f"  {cluster['cluster_id']}  {cluster['cluster_name']}  {room}"


def _rollback(fields: Json) -> Iterator[str]:
    rollback = fields.get("rollback") or {}
    yield f"Taken back when {SEARCH.name} failed: {rollback.get('status')}"
    for noun, ids in (rollback.get("cleaned_up") or {}).items():
        yield from (f"  {noun.rstrip('s')}  {one}" for one in ids)
    yield from (f"  {error}" for error in rollback.get("errors") or ())


def _endpoints(story: Story, choices: Choices) -> Iterator[str]:
    yield f"Deployed for {choices.name}, which guards {choices.endpoint_id}:"
    for endpoint in story.at_the_end.there("endpoints", choices.project_id):
        yield f"  {endpoint['id']}  {endpoint['name']}"
