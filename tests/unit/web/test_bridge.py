"""The bridge keeps what PEP 3333 says; ``wsgiref.validate`` is the judge."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any
from wsgiref.validate import validator

import pytest

bridge = import_module("pipeline_engine_web.door.bridge")
StartResponse = Any
HTML = [("Content-Type", "text/plain")]


def scope(method: str = "POST", path: bytes = b"/x", *headers: tuple[bytes, bytes]) -> dict:
    return {
        "method": method,
        "raw_path": path,
        "query_string": b"a=%C3%A4",
        "http_version": "1.1",
        "scheme": "http",
        "client": ("10.0.0.7", 4000),
        "server": ("10.0.0.1", 80),
        "headers": [(b"host", b"test"), *headers],
    }


def called(app: Any, method: str = "POST", body: bytes = b"") -> Any:
    return bridge.call(validator(app), bridge.environ_of(scope(method), body))


def echo(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    start_response("200 OK", HTML)
    return [body, b"!"]


def test_a_body_comes_in_and_goes_out_whole() -> None:
    answer = called(echo, body=b"hello")

    assert (answer.status, answer.body) == (200, b"hello!")
    assert dict(answer.headers) == {b"content-type": b"text/plain", b"content-length": b"6"}


def test_what_is_written_comes_before_what_is_returned() -> None:
    def app(_: Any, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", HTML)
        write(b"first ")
        return [b"second"]

    assert called(app).body == b"first second"


def test_an_application_may_change_its_mind_before_anything_is_sent() -> None:
    def app(_: Any, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", HTML)
        try:
            raise ValueError
        except ValueError as error:
            start_response("500 Oops", HTML, (ValueError, error, error.__traceback__))
        return [b"sorry"]

    assert (called(app).status, called(app).body) == (500, b"sorry")


def test_what_an_application_returned_is_closed_even_if_it_breaks() -> None:
    closed = []

    class Broken:
        def __iter__(self) -> Any:
            return self

        def __next__(self) -> bytes:
            raise RuntimeError("half-way")

        def close(self) -> None:
            closed.append(True)

    def app(_: Any, start_response: StartResponse) -> Any:
        start_response("200 OK", HTML)
        return Broken()

    with pytest.raises(RuntimeError, match="half-way"):
        called(app)
    assert closed == [True]


@pytest.mark.parametrize(
    ("method", "status", "length"),
    [("HEAD", "200 OK", None), ("GET", "304 Not Modified", None), ("GET", "200 OK", b"0")],
)
def test_a_length_is_given_where_there_is_a_body(
    method: str, status: str, length: bytes | None
) -> None:
    def app(_: Any, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, HTML if status.startswith("200") else [])
        return []

    assert dict(called(app, method).headers).get(b"content-length") == length


def test_headers_are_named_as_wsgi_names_them() -> None:
    environ = bridge.environ_of(
        scope(
            "GET",
            b"/Z%C3%BCrich",
            (b"content-type", b"application/json"),
            (b"x-two", b"1"),
            (b"x-two", b"2"),
            (b"cookie", b"a=1"),
            (b"cookie", b"b=2"),
        ),
        b"",
    )

    assert environ["PATH_INFO"].encode("latin-1").decode() == "/Zürich"
    assert environ["QUERY_STRING"] == "a=%C3%A4"
    assert environ["CONTENT_TYPE"] == "application/json"
    assert (environ["HTTP_X_TWO"], environ["HTTP_COOKIE"]) == ("1,2", "a=1; b=2")
    assert environ["REMOTE_ADDR"] == "10.0.0.7"


def test_a_header_that_would_pass_for_another_is_left_out() -> None:
    """``X_User_ID`` becomes the same name as ``X-User-ID``, and a proxy checks only one."""
    environ = bridge.environ_of(scope("GET", b"/", (b"x_user_id", b"bob")), b"")

    assert "HTTP_X_USER_ID" not in environ


def test_the_framing_of_a_request_that_is_whole_is_history() -> None:
    environ = bridge.environ_of(scope("POST", b"/", (b"transfer-encoding", b"chunked")), b"hello")

    assert environ["CONTENT_LENGTH"] == "5"
    assert "HTTP_TRANSFER_ENCODING" not in environ
