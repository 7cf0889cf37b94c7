"""What README and quickstart tell a reader to type does what they say, on a real stack.

Commands that start or stop a stack are left to test_stack.py; tests/architecture/test_docs.py
proves that they exist.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.documentation import DOCS, ROOT, blocks
from support.observing import Run, step
from support.waiting import wait_until

from pipeline_engine.client import ApiRefused, Client
from pipeline_engine.demo.peers.process import PeersProcess
from pipeline_engine.domain.states import ExecutionStatus
from pipeline_engine.embedded.ports import free_port
from pipeline_engine.embedded.stack import Stack

README = ROOT / "README.md"
QUICKSTART = DOCS / "quickstart.md"
SCHEDULE = DOCS / "howto" / "run-on-a-schedule.md"
WHO_MAY = DOCS / "howto" / "who-may.md"
WEBHOOKS = DOCS / "howto" / "start-from-a-webhook.md"
ON_EVENTS = DOCS / "howto" / "start-on-events.md"
GUARDRAILS = DOCS / "guardrails.md"
SUBSCRIBE = DOCS / "howto" / "subscribe.md"
DECODER = json.JSONDecoder()
PLACEHOLDER = re.compile(r"01a2|hooks\.example")
OF_A_STACK = re.compile(r"(?:\w+=\S+ )?(make \w+|\S*pipeline-engine (up|down)\b).*")

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("curl", "awk", "openssl"))), reason="the pages use these"
)


@pytest.fixture
def desk(tmp_path: Path, stack: Stack) -> Path:
    """A folder that looks like a clone whose stack is running."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".pipeline").symlink_to(stack.directory)
    return tmp_path


def documents(page: Path) -> list[dict[str, Any]]:
    return [json.loads(block) for block in blocks(page, "json")]


def typed(page: Path, desk: Path) -> str:
    """Save what *page* says to save, type all of its commands, and return what they print."""
    pipeline = next(document for document in documents(page) if "steps" in document)
    (desk / "release.json").write_text(json.dumps(pipeline))
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return shell("\n".join(line for line in lines if not OF_A_STACK.fullmatch(line)), desk)


def answers(printed: str) -> list[dict[str, Any]]:
    """The answers of the API among what was printed; problems end without a new line."""
    lines = [line for line in printed.splitlines() if line.startswith("{")]
    return [answer for line in lines for answer in read(line)]


def read(line: str) -> Iterator[dict[str, Any]]:
    """The documents that stand on one line."""
    begin = 0
    while begin < len(line):
        answer, begin = DECODER.raw_decode(line, begin)
        yield answer


def test_the_readme_starts_a_pipeline_and_ends_its_parked_step(desk: Path, client: Client) -> None:
    shown = [document for document in documents(README) if "steps" not in document]

    printed = typed(README, desk)

    started, received = answers(printed)
    run = Run(client, started["execution_id"])
    run.ends_well()
    assert [list(answer) for answer in (started, received)] == [list(one) for one in shown]
    assert started["params"] == shown[0]["params"]
    assert started["status"] in {"PENDING", "RUNNING"}
    assert received["outcome"] in {"accepted", "early"}
    assert client.execution(run.id)["final_outputs"] == {"said": "1.4.0, signed off by Ada"}
    assert run.id in printed


def test_the_quickstart_leads_to_two_completed_and_one_cancelled_execution(
    desk: Path, client: Client
) -> None:
    printed = typed(QUICKSTART, desk)

    pipeline, first, again, second, progress, history, called = answers(printed)
    completed, called_back, cancelled = sorted(found(client, pipeline["id"]))
    Run(client, completed).ends_well()
    Run(client, called_back).ends_well()
    assert Run(client, cancelled).end().status is ExecutionStatus.INTERRUPTED
    assert (again["outcome"], again["delivery_id"]) == ("duplicate", first["delivery_id"])
    assert second["delivery_id"] != first["delivery_id"]
    assert Decimal(progress["aggregated_progress"]["overall_progress"]) == 100
    assert {event["execution_id"] for event in history["events"]} == {completed}
    assert called["outcome"] == "accepted"
    assert client.execution(called_back)["final_outputs"]["by"] == "Lin"
    outputs = client.execution(completed)["final_outputs"]
    assert outputs["published"] == 2
    assert outputs["by"] in {"Ada", "Grace"}


