"""What the demo tells at its end: outputs, and what was repaired."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline_engine.client import Snapshot
from pipeline_engine.demo import samples
from pipeline_engine.demo.scenario import Story
from pipeline_engine.demo.verdict import retried


def lines(story: Story) -> Iterator[str]:
    """Yield the whole report, one line at a time."""
    yield from _models(story.ended.get(samples.ONBOARDING))
    yield from _clusters(story.ended.get(samples.RECOMMENDATION))
    lost = [row for end in story.ended.values() for row in end.rows if not row.status.is_final]
    yield f"Lost: {len(lost) or 'nothing'}"
    yield f"Repeated because their worker died: {len(retried(story))}"


def _models(end: Snapshot | None) -> Iterator[str]:
    yield "Onboarded models:"
    for model in (end.outputs or {}).get("onboarded_models") or [] if end else []:
        yield f"  {model['rule_id']}  {model['model_uri']}  {model['model_id']}"


def _clusters(end: Snapshot | None) -> Iterator[str]:
    yield "Recommended clusters:"
    for cluster in (end.outputs or {}).get("recommended_clusters") or [] if end else []:
        room = f"{cluster['headroom_gb']:g} GB to spare"
        yield f"  {cluster['cluster_id']}  {cluster['cluster_name']}  {room}"
