"""Calls to peers, straight and through a sidecar, against real servers."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from pipeline_engine_actions.integration.notification import META, Notification
from support.contexts import EXECUTION_ID, a_context
from support.local_service import Answer, LocalService, SomeSettings, door_to, local_service

from pipeline_engine.sdk import PeerApi, Peers, ServiceError, ServiceResponse, run_maybe_async


@pytest.fixture
def service() -> Iterator[LocalService]:
    with local_service() as running:
        yield running


@pytest.fixture
def peers(service: LocalService) -> Iterator[Peers]:
    with door_to(service) as door:
        yield door.peers


def through_dapr(service: LocalService, **settings: str) -> Peers:
    return Peers(SomeSettings(dapr_http_endpoint=service.url, **settings))


# --- where a call goes ------------------------------------------------------------------------


def test_a_call_goes_straight_to_the_address_of_the_service(service, peers):
    service.answer("PUT /things/1", {"data": {"id": 1}})

    answer = peers.invoke(
        "budapp",
        "/things/1",
        data={"a": 1},
        http_method="PUT",
        params={"user_id": "u", "page": None},
        headers={"Idempotency-Key": "k"},
    )

    received = service.received[0]
    assert answer == {"data": {"id": 1}}
    assert (received.body, received.query) == ({"a": 1}, {"user_id": ["u"]})
    assert received.headers["dapr-api-token"] == "app-token"
    assert received.headers["x-app-api-token"] == "app-token"
    assert received.headers["idempotency-key"] == "k"


def test_with_a_sidecar_a_call_is_an_invocation_with_both_tokens(service):
    service.answer("GET /v1.0/invoke/bud-app/method/things/1", {"ok": True})
    peers = through_dapr(service, dapr_api_token="dapr", app_api_token="app")

    assert peers.invoke("bud-app", "things/1", http_method="GET") == {"ok": True}

    headers = service.received[0].headers
    assert (headers["dapr-api-token"], headers["x-app-api-token"]) == ("dapr", "app")
    peers.close()


@pytest.mark.parametrize("tokens", [{"dapr_api_token": "one"}, {"app_api_token": "one"}])
def test_one_token_serves_for_both_because_deployments_often_set_only_one(service, tokens):
    service.answer("POST /v1.0/invoke/budapp/method/x", {})
    peers = through_dapr(service, **tokens)

    peers.invoke("budapp", "x")

    headers = service.received[0].headers
    assert (headers["dapr-api-token"], headers["x-app-api-token"]) == ("one", "one")
    peers.close()


def test_a_service_without_an_address_is_an_error_that_no_retry_mends():
    peers = Peers(SomeSettings())

    with pytest.raises(ServiceError, match="No address is configured for the service budsim") as e:
        peers.invoke("budsim", "x")

    assert e.value.retryable is False
    peers.close()


def test_names_become_the_ids_of_the_deployment(service):
    service.answer("POST /v1.0/invoke/bud-app-prod/method/x", {})
    peers = through_dapr(service)
    context = a_context(engine=PeerApi(peers), app_ids={"budapp": "bud-app-prod"})

    assert context.invoke_service("budapp", "x") == {}
    assert context.app_id("budapp") == "bud-app-prod"
    assert context.app_id("other") == "other"
    peers.close()


# --- what comes back --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "answer"),
    [(None, {}), (b" ", {}), ({"a": 1}, {"a": 1}), ([1], {"data": [1]}), (b"7", {"data": 7})],
)
def test_every_answer_is_an_object(service, peers, body, answer):
    service.answer("POST /x", body)

    assert peers.invoke("budapp", "x") == answer


def test_an_async_action_may_await_the_answer_and_a_plain_one_need_not(service, peers):
    service.answer("POST /x", {"a": 1})

    async def awaiting() -> ServiceResponse:
        return await peers.invoke("budapp", "x")

    assert run_maybe_async(awaiting()) == peers.invoke("budapp", "x") == {"a": 1}


@pytest.mark.parametrize(
    ("status", "body", "words", "retryable"),
    [
        (400, {"detail": "no such model"}, "no such model", False),
        (404, {"message": "gone"}, "gone", False),
        (409, {"error": "taken"}, "taken", False),
        (422, {"detail": [{"loc": ["body"]}]}, '[{"loc":["body"]}]', False),
        (429, {"detail": "slow down"}, "slow down", True),
        (500, b"Traceback " + b"x" * 900, "Traceback " + "x" * 490, True),
        (502, [1], "[1]", True),
        (503, None, "HTTP 503", True),
    ],
)
def test_an_error_carries_the_words_of_the_peer_and_whether_to_try_again(
    service, peers, status, body, words, retryable
):
    service.answer("POST /x", body, status=status)

    with pytest.raises(ServiceError) as refusal:
        peers.invoke("budapp", "x")

    assert (str(refusal.value), refusal.value.status) == (words, status)
    assert (refusal.value.retryable, refusal.value.error_code) == (retryable, "service_error")


@pytest.mark.parametrize(
    ("status", "may_be_done"), [(400, False), (429, False), (500, True), (503, False), (504, True)]
)
def test_an_error_says_whether_the_peer_may_have_done_it_all_the_same(
    service, peers, status, may_be_done
):
    service.answer("POST /x", {}, status=status)

    with pytest.raises(ServiceError) as refusal:
        peers.invoke("budapp", "x")

    assert refusal.value.may_be_done is may_be_done


def test_a_peer_that_was_not_connected_to_has_done_nothing_and_one_that_hung_up_may_have(service):
    service.answers["POST", "/x"] = Answer(missing=5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        peers = Peers(SomeSettings(service_urls={"budapp": service.url, "budsim": nobody}))

        with pytest.raises(ServiceError) as hung_up:
            peers.invoke("budapp", "x")
        with pytest.raises(ServiceError) as not_there:
            peers.invoke("budsim", "x")

    assert (hung_up.value.may_be_done, not_there.value.may_be_done) == (True, False)
    peers.close()


def test_what_is_no_json_is_an_error(service, peers):
    service.answer("POST /x", b"<html>")

    with pytest.raises(ServiceError, match="budapp answered with something that is not JSON"):
        peers.invoke("budapp", "x")


def test_tokens_do_not_follow_a_redirect(service, peers):
    with local_service() as elsewhere:
        service.answer("POST /x", None, status=307, Location=f"{elsewhere.url}/x")

        with pytest.raises(ServiceError, match="budapp answered with a redirect"):
            peers.invoke("budapp", "x")

        assert elsewhere.received == []


def test_a_peer_that_is_down_may_be_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    peers = Peers(SomeSettings(service_urls={"budapp": url}))

    with pytest.raises(ServiceError, match="budapp cannot be reached") as refusal:
        peers.invoke("budapp", "x")

    assert (refusal.value.status, refusal.value.retryable) == (0, True)
    peers.close()


def test_a_peer_that_is_silent_is_left_when_the_time_is_over():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        peers = Peers(SomeSettings(service_urls={"budapp": url}))

        with pytest.raises(ServiceError, match=r"budapp did not answer in 0\.1 s") as refusal:
            peers.invoke("budapp", "x", timeout_seconds=0.1)

    assert refusal.value.retryable
    peers.close()


def test_no_cookie_travels_from_one_call_to_the_next(service, peers):
    service.answer("POST /x", {}, Set_Cookie="session=1; Path=/")

    peers.invoke("budapp", "x")
    peers.invoke("budapp", "x")

    assert "cookie" not in service.received[1].headers


# --- what may be asked ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "../admin",
        "a/../admin",
        "a/%2e%2e/admin",
        "a/..%2fadmin",
        "a\\..\\b",
        "a b",
        "a#b",
        "a\r\nb",
    ],
)
def test_a_path_that_leaves_its_route_is_refused_because_ids_come_from_outside(
    service, peers, path
):
    with pytest.raises(ServiceError, match="is not a plain path"):
        peers.invoke("budapp", path)

    assert service.received == []


def test_a_query_in_the_path_is_kept(service, peers):
    service.answer("GET /cluster/1/health", {})

    peers.invoke("budapp", "cluster/1/health?checks=a,b", http_method="GET")

    assert service.received[0].query == {"checks": ["a,b"]}


# --- idempotency ------------------------------------------------------------------------------


def keys_of(service: LocalService, *calls: tuple[str, str], **facts: str) -> list[str | None]:
    """Make some calls as one attempt and return the idempotency keys that arrived."""
    service.received.clear()
    with door_to(service) as door:
        context = a_context(engine=door, **facts)
        for method, path in calls:
            service.answer(f"{method} /{path}", {})
            context.invoke_service("budapp", path, http_method=method)
    return [call.headers.get("idempotency-key") for call in service.received]


def test_the_keys_are_the_same_on_every_attempt_and_differ_between_calls(service):
    calls = [("POST", "a"), ("POST", "a"), ("POST", "b"), ("PATCH", "a")]

    first, second = keys_of(service, *calls), keys_of(service, *calls)

    assert first == second
    assert len(set(first)) == 4
    assert all(key is not None and key.startswith("key-1:") for key in first)


def test_a_call_that_only_reads_needs_no_key(service):
    assert keys_of(service, ("GET", "a")) == [None]
    assert "x-correlation-id" in service.received[0].headers
    assert service.received[0].headers["x-correlation-id"] == EXECUTION_ID


# --- notifications ----------------------------------------------------------------------------

TOLD = {"channel": "slack", "message": "done", "severity": "warning", "metadata": {"a": 1}}


def notified(peers: Peers):
    return Notification().execute(a_context(TOLD, engine=PeerApi(peers)))


def test_with_a_sidecar_a_notification_is_published_to_its_topic(service):
    service.answer("POST /v1.0/publish/pubsub/notifications", status=204)
    peers = through_dapr(service, dapr_api_token="t")

    result = notified(peers)

    assert result.outputs == {"sent": True, "notification_id": f"{EXECUTION_ID}-step_1"}
    assert service.received[0].headers["dapr-api-token"] == "t"
    assert service.received[0].body == {
        "notification_id": f"{EXECUTION_ID}-step_1",
        "channel": "slack",
        "title": "Workflow Notification",
        "message": "done",
        "severity": "warning",
        "recipients": [],
        "metadata": {
            "a": 1,
            "source": "budpipeline",
            "workflow_execution_id": EXECUTION_ID,
            "step_id": "step_1",
        },
    }
    peers.close()


def test_without_a_sidecar_it_goes_to_the_webhook_if_that_may_be_reached(service):
    service.answer("POST /hook", {})
    url = f"{service.url}/hook"
    opened = Peers(SomeSettings(notification_webhook_url=url, http_allowed_hosts=("127.0.0.1",)))
    closed = Peers(SomeSettings(notification_webhook_url=url))

    sent, blocked = notified(opened), notified(closed)

    assert (sent.success, len(service.received)) == (True, 1)
    assert (blocked.success, blocked.error_code) == (False, "request_blocked")
    assert set(blocked.outputs) == {output.name for output in META.outputs}
    opened.close()
    closed.close()


def test_a_notification_that_nobody_takes_is_a_failure_that_no_retry_mends():
    peers = Peers(SomeSettings())

    result = notified(peers)

    assert (result.success, result.retryable, result.outputs["sent"]) == (False, False, False)
    peers.close()


def test_a_broker_that_refuses_is_named_by_its_status(service):
    service.answer("POST /v1.0/publish/pubsub/notifications", status=500)
    peers = through_dapr(service)

    result = notified(peers)

    assert result.error == "Failed to publish notification: HTTP 500"
    assert result.retryable
    peers.close()
