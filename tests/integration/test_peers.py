"""The stand-ins as a real process, with a real HTTP server that takes their events."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from support.waiting import wait_until

from pipeline_engine.demo.peers.process import PeersProcess

PLAN = {"event_delay": [0.05, 0.3]}


class Mailbox(ThreadingHTTPServer):
    """Takes events; answers the first of them with *refusals* times 503."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiver)
        self.refusals = 0
        self.received: list[dict[str, Any]] = []
        self.tokens: set[str | None] = set()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def events(self) -> list[str]:
        return [one["data"]["payload"]["event"] for one in list(self.received)]


class _Receiver(BaseHTTPRequestHandler):
    server: Mailbox

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            refused = self.server.refusals > 0
            self.server.refusals -= refused
            if not refused:
                self.server.received.append(body)
                self.server.tokens.add(self.headers.get("Authorization"))
        self.send_response(503 if refused else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def peers(mailbox: Mailbox) -> Iterator[PeersProcess]:
    with PeersProcess() as process:
        process.control(callback_url=mailbox.url, token="secret", **PLAN)
        yield process


def onboard(peers: PeersProcess, uri: str, key: str | None = None) -> requests.Response:
    headers = {"Idempotency-Key": key} if key else {}
    url = f"{peers.url}/budapp/models/local-model-workflow"
    return requests.post(url, json={"uri": uri}, headers=headers, timeout=10)


def test_a_repeated_start_with_the_same_key_starts_no_second_job(peers: PeersProcess) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: onboard(peers, "bud/guard", "key-1"), range(8)))

    assert len({answer.json()["workflow_id"] for answer in answers}) == 1
    starts = peers.journal()["starts"]
    assert [(one["key"], one["calls"]) for one in starts] == [("key-1", 8)]


def test_starts_without_a_key_are_different_jobs(peers: PeersProcess) -> None:
    first, second = onboard(peers, "bud/guard").json(), onboard(peers, "bud/guard").json()

    assert first["workflow_id"] != second["workflow_id"]


def test_events_come_in_the_envelope_of_the_real_service(
    peers: PeersProcess, mailbox: Mailbox
) -> None:
    workflow_id = onboard(peers, "bud/guard").json()["workflow_id"]

    wait_until(lambda: len(mailbox.received) == 6, within=10)
    assert mailbox.events()[-1] == "results"
    body = mailbox.received[-1]
    assert (body["specversion"], body["source"]) == ("1.0", "budmodel")
    assert body["data"]["type"] == "notification"
    assert body["data"]["payload"]["workflow_id"] == workflow_id
    assert "model_id" not in body["data"]["payload"]["content"]["result"]
    assert mailbox.tokens == {"Bearer secret"}


def test_a_simulation_recommends_clusters(peers: PeersProcess, mailbox: Mailbox) -> None:
    body = {"model_uri": "bud/guard", "pretrained_model_uri": "bud/guard"}
    requests.post(f"{peers.url}/budsim/simulator/run", json=body, timeout=10)

    wait_until(lambda: "results" in mailbox.events(), within=10)
    result = mailbox.received[-1]["data"]["payload"]["content"]["result"]
    assert {one["cluster_id"] for one in result["recommendations"]} >= {"cluster-amsterdam"}


def test_an_early_result_arrives_before_the_start_call_is_answered(
    peers: PeersProcess, mailbox: Mailbox
) -> None:
    peers.control(early=1.0)

    onboard(peers, "bud/guard")

    assert "results" in mailbox.events()


def test_a_doubled_event_has_the_same_id_twice(peers: PeersProcess, mailbox: Mailbox) -> None:
    peers.control(duplicates=1.0)

    onboard(peers, "bud/guard")

    wait_until(lambda: len(mailbox.received) == 12, within=10)
    ids = [one["id"] for one in mailbox.received]
    assert all(ids.count(one) == 2 for one in ids)


def test_shuffled_events_are_out_of_order(peers: PeersProcess, mailbox: Mailbox) -> None:
    peers.control(shuffle=True, seed=3)

    for number in range(4):
        onboard(peers, f"bud/guard-{number}")

    wait_until(lambda: len(mailbox.received) == 24, within=10)
    first = [one for one in mailbox.received if one["id"].startswith(_workflow(mailbox))]
    assert [one["id"] for one in first] != sorted(one["id"] for one in first)


def test_an_event_that_nobody_took_is_sent_again(peers: PeersProcess, mailbox: Mailbox) -> None:
    mailbox.refusals = 3

    onboard(peers, "bud/guard")

    wait_until(lambda: len(mailbox.received) == 6, within=10)
    wait_until(lambda: len(peers.journal()["events"]) == 9, within=10)
    assert sorted({one["status"] for one in peers.journal()["events"]}) == [200, 503]


