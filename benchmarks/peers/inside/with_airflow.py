"""Airflow: ``airflow standalone``, which is the API server, scheduler and DAG processor on SQLite.

The scheduler runs tasks with the LocalExecutor, here one at a time; runs are started and looked
at through the HTTP API.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from benchmarks.peers.inside import work

URL = f"http://127.0.0.1:{work.port()}"
DAGS = '''"""One DAG for each workload."""

from benchmarks.peers.inside.airflow_dags import declare
from benchmarks.peers.inside.work import WORKLOADS

from airflow.sdk import DAG

for workload in WORKLOADS:
    globals()[workload.name] = declare(workload)
'''
SETTINGS = {
    "AIRFLOW_HOME": str(work.home()),
    "AIRFLOW__CORE__DAGS_FOLDER": str(work.home() / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__PARALLELISM": "1",  # one worker
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{URL}/execution/",
    "AIRFLOW__API__BASE_URL": URL,
    "AIRFLOW__API__HOST": "127.0.0.1",
    "AIRFLOW__API__PORT": str(work.port()),
}
FINAL = ("success", "failed")


class Api:
    """Airflow's HTTP API, asked with a token."""

    def __init__(self) -> None:
        self.token = ""

    def ask(self, path: str, body: Any = None) -> Any:
        """Send one request."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        payload = None if body is None else json.dumps(body).encode()
        request = Request(f"{URL}/{path}", data=payload, headers=headers)  # noqa: S310 (ours)
        with urlopen(request, timeout=30) as response:  # noqa: S310
            return json.load(response)

    def is_ready(self) -> bool:
        """Tell whether the API is up, and whether it knows all DAGs."""
        try:
            self.token = self.token or self.ask("auth/token")["access_token"]
            known = {dag["dag_id"] for dag in self.ask("api/v2/dags")["dags"]}
        except (URLError, OSError):
            return False
        return known >= {workload.name for workload in work.WORKLOADS}

    def run(self, workload: work.Workload) -> Any:
        """Trigger a run, wait for its end, and fetch what its last task returned."""
        path = f"api/v2/dags/{workload.name}/dagRuns"
        run_id = self.ask(path, {"logical_date": None})["dag_run_id"]
        work.wait_until(
            lambda: self.ask(f"{path}/{run_id}")["state"] in FINAL, within=600, every=0.1
        )
        last = "join" if workload.joined else f"step-{workload.items - 1}"
        return self.ask(f"{path}/{run_id}/taskInstances/{last}/xcomEntries/return_value")["value"]


if __name__ == "__main__":
    (work.home() / "dags").mkdir(parents=True, exist_ok=True)
    (work.home() / "dags" / "fibo.py").write_text(DAGS)
    api = Api()
    with work.running("airflow", "standalone", **SETTINGS) as stack:
        work.wait_until(api.is_ready, of=stack, every=0.5)
        work.answer_requests(api.run)