def found(client: Client, pipeline_id: str) -> list[str]:
    """The executions of a pipeline; their ids sort by age."""
    return [one["id"] for one in client.executions(pipeline_id=pipeline_id)["executions"]]


def test_a_schedule_starts_what_it_should_and_its_ledger_tells_of_it(
    desk: Path, client: Client
) -> None:
    printed = typed(SCHEDULE, desk)

    pulse, changed = answers(printed)
    lines = printed.splitlines()
    ids = [line for line in lines if re.fullmatch(r"[0-9a-f-]{36}", line)]
    assert "Every day at 02:30" in lines
    assert [line[:10] for line in lines if line.startswith("2026-01-0")] == [
        f"2026-01-0{day}" for day in (1, 2, 5, 6, 7)
    ]
    assert (changed["name"], changed["max_runs"]) == ("nightly", None)
    (by_hand,) = ids
    Run(client, by_hand).ends_well()
    assert client.execution(by_hand)["final_outputs"] == {"said": "apac, due at no time"}
    wait_until(lambda: client.schedules.get(pulse["id"])["status"] == "completed", within=20)
    fired = client.schedules.fires(pulse["id"], outcome="fired")["fires"]
    assert len(fired) == 2
    for fire in fired:
        Run(client, fire["execution_id"]).ends_well()
        said = client.execution(fire["execution_id"])["final_outputs"]["said"]
        assert said == f"all, due at {fire['due_at']}"


def test_github_and_a_sender_of_standard_webhooks_start_what_they_should(
    desk: Path, client: Client, administrator: Client
) -> None:
    printed = typed(WEBHOOKS, desk)

    told = [answer for answer in answers(printed) if "execution_id" in answer]
    runs = [Run(administrator, one["execution_id"]) for one in told]
    wait_until(lambda: all(is_known(administrator, run.id) for run in runs), within=30)
    for run in runs:
        run.ends_well()
    said = [administrator.execution(run.id)["final_outputs"]["said"] for run in runs]
    assert said == ["0d1a26e with 1 change(s)", "o-7 with 0 change(s)"]
    assert "param commit" in printed
    (left,) = administrator.webhooks.list(pipeline_id=told[0]["pipeline_id"])
    assert (left["name"], left["trigger_count"]) == ("on-push", 1)


def is_known(client: Client, execution_id: str) -> bool:
    """Whether a worker has started what the sender was told of."""
    try:
        return bool(client.execution(execution_id))
    except ApiRefused:
        return False


def test_a_second_user_sees_nothing_of_a_dashboard_a_ci_job_and_a_secret(
    desk: Path, client: Client
) -> None:
    printed = typed(WHO_MAY, desk)

    told = printed.splitlines()
    assert told.count("not for Bob") == 2
    assert any(line.startswith("token:") and "acts for ada" in line for line in told)
    assert re.search(r"acts_for\W+ada", printed)
    for act in ("token.create", "secret.set", "pipeline.create", "execution.start"):
        assert act in printed
    dashboard = next(line for line in told if "dashboard" in line and "ada" in line)
    assert "s3cr" not in dashboard
    found = client.executions(initiator="api", page_size=1)["executions"][0]
    assert found["user_id"] == "ada"


def test_one_event_of_two_starts_a_pipeline(desk: Path, client: Client) -> None:
    printed = typed(ON_EVENTS, desk)

    first, second = answers(printed)
    trigger = client.find_event_trigger("on-push")
    assert [one["triggers"][0]["trigger_id"] for one in (first, second)] == [trigger["id"]] * 2
    wait_until(
        lambda: "pending" not in outcomes_of(client, trigger["id"]), what="the trigger to decide"
    )
    decided = outcomes_of(client, trigger["id"])
    assert decided == ["filtered", "fired"]
    fired = client.firings(trigger["id"], outcome="fired")["firings"][0]
    run = Run(client, fired["execution_id"])
    run.ends_well()
    said = client.execution(run.id)["final_outputs"]["said"]
    assert said == f"4f2d1c goes to production, event {fired['delivery_id']}"
    assert (trigger["config"]["quiet_seconds"], trigger["enabled"]) == (20, True)


