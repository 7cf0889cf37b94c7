"""http_request against a real server; nothing here leaves the loopback address."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import zlib
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from pipeline_engine_actions.integration.http_request import META, HttpRequest
from support.contexts import a_context
from support.local_service import Answer, LocalService, local_service

from pipeline_engine.domain import json_guard
from pipeline_engine.sdk.addresses import AddressGuard
from pipeline_engine.sdk.engine_api import NullEngine
from pipeline_engine.sdk.errors import RequestBlocked
from pipeline_engine.sdk.guarded_http import GuardedSession

KEYS = {output.name for output in META.outputs}
PUBLIC = "93.184.215.14"

#: What names mean here; numbers in any spelling are understood by the system itself.
NAMES = {
    "localhost": ["127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "private.example": ["10.0.0.5"],
    "mixed.example": [PUBLIC, "127.0.0.1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "tunnel.example": ["64:ff9b::7f00:1"],
}


def look_up(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
    """Know the names of this test, and every spelling of a number; ask no name server."""
    addresses = NAMES.get(host.rstrip(".").lower(), [host])
    return [
        answer
        for address in addresses
        for answer in socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
    ]


class GuardedDoor(NullEngine):
    """An engine with nothing but guarded requests."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard

    def http_session(self) -> requests.Session:
        return GuardedSession(self._guard)


@pytest.fixture
def service() -> Iterator[LocalService]:
    with local_service() as running:
        yield running


@pytest.fixture
def other_service() -> Iterator[LocalService]:
    with local_service() as running:
        yield running


def sent(guard: AddressGuard, url: str, **params: Any):
    context = a_context({"url": url, **params}, engine=GuardedDoor(guard))
    return HttpRequest().execute(context)


def only(*services: LocalService) -> AddressGuard:
    """Open nothing but these services."""
    return AddressGuard.of([f"127.0.0.1:{s.server_port}" for s in services], look_up=look_up)


# --- what it is for ---------------------------------------------------------------------------


def test_the_answer_is_read_as_json(service):
    service.answer("GET /thing", {"n": 1}, X_Kind="thing")

    result = sent(only(service), f"{service.url}/thing?x=1", headers={"X-Api-Key": "k"})

    assert result.success
    assert (result.outputs["status_code"], result.outputs["body"]) == (200, {"n": 1})
    assert result.outputs["headers"]["X-Kind"] == "thing"
    assert service.received[0].headers["x-api-key"] == "k"
    assert service.received[0].query == {"x": ["1"]}


