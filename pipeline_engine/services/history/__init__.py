"""What became of a pipeline over time: how it was saved, and how its executions went."""

from __future__ import annotations

from pipeline_engine.services.history.grid import Grid, grid
from pipeline_engine.services.history.revisions import Revision, revisions
from pipeline_engine.services.history.statistics import Statistics, statistics

__all__ = ["Grid", "Revision", "Statistics", "grid", "revisions", "statistics"]