def test_a_failing_model_says_so_and_has_no_results(peers: PeersProcess, mailbox: Mailbox) -> None:
    peers.control(failing=["bud/broken"])

    workflow_id = onboard(peers, "bud/broken").json()["workflow_id"]

    wait_until(lambda: len(mailbox.received) == 5, within=10)
    assert mailbox.received[-1]["data"]["payload"]["content"]["status"] == "FAILED"
    state = requests.get(f"{peers.url}/budapp/workflows/{workflow_id}", timeout=10).json()
    assert (state["status"], state["workflow_steps"]) == ("failed", {})


def test_a_refused_start_is_no_start(peers: PeersProcess) -> None:
    peers.control(refusals={"bud/busy": 2})

    statuses = [onboard(peers, "bud/busy", "key").status_code for _ in range(3)]

    assert statuses == [503, 503, 200]
    assert [one["calls"] for one in peers.journal()["starts"]] == [1]


def test_silent_peers_send_nothing_and_can_be_cancelled(
    peers: PeersProcess, mailbox: Mailbox
) -> None:
    requests.post(f"{peers.url}/control?silent=true", timeout=10).raise_for_status()

    workflow_id = onboard(peers, "bud/guard").json()["workflow_id"]
    requests.post(f"{peers.url}/budapp/workflows/{workflow_id}/cancel", timeout=10)

    assert [one["status"] for one in peers.journal()["starts"]] == ["cancelled"]
    assert mailbox.received == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/budapp/credentials/c1", 200),
        ("GET", "/budapp/proprietary/credentials/c1/details", 200),
        ("GET", "/budapp/credentials/missing-1", 404),
        ("GET", "/budapp/models/m1", 200),
        ("GET", "/budapp/workflows/none", 404),
        ("GET", "/budcluster/clusters/cluster-chicago/resources", 200),
        ("GET", "/budcluster/clusters/none/resources", 404),
        ("PATCH", "/budapp/internal/guardrails/rules/r1/model", 422),
        ("GET", "/budapp/clusters/none", 404),
        ("GET", "/budapp/clusters/clusters", 200),
        ("GET", "/budcluster/cluster/cluster-chicago/nodes", 200),
        ("DELETE", "/budapp/models/missing-1", 404),
        ("POST", "/budapp/models/cloud-model-workflow", 404),
        ("PUT", "/budapp/endpoints/e1/autoscale", 422),
        ("GET", "/budapp/endpoints/missing-1", 404),
        ("GET", "/budcluster/job/none", 404),
        ("POST", "/control?no_such_switch=1", 422),
        ("GET", "/nothing", 404),
    ],
)
def test_every_call_of_the_actions_has_an_answer(
    peers: PeersProcess, method: str, path: str, status: int
) -> None:
    answer = requests.request(method, f"{peers.url}{path}", json={}, timeout=10)

    assert answer.status_code == status


def _workflow(mailbox: Mailbox) -> str:
    return str(mailbox.received[0]["data"]["payload"]["workflow_id"])


def test_a_probe_names_the_models_that_its_rules_need_and_those_that_they_were_given(
    peers: PeersProcess,
) -> None:
    link = f"{peers.url}/budapp/internal/guardrails/rules/rule-4/model"
    requests.patch(link, json={"model_id": "model-4"}, timeout=10)

    probe = requests.get(f"{peers.url}/budapp/guardrails/probe/injection", timeout=10).json()
    other = requests.get(f"{peers.url}/budapp/guardrails/probe/mine", timeout=10).json()

    assert [rule["model_id"] for rule in probe["probe"]["rules"]] == ["model-4"]
    assert [rule["model_id"] for rule in other["probe"]["rules"]] == [None, None]
    missing = requests.get(f"{peers.url}/budapp/guardrails/probe/missing-1", timeout=10)
    assert missing.status_code == 404


def test_endpoints_are_listed_by_project_and_say_how_far_they_are(
    peers: PeersProcess, mailbox: Mailbox
) -> None:
    asked = {"cluster_id": "cluster-amsterdam", "project_id": "p-1"}
    url = f"{peers.url}/budapp/models/deploy-workflow"
    for name in ("good", "bad"):
        body = {**asked, "endpoint_name": name, "model_id": f"model-{name}"}
        peers.control(failing=["model-bad"])
        requests.post(url, json=body, timeout=10)

    def states() -> dict[str, str]:
        query = {"project_id": "p-1"}
        found = requests.get(f"{peers.url}/budapp/endpoints", params=query, timeout=10).json()
        return {one["name"]: one["status"] for one in found["endpoints"]}

    wait_until(lambda: states() == {"good": "running", "bad": "failure"}, within=10)
    peers.control(endpoint_states={"model-good": "unhealthy"})
    assert states()["good"] == "unhealthy"
    assert [one["name"] for one in peers.journal()["there"]["endpoints"]] == ["good"]