@pytest.mark.parametrize("body", [{"a": [1]}, [1, {"b": None}]])
def test_an_object_and_a_list_are_sent_as_json(service, body):
    service.answer("POST /things", {}, status=201)

    result = sent(only(service), f"{service.url}/things", method="POST", body=body)

    assert (result.success, service.received[0].body) == (True, body)
    assert service.received[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("body", [{}, [], 0, False, 1.5])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_body_is_sent_with_every_method_whatever_it_is(service, method, body):
    service.answer(f"{method} /", {})

    assert sent(only(service), f"{service.url}/", method=method, body=body).success
    assert service.received[0].raw == json.dumps(body).encode()
    assert service.received[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_null_is_no_body(service, method):
    service.answer(f"{method} /", {})

    sent(only(service), f"{service.url}/", method=method, body=None)

    assert (service.received[0].raw, "content-type" in service.received[0].headers) == (b"", False)


@pytest.mark.parametrize(
    ("headers", "kind", "raw"),
    [
        ({}, "text/plain; charset=utf-8", "h\u00e9".encode()),
        ({"content-type": "text/csv"}, "text/csv", "h\u00e9".encode()),
        ({"CONTENT-TYPE": "text/x; charset=iso-8859-1"}, "text/x; charset=iso-8859-1", b"h\xe9"),
    ],
)
def test_a_text_is_sent_as_it_is_in_the_type_that_the_author_names(service, headers, kind, raw):
    service.answer("POST /", {})

    sent(only(service), f"{service.url}/", method="POST", body="h\u00e9", headers=headers)

    assert (service.received[0].headers["content-type"], service.received[0].raw) == (kind, raw)


def test_an_empty_text_is_an_empty_body(service):
    service.answer("POST /", {})

    sent(only(service), f"{service.url}/", method="POST", body="")

    headers = service.received[0].headers
    assert (headers["content-length"], headers["content-type"]) == (
        "0",
        "text/plain; charset=utf-8",
    )


def test_numbers_are_sent_to_the_last_digit(service):
    service.answer("POST /", {})

    sent(only(service), f"{service.url}/", method="POST", body={"n": 2**70, "x": 0.1})

    assert service.received[0].raw == b'{"n":1180591620717411303424,"x":0.1}'


@pytest.mark.parametrize("body", [float("nan"), {"x": float("inf")}, "\ud800"])
def test_a_body_that_nobody_could_read_is_refused(service, body):
    result = sent(only(service), f"{service.url}/", method="POST", body=body)

    assert (result.error_code, service.received) == ("invalid_params", [])


def test_metadata_can_travel_with_an_object(service):
    service.answer("POST /", {})

    sent(only(service), f"{service.url}/", method="post", body={"a": 1}, include_metadata=True)

    assert service.received[0].body["_workflow_metadata"]["step_id"] == "step_1"


@pytest.mark.parametrize(
    ("status", "retryable"), [(404, False), (302, False), (429, True), (500, True), (503, True)]
)
def test_a_status_that_is_no_success_fails_with_the_answer(service, status, retryable):
    service.answer("GET /", {"why": "because"}, status=status, Location="/elsewhere")

    result = sent(only(service), f"{service.url}/")

    assert (result.success, result.error) == (False, f"HTTP {status}")
    assert (result.error_code, result.retryable) == (f"http_{status}", retryable)
    assert (result.outputs["status_code"], result.outputs["body"]) == (status, {"why": "because"})
    assert len(service.received) == 1


# --- what it refuses --------------------------------------------------------------------------

BLOCKED = [
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://127.255.255.254:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0x7F.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://localhost:{port}/",
    "http://LocalHost:{port}/",
    "http://localhost.:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0:{port}/",
    "http://[::]:{port}/",
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:7f00:1::]:{port}/",
    "http://[fe80::1]:{port}/",
    "http://[fec0::1]:{port}/",
    "http://[fc00::1]:{port}/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[ff02::1]:{port}/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://198.18.0.1/",
    "http://192.0.0.192/",
    "http://192.88.99.1/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/latest/meta-data/",
    "http://0xA9FEA9FE/",
    "http://100.100.100.200/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://private.example/",
    "http://mixed.example:{port}/",
    "http://mapped.example:{port}/",
    "http://tunnel.example:{port}/",
    "https://127.0.0.1:{port}/",
    "http://user@127.0.0.1:{port}/",
    "http://public.example@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@public.example/",
    "http://public.example\\@127.0.0.1:{port}/",
    "http://127.0.0.1:0/",
    f"http://{PUBLIC}:22/",
    f"http://{PUBLIC}:6379/",
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_GET",
    "dict://127.0.0.1:{port}/",
    "redis://127.0.0.1:{port}/0",
    "unix:///var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "data:text/plain,hello",
    "//127.0.0.1:{port}/",
]
UNREADABLE = [
    "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460:{port}/",
    "http://\uff11\uff12\uff17.0.0.1:{port}/",
    "http://127\u30020\u30020\u30021:{port}/",
    "http://",
    "http:///path",
    "http://:{port}/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1%00.public.example:{port}/",
    "http://[::1:{port}/",
    "http://127.0.0.1\t.public.example:{port}/",
    "http://127.0.0.1:{port}/\r\nX-Injected: yes",
    "http://unknown.example#@127.0.0.1:{port}/",
]


@pytest.mark.parametrize("url", BLOCKED)
def test_what_is_not_on_the_public_internet_is_never_connected_to(service, url):
    guard = AddressGuard.of(ports=[str(service.server_port), "80", "443"], look_up=look_up)

    result = sent(guard, url.format(port=service.server_port))

    assert result.error.startswith("Request blocked (SSRF protection): ")
    assert (result.error_code, result.retryable) == ("request_blocked", False)
    assert (set(result.outputs), result.outputs["status_code"]) == (KEYS, 0)
    assert service.received == []


@pytest.mark.parametrize("url", UNREADABLE)
def test_a_url_that_names_no_host_in_one_way_only_is_never_connected_to(service, url):
    guard = AddressGuard.of(ports=[str(service.server_port)], look_up=look_up)

    result = sent(guard, url.format(port=service.server_port))

    assert (result.success, result.outputs["status_code"]) == (False, 0)
    assert service.received == []


def test_a_name_that_means_something_else_the_second_time_is_asked_only_once(service):
    answers = iter([["127.0.0.1"], [PUBLIC]])
    asked = []

    def rebinding(host: str, port: int, **facts: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        [address] = next(answers)
        return socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)

    guard = AddressGuard.of([f"rebind.example:{service.server_port}"], look_up=rebinding)
    service.answer("GET /", {})

    assert sent(guard, f"http://rebind.example:{service.server_port}/").success
    assert asked == ["rebind.example"]


@pytest.mark.parametrize(
    "location",
    [
        "{other}/",
        "http://2130706433:{port}/",
        "http://[::ffff:7f00:1]:{port}/",
        "http://localhost:{port}/",
    ],
)
def test_a_redirect_into_the_private_network_is_blocked_even_where_redirects_are_followed(
    service, other_service, location
):
    target = location.format(
        other=other_service.url,
        port=other_service.server_port,
    )
    service.answer("GET /", {}, status=302, Location=target)

    with GuardedSession(only(service)) as session, pytest.raises(RequestBlocked):
        session.get(f"{service.url}/", timeout=5)

    assert other_service.received == []


def test_a_redirect_to_another_scheme_is_not_followed(service):
    service.answer("GET /", {}, status=302, Location="file:///etc/passwd")

    with (
        GuardedSession(only(service)) as session,
        pytest.raises(requests.exceptions.InvalidSchema),
    ):
        session.get(f"{service.url}/", timeout=5)


def test_a_redirect_to_another_host_does_not_take_secrets_along(service, other_service):
    service.answer("GET /", {}, status=302, Location=f"{other_service.url}/", Set_Cookie="c=1")
    other_service.answer("GET /", {})
    secrets = {"X-Api-Key": "k", "Authorization": "Bearer t", "Accept": "text/plain"}

    with GuardedSession(only(service, other_service)) as session:
        session.get(f"{service.url}/", headers=secrets, timeout=5)

    received = other_service.received[0].headers
    assert received["accept"] == "text/plain"
    assert not {"x-api-key", "authorization", "cookie"} & set(received)


def test_a_host_that_the_operator_opened_is_reached_on_its_port_only(service, other_service):
    service.answer("GET /", {})

    assert sent(only(service), f"{service.url}/").success
    assert sent(only(service), f"{other_service.url}/").error_code == "request_blocked"


@pytest.mark.parametrize("entry", ["127.0.0.0/8", "127.0.0.1", "localhost"])
def test_networks_addresses_and_names_can_be_opened(service, entry):
    service.answer("GET /", {})
    guard = AddressGuard.of([entry], look_up=look_up)
    host = "localhost" if entry == "localhost" else "127.0.0.1"

    assert sent(guard, f"http://{host}:{service.server_port}/").success


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "a\r\nInjected: yes"},
        {"X": "a\nb"},
        {"X": "a\0b"},
        {"X\r\nInjected": "yes"},
        {"X Y": "a"},
        {"": "a"},
        {"Host": "internal"},
        {"content-length": "0"},
        {"Transfer-Encoding": "chunked"},
        {"Connection": "upgrade"},
        {"Proxy-Authorization": "x"},
        {"X": {"nested": 1}},
        {"X": "\u20ac"},
        {"X": "a\x1bb"},
        {"x-key": "a", "X-Key": "b"},
        ["X: y"],
        "X: y",
    ],
)
def test_headers_that_could_smuggle_a_request_are_refused(service, headers):
    result = sent(only(service), f"{service.url}/", headers=headers)

    assert (result.error_code, result.retryable) == ("invalid_params", False)
    assert (set(result.outputs), service.received) == (KEYS, [])


