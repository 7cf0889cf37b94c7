"""How requests are read: what is no request, or more than we take, is a problem of our form."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from flask import Flask, request
from support.door_server import Limits, Reply, Site, received, replies, running_door

POST = b"POST /echo HTTP/1.1\r\nHost: test\r\n"
GET = b"GET /echo HTTP/1.1\r\nHost: test\r\n"
CLOSE = b"Connection: close\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
MOST = 64 * 1024


def make_app() -> Flask:
    app = Flask("echo")

    @app.route("/echo", methods=["GET", "POST"])
    def echo() -> dict[str, object]:
        return {"body": request.get_data(as_text=True), "headers": dict(request.headers)}

    return app


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_door(make_app(), Limits(body_bytes=MOST)) as running:
        yield running


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(body), body)


def refusal(found: list[Reply]) -> tuple[int, str]:
    """The one reply, which has to be a problem, and the last thing that is said."""
    (reply,) = found
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["connection"] == "close"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.json["status"] == reply.status
    assert reply.json["correlation_id"] == reply.headers["x-correlation-id"]
    return reply.status, reply.json["code"]


SMUGGLED = {
    "length and chunks": POST + b"Content-Length: 5\r\n" + CHUNKED + b"0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "the same length twice": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of lengths": POST + b"Content-Length: 5, 5\r\n\r\nhello",
    "a signed length": POST + b"Content-Length: +5\r\n\r\nhello",
    "a negative length": POST + b"Content-Length: -5\r\n\r\nhello",
    "an odd chunk size": POST + CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n",
    "a chunk size with 0x": POST + CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
    "a negative chunk size": POST + CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n",
    "a chunk size that overflows": POST + CHUNKED + b"f" * 20 + b"\r\nhello\r\n0\r\n\r\n",
    "a chunk with a bare line feed": POST + CHUNKED + b"5\nhello\n0\n\n",
    "a chunk that goes on": POST + CHUNKED + b"5\r\nhelloXX0\r\n\r\n",
    "chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\n" + CHUNKED + b"0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST /echo HTTP/1.0\r\nHost: test\r\n" + CHUNKED + b"0\r\n\r\n",
    "a folded field": GET + b"X: a\r\n b\r\n\r\n",
    "a space before the colon": GET + b"X : a\r\n\r\n",
    "a field without a colon": GET + b"nonsense\r\n\r\n",
    "a field without a name": GET + b": a\r\n\r\n",
    "a bare line feed": b"GET /echo HTTP/1.1\nHost: test\n\n",
    "a bare line feed after a field": GET + b"X: a\n\r\n",
    "a bare carriage return": GET + b"X: a\rb\r\n\r\n",
    "a NUL": GET + b"X: a\0b\r\n\r\n",
    "no host": b"GET /echo HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: other\r\n\r\n",
    "a target with a space": b"GET /echo x HTTP/1.1\r\nHost: test\r\n\r\n",
    "a target that is not ASCII": b"GET /\xc3\xa4 HTTP/1.1\r\nHost: test\r\n\r\n",
    "a target without a path": b"GET http://test HTTP/1.1\r\nHost: test\r\n\r\n",
}


@pytest.mark.parametrize("text", SMUGGLED.values(), ids=SMUGGLED)
def test_what_two_servers_could_read_differently_is_refused(site: Site, text: bytes) -> None:
    assert refusal(site.raw(text)) == (400, "bad_request")


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "not_implemented"),
        (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501, "not_implemented"),
        (b"BREW /echo HTTP/1.1\r\nHost: test\r\n\r\n", 501, "not_implemented"),
        (b"CONNECT test:80 HTTP/1.1\r\nHost: test\r\n\r\n", 501, "not_implemented"),
        (b"\x16\x03\x01\x02\x00\x01\x00", 501, "not_implemented"),
        (b"GET /echo\r\n\r\n", 505, "http_version_not_supported"),
        (b"GET /echo HTTP/2.0\r\nHost: test\r\n\r\n", 505, "http_version_not_supported"),
        (GET + b"Expect: cake\r\n\r\n", 417, "expectation_failed"),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414, "uri_too_long"),
        (b"GET /" + b"x" * 60_000, 414, "uri_too_long"),
        (GET + b"X: " + b"x" * 60_000, 431, "request_header_fields_too_large"),
        (GET + b"X: y\r\n" * 200 + b"\r\n", 431, "request_header_fields_too_large"),
        (
            POST + CHUNKED + b"0\r\n" + b"X: y\r\n" * 200 + b"\r\n",
            431,
            "request_header_fields_too_large",
        ),
    ],
)
def test_what_we_do_not_take_is_named(site: Site, text: bytes, status: int, code: str) -> None:
    assert refusal(site.raw(text)) == (status, code)


TOO_MUCH = b"x" * (MOST + 1)


@pytest.mark.parametrize(
    "text",
    [
        POST + b"Content-Length: %d\r\n\r\n" % len(TOO_MUCH) + TOO_MUCH,
        POST + b"Content-Length: 99999999999\r\n\r\n",
        POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(TOO_MUCH),
        POST + CHUNKED + chunk(TOO_MUCH) + b"0\r\n\r\n",
        POST + CHUNKED + chunk(b"x" * 1000) * 100,
        POST + CHUNKED + chunk(b"x") * 70_000,
    ],
    ids=["length", "length only", "expect", "one chunk", "chunks without an end", "tiny chunks"],
)
def test_a_body_over_the_limit_is_413_however_it_is_framed(site: Site, text: bytes) -> None:
    assert refusal(site.raw(text)) == (413, "request_entity_too_large")


@pytest.mark.parametrize(
    "framed",
    [
        b"Content-Length: %d\r\n\r\n" % MOST + b"x" * MOST,
        CHUNKED + chunk(b"x" * MOST) + b"0\r\n\r\n",
        CHUNKED + chunk(b"x" * 1024) * 64 + b"0\r\n\r\n",
    ],
)
def test_a_body_of_the_limit_comes_through_whole(site: Site, framed: bytes) -> None:
    (reply,) = site.raw(POST + CLOSE + framed)

    assert (reply.status, reply.json["body"]) == (200, "x" * MOST)


def test_a_client_that_goes_on_sending_still_reads_why(site: Site) -> None:
    """A reset would take the answer away from it."""
    with closing(site.connect()) as connection:
        connection.sendall(POST + b"Content-Length: 1000000\r\n\r\n")
        for _ in range(10):
            connection.sendall(b"x" * 65536)
        found = replies(received(connection))

    assert refusal(found) == (413, "request_entity_too_large")


def test_a_trailer_is_no_header(site: Site) -> None:
    """It comes after what was authenticated."""
    (reply,) = site.raw(POST + CLOSE + CHUNKED + chunk(b"hi") + b"0\r\nX-User-ID: bob\r\n\r\n")

    assert (reply.status, reply.json["body"]) == (200, "hi")
    assert "X-User-Id" not in reply.json["headers"]


def test_a_client_that_would_rather_speak_http_2_loses_no_body(site: Site) -> None:
    """Java's client and curl --http2 ask so; the parser takes the body for the other protocol."""
    wish = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n"
    first = POST + wish + b"Content-Length: 5\r\n\r\nhello"

    found = site.raw(first + GET + CLOSE + b"\r\n")

    assert [(r.status, r.json["body"]) for r in found] == [(200, "hello"), (200, "")]


