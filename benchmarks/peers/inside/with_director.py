"""celery-director: workflows in YAML, started and looked at through its HTTP API."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from benchmarks.peers.inside import work

WITHIN_SECONDS = 600
API = f"http://127.0.0.1:{work.port()}/api"
TASKS = '''"""A task for each place in a workflow: all that it is given is the payload."""

from director import task

from benchmarks.peers.inside import work


def declare_step(name, number, n):
    @task(name=name)
    def step(*args, payload, **kwargs):
        return work.do_step(payload["first"] + number, n)


def declare_join(name, items):
    @task(name=name)
    def join(numbers, **kwargs):
        return work.do_join(items, numbers)


for workload in work.WORKLOADS:
    for number in range(workload.items):
        declare_step(f"{workload.name}-{number}", number, workload.fibo)
    if workload.joined:
        declare_join(f"{workload.name}-join", workload.items)
'''


def write_project(home: Path) -> None:
    """Write what ``director init`` makes: the folder of tasks and the definitions."""
    (home / "tasks").mkdir(parents=True, exist_ok=True)
    (home / "tasks" / "fibo.py").write_text(TASKS)
    definitions = {f"fibo.{one.name}": {"tasks": tasks_of(one)} for one in work.WORKLOADS}
    (home / "workflows.yml").write_text(json.dumps(definitions))  # JSON is YAML, too
    (home / ".env").write_text("")


def tasks_of(workload: work.Workload) -> list[Any]:
    """Return the tasks of a definition."""
    names = [f"{workload.name}-{number}" for number in range(workload.items)]
    if not workload.joined:
        return list(names)
    return [{"ITEMS": {"type": "group", "tasks": names}}, f"{workload.name}-join"]


def ask(path: str, body: Any = None) -> Any:
    """Send one request to the API."""
    payload = None if body is None else json.dumps(body).encode()
    request = Request(  # noqa: S310 (ours)
        f"{API}/{path}", data=payload, headers={"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=30) as response:  # noqa: S310
        return json.load(response)


def run(workload: work.Workload) -> int:
    """Start the workflows, and ask until each has ended."""
    ids = work.together(lambda first: start(workload.name, first), workload.firsts)
    return sum(result(workflow_id, workload) for workflow_id in ids)


def start(name: str, first: int) -> str:
    """Start a workflow whose first step has the number *first*."""
    body = {"project": "fibo", "name": name, "payload": {"first": first}}
    workflow_id: str = ask("workflows", body)["id"]
    return workflow_id


def result(workflow_id: str, workload: work.Workload) -> int:
    """Ask until a workflow has ended, and return what its last task found."""

    def ended() -> Any:
        workflow = ask(f"workflows/{workflow_id}")
        return workflow if workflow["status"] in ("success", "error") else None

    tasks = work.wait_until(ended, within=WITHIN_SECONDS, every=0.05)["tasks"]
    last = f"{workload.name}-join" if workload.joined else tasks_of(workload)[-1]
    found: int = next(task["result"] for task in tasks if task["key"] == last)
    return found


def answers() -> bool:
    """Tell whether the API is up."""
    try:
        return bool(ask("definitions"))
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    write_project(work.home())
    told = {
        "DIRECTOR_HOME": str(work.home()),
        "DIRECTOR_DATABASE_URI": os.environ["DATABASE_URL"],
        "DIRECTOR_BROKER_URI": os.environ["REDIS_URL"],
        "DIRECTOR_RESULT_BACKEND_URI": os.environ["REDIS_URL"],
    }
    web = ("director", "webserver", "--bind", f"127.0.0.1:{work.port()}")
    worker = ("director", "celery", "worker", "--concurrency=1", "--loglevel=WARNING")
    work.finish("director", "db", "upgrade", **told)
    with work.running(*worker, **told), work.running(*web, **told) as api:
        work.wait_until(answers, of=api, every=0.2)
        work.answer_requests(run)