@pytest.mark.parametrize(
    "params",
    [{"url": ""}, {"method": "TRACE"}, {"body": [1], "method": "POST", "include_metadata": True}],
)
def test_params_that_make_no_request_are_refused(service, params):
    result = sent(only(service), **({"url": f"{service.url}/"} | params))

    assert (result.error_code, service.received) == ("invalid_params", [])


# --- what it survives -------------------------------------------------------------------------


@pytest.mark.parametrize("size", [262_144, 300_000, 1_048_576, 2_000_000])
def test_a_large_answer_is_cut_with_a_mark_and_keeps_its_status(service, size):
    service.answer("GET /", b'"' + b"x" * size + b'"', status=203, X_Kind="large")

    outputs = sent(only(service), f"{service.url}/").outputs

    assert (outputs["status_code"], outputs["headers"]["X-Kind"]) == (203, "large")
    assert (outputs["truncated"], outputs["body_format"]) == (True, "text")
    assert outputs["size"] == min(size + 2, 1_048_576)
    assert outputs["body"].startswith('"xxx')
    assert 250_000 < len(json_guard.dumps(outputs)) <= 262_144


@pytest.mark.parametrize("character", ["\x01", "\u00e9", "\U0001f600"])
def test_what_grows_when_it_is_stored_is_cut_all_the_same(service, character):
    service.answer("GET /", (character * 200_000).encode(), Content_Type="text/plain")

    outputs = sent(only(service), f"{service.url}/").outputs

    assert outputs["truncated"]
    assert set(outputs["body"]) == {character}
    json_guard.check(outputs, max_bytes=262_144)


