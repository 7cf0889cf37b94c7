"""Who takes part: pinned, in the setup that its own documentation recommends for one machine."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.peers.inside.work import WORKLOADS

ALL = tuple(workload.name for workload in WORKLOADS)
INSIDE = "benchmarks.peers.inside"
OURS = "pipeline-engine"  #: what the others are compared with


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A program that does the workloads when it is asked to."""

    name: str
    setup: str  #: in a few words, for the report
    module: str
    arguments: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()  #: none: it runs in the environment of the product
    workloads: tuple[str, ...] = ALL
    rounds: int | None = None  #: at most so many, because one takes minutes

    @property
    def environment(self) -> str:
        """The name of its environment; variants of a peer share one."""
        return self.requirements[0].partition("==")[0].partition("[")[0]


CONTESTANTS = (
    Contestant(
        name="no engine",
        setup="a loop in one process: nothing is kept",
        module=f"{INSIDE}.with_nothing",
    ),
    Contestant(
        name="celery",
        setup="chain and chord, worker with 1 process, Redis as broker and result backend",
        module=f"{INSIDE}.with_celery",
        requirements=("celery[redis]==5.7.0",),
    ),
    Contestant(
        name=OURS,
        setup="web, beat, 1 worker with 1 process for all queues; one message for each step",
        module="benchmarks.peers.ours",
        arguments=("fibo",),
    ),
    Contestant(
        name=f"{OURS} (cheap)",
        setup="the same; the author says that fibo(10) is cheap, so steps share messages",
        module="benchmarks.peers.ours",
        arguments=("fibo_cheap",),
        workloads=("warm-row", "warm-map", "short", "map"),
    ),
    Contestant(
        name="dramatiq",
        setup="pipeline and group, worker with 1 process and 1 thread, Redis for all it keeps",
        module=f"{INSIDE}.with_dramatiq",
        requirements=("dramatiq[redis]==2.2.1",),
    ),
    Contestant(
        name="dbos",
        setup="steps of a workflow in 1 process on PostgreSQL; items through a durable queue",
        module=f"{INSIDE}.with_dbos",
        requirements=("dbos==3.4.0",),
    ),
    Contestant(
        name="dbos (gathered)",
        setup="the same; items as concurrent steps of one workflow, without a queue",
        module=f"{INSIDE}.with_dbos",
        arguments=("--gathered",),
        requirements=("dbos==3.4.0",),
        workloads=("warm-map", "map"),
    ),
    Contestant(
        name="celery-director",
        setup="webserver, worker with 1 process, PostgreSQL, Redis",
        module=f"{INSIDE}.with_director",
        requirements=("celery-director==0.10.0", "setuptools<81"),
    ),
    Contestant(
        name="prefect",
        setup="flows in 1 process, `prefect server start` on SQLite, default task runner",
        module=f"{INSIDE}.with_prefect",
        # Its server fails to start with a newer fastapi, which its own requirement allows.
        requirements=("prefect==3.8.8", "fastapi==0.150.0"),
    ),
    Contestant(
        name="airflow",
        setup="`airflow standalone` on SQLite, LocalExecutor, 1 task at a time",
        module=f"{INSIDE}.with_airflow",
        requirements=("apache-airflow==3.3.2",),
        workloads=("warm-row", "short", "long", "map"),
        rounds=1,
    ),
)
