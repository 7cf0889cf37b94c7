"""The demo, played once: a stack of its own, stand-ins, a gateway, and a worker that is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from pipeline_engine.demo.scenario import Audience, Scenario
from pipeline_engine.demo.story import Story
from pipeline_engine.demo.verdict import judge
from pipeline_engine.domain.scopes import Scope
from pipeline_engine.embedded.servers import passing_valkey
from pipeline_engine.embedded.stack import Stack

VICTIM = "worker-io"
USER = "demo"  #: for whom everything is done
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


@dataclass(frozen=True, slots=True)
class Stage:
    """What the demo is played on."""

    stack: Stack
    peers: PeersProcess
    gateway: Gateway

    def perform(self, audience: Audience) -> Story:
        """Play it, as a user who may do what it takes and no more."""
        bootstrap = Client(self.stack.api_url, self.stack.api_token)
        events = _token(bootstrap, "stand-ins", Scope.EVENTS_SEND, Scope.OWNERS_ANY)
        self.peers.control(callback_url=self.stack.api_url, token=events)
        client = Client(self.stack.api_url, _token(bootstrap, USER, *NEEDED, owner=USER))
        worker = _StackWorker(self.stack)
        return Scenario(client, self.peers, self.gateway, worker, audience).play()


@contextmanager
def staged(directory: Path, options: tuple[str, ...] = ()) -> Iterator[Stage]:
    """Run a stack, the stand-ins and a gateway; *options* are those of ``up``."""
    beside = directory.with_name(f"{directory.name}-gateway")
    with PeersProcess() as peers, passing_valkey(beside) as gateway_url:
        environment = _environment(peers.service_urls, gateway_url)
        with Stack.start(directory, environment=environment, options=options) as stack:
            yield Stage(stack, peers, Gateway(gateway_url))


def play(directory: Path, *, once: bool, flower: bool) -> bool:
    """Deploy guardrails and kill a worker; tells whether all that was promised was true.

    On a terminal the stack runs on until Ctrl-C, unless *once*.
    """
    console = Console()
    console.print("Starting PostgreSQL, Valkey, web, workers, beat and the stand-ins …")
    with staged(directory, ("--flower",) if flower else ()) as stage:
        stack = stage.stack
        console.print(f"The stack runs: {stack.api_url}", highlight=False)
        with Screen(console) as screen:
            story = stage.perform(screen)
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