def test_a_large_answer_of_bytes_is_cut_where_base64_can_be_read(service):
    service.answer("GET /", bytes(range(256)) * 2000, Content_Type="image/png")

    outputs = sent(only(service), f"{service.url}/").outputs

    assert (outputs["truncated"], outputs["body_format"]) == (True, "base64")
    assert b64decode(outputs["body"], validate=True).startswith(bytes(range(256)))
    json_guard.check(outputs, max_bytes=262_144)


def test_more_headers_than_a_row_should_hold_are_cut_with_a_mark(service):
    service.answer("GET /", {"n": 1}, **{f"X_{n}": "v" * 5_000 for n in range(20)})

    outputs = sent(only(service), f"{service.url}/").outputs

    assert (outputs["status_code"], outputs["truncated"], outputs["body"]) == (200, True, {"n": 1})
    json_guard.check(outputs, max_bytes=262_144)


def test_the_limit_counts_what_comes_out_of_a_compressed_answer(service):
    bomb = gzip.compress(b"x" * 50_000_000)
    service.answer("GET /", bomb, Content_Encoding="gzip", Content_Type="text/plain")

    outputs = sent(only(service), f"{service.url}/").outputs

    assert (outputs["status_code"], outputs["truncated"]) == (200, True)
    assert outputs["size"] == 1_048_576


def test_what_nobody_here_can_decompress_is_kept_as_bytes(service):
    service.answer("GET /", b"\x8b\x02\x80{}\x03", Content_Encoding="br")

    outputs = sent(only(service), f"{service.url}/").outputs

    assert (outputs["body_format"], b64decode(outputs["body"])) == ("base64", b"\x8b\x02\x80{}\x03")


WHOLE = b'{"n": 1}'


