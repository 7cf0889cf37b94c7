"""http_request beyond one plain request: who asks, what is sent, what is read, pages, digits."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import requests
from pipeline_engine_actions.integration.http_request import META, HttpRequest
from support.contexts import a_context
from support.local_service import Answer, LocalService, local_service

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.expressions import Fuel, KnownSecrets, Ledger, Vault, masker_in, paying
from pipeline_engine.domain.masking import masker_of
from pipeline_engine.sdk import ActionContext, ActionResult, render_value
from pipeline_engine.sdk.addresses import AddressGuard
from pipeline_engine.sdk.engine_api import NullEngine
from pipeline_engine.sdk.guarded_http import GuardedSession

KEYS = {output.name for output in META.outputs}
SECRET = "s3cr3t-of-seven/words+"


class Door(NullEngine):
    """An engine with nothing but guarded requests to some services."""

    def __init__(self, *services: LocalService) -> None:
        self._guard = AddressGuard.of([f"127.0.0.1:{one.server_port}" for one in services])

    def http_session(self) -> requests.Session:
        return GuardedSession(self._guard)


@pytest.fixture(scope="module")
def _services() -> Iterator[tuple[LocalService, LocalService]]:
    with local_service() as one, local_service() as other:
        yield one, other


@pytest.fixture
def service(_services) -> LocalService:
    _clear(_services[0])
    return _services[0]


@pytest.fixture
def other(_services) -> LocalService:
    _clear(_services[1])
    return _services[1]


def _clear(service: LocalService) -> None:
    for kept in (service.answers, service.turns, service.received):
        kept.clear()


def context_of(params: dict[str, Any], *services: LocalService, **facts: Any) -> ActionContext:
    return a_context(params, engine=Door(*services), **facts)


def sent(service: LocalService, path: str = "/", **params: Any) -> ActionResult:
    context = context_of({"url": f"{service.url}{path}", **params}, service)
    result = HttpRequest().execute(context)
    assert set(result.outputs) == KEYS
    return result


def refusal(**params: Any) -> str:
    [problem] = HttpRequest().validate_params({"url": "https://x.example", **params})
    return problem


# ── Statuses ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("expected", "status", "success"),
    [
        (404, 404, True),
        (404, 200, False),
        ("404", 404, True),
        ("2xx", 204, True),
        ("4XX", 410, True),
        ("200-204", 204, True),
        ("200 - 204", 205, False),
        ([200, "404", "5xx"], 503, True),
        ([200, "404"], 201, False),
        (404.0, 404, True),
        ("", 200, True),
        (None, 299, True),
    ],
)
def test_an_author_says_which_statuses_are_a_success(service, expected, status, success):
    service.answer("GET /", {}, status=status)

    result = sent(service, expected_status=expected)

    assert (result.success, result.outputs["status_code"]) == (success, status)


@pytest.mark.parametrize(
    ("retried", "status", "retryable"),
    [
        (None, 429, True),
        (None, 404, False),
        ([404], 404, True),
        ([], 503, False),
        ("4xx", 500, False),
    ],
)
def test_an_author_says_which_statuses_may_be_tried_again(service, retried, status, retryable):
    service.answer("GET /", {}, status=status)

    assert sent(service, retry_statuses=retried).retryable is retryable


@pytest.mark.parametrize("wrong", ["ok", "2x", 99, True, "204-200", {"a": 1}, [[], "x"], 1000])
def test_what_is_no_status_is_refused_before_anything_is_sent(service, wrong):
    assert "expected_status" in refusal(expected_status=wrong)

    assert sent(service, expected_status=wrong).error_code == "invalid_params"
    assert sent(service, retry_statuses=wrong).error_code == "invalid_params"
    assert service.received == []


def test_a_step_that_no_answer_could_please_is_refused(service):
    assert "no answer is a success" in refusal(expected_status=[[]])
    assert sent(service, expected_status=[]).error_code == "invalid_params"


# ── Who asks ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"type": "bearer", "token": "t"}, "authorization", "Bearer t"),
        (
            {"type": "basic", "username": "ünï", "password": "p:w"},
            "authorization",
            "Basic " + b64encode("ünï:p:w".encode()).decode(),
        ),
        ({"type": "basic", "username": "u", "password": ""}, "authorization", "Basic dTo="),
        ({"type": "header", "name": "X-Api-Key", "value": "k"}, "x-api-key", "k"),
    ],
)
def test_credentials_are_sent_as_their_type_has_it(service, auth, header, value):
    service.answer("GET /", {})

    assert sent(service, auth=auth).success
    assert service.received[0].headers[header] == value


def test_a_key_in_the_query_stands_beside_what_is_there(service):
    service.answer("GET /", {})

    sent(service, "/?a=1", query={"b": 2}, auth={"type": "query", "name": "key", "value": "k&=ü"})

    assert service.received[0].query == {"a": ["1"], "b": ["2"], "key": ["k&=ü"]}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"auth": {"type": "bearer", "token": "t"}, "headers": {"AUTHORIZATION": "x"}}, "already"),
        (
            {"auth": {"type": "header", "name": "x-k", "value": "v"}, "headers": {"X-K": "x"}},
            "already",
        ),
        ({"auth": {"type": "digest"}}, "type must be one of"),
        ({"auth": {"type": "bearer"}}, "bearer needs token"),
        ({"auth": {"type": "bearer", "token": ""}}, "bearer needs token"),
        ({"auth": {"type": "basic", "username": "a:b", "password": "p"}}, "colon"),
        ({"auth": {"type": "bearer", "token": "t", "user": "u"}}, "not user"),
    ],
)
def test_credentials_that_contradict_or_lack_something_are_refused(service, params, words):
    assert words in refusal(**params)

    result = sent(service, **params)

    assert (result.error_code, words in str(result.error), service.received) == (
        "invalid_params",
        True,
        [],
    )


def test_a_token_that_could_smuggle_a_header_is_refused_and_not_shown(service):
    result = sent(service, auth={"type": "bearer", "token": "t\r\nX-Evil: 1"})

    assert (result.error_code, "X-Evil" in str(result.error)) == ("invalid_params", False)
    assert service.received == []


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "bearer", "token": SECRET},
        {"type": "basic", "username": "u", "password": SECRET},
        {"type": "header", "name": "X-Api-Key", "value": SECRET},
        {"type": "query", "name": "key", "value": SECRET},
    ],
)
def test_a_secret_that_the_other_side_echoes_is_hidden_in_every_form(service, auth):
    vault = Vault(KnownSecrets({"key": SECRET}), Ledger(masker_of([SECRET])))
    scope = {"params": {}, "steps": {}, "secrets": vault}
    given = {"url": f"{service.url}/", "auth": auth}
    context = context_of(given, service, scope=scope)
    HttpRequest().execute(context)
    heard = service.received[0]
    echo = {"headers": dict(heard.headers), "query": dict(heard.query)}
    service.answer("GET /", echo)

    outputs = HttpRequest().execute(context).outputs
    shown = orjson.dumps(masker_in(context.scope).mask(outputs)).decode()

    encoded = b64encode(f"u:{SECRET}".encode()).decode()
    assert (SECRET in shown, encoded in shown) == (False, False)


# ── What is sent ─────────────────────────────────────────────────────────────────────────


def test_the_query_is_added_to_that_of_the_url_and_null_is_left_out(service):
    service.answer("GET /", {})

    query = {"q": "a b&c=ü", "n": [1, 2.5], "yes": True, "none": None, "page": 2}
    sent(service, "/?x=%2Fkept&page=1#part", query=query)

    assert service.received[0].query == {
        "x": ["/kept"],
        "q": ["a b&c=ü"],
        "n": ["1", "2.5"],
        "yes": ["true"],
        "page": ["2"],
    }


@pytest.mark.parametrize("wrong", [{"a": {"b": 1}}, {"a": [[1]]}])
@pytest.mark.parametrize("param", ["query", "form"])
def test_what_a_query_cannot_say_is_refused(service, param, wrong):
    assert "must be a text, a number, or a list" in refusal(**{param: wrong})
    assert sent(service, **{param: wrong}).error_code == "invalid_params"


def test_a_form_is_urlencoded(service):
    service.answer("POST /", {})

    sent(service, method="POST", form={"a": "x y", "b": [1, 2], "c": None})

    heard = service.received[0]
    assert (heard.raw, heard.headers["content-type"]) == (
        b"a=x+y&b=1&b=2",
        "application/x-www-form-urlencoded",
    )


@pytest.mark.parametrize(
    ("raw_body", "kind", "raw"),
    [
        ('{"n": 1.10}', "text/plain; charset=utf-8", b'{"n": 1.10}'),
        (
            {"text": "é", "content_type": "text/csv; charset=iso-8859-1"},
            "text/csv; charset=iso-8859-1",
            b"\xe9",
        ),
        ({"base64": "AP8=", "content_type": "image/png"}, "image/png", b"\x00\xff"),
        ({"base64": "AP8="}, "application/octet-stream", b"\x00\xff"),
    ],
)
def test_a_raw_body_is_sent_as_it_is(service, raw_body, kind, raw):
    service.answer("PUT /", {})

    sent(service, method="PUT", raw_body=raw_body)

    assert (service.received[0].headers["content-type"], service.received[0].raw) == (kind, raw)


def test_a_header_of_the_author_wins_over_the_type_of_a_raw_body(service):
    service.answer("POST /", {})

    headers = {"content-type": "application/json"}
    sent(service, method="POST", raw_body='{"n": 1.10}', headers=headers)

    assert service.received[0].headers["content-type"] == "application/json"
    assert service.received[0].raw == b'{"n": 1.10}'


def test_a_form_in_parts_carries_files(service):
    service.answer("POST /", {})

    parts = {
        "title": "Ü",
        "n": [1, 2],
        "file": {"base64": "AP8=", "filename": 'a"b.bin', "content_type": "image/png"},
    }
    sent(service, method="POST", multipart=parts)

    heard = service.received[0]
    assert heard.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert heard.raw.count(b"Content-Disposition: form-data") == 4
    assert (
        b'name="file"; filename="a%22b.bin"\r\nContent-Type: image/png\r\n\r\n\x00\xff' in heard.raw
    )


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"body": {}, "form": {"a": 1}}, "only one of body and form"),
        ({"raw_body": "", "multipart": {"a": 1}}, "only one of multipart and raw_body"),
        ({"raw_body": {"text": "a", "base64": "YQ=="}}, "text or base64"),
        ({"raw_body": {"base64": "%%"}}, "base64 cannot be read"),
        ({"raw_body": 5}, "text or base64"),
        ({"form": {"a": 1}, "include_metadata": True}, "include_metadata"),
        ({"multipart": {"f": {"filename": "x"}}}, "text or base64"),
    ],
)
def test_bodies_that_contradict_are_refused(service, params, words):
    assert words in refusal(**params)
    result = sent(service, method="POST", **params)
    assert (result.error_code, words in str(result.error)) == ("invalid_params", True)
    assert service.received == []


# ── What comes back ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("response", "body", "form"),
    [
        ("auto", {"n": 1}, "json"),
        ("json", {"n": 1}, "json"),
        ("text", '{"n": 1}', "text"),
        ("base64", "eyJuIjogMX0=", "base64"),
        ("metadata", None, None),
    ],
)
def test_an_answer_is_kept_as_the_author_wants_it(service, response, body, form):
    service.answer("GET /", {"n": 1})

    result = sent(service, response=response)

    assert result.success
    assert (result.outputs["body"], result.outputs["body_format"]) == (body, form)


def test_metadata_does_not_wait_for_a_body(service):
    service.answers["GET", "/"] = Answer(200, {"n": 1}, missing=1_000_000)

    result = sent(service, response="metadata", timeout_seconds=5)

    assert (result.success, result.outputs["size"]) == (True, 0)
    assert result.outputs["headers"]["Content-Type"] == "application/json"


@pytest.mark.parametrize("body", [b"<html>", b""])
def test_an_answer_that_was_to_be_json_and_is_none_fails_with_what_it_was(service, body):
    service.answer("GET /", body)

    result = sent(service, response="json")

    assert (result.error_code, result.retryable) == ("not_json", False)
    assert result.outputs["body"] == body.decode()
    assert service.received[0].headers["accept"] == "application/json"


def test_no_content_is_no_broken_json(service):
    service.answer("GET /", None, status=204)

    result = sent(service, response="json")

    assert (result.success, result.outputs["body"]) == (True, None)


# ── Pages ────────────────────────────────────────────────────────────────────────────────


def pages(service: LocalService, path: str = "/things", **params: Any) -> ActionResult:
    given = {"paginate": {"items": "response.body['items']", "next": "response.body.next"}}
    with paying(Fuel()):
        return sent(service, path, **{**given, **params})


def test_pages_are_followed_and_their_items_collected(service):
    service.answer_in_turn(
        "GET /things",
        Answer(200, {"items": [1, 2], "next": f"{service.url}/things?page=2"}),
        Answer(200, {"items": [3], "next": "?page=3"}),
        Answer(200, {"items": [], "next": None}),
    )

    result = pages(service, auth={"type": "bearer", "token": "t"}, query={"per": 2})

    assert (result.outputs["items"], result.outputs["pages"]) == ([1, 2, 3], 3)
    assert (result.outputs["more"], result.outputs["body"]) == (False, None)
    assert [one.query for one in service.received] == [
        {"per": ["2"]},
        {"page": ["2"]},
        {"page": ["3"]},
    ]
    assert {one.headers["authorization"] for one in service.received} == {"Bearer t"}


def test_a_template_may_stand_for_the_expression(service):
    service.answer_in_turn("GET /things", Answer(200, {"data": [1], "next": ""}))

    paginate = {"items": "{{ response.body.data }}", "next": "{{ response.body.next }}"}

    assert pages(service, paginate=paginate).outputs["items"] == [1]


def test_a_cursor_goes_into_the_query(service):
    service.answer_in_turn(
        "GET /things",
        Answer(200, {"items": [1], "next": "a/b"}),
        Answer(200, {"items": [2], "next": 7}),
        Answer(200, {"items": [3]}),
    )

    paginate = {
        "items": "response.body['items']",
        "next": "response.body.next",
        "next_param": "after",
    }
    result = pages(service, "/things?kind=x", paginate=paginate)

    assert result.outputs["items"] == [1, 2, 3]
    assert [one.query.get("after") for one in service.received] == [None, ["a/b"], ["7"]]
    assert {tuple(one.query["kind"]) for one in service.received} == {("x",)}


def test_a_link_header_is_followed_where_nothing_else_is_said(service):
    link = {"Link": '</things?page=2>; rel="next last", </things?page=9>; rel="prev"'}
    service.answer_in_turn("GET /things", Answer(200, [1], link), Answer(200, [2]))

    result = pages(service, paginate={})

    assert (result.outputs["items"], result.outputs["pages"]) == ([1, 2], 2)


def test_the_bound_ends_it_and_says_that_there_is_more(service):
    service.answer_in_turn(
        "GET /things", *(Answer(200, {"items": [n], "next": f"?page={n + 1}"}) for n in range(9))
    )

    paginate = {"items": "response.body['items']", "next": "response.body.next", "max_pages": 2}
    outputs = pages(service, paginate=paginate).outputs

    assert (outputs["items"], outputs["pages"], outputs["more"]) == ([0, 1], 2, True)
    assert len(service.received) == 2


def test_items_beyond_what_outputs_may_have_end_it_with_what_fits(service):
    service.answer_in_turn(
        "GET /things",
        *(Answer(200, {"items": ["x" * 100_000], "next": f"?p={n}"}) for n in range(5)),
    )

    outputs = pages(service).outputs

    assert (outputs["pages"], len(outputs["items"]), outputs["more"]) == (2, 1, True)
    assert len(orjson.dumps(outputs)) < 262_144


def test_a_page_that_leads_back_is_noticed(service):
    service.answer("GET /things", {"items": [1], "next": "/things"})

    result = pages(service)

    assert (result.error_code, result.retryable, len(service.received)) == (
        "page_refused",
        False,
        1,
    )
    assert result.outputs["items"] == [1]


def test_credentials_do_not_go_to_another_origin(service, other):
    service.answer("GET /things", {"items": [1], "next": f"{other.url}/more"})
    other.answer("GET /more", {"items": [2], "next": f"{service.url}/things?page=3"})
    given = {
        "url": f"{service.url}/things",
        "headers": {
            "X-Key": "k",
            "Cookie": "c",
            "Accept": "application/json",
            "User-Agent": "mine",
        },
        "auth": {"type": "bearer", "token": "t"},
        "paginate": {
            "items": "response.body['items']",
            "next": "response.body.next",
            "max_pages": 3,
        },
    }

    with paying(Fuel()):
        result = HttpRequest().execute(context_of(given, service, other))

    heard = other.received[0].headers
    assert ({"authorization", "x-key", "cookie"} & set(heard), heard["accept"]) == (
        set(),
        "application/json",
    )
    assert result.outputs["items"] == [1, 2, 1]
    assert heard["user-agent"] != "mine"
    # What another origin has sent us back with is not trusted with them, either.
    assert "authorization" not in service.received[1].headers


def test_a_credential_does_not_go_there_in_a_header_that_is_harmless_otherwise(service, other):
    service.answer("GET /things", {"items": [1], "next": f"{other.url}/more"})
    other.answer("GET /more", {"items": []})
    auth = {"type": "header", "name": "Accept-Language", "value": SECRET}
    given = {
        "url": f"{service.url}/things",
        "auth": auth,
        "paginate": {"items": "response.body['items']", "next": "response.body.next"},
    }

    with paying(Fuel()):
        HttpRequest().execute(context_of(given, service, other))

    assert SECRET in service.received[0].headers["accept-language"]
    assert SECRET not in str(other.received[0].headers)


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.2:9/x", "http://169.254.169.254/", "ftp://x.example/", "//[", "a\\b", "a b"],
)
def test_each_page_is_guarded_anew(service, target):
    service.answer("GET /things", {"items": [1], "next": target})

    result = pages(service)

    assert result.error_code in {"request_blocked", "page_refused", "invalid_params"}
    assert (result.retryable, result.outputs["items"]) == (False, [1])


def test_a_body_does_not_go_to_another_origin(service, other):
    service.answer("POST /things", {"items": [1], "next": f"{other.url}/more"})

    result = pages(service, method="POST", body={"secret": 1})

    assert (result.error_code, other.received) == ("page_refused", [])


def test_a_page_that_asks_for_a_short_pause_is_asked_again(service):
    busy = Answer(429, {}, {"Retry-After": "0"})
    service.answer_in_turn(
        "GET /things",
        Answer(200, {"items": [1], "next": "?p=2"}),
        busy,
        Answer(200, {"items": [2]}),
    )

    result = pages(service)

    assert (result.success, result.outputs["items"], len(service.received)) == (True, [1, 2], 3)


def test_a_page_that_fails_leaves_what_came_before_it(service):
    busy = Answer(503, {"detail": "later"}, {"Retry-After": "60"})
    service.answer_in_turn("GET /things", Answer(200, {"items": [1], "next": "?p=2"}), busy)

    result = pages(service)

    assert (result.error_code, result.retryable, result.retry_after_seconds) == (
        "http_503",
        True,
        60,
    )
    assert (result.outputs["items"], result.outputs["body"]) == ([1], {"detail": "later"})


@pytest.mark.parametrize(
    ("body", "code"),
    [({"items": {"a": 1}}, "no_items"), ({"items": [1], "next": 7}, "invalid_params")],
)
def test_pages_that_are_not_what_the_author_says_fail_in_words(service, body, code):
    service.answer("GET /things", body)

    result = pages(service)

    assert (result.error_code, result.retryable) == (code, False)


@pytest.mark.parametrize(
    ("paginate", "words"),
    [
        ({"max_pages": 0}, "max_pages"),
        ({"max_pages": 1001}, "max_pages"),
        ({"max_pages": float("inf")}, "max_pages"),
        ({"nxt": "x"}, "not nxt"),
        ({"next": 5}, "next must be a text"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused(service, paginate, words):
    assert words in refusal(paginate=paginate)
    assert words in str(pages(service, paginate=paginate).error)


def test_pages_go_with_no_callback_and_no_other_form(service):
    assert "exclude" in refusal(paginate={}, wait_for_callback=True)
    assert "response" in refusal(paginate={}, response="metadata")
    assert sent(service, paginate={}, wait_for_callback=True).error_code == "invalid_params"


# ── Digits ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("digits", "kept"),
    [
        ("12345678901234567890", "12345678901234567890"),
        ("9223372036854775807", 9223372036854775807),
        ("-9223372036854775809", "-9223372036854775809"),
        ("0.1", 0.1),
        ("1.10", 1.1),
        ("0.10000000000000001", 0.1),  # as C and PHP write it
        ("0.1000000000000000055511151231257827021181583404541015625", 0.1),
        ("0.12345678901234567890", "0.12345678901234567890"),
        ("1234567890123456.78", "1234567890123456.78"),
        ("1e400", "1e400"),
        ("1e-400", "1e-400"),
        ("1E2", 100.0),
    ],
)
def test_a_number_comes_back_as_what_it_says_or_as_the_text_of_its_digits(service, digits, kept):
    service.answer("GET /", f'{{"n": {digits}}}'.encode())

    body = sent(service).outputs["body"]

    assert body == {"n": kept}
    assert type(body["n"]) is type(kept)
    stored = json_guard.as_stored(orjson.loads(json_guard.dumps(json_guard.check(body))))
    assert stored == body


@pytest.mark.parametrize(
    "digits", ["12345678901234567890", "0.12345678901234567890", "0.1", "1e400"]
)
def test_digits_travel_on_as_a_number_in_a_raw_body(service, digits):
    service.answer("GET /", f'{{"n": {digits}}}'.encode())
    service.answer("POST /", {})
    scope = {"outputs": sent(service).outputs}

    raw = render_value('{"n": {{ outputs.body.n }}}', scope)
    sent(service, method="POST", raw_body=raw, headers={"Content-Type": "application/json"})

    assert service.received[-1].raw == f'{{"n": {digits}}}'.encode()


def test_an_answer_is_handed_on_byte_for_byte_as_a_text(service):
    said = b'{"price": 1.10, "id": 12345678901234567890, "big": 1e400}'
    service.answer("GET /", said)
    service.answer("POST /", {})

    sent(service, method="POST", raw_body=sent(service, response="text").outputs["body"])

    assert service.received[-1].raw == said
