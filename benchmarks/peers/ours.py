"""This engine as a contestant: the processes of ``up``, with one worker instead of two.

It takes requests as any client does, over HTTP.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import requests

from benchmarks.peers.inside import work
from pipeline_engine.cli.db import upgrade
from pipeline_engine.client import ApiUnreachable, Client
from pipeline_engine.embedded.processes import Layout, application_programs
from pipeline_engine.embedded.programs import Program

TOKEN = "token-of-a-benchmark"  # noqa: S105 (opens nothing)
WAIT_SECONDS = 60
WORKER = ("-P", "prefork", "-c", "1", "-Q", "io,fast,cpu,system")
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING")


def environment(database_url: str, redis_url: str) -> dict[str, str]:
    """Return what the processes are told: the servers, and defaults for everything else."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PIPELINE_API_TOKEN": TOKEN,
        "PIPELINE_SECRET_KEY": "key-of-a-benchmark-and-of-nothing-else",
        "LOG_LEVEL": "WARNING",
    }


def programs(layout: Layout, told: Mapping[str, str]) -> Iterator[Program]:
    """Yield web and beat as ``up`` runs them, and one worker with one process for all queues."""
    for program in application_programs(layout, told):
        if program.name in ("web", "beat"):
            yield program
        elif program.name == "worker-cpu":
            celery = (sys.executable, "-P", "-m", "celery", "-A", "pipeline_engine.worker")
            command = (*celery, "worker", "-n", "worker@%h", *WORKER, *QUIET)
            yield Program(
                name="worker", command=command, environment=program.environment, stage=program.stage
            )


@contextmanager
def running(program: Program) -> Iterator[None]:
    """Run a program until the block ends."""
    process = program.spawn(sys.stderr.buffer)
    try:
        yield
    finally:
        process.terminate()
        process.wait(program.stop_within.total_seconds())


def document(workload: work.Workload, action: str) -> dict[str, Any]:
    """Return the pipeline of a workload."""
    steps = _mapped(workload, action) if workload.joined else _in_a_row(workload, action)
    found = "{{ steps['" + steps[-1]["id"] + "'].outputs.found }}"
    return {
        "name": workload.name,
        "parameters": [{"name": "n", "type": "integer", "default": workload.fibo}],
        "steps": steps,
        "outputs": {"found": found},
    }


def _in_a_row(workload: work.Workload, action: str) -> list[dict[str, Any]]:
    return [
        {
            "id": f"s{number}",
            "name": f"Step {number}",
            "action": action,
            "params": {"number": number, "n": "{{ params.n }}"},
            "depends_on": [f"s{number - 1}"] if number else [],
        }
        for number in range(workload.items)
    ]


def _mapped(workload: work.Workload, action: str) -> list[dict[str, Any]]:
    items = {
        "id": "items",
        "name": "Items",
        "action": action,
        "for_each": list(range(workload.items)),
        "params": {"number": "{{ item }}", "n": "{{ params.n }}"},
    }
    join = {
        "id": "join",
        "name": "Join",
        "action": "fibo_join",
        "params": {"items": workload.items, "results": "{{ steps.items.outputs.results }}"},
        "depends_on": ["items"],
    }
    return [items, join]


class Api:
    """The API, asked as a client asks that waits for the end."""

    def __init__(self, url: str, action: str) -> None:
        self._client = Client(url, TOKEN)
        self._action = action
        self._pipelines: dict[str, str] = {}
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {TOKEN}"

    def knows_the_pipelines(self) -> bool:
        """Store all pipelines, as soon as the API is up."""
        try:
            for workload in work.WORKLOADS:
                stored = self._client.store(document(workload, self._action))
                self._pipelines[workload.name] = stored["id"]
        except ApiUnreachable:
            return False
        return True

    def run(self, workload: work.Workload) -> Any:
        """Start an execution and wait for its end in the same request."""
        answer = self._http.post(
            f"{self._client.url}/api/v1/executions",
            params={"wait_seconds": WAIT_SECONDS},
            json={"workflow_id": self._pipelines[workload.name]},
            timeout=WAIT_SECONDS + 10,
        )
        answer.raise_for_status()
        ended = answer.json()
        if ended["status"] != "COMPLETED":
            raise RuntimeError(f"{workload.name}: {ended['status']} {ended['error']}")
        return ended["outputs"]["found"]


def main() -> None:
    """Run the processes, and answer."""
    told = environment(os.environ["DATABASE_URL"], os.environ["REDIS_URL"])
    layout = Layout(web_port=work.port())
    upgrade(told["DATABASE_URL"])
    api = Api(layout.web_url, action=sys.argv[1])
    with ExitStack() as stack:
        for program in programs(layout, told):
            stack.enter_context(running(program))
        work.wait_until(api.knows_the_pipelines, every=0.2)
        work.answer_requests(api.run)


if __name__ == "__main__":
    main()