def test_a_subscriber_hears_what_happens_and_checks_who_says_so(desk: Path, client: Client) -> None:
    (desk / "receiver.py").write_text(blocks(SUBSCRIBE, "python")[0])
    port = str(free_port())
    lines = [
        line.replace("9400", port)
        for block in blocks(SUBSCRIBE, "sh")
        for line in block.splitlines()
        # What is named by an id, or belongs to a pipeline, stands for others.
        if line.startswith("pipeline-engine subscriptions") and not PLACEHOLDER.search(line)
    ]
    create, *others = lines
    secret = shell(create, desk)
    command = [sys.executable, "receiver.py", port]
    known = {"WEBHOOK_SECRET": secret.strip()}
    with (
        (desk / "told").open("w") as told,
        subprocess.Popen(command, cwd=desk, env=known, stdout=told) as receiver,
    ):
        try:
            wait_until(lambda: is_heard(port), what="the receiver")
            printed = shell("\n".join(others), desk)
            Run.start(client, step("only", "log", message="on")).ends_well()
            wait_until(
                lambda: "workflow_completed" in (desk / "told").read_text(),
                what="the end of an execution",
            )
        finally:
            receiver.terminate()
            for one in client.subscriptions.listed():
                client.subscriptions.delete(one["id"])

    assert secret.startswith("whsec_")
    assert "sent in" in printed
    assert "whsec_" in printed, "the secret was rotated, and the receiver knows the old one"
    assert (desk / "told").read_text().splitlines()[0].strip() == "test"


def test_a_guardrail_deployment_goes_as_its_page_says(
    desk: Path, client: Client, peers: PeersProcess
) -> None:
    peers.control(event_delay=[0.05, 0.2], early=0, duplicates=0, shuffle=False)
    script = "\n".join(blocks(GUARDRAILS, "sh")).replace("http://127.0.0.1:8099", peers.url)

    try:
        told = iter(answers(shell(script, desk)))
    finally:
        peers.control(failing=[])
        client.subscriptions.delete(client.subscriptions.find("wizard")["id"])

    for shown in documents(GUARDRAILS):
        assert any(fits(shown, answer) for answer in told), shown


def test_the_commands_of_the_console_s_empty_pages_lead_from_nothing_to_all_that_they_name(
    desk: Path, administrator: Client
) -> None:
    written = (ROOT / "web/console/src/parts/commands.ts").read_text()
    commands = re.findall(r"= `(.+?)`;", written, re.DOTALL)

    printed = shell(
        "\n".join(commands).replace("https://hooks.example", "http://127.0.0.1:9"), desk
    )

    assert len(commands) == 5, "one for each kind of thing, and every one was typed"
    assert "whsec_" in printed
    administrator.schedules.delete(administrator.schedules.find("every-night")["id"])
    administrator.webhooks.delete(administrator.webhooks.find("on-tag")["id"])
    for one in administrator.event_triggers():  # the README has one of that name, too
        if one["name"] == "on-build":
            administrator.delete_event_trigger(one["id"])
    administrator.subscriptions.delete(administrator.subscriptions.find("everything")["id"])


def fits(shown: Any, answer: Any) -> bool:
    """Whether a page shows an answer as it is, but for what it leaves out or shows as "…"."""
    if isinstance(shown, dict) and isinstance(answer, dict):
        return all(name in answer and fits(shown[name], answer[name]) for name in shown)
    if isinstance(shown, list) and isinstance(answer, list) and shown:
        return len(shown) <= len(answer) and all(map(fits, shown, answer))
    return bool(shown == answer or (isinstance(shown, str) and "…" in shown))


def is_heard(port: str) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", int(port))) == 0


def shell(script: str, desk: Path) -> str:
    """What these commands print."""
    done = subprocess.run(
        ["/bin/sh", "-eu", "-c", script],
        cwd=desk,
        env={"PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def outcomes_of(client: Client, trigger_id: str) -> list[str]:
    return [one["outcome"] for one in client.firings(trigger_id)["firings"]]
