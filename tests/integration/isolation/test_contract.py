"""Both contexts work in full, although the action is in a process without keys."""

from __future__ import annotations

import logging
import socket
from typing import Any

import pytest
import requests
from support.contexts import a_context, an_event, an_item_result
from support.local_service import Answer, LocalService, SomeSettings, local_service

from pipeline_engine.domain.expressions import KnownSecrets, Ledger, Vault
from pipeline_engine.domain.masking import MASK, masker_of
from pipeline_engine.errors import InvalidAnswer
from pipeline_engine.isolation.clerk import Clerk
from pipeline_engine.isolation.describe import NOBODY
from pipeline_engine.registry import Registry
from pipeline_engine.sdk import (
    ActionError,
    ActionResult,
    EventAction,
    FanOutActionExecutor,
    MoreItems,
    OutcomeUnknown,
    PeerApi,
    Peers,
    RequestBlocked,
    StepStatus,
    run_maybe_async,
)


class Listening(PeerApi):
    """An engine that remembers what it was told."""

    def __init__(self, peers: Peers) -> None:
        super().__init__(peers)
        self.progress: list[float] = []

    def report_progress(self, percentage: float, eta_seconds: float | None = None) -> None:
        self.progress.append(percentage)

    def callback_url(self) -> str:
        return "https://engine.example/callbacks/7"


@pytest.fixture(scope="module")
def service() -> Any:
    with local_service() as running:
        yield running


@pytest.fixture
def engine(service: LocalService) -> Listening:
    urls = {"budapp": service.url, "budmodel": service.url}
    settings = SomeSettings(service_urls=urls, http_allowed_hosts=("127.0.0.1",))
    return Listening(Peers(settings))


def test_it_runs_logs_and_reports_progress(execute, engine: Listening, caplog):
    with caplog.at_level(logging.INFO):
        result = execute("stranger_greet", {"whom": "world"}, engine=engine)

    assert result == ActionResult(success=True, outputs={"greeting": "hello world"})
    assert engine.progress == [50.0]


def test_its_own_check_of_params_runs_there(strangers: Registry):
    executor = strangers.executor("stranger_greet")

    assert executor.validate_params({"whom": "nobody"}) == ["nobody is not greeted"]
    assert executor.validate_params({"whom": "world"}) == []


def test_an_event_driven_one_parks_refuses_and_reads_events(strangers: Registry):
    executor = strangers.executor("stranger_wait")

    parked = run_maybe_async(executor.execute(a_context({"job": 42})))
    verdict = run_maybe_async(executor.on_event(an_event({"word": "done"}, params={"job": 42})))

    assert (parked.awaiting_event, parked.awaited) == (True, ("42",))
    assert (verdict.action, verdict.status) == (EventAction.COMPLETE, StepStatus.COMPLETED)
    assert verdict.outputs == {"said": "done", "asked": 42}
    with pytest.raises(InvalidAnswer) as refused:
        executor.check_event(an_event({}))
    assert refused.value.facts["problems"][0]["pointer"] == "/word"
    with pytest.raises(Exception, match="no such event") as crash:
        executor.on_event(an_event({"failed": True}, params={"job": 1}))
    assert type(crash.value).__name__ == "ValueError"


def test_a_fan_out_expands_asks_for_more_and_joins_results_that_are_read_in_pieces(
    strangers: Registry,
):
    executor = strangers.executor("stranger_each")
    assert isinstance(executor, FanOutActionExecutor)
    context = a_context({"count": 700})
    results = [an_item_result(n, n, outputs={"squared": n**2}) for n in range(700)]

    items = executor.expand(context)
    one = executor.execute(a_context({}, item=7, item_index=7))
    more = executor.join(context, results)
    joined = executor.join(context, [*results, an_item_result(700, 100, outputs={"squared": 1})])

    assert ([item.value for item in items[:2]], items[2].key) == ([0, 1], "n2")
    assert one.outputs == {"squared": 49}
    assert isinstance(more, MoreItems)
    assert (more.items[0].value, more.progress) == (100, 90)
    assert joined.outputs == {"total": sum(n**2 for n in range(700)) + 1, "last": 100}
    assert executor.max_concurrency(context) == 2