def test_requests_that_come_at_once_are_answered_in_order(site: Site) -> None:
    texts = [POST + b"Content-Length: 1\r\n\r\n%d" % number for number in range(5)]

    found = site.raw(b"".join(texts) + GET + CLOSE + b"\r\n")

    assert [reply.json["body"] for reply in found] == ["0", "1", "2", "3", "4", ""]


def test_what_came_before_nonsense_is_answered_and_nothing_after_it(site: Site) -> None:
    good = POST + b"Content-Length: 1\r\n\r\n"

    found = site.raw(good + b"1" + good + b"2" + b"NONSENSE\r\n\r\n" + good + b"3")

    assert [reply.json["body"] for reply in found] == ["1", "2"]
    assert found[-1].headers["connection"] == "close"


def test_a_connection_is_kept(site: Site) -> None:
    with closing(site.connect()) as connection:
        for _ in range(3):
            connection.sendall(POST + b"Content-Length: 2\r\n\r\nhi")
            (reply,) = replies(connection.recv(65536))
            assert (reply.status, reply.json["body"]) == (200, "hi")


def test_a_client_may_ask_before_it_sends(site: Site) -> None:
    with closing(site.connect()) as connection:
        connection.sendall(POST + CLOSE + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(b"hi")
        (reply,) = replies(received(connection))

    assert (reply.status, reply.json["body"]) == (200, "hi")


def test_head_has_no_body(site: Site) -> None:
    (reply,) = site.raw(b"HEAD /echo HTTP/1.1\r\nHost: test\r\n" + CLOSE + b"\r\n")

    assert (reply.status, reply.body) == (200, b"")


def test_http_1_0_needs_no_host(site: Site) -> None:
    (reply,) = site.raw(b"GET /echo HTTP/1.0\r\n\r\n")

    assert (reply.status, reply.headers["connection"]) == (200, "close")


def test_a_request_may_come_byte_by_byte(site: Site) -> None:
    text = POST + CLOSE + CHUNKED + chunk(b"hello") + b"0\r\n\r\n"

    (reply,) = site.raw(*(text[at : at + 1] for at in range(len(text))))

    assert (reply.status, reply.json["body"]) == (200, "hello")
