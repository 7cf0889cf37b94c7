"""What a process of the engine is made of: one object, built once, passed in."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import TypeVar
from uuid import UUID

from redis import Redis
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session, sessionmaker

from pipeline_engine import failpoints
from pipeline_engine.config import Settings
from pipeline_engine.dispatch.celery_app import make_celery
from pipeline_engine.dispatch.foreign_apps import ForeignApps
from pipeline_engine.dispatch.sender import Dispatcher
from pipeline_engine.domain.masking import Masker, masker_of, remember
from pipeline_engine.domain.recurrence import require_zones
from pipeline_engine.domain.sealing import Sealer, SecretUnreadable, sealer_with
from pipeline_engine.fail_fast_redis import make_redis
from pipeline_engine.isolation.pool import close_all
from pipeline_engine.isolation.terms import Terms
from pipeline_engine.registry import Registry, ReloadingRegistry
from pipeline_engine.scheduler.combining import Combiner
from pipeline_engine.scheduler.leases import Leases
from pipeline_engine.scheduler.log_lines import LogLines
from pipeline_engine.scheduler.occupation import Occupied
from pipeline_engine.scheduler.open_executions import OpenExecutions
from pipeline_engine.scheduler.plan.cache import Plans
from pipeline_engine.scheduler.plan.plan import Plan
from pipeline_engine.scheduler.plan.reloading import plans_of
from pipeline_engine.scheduler.raises import Raises
from pipeline_engine.scheduler.safe import Safe
from pipeline_engine.scheduler.sharing import Sharing
from pipeline_engine.sdk.breakers import Breakers
from pipeline_engine.sdk.gateway_tables import GatewayTables
from pipeline_engine.sdk.peers import Peers
from pipeline_engine.storage import rows
from pipeline_engine.storage.postgres.session import make_engine, make_sessions
from pipeline_engine.storage.rows import ExecutionFacts

T = TypeVar("T")

KEPT_FACTS = 256
KEPT_IDS = 10_000


def tune_gc() -> None:
    """Let the garbage collector look less often, and never at what lives as long as we do.

    Rows, plans and contexts are made by the thousand and free themselves when nobody refers
    to them. Looking for cycles among them took a third of a worker's time.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def make_breakers(settings: Settings) -> Breakers:
    """The circuit breakers of the peers, with the limits that the operator chose."""
    return Breakers(
        make_redis(settings, decode_responses=False),
        prefix=settings.key_prefix,
        failure_threshold=settings.circuit_failure_threshold,
        recovery_seconds=settings.circuit_recovery_seconds,
    )


def gateway_of(settings: Settings) -> GatewayTables | None:
    """The tables of the gateway's Redis; null if the operator has not said where it is."""
    url = settings.gateway_redis_url
    return None if url is None else GatewayTables(url, api_key=settings.gateway_api_key)


def installed_actions(settings: Settings) -> Registry:
    """The installed actions; with ``PIPELINE_RELOAD`` as they are written at any moment."""
    kind = ReloadingRegistry if settings.reload else Registry
    return kind.discover(terms=Terms.of(settings))