def test_templates_see_steps_and_the_secrets_that_their_author_placed_and_no_others(execute):
    ledger = Ledger(masker_of(["first-secret", "second-secret", "from-a-param"]))
    scope = {
        "params": {"open": "seen", "token": ledger.secret("from-a-param")},
        "steps": {"before": {"outputs": {"n": 7}, "status": "COMPLETED", "error": None}},
        "secrets": Vault(KnownSecrets({"one": "first-secret", "two": "second-secret"}), ledger),
    }
    text = "{{ params.open }} {{ steps.before.outputs.n }} {{ extra }} {{ secrets.one }}"

    result = execute(
        "stranger_render",
        {"text": text, "condition": "steps.before.outputs.n > 6"},
        scope=scope,
        workflow_params={"open": "seen", "token": "from-a-param"},
    )

    assert result.outputs["rendered"] == "seen 7 more first-secret"
    assert result.outputs["holds"] is True
    assert result.outputs["params"] == {"open": "seen", "token": MASK}
    assert ledger.masker.mask(result.outputs["rendered"]) == f"seen 7 more {MASK}"
    with pytest.raises(ActionError) as unknown:
        execute("stranger_render", {"text": "{{ secrets['t' ~ 'wo'] }}"}, scope=scope)
    assert unknown.value.error_code == "unknown_secret"


def test_its_requests_are_sent_by_the_engine_through_the_guard(
    execute, engine: Listening, service: LocalService
):
    service.answer("GET /from", None, status=302, Location="/to")
    service.answer("GET /to", {"here": True})

    found = execute(
        "stranger_ask", {"what": "session", "url": f"{service.url}/from"}, engine=engine
    )

    assert found.outputs == {"status": 200, "body": '{"here": true}'}
    with pytest.raises(ActionError) as blocked:
        execute("stranger_ask", {"what": "session", "url": "http://192.0.2.1/"}, engine=engine)
    assert blocked.value.error_code == RequestBlocked.code


def test_a_request_of_its_own_keeps_a_worker_no_longer_than_the_call_may_take(engine: Listening):
    silent = socket.create_server(("127.0.0.1", 0))
    asked = {
        "method": "GET",
        "url": f"http://127.0.0.1:{silent.getsockname()[1]}/",
        "headers": [],
        "body": None,
        "timeout": 1e6,
    }
    clerk = Clerk(NOBODY, a_context(engine=engine), seconds=0.3)

    with silent, pytest.raises(requests.RequestException):
        clerk.answer("http", asked)
    with pytest.raises(requests.Timeout, match="is over"):
        clerk.answer("http", asked)


def test_peers_are_called_with_the_engines_keys_and_only_those_that_the_package_declares(
    execute, engine: Listening, service: LocalService
):
    service.answer("POST /things", {"id": 1})
    service.received.clear()

    found = execute("stranger_ask", {"what": "peer", "peer": "budapp"}, engine=engine)

    assert found.outputs == {"id": 1}
    assert service.received[0].headers["idempotency-key"].startswith("key-1:")
    with pytest.raises(ActionError, match="not among the required_services") as undeclared:
        execute("stranger_ask", {"what": "peer", "peer": "budmodel"}, engine=engine)
    assert undeclared.value.error_code == "peer_not_declared"


def test_errors_keep_their_class_on_the_way_in_and_their_meaning_on_the_way_out(
    execute, engine: Listening, service: LocalService
):
    service.answer_in_turn("POST /things", Answer(500, {"detail": "broken"}))

    caught = execute(
        "stranger_ask", {"what": "peer", "peer": "budapp"}, engine=engine, may_repeat=False
    )
    with pytest.raises(ActionError) as refused:
        execute("stranger_ask", {"what": "refuse"}, engine=engine)

    assert caught.error == f"{OutcomeUnknown.__name__} 500"
    error = refused.value
    assert (str(error), error.error_code, error.retryable) == ("not today", "shut", False)
    assert error.retry_after_seconds == 3


def test_the_callback_address_and_outputs_of_steps_are_there_when_they_are_asked_for(
    execute, engine: Listening
):
    address = execute("stranger_ask", {"what": "address"}, engine=engine)
    known = execute(
        "stranger_ask",
        {"what": "step"},
        engine=engine,
        scope={"steps": {"a": {"outputs": {"n": 1}}}},
        step_outputs={"a": {"n": 1}},
    )

    assert address.outputs == {"address": "https://engine.example/callbacks/7"}
    assert known.outputs == {"known": {"a": {"n": 1}}}
