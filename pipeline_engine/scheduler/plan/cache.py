"""The plans of this process; those that were used least lately go first.

Where params give some of the values of a definition (``domain/given_values.py``), executions that
are given the same share a plan. That of the revision knows none of these values: it is for what
has to be known before there are params.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from threading import Lock
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Connection

from pipeline_engine.config import Settings
from pipeline_engine.domain.checks.limits import Limits
from pipeline_engine.domain.definitions import DefinitionDefaults, parse
from pipeline_engine.domain.given_values import Given, OpenDefinition
from pipeline_engine.domain.issues import Issue
from pipeline_engine.domain.masking import Masker
from pipeline_engine.domain.recorded_actions import RecordedActions
from pipeline_engine.domain.sealing import sealer_with, with_opened_defaults
from pipeline_engine.domain.secret_store import named_in
from pipeline_engine.errors import InvalidParams
from pipeline_engine.registry import Registry
from pipeline_engine.scheduler.plan.plan import KEPT_STEPS, Plan
from pipeline_engine.scheduler.plan.stored import stored_in
from pipeline_engine.storage import rows
from pipeline_engine.storage.rows import ExecutionFacts

#: A revision, and what the params of an execution give to it.
Key: TypeAlias = tuple[UUID, str | None]
KEPT_GIVEN = 256  #: executions of which is known what their params give


class Plans:
    """The plans of this process; a revision never changes, so neither does its plan."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self._settings = settings
        self._registry = registry
        self._plans: OrderedDict[Key, Plan] = OrderedDict()
        self._given: OrderedDict[UUID, Given] = OrderedDict()
        self._lock = Lock()

    def of(self, connection: Connection, revision_id: UUID) -> Plan:
        """The plan of a revision, read once for as long as it is in use."""
        key = (revision_id, None)
        return self._known(key) or self._kept(
            key, self.make(*rows.revision(connection, revision_id))
        )

    def of_execution(self, connection: Connection, facts: ExecutionFacts) -> Plan:
        """The plan of an execution: that of its revision, with what its params give."""
        plan = self.of(connection, facts.revision_id)
        if plan.open is None:
            return plan
        given = self._given_to(plan.open, facts)
        key = (facts.revision_id, given.key)
        # What does not fit was refused when it was started, if it could be read then.
        return self._known(key) or (
            plan if self._misfits(plan.open, given) else self._kept(key, self._filled(plan, given))
        )

    def fitting(
        self, revision_id: UUID, plan: Plan, params: Mapping[str, Any], masker: Masker
    ) -> Plan:
        """The plan for an execution that is to be started. Raises ``InvalidParams``."""
        if plan.open is None:
            return plan
        given = plan.open.given(params)
        key = (revision_id, given.key)
        known = None if given.problems else self._known(key)
        if known is None and (problems := self._misfits(plan.open, given)):
            raise InvalidParams(problems=_masked(problems, masker))
        return known or self._kept(key, self._filled(plan, given))

    def misfits(self, plan: Plan, params: Mapping[str, Any], masker: Masker) -> list[Issue]:
        """What of all that *params* give to a plan does not fit it."""
        if plan.open is None:
            return []
        return _masked(self._misfits(plan.open, plan.open.given(params)), masker)

    def _given_to(self, definition: OpenDefinition, facts: ExecutionFacts) -> Given:
        found = self._given.get(facts.id)
        if found is None:
            found = definition.given(facts.params)
            with self._lock:
                self._given[facts.id] = found
                while len(self._given) > KEPT_GIVEN:
                    self._given.popitem(last=False)
        return found

    def _misfits(self, definition: OpenDefinition, given: Given) -> list[Issue]:
        return definition.misfits(given, Limits(max_items=self._settings.max_items))

    def _filled(self, plan: Plan, given: Given) -> Plan:
        assert plan.open is not None, "something is given"
        definition = parse(plan.open.filled(given.values), defaults=self._defaults)
        return replace(plan, definition=definition, open=None)

    def _known(self, key: Key) -> Plan | None:
        with self._lock:
            if key in self._plans:
                self._plans.move_to_end(key)
                return self._plans[key]
        return None

    def _kept(self, key: Key, plan: Plan) -> Plan:
        with self._lock:
            # Another thread may have made it meanwhile; all use the one that came first.
            return self._with(key, plan)

    def _with(self, key: Key, plan: Plan) -> Plan:
        kept = self._plans.setdefault(key, plan)
        steps = sum(known.size for known in self._plans.values())
        while steps > KEPT_STEPS and len(self._plans) > 1:
            _, dropped = self._plans.popitem(last=False)
            steps -= dropped.size
        return kept

    def make(self, document: Mapping[str, Any], recorded: RecordedActions | None = None) -> Plan:
        """A plan that is not kept."""
        sealer = sealer_with(self._settings.secret_key, self._settings.old_secret_keys)
        opened = with_opened_defaults(document, sealer)
        found = OpenDefinition.of(opened)
        definition = parse(found.blank if found else opened, defaults=self._defaults)
        stored = stored_in(recorded or {})
        named = named_in(document, *(known.texts for known in stored.values()))
        return Plan(definition, self._settings, self._registry, named, recorded, stored, found)

    @property
    def _defaults(self) -> DefinitionDefaults:
        return DefinitionDefaults(
            timeout_seconds=self._settings.execution_timeout_seconds,
            handlers_timeout_seconds=self._settings.handlers_timeout_seconds,
            max_parallel_steps=self._settings.max_parallel_steps,
        )


def _masked(problems: Iterable[Issue], masker: Masker) -> list[Issue]:
    """The same without the secrets that a message may quote."""
    return [replace(one, message=masker.mask(one.message)) for one in problems]
