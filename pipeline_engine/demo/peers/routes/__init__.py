"""What the stand-ins answer, by peer and noun; ``ROUTES`` has all of it."""

from __future__ import annotations

from pipeline_engine.demo.peers.routes import (
    clusters,
    control,
    endpoints,
    guardrails,
    models,
    simulations,
    workflows,
)

ROUTES = (
    *control.ROUTES,
    *workflows.ROUTES,
    *models.ROUTES,
    *endpoints.ROUTES,
    *guardrails.ROUTES,
    *clusters.ROUTES,
    *simulations.ROUTES,
)
