"""Airflow's DAGs, which its own processes import: a file in the folder of DAGs names them."""

from __future__ import annotations

from airflow.sdk import DAG, task
from airflow.sdk.bases.operator import chain

from benchmarks.peers.inside import work


@task
def step(number: int, n: int) -> int:
    """Compute."""
    return work.do_step(number, n)


@task
def join(items: int, numbers: list[int]) -> int:
    """Add up."""
    return work.do_join(items, list(numbers))


def declare(workload: work.Workload) -> DAG:
    """Return the DAG of a workload."""
    with DAG(dag_id=workload.name, schedule=None) as dag:
        if workload.joined:
            numbers = list(range(workload.items))
            join(workload.items, step.partial(n=workload.fibo).expand(number=numbers))
        else:
            row = [
                step.override(task_id=f"step-{number}")(number, workload.fibo)
                for number in range(workload.items)
            ]
            chain(*row)
    return dag