def packed(encoding: str, body: bytes) -> dict[str, Any]:
    """An answer whose headers say how long it is, and how it is to be unpacked."""
    return {"body": body, "headers": {"Content-Encoding": encoding}}


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ({"body": b'{"n": 1', "missing": 5}, '{"n": 1'),
        (packed("gzip", b"no gzip"), ""),
        (packed("gzip", gzip.compress(WHOLE)[:-8]), '{"n": 1}'),
        (packed("gzip", gzip.compress(WHOLE)[:-1]), '{"n": 1}'),
        (packed("deflate", zlib.compress(WHOLE)[:-4]), '{"n": 1}'),
        (packed("gzip, gzip", gzip.compress(gzip.compress(WHOLE)[:-8])), '{"n": 1}'),
    ],
)
def test_an_answer_that_breaks_off_keeps_its_status_and_headers(service, answer, body):
    service.answers["GET", "/"] = Answer(status=201, **answer)

    result = sent(only(service), f"{service.url}/")

    assert (result.success, result.error_code, result.retryable) == (False, "request_failed", True)
    assert (result.outputs["status_code"], result.outputs["body"]) == (201, body)
    assert result.outputs["headers"]["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "answer",
    [
        packed("gzip", gzip.compress(WHOLE)),
        packed("gzip", gzip.compress(WHOLE[:3]) + gzip.compress(WHOLE[3:])),
        packed("gzip", gzip.compress(WHOLE) + b"\0\0 and more"),
        packed("deflate", zlib.compress(WHOLE)),
        packed("deflate", zlib.compress(WHOLE)[2:-4]),
        packed("gzip, gzip", gzip.compress(gzip.compress(WHOLE))),
    ],
)
def test_a_packed_answer_that_came_to_its_end_is_whole(service, answer):
    service.answers["GET", "/"] = Answer(**answer)

    assert sent(only(service), f"{service.url}/").outputs["body"] == {"n": 1}


def test_an_empty_answer_is_whole_whatever_it_says_of_its_packing(service):
    service.answers["GET", "/"] = Answer(**packed("gzip", b""))

    assert sent(only(service), f"{service.url}/").success


@pytest.mark.parametrize("status", [200, 204, 205])
def test_an_answer_without_a_body_is_an_empty_text(service, status):
    service.answer("GET /", b"", status=status)

    outputs = sent(only(service), f"{service.url}/").outputs

    assert (outputs["body"], outputs["body_format"], outputs["truncated"]) == ("", "text", False)


def test_every_cookie_is_kept_because_joined_ones_cannot_be_told_apart(service):
    cookies = ("a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "b=2")
    service.answers["GET", "/"] = Answer(body={}, cookies=cookies)

    outputs = sent(only(service), f"{service.url}/").outputs

    assert outputs["headers"]["Set-Cookie"] == list(cookies)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 2}',
        b"[" * 100 + b"]" * 100,
        b"[" * 100_000,
        b"[" + b"0," * 60_000 + b"0]",
        b'{"' + b"k" * 300 + b'": 1}',
        b'"\\ud800"',
        b'"\\u0000"',
        b"[NaN]",
    ],
)
def test_json_that_no_row_can_hold_is_kept_as_the_text_that_it_was(service, body):
    service.answer("GET /", body)

    outputs = sent(only(service), f"{service.url}/").outputs

    assert (outputs["status_code"], outputs["body"]) == (200, body.decode())
    assert (outputs["body_format"], outputs["truncated"]) == ("text", False)
    json_guard.check(outputs, max_bytes=262_144)


@pytest.mark.parametrize(
    "beginning",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"],
    ids=["nothing", "headers", "body"],
)
def test_a_server_that_trickles_is_left_when_the_time_is_over(beginning):
    with trickling(beginning) as port:
        guard = AddressGuard.of([f"127.0.0.1:{port}"])
        began = time.monotonic()

        result = sent(guard, f"http://127.0.0.1:{port}/", timeout_seconds=0.5)

    assert not result.success
    assert result.retryable
    assert time.monotonic() - began < 5