@dataclass(frozen=True)
class Runtime:
    """Settings, connections and actions of this process.

    It connects and starts threads on first use; a process that has used it must not fork.
    """

    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    registry: Registry
    redis: Redis
    dispatch: Dispatcher
    plans: Plans
    safe: Safe
    peers: Peers
    leases: Leases
    log_lines: LogLines
    #: threads that ask for blocking steps, or have run some, share transactions
    taking: Combiner = field(default_factory=Combiner, repr=False)
    finishing: Combiner = field(default_factory=Combiner, repr=False)
    #: held by the thread that gives deliveries, those of other threads among them
    giving: Lock = field(default_factory=Lock, repr=False)
    #: whose turn it is on each queue
    sharing: Sharing = field(default_factory=Sharing, repr=False)
    open_executions: OpenExecutions = field(default_factory=OpenExecutions, repr=False)
    raises: Raises = field(default_factory=Raises, repr=False)
    #: what its threads do at the moment
    occupied: Occupied = field(default_factory=Occupied, repr=False)
    #: some of the executions of which a worker of this process has said that they run
    begun: set[UUID] = field(default_factory=set, repr=False)
    #: some of what the audit log says only once, and has said
    recorded: set[str] = field(default_factory=set, repr=False)
    #: whether others use its connections to the database, too, and close them
    is_guest: bool = False
    _facts: OrderedDict[UUID, ExecutionFacts] = field(default_factory=OrderedDict, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @classmethod
    def start(
        cls,
        settings: Settings,
        *,
        registry: Registry | None = None,
        dispatch: Dispatcher | None = None,
        connections: Engine | None = None,
    ) -> Runtime:
        """Open what a process needs; nothing is connected before it is used.

        Whoever gives it *connections* to the database closes them.
        """
        failpoints.arm(settings.failpoints)
        require_zones()
        engine = connections or make_engine(settings)
        actions = registry or installed_actions(settings)
        return cls(
            settings=settings,
            engine=engine,
            sessions=make_sessions(engine),
            registry=actions,
            redis=make_redis(settings),
            dispatch=dispatch or Dispatcher(make_celery(settings)),
            plans=plans_of(settings, actions),
            safe=Safe(settings),
            peers=Peers(settings, make_breakers(settings), gateway_of(settings)),
            leases=Leases(engine, settings.lease_seconds),
            log_lines=LogLines(engine, settings),
            is_guest=connections is not None,
        )

    def take_over_changes(self) -> None:
        """Take over actions that were saved, if this process may (``up --reload``)."""
        if isinstance(self.registry, ReloadingRegistry):
            self.registry.look()

    def stop(self) -> None:
        """Close the connections, and end the processes of isolated actions."""
        self.leases.stop()
        self.log_lines.stop()
        if not self.is_guest:
            self.engine.dispose()
        self.redis.close()
        self.peers.close()
        close_all()
        if "celery_apps" in self.__dict__:
            self.celery_apps.close()

    @cached_property
    def celery_apps(self) -> ForeignApps:
        """The Celery apps of others whose tasks steps may run."""
        return ForeignApps(self.settings)

    @cached_property
    def masker(self) -> Masker:
        """What hides the secrets of the installation in what is to be stored."""
        return masker_of(self.settings.secrets.values())

    @cached_property
    def sealer(self) -> Sealer:
        """What seals the secrets that rows have to hold."""
        return sealer_with(self.settings.secret_key, self.settings.old_secret_keys)

    def facts(self, connection: Connection, ids: Collection[UUID]) -> dict[UUID, ExecutionFacts]:
        """The unchanging part of executions; the last few hundred stay in memory."""
        known = {i: fact for i in ids if (fact := self._facts.get(i))}
        missing = [i for i in ids if i not in known]
        if missing:
            found = {f.id: self._opened(f) for f in rows.execution_facts(connection, missing)}
            known |= found
            with self._lock:
                self._facts.update(found)
                while len(self._facts) > KEPT_FACTS:
                    self._facts.popitem(last=False)
        return known

    def _opened(self, facts: ExecutionFacts) -> ExecutionFacts:
        """The facts with the secrets in their params as they were given."""
        if not facts.sealed:
            return facts
        try:
            found = self.sealer.open(facts.params, str(facts.id))
        except SecretUnreadable as error:  # its own steps say so; those of others go on
            return replace(facts, unreadable=str(error))
        masker = remember(self.masker.hiding(found.secrets))
        return replace(facts, params=found.value, secrets=found.secrets, masker=masker)

    def remember(self, begun: Collection[UUID], recorded: Collection[str]) -> None:
        """What was said in a committed transaction, so that nobody says it again."""
        for known, new in ((self.begun, begun), (self.recorded, recorded)):
            if len(known) > KEPT_IDS:
                known.clear()
            known.update(new)  # type: ignore[arg-type]

    def plan(self, connection: Connection, execution_id: UUID) -> Plan:
        """The plan that an execution is pinned to."""
        facts = self._facts.get(execution_id)
        if facts is None:
            facts = self.facts(connection, [execution_id])[execution_id]
        return self.plans.of_execution(connection, facts)
