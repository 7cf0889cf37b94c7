"""The plans of this process; those that were used least lately go first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.config import Settings
from pipeline_engine.domain.definitions import DefinitionDefaults, parse
from pipeline_engine.domain.recorded_actions import RecordedActions
from pipeline_engine.domain.sealing import sealer_with, with_opened_defaults
from pipeline_engine.domain.secret_store import named_in
from pipeline_engine.registry import Registry
from pipeline_engine.scheduler.plan.plan import KEPT_STEPS, Plan
from pipeline_engine.scheduler.plan.stored import stored_in
from pipeline_engine.storage import rows


class Plans:
    """The plans of this process; a revision never changes, so neither does its plan."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._settings = settings
        self._registry = registry
        self._plans: OrderedDict[UUID, Plan] = OrderedDict()
        self._lock = Lock()

    def of(self, connection: Connection, revision_id: UUID) -> Plan:
        """The plan of a revision, read once for as long as it is in use."""
        with self._lock:
            if revision_id in self._plans:
                self._plans.move_to_end(revision_id)
                return self._plans[revision_id]
        plan = self.make(*rows.revision(connection, revision_id))
        with self._lock:
            # Another thread may have made it meanwhile; all use the one that came first.
            return self._kept(revision_id, plan)

    def _kept(self, revision_id: UUID, plan: Plan) -> Plan:
        kept = self._plans.setdefault(revision_id, plan)
        steps = sum(known.size for known in self._plans.values())
        while steps > KEPT_STEPS and len(self._plans) > 1:
            _, dropped = self._plans.popitem(last=False)
            steps -= dropped.size
        return kept

    def make(self, document: Mapping[str, Any], recorded: RecordedActions | None = None) -> Plan:
        """A plan that is not kept."""
        defaults = DefinitionDefaults(
            timeout_seconds=self._settings.execution_timeout_seconds,
            handlers_timeout_seconds=self._settings.handlers_timeout_seconds,
            max_parallel_steps=self._settings.max_parallel_steps,
        )
        sealer = sealer_with(self._settings.secret_key, self._settings.old_secret_keys)
        opened = with_opened_defaults(document, sealer)
        definition = parse(opened, defaults=defaults)
        stored = stored_in(recorded or {})
        named = named_in(document, *(known.texts for known in stored.values()))
        return Plan(definition, self._settings, self._registry, named, recorded, stored)