def test_a_server_that_says_nothing_is_a_time_out():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        guard = AddressGuard.of([f"127.0.0.1:{port}"])

        result = sent(guard, f"http://127.0.0.1:{port}/", timeout_seconds=0.2)

    assert result.error == "Request timed out after 0.2s"


def test_nobody_there_is_a_failure_that_may_be_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    result = sent(AddressGuard.of([f"127.0.0.1:{port}"]), f"http://127.0.0.1:{port}/")

    refused = "Cannot connect to 127.0.0.1: [Errno 111] Connection refused"
    assert result.error == f"Request failed: {refused}"
    assert (result.error_code, result.retryable) == ("request_failed", True)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "Connection aborted: Remote end closed connection without response"),
        (b"no HTTP at all", "Connection aborted: no HTTP at all"),
        (
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 101,
            "Connection aborted: got more than 100 headers",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
            "Connection broken: IncompleteRead(5 bytes read, 4 more expected)",
        ),
    ],
    ids=["nothing", "something", "headers", "half"],
)
def test_what_broke_an_exchange_is_said_in_words_and_once(answer, words):
    with closing_after(answer) as port:
        result = sent(AddressGuard.of([f"127.0.0.1:{port}"]), f"http://127.0.0.1:{port}/")

    assert result.error == f"Request failed: {words}"


@contextmanager
def closing_after(answer: bytes) -> Iterator[int]:
    """A server that reads one request, sends *answer* and hangs up."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield int(server.getsockname()[1])
        thread.join()


class trickling:  # noqa: N801 - used as a function
    """A server that sends *beginning* and then one byte every 50 ms, for ever."""

    def __init__(self, beginning: bytes) -> None:
        self._beginning = beginning
        self._over = threading.Event()

    def __enter__(self) -> int:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return int(self._socket.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            connection.sendall(self._beginning)
            while not self._over.wait(0.05):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return


# --- what validation says ---------------------------------------------------------------------


def test_validation_names_what_is_wrong_before_anything_is_sent():
    validate = HttpRequest().validate_params

    assert validate({}) == ["url is required"]
    assert validate({"url": "ftp://x"}) == ["url must start with http:// or https://"]
    assert validate({"url": "{{ params.url }}", "method": "{{ params.m }}"}) == []
    assert validate({"url": "https://x", "method": "BREW"}) == [
        "method must be one of GET, POST, PUT, PATCH, DELETE"
    ]


# --- what it says -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://a.example/a b", "it holds a space at position 19"),
        (" http://a.example/", "it holds a space at position 1"),
        ("http://a.example/\n", "it holds a control character at position 18"),
        ("http://[::1/", "Invalid IPv6 URL"),
        ("http:///path", "it names no host"),
        ("http://a.example:99999/", "Port out of range 0-65535"),
    ],
)
def test_a_url_that_cannot_be_read_is_called_invalid_and_not_blocked(service, url, words):
    result = sent(only(service), url)

    assert result.error == f"Request failed: the URL is invalid: {words}"
    assert (result.error_code, result.retryable) == ("invalid_params", False)


def test_what_is_blocked_names_the_setting_that_opens_it(service):
    guard = AddressGuard.of(look_up=look_up)

    assert "PIPELINE_HTTP_ALLOWED_HOSTS" in sent(guard, f"{service.url}/").error
    assert "PIPELINE_HTTP_ALLOWED_PORTS" in sent(guard, f"http://{PUBLIC}:22/").error


@pytest.mark.parametrize(
    "entry", ["b\u00fccher.example", "xn--bcher-kva.example", "B\u00dcCHER.example."]
)
def test_a_name_is_opened_in_any_of_its_spellings(service, entry):
    def found(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)

    service.answer("GET /", {})
    guard = AddressGuard.of([entry], look_up=found)

    assert sent(guard, f"http://b\u00fccher.example:{service.server_port}/").success


def test_the_pause_that_a_server_asks_for_is_handed_on(service):
    service.answer("GET /", {}, status=429, retry_after="7")

    assert sent(only(service), f"{service.url}/").retry_after_seconds == 7
