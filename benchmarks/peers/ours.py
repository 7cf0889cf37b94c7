"""This engine as a contestant: the processes of ``up``, with one worker instead of two.

It takes requests as any client does, over HTTP.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks.peers.inside import work
from benchmarks.peers.inside.http import Http
from pipeline_engine.cli.db import upgrade
from pipeline_engine.client import ApiUnreachable, Client
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.embedded.processes import Layout, application_programs
from pipeline_engine.embedded.programs import Program

TOKEN = "token-of-a-benchmark"  # noqa: S105 (opens nothing)
WAIT_SECONDS = 60  #: The longest that an answer is held back
WITHIN_SECONDS = 600.0
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
    steps = STEPS[workload.shape](workload, action)
    found = "{{ steps['" + steps[-1]["id"] + "'].outputs.found }}"
    return {
        "name": workload.name,
        "parameters": [
            {"name": "n", "type": "integer", "default": workload.fibo},
            {"name": "first", "type": "integer", "default": 0},
            {"name": "key", "type": "string", "default": ""},
        ],
        "steps": steps,
        "outputs": {"found": found},
    }


def _in_a_row(workload: work.Workload, action: str) -> list[dict[str, Any]]:
    return [
        _step(f"s{number}", action, number, [f"s{number - 1}"] if number else [])
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


def _waiting(_: work.Workload, action: str) -> list[dict[str, Any]]:
    wait = {
        "id": "wait",
        "name": "Wait",
        "action": "wait_for_event",
        "params": {"event_key": "{{ params.key }}"},
        "depends_on": ["before"],
    }
    return [_step("before", action, 0, []), wait, _step("after", action, 1, ["wait"])]


def _step(step_id: str, action: str, number: int, depends_on: list[str]) -> dict[str, Any]:
    return {
        "id": step_id,
        "name": step_id,
        "action": action,
        "params": {"number": f"{{{{ params.first + {number} }}}}", "n": "{{ params.n }}"},
        "depends_on": depends_on,
    }


STEPS = {
    work.Shape.ROW: _in_a_row,
    work.Shape.MAP: _mapped,
    work.Shape.SIGNAL: _waiting,
    work.Shape.CROWD: _in_a_row,
}


class Api:
    """The API, asked as a client asks that waits for the end."""

    def __init__(self, url: str, port: int, action: str) -> None:
        self._client = Client(url, TOKEN)
        self._action = action
        self._pipelines: dict[str, str] = {}
        self._http = Http(port, Authorization=f"Bearer {TOKEN}")
        self._round = 0

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
        """Start the executions; each request is answered when its execution has ended."""
        self._round += 1
        with ThreadPoolExecutor(workload.workflows) as clients:
            answers = {
                first: clients.submit(self._execute, workload, first) for first in workload.firsts
            }
            if workload.shape is work.Shape.SIGNAL:
                return work.signal_each(
                    workload, send=self._signal, end=lambda first: answers[first].result()
                )
            return sum(answer.result() for answer in answers.values())

    def _execute(self, workload: work.Workload, first: int) -> int:
        body = {
            "pipeline_id": self._pipelines[workload.name],
            "params": {"first": first, "key": self._key(first)},
        }
        ended = self._http.ask(f"/api/v1/executions?wait_seconds={WAIT_SECONDS}", body)
        outputs = ended["outputs"] or self._later(f"/api/v1/executions/{ended['execution_id']}")
        found: int = outputs["found"]
        return found

    def _later(self, path: str) -> Any:
        """Return the outputs of an execution that took longer than an answer is held back.

        Raises ``RuntimeError`` unless it was completed.
        """

        def ended() -> Any:
            execution = self._http.ask(path, method="GET")
            return execution if ExecutionStatus(execution["status"]).is_final else None

        execution = work.wait_until(ended, within=WITHIN_SECONDS, every=0.1)
        if execution["status"] != ExecutionStatus.COMPLETED:
            raise RuntimeError(f"{execution['status']}: {execution['error_info']}")
        return execution["final_outputs"]

    def _signal(self, first: int) -> None:
        self._http.ask("/api/v1/events", {"event_key": self._key(first)})

    def _key(self, first: int) -> str:
        return f"signal-{self._round}-{first}"


def main() -> None:
    """Run the processes, and answer."""
    told = environment(os.environ["DATABASE_URL"], os.environ["REDIS_URL"])
    layout = Layout(web_port=work.port())
    upgrade(told["DATABASE_URL"])
    api = Api(layout.web_url, layout.web_port, action=sys.argv[1])
    with ExitStack() as stack:
        for program in programs(layout, told):
            stack.enter_context(running(program))
        work.wait_until(api.knows_the_pipelines, every=0.2)
        work.answer_requests(api.run)


if __name__ == "__main__":
    main()
