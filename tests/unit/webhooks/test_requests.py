"""What a webhook makes of a request: its body, its key and the params that it gives."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline_engine.domain.expressions import ExpressionError, Fuel
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.domain.webhooks import bodies
from pipeline_engine.domain.webhooks.addresses import is_allowed, network
from pipeline_engine.domain.webhooks.config import (
    WebhookConfig,
    is_secret_header,
    normal,
    problems,
)
from pipeline_engine.domain.webhooks.mapping import Letter, key_of, params_of

FORM = "application/x-www-form-urlencoded; charset=utf-8"


def read(raw: bytes, content_type: str = "application/json") -> Any:
    return bodies.read(raw, content_type, most=1000)


def given(letter: Letter, own: dict[str, Any] | None = None, **config: Any) -> dict[str, Any]:
    return params_of(WebhookConfig.of(config), letter, own or {}, Fuel())


def a_letter(body: Any = None, **headers: str) -> Letter:
    return Letter(body, {n.replace("_", "-"): v for n, v in headers.items()}, {})


def test_a_body_is_json_or_a_form() -> None:
    assert read(b'{"a": [1]}', "application/vnd.api+json") == {"a": [1]}
    assert read(b"[1]", "") == [1]
    assert read(b"") is None
    assert read(b"a=1&b=x+y&a=%C3%A9&c=", FORM) == {"a": ["1", "\u00e9"], "b": "x y", "c": ""}


@pytest.mark.parametrize(
    ("raw", "content_type", "error"),
    [
        (b"{", "application/json", JsonRejected),
        (b'{"a": 1, "a": 2}', "application/json", JsonRejected),
        (b"[" * 60 + b"]" * 60, "application/json", JsonRejected),
        (b"a=%00", FORM, JsonRejected),
        (b"a=%FF", FORM, bodies.UnreadableBody),
        (b"a=\xff", FORM, bodies.UnreadableBody),
        (b"&".join([b"a=1"] * 1001), FORM, bodies.UnreadableBody),
        (b"<a/>", "text/xml", bodies.UnreadableBody),
    ],
)
def test_what_no_row_could_keep_is_refused_before_it_is_answered(
    raw: bytes, content_type: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        bodies.read(raw, content_type, most=10_000)


def test_without_a_map_the_params_of_the_body_count_and_headers_go_before_them() -> None:
    letter = a_letter({"params": {"a": 1, "header_x_event": "b"}}, x_event="push", x_other="no")

    assert given(letter, headers_to_include=["X-Event", "X-Missing"]) == {
        "a": 1,
        "header_x_event": "push",
    }
    for body in (None, [1], "text", {"params": [1]}, {"params": None}):
        assert given(a_letter(body)) == {}


def test_with_a_map_nothing_else_of_the_body_is_taken() -> None:
    letter = a_letter({"commits": [1, 2], "params": {"admin": True}}, x_github_event="push")
    mapping = {
        "count": "{{ body.commits | length }}",
        "event": "a {{ headers.x_github_event }}",
        "both": {"own": "{{ params.own }}"},
    }

    found = given(letter, {"own": "o"}, map=mapping)

    assert found == {"count": 2, "event": "a push", "both": {"own": "o"}}


def test_what_the_request_lacks_is_left_to_the_default_of_the_pipeline() -> None:
    mapping = {"a/b": "{{ body.missing }}", "empty": "{{ body.empty }}"}

    assert given(a_letter({"empty": ""}), map=mapping) == {"empty": ""}


@pytest.mark.parametrize(
    ("body", "headers", "key"),
    [
        ({"id": 7}, {}, "7"),
        ({"id": {"b": 1, "a": 2}}, {}, '{"a":2,"b":1}'),
        ({}, {"x_github_delivery": "g"}, "g"),
        ({}, {"webhook_id": "msg_1", "x_github_delivery": "g"}, "msg_1"),
        ({}, {"idempotency_key": "k"}, "k"),
        ({}, {}, None),
        (None, {}, None),
    ],
)
def test_a_key_is_what_the_expression_says_or_else_what_the_sender_calls_it(
    body: Any, headers: dict[str, str], key: str | None
) -> None:
    config = WebhookConfig.of({"dedupe_key": "{{ body.id }}"})

    assert key_of(config, a_letter(body, **headers)) == key


def test_a_long_key_is_a_digest_and_a_costly_one_an_error() -> None:
    assert len(key_of(WebhookConfig(), a_letter(webhook_id="x" * 300)) or "") == 71
    costly = WebhookConfig.of({"dedupe_key": "{{ body | map('upper') | join | length }}"})
    with pytest.raises(ExpressionError):
        key_of(costly, a_letter(["x" * 1000] * 1000))


@pytest.mark.parametrize(
    ("allowed", "address", "is_right"),
    [
        (None, "192.0.2.7", True),
        (["192.0.2.7"], "192.0.2.7", True),
        (["192.0.2.7"], "192.0.2.70", False),
        (["192.0.2.0/24"], "::ffff:192.0.2.9", True),
        (["::ffff:192.0.2.9"], "192.0.2.9", True),
        (["::ffff:192.0.2.0/120"], "::ffff:192.0.2.9", True),
        (["::ffff:192.0.2.0/120"], "198.51.100.1", False),
        (["192.0.2.0/24"], "198.51.100.1", False),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "192.0.2.1", False),
        (["0.0.0.0/0"], "", False),
        (["0.0.0.0/0"], "unix", False),
    ],
)
def test_an_address_is_allowed_by_itself_or_by_its_network(
    allowed: list[str] | None, address: str, is_right: bool
) -> None:
    assert is_allowed(allowed, address) is is_right


@pytest.mark.parametrize(
    ("name", "is_right"),
    [
        ("X-Gitlab-Token", True),
        ("X-Telegram-Bot-Api-Secret-Token", True),
        ("Proxy-Authorization", True),
        ("X-Api-Key", True),
        ("Idempotency-Key", False),
        ("X-Hub-Signature-256", False),
        ("X-Author", False),
    ],
)
def test_a_header_holds_a_secret_whatever_its_sender_puts_before_the_word(
    name: str, is_right: bool
) -> None:
    assert is_secret_header(name) is is_right


def test_networks_are_kept_as_what_they_mean() -> None:
    assert network("192.0.2.9/24") == "192.0.2.0/24"
    assert network("::ffff:192.0.2.9/120") == "192.0.2.0/24"
    assert normal(WebhookConfig.of({"allowed_ips": ["192.0.2.7", "192.0.2.7/32"]})).allowed_ips == (
        "192.0.2.7",
    )
    assert WebhookConfig.of({"allowed_ips": []}).allowed_ips is None


@pytest.mark.parametrize(
    ("config", "pointer", "code"),
    [
        ({"allowed_ips": ["192.0.2.7", "x"]}, "/config/allowed_ips/1", "invalid_network"),
        ({"headers_to_include": ["a b"]}, "/config/headers_to_include/0", "invalid_header"),
        (
            {"headers_to_include": ["X-Webhook-Secret"]},
            "/config/headers_to_include/0",
            "secret_header",
        ),
        ({"map": {"a": "{{ bdy.x }}"}}, "/config/map/a", "unknown_name"),
        ({"map": {"a": {"b": ["{{ body. }}"]}}}, "/config/map/a/b/0", "template_syntax"),
        ({"dedupe_key": "{{ params.x }}"}, "/config/dedupe_key", "unknown_name"),
        ({"dedupe_key": "{{ secrets.x }}"}, "/config/dedupe_key", "unknown_name"),
    ],
)
def test_what_is_wrong_with_a_config_is_told_with_its_place(
    config: dict[str, Any], pointer: str, code: str
) -> None:
    found = [(issue.pointer, issue.code) for issue in problems(WebhookConfig.of(config))]

    assert found == [(pointer, code)]
