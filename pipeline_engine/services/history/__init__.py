"""What became of a pipeline over time: how it was saved, and how its executions went."""

from __future__ import annotations

from pipeline_engine.services.history.revisions import Revision, revisions

__all__ = ["Revision", "revisions"]
