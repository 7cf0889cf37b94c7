"""The demo, played once: a stack of its own, stand-ins, a gateway, and a worker that is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from pipeline_engine.cli.afterwards import say_where_it_was, say_where_to_look, stay
from pipeline_engine.cli.live import Screen
from pipeline_engine.cli.output import print_line
from pipeline_engine.cli.states import mark, state
from pipeline_engine.client import Client
from pipeline_engine.demo import report
from pipeline_engine.demo.gateway import Gateway
from pipeline_engine.demo.peers.process import APPS, PeersProcess
from pipeline_engine.demo.scenario import Scenario
from pipeline_engine.demo.story import Story
from pipeline_engine.demo.verdict import judge
from pipeline_engine.domain.scopes import Scope
from pipeline_engine.embedded.servers import passing_valkey
from pipeline_engine.embedded.stack import Stack

VICTIM = "worker-io"
#: What the scenario does at the API.
NEEDED = (
    *(Scope.PIPELINES_READ, Scope.PIPELINES_WRITE),
    *(Scope.EXECUTIONS_READ, Scope.EXECUTIONS_RUN),
    *(Scope.GUARDRAILS_READ, Scope.GUARDRAILS_WRITE),
)
# Recovery in seconds, where the defaults would make an onlooker wait for longer.
FAST = {
    "PIPELINE_LEASE_SECONDS": "5",
    "PIPELINE_REPUBLISH_AFTER_SECONDS": "2",
    "PIPELINE_SWEEP_INTERVAL_SECONDS": "0.5",
}


@dataclass(frozen=True, slots=True)
class _StackWorker:
    """One worker of the stack, as the scenario wants to see it."""

    stack: Stack
    name: str = VICTIM

    def pid(self) -> int | None:
        return self.stack.process(self.name).pid

    def kill(self) -> int:
        pid = self.pid()
        assert pid is not None, "the stack is ready, so its worker runs"
        os.kill(pid, signal.SIGKILL)
        return pid


def play(directory: Path, *, once: bool, flower: bool) -> bool:
    """Deploy guardrails and kill a worker; tells whether all that was promised was true.

    On a terminal the stack runs on until Ctrl-C, unless *once*.
    """
    console = Console()
    console.print("Starting PostgreSQL, Valkey, web, workers, beat and the stand-ins …")
    beside = directory.with_name(f"{directory.name}-gateway")
    with PeersProcess() as peers, passing_valkey(beside) as gateway_url:
        gateway = Gateway(gateway_url)
        environment = _environment(peers.service_urls, gateway_url)
        options = ("--flower",) if flower else ()
        with Stack.start(directory, environment=environment, options=options) as stack:
            console.print(f"The stack runs: {stack.api_url}", highlight=False)
            bootstrap = Client(stack.api_url, stack.api_token)
            events = _token(bootstrap, "stand-ins", Scope.EVENTS_SEND, Scope.OWNERS_ANY)
            peers.control(callback_url=stack.api_url, token=events)
            story = _perform(stack, peers, gateway, console)
            was_true = _tell(story, console)
            if console.is_terminal and not once:
                say_where_to_look(stack, directory, story.survivor)
                stay()
            else:
                say_where_it_was(stack, directory, story.survivor)
    return was_true


def _environment(service_urls: str, gateway_url: str) -> Mapping[str, str]:
    # The processes inherit our environment; config.py alone gives meaning to it.
    return {
        **os.environ,
        **FAST,
        "PIPELINE_SERVICE_URLS": service_urls,
        "PIPELINE_GATEWAY_REDIS_URL": gateway_url,
        "PIPELINE_PEERS_WITH_IDEMPOTENCY": ",".join(APPS),
    }


def _token(client: Client, name: str, *scopes: Scope, owner: str | None = None) -> str:
    """A token that may do what it is for, for an hour."""
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = client.create_token(name, scopes=scopes, user_id=owner, expires_at=until)
    return str(made["token"])


def _perform(stack: Stack, peers: PeersProcess, gateway: Gateway, console: Console) -> Story:
    token = _token(Client(stack.api_url, stack.api_token), "demo", *NEEDED, owner="demo")
    client = Client(stack.api_url, token)
    with Screen(console) as screen:
        return Scenario(client, peers, gateway, _StackWorker(stack), screen).play()


def _tell(story: Story, console: Console) -> bool:
    """Print what has happened; tells whether all that was promised was true."""
    claims = judge(story)
    console.print()
    for line in report.lines(story):
        console.print(line, highlight=False, soft_wrap=True)
    for item in story.retried:
        print_line(" ", item.name, state(item.status, f"(attempt {item.attempt})"))
    print_line("What was promised, and whether it was true:")
    for claim in claims:
        print_line(" ", mark(is_well=claim.was_true), f"{claim.text} ({claim.facts})")
    return all(claim.was_true for claim in claims)
