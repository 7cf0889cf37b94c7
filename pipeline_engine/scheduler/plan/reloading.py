"""Plans that are made anew when an action was saved, for ``up --reload``."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.config import Settings
from pipeline_engine.registry import Registry, ReloadingRegistry
from pipeline_engine.scheduler.plan.cache import Plans
from pipeline_engine.scheduler.plan.plan import Plan


class ReloadingPlans(Plans):
    """Looks for changes before it gives a plan; plans of actions that were swapped are gone."""

    def __init__(self, settings: Settings, registry: ReloadingRegistry) -> None:
        super().__init__(settings, registry)
        self._reloading = registry
        self._made_of = registry.changes

    def of(self, connection: Connection, revision_id: UUID) -> Plan:
        """The plan of a revision, with the actions as they are written now."""
        while True:
            changes = self._reloading.look()
            with self._lock:
                if changes != self._made_of:
                    self._plans.clear()
                    self._made_of = changes
            plan = super().of(connection, revision_id)
            if changes == self._reloading.changes:  # else it may be half old, half new
                return plan


def plans_of(settings: Settings, registry: Registry) -> Plans:
    """The plans that fit a registry."""
    if isinstance(registry, ReloadingRegistry):
        return ReloadingPlans(settings, registry)
    return Plans(settings, registry)
