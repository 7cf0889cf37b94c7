"""What is hidden, what is not, and that looking costs one pass."""

from __future__ import annotations

import time
from base64 import b64encode
from typing import Any

import pytest

from pipeline_engine.domain.redaction import MASK, Redactor, is_sensitive, redactor_for

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    "key",
    ["password", "PASSWORD", "api_key", "api-key", "Api-Key", "Authorization", "aws-session-token"],
)
def test_keys_are_known_in_any_case_and_with_either_line(key: str) -> None:
    assert Redactor().redact({key: "x"}) == {key: MASK}
    assert Redactor().redact([{"deep": {key: {"a": 1}}}]) == [{"deep": {key: MASK}}]


@pytest.mark.parametrize("key", ["tokens", "max_token", "credential_id", "secretary", "path", 7])
def test_other_keys_are_left_alone(key: Any) -> None:
    assert not is_sensitive(key)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=hunter2 and more", f"password={MASK} and more"),
        ('{"token": "abc"}', f'{{"token": "{MASK}"}}'),
        ("authorization: Bearer abcdef123456", f"authorization: Bearer {MASK}"),
        ("sent Bearer abcdef123456", f"sent Bearer {MASK}"),
        ("postgresql://user:pa55@db/name", f"postgresql://user:{MASK}@db/name"),
        ("redis://:pa55@cache:6379", f"redis://:{MASK}@cache:6379"),
        ("Server=db;Pwd=x1;Database=y", f"Server=db;Pwd={MASK};Database=y"),
        ("key AKIAIOSFODNN7EXAMPLE used", f"key {MASK} used"),
        ("sk-abcdefghijklmnopqrstuv", MASK),
        ("sk_live_abcdefghijklm", MASK),
        ("ghp_abcdefghijklmnopqrstuvwxyz", MASK),
        ("glpat-abcdefghijklmnopqrst", MASK),
        ("hf_abcdefghijklmnopqrstuvwx", MASK),
        ("eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl", MASK),
        (f"key: {PEM} end", f"key: {MASK} end"),
        ("wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYabcd12", MASK),
    ],
)
def test_texts_that_look_like_secrets_are_masked(text: str, shown: str) -> None:
    assert Redactor().redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "an ordinary sentence",
        "https://example.com/path?x=1",
        "8f14e45fceea167a5a36dedd4bea2543" * 2,  # a hash
        "/data/models/MetaLlama3/8BInstruct/snapshots/abc123def456",
        "01a2010c-36fb-711a-980f-1d1ca0e8797d",
        "meta-llama/Meta-Llama-3.1-8B-Instruct",
        "the token was refused",
        b64encode(bytes(range(256))).decode(),  # a file
    ],
)
def test_what_only_resembles_a_secret_is_shown(text: str) -> None:
    """The reference masked hashes and paths, and later steps worked with the mask."""
    assert Redactor().redact(text) == text


def test_declared_secrets_are_hidden_by_name_and_wherever_their_value_turns_up() -> None:
    redactor = redactor_for(
        {"hub": "value-of-hub", "longer": "value-of-hub-and-more", "n": 7},
        [{"name": "hub", "type": "secret"}, {"name": "longer", "type": "secret"}],
    )

    assert redactor.params({"hub": "value-of-hub", "n": 7}) == {"hub": MASK, "n": 7}
    assert redactor.redact(["tried value-of-hub-and-more"]) == [f"tried {MASK}"]


def test_a_short_secret_does_not_riddle_every_text() -> None:
    redactor = redactor_for({"pin": "a"}, [{"name": "pin", "type": "secret"}])

    assert redactor.redact("a banana") == "a banana"
    assert redactor.params({"pin": "a"}) == {"pin": MASK}


def test_defaults_of_secret_parameters_are_hidden_in_a_definition() -> None:
    document = {
        "parameters": [
            {"name": "hub", "type": "secret", "default": "d1"},
            {"name": "api_key", "type": "string", "default": "d2"},
            {"name": "region", "type": "string", "default": "eu"},
        ],
        "steps": [{"params": {"password": "{{ params.hub }}", "token": "literal"}}],
    }

    shown = redactor_for({}, document["parameters"]).document(document)

    assert [p["default"] for p in shown["parameters"]] == [MASK, MASK, "eu"]
    assert shown["steps"][0]["params"] == {"password": "{{ params.hub }}", "token": MASK}
    assert document["parameters"][0]["default"] == "d1"


@pytest.mark.parametrize("nothing", [None, "", True, False])
def test_what_says_nothing_is_not_masked(nothing: Any) -> None:
    assert Redactor().redact({"token": nothing}) == {"token": nothing}


@pytest.mark.parametrize("parameters", [None, "x", [None], [{}], [{"name": 1, "type": "secret"}]])
def test_a_strange_declaration_hides_nothing_and_breaks_nothing(parameters: object) -> None:
    assert redactor_for({"a": "b"}, parameters).redact({"a": "b"}) == {"a": "b"}


@pytest.mark.parametrize(
    "unit",
    [
        "eyJ",
        "eyJa.",
        "-eyJaaaaa",
        "a://",
        "a://b:",
        "bearer ",
        "password=",
        "A1b",
        "sk-",
        "-----BEGIN ",
    ],
)
def test_a_text_full_of_almost_secrets_costs_one_pass(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    begin = time.process_time()

    Redactor().redact(text)

    # A second pass for each place to start would take minutes.
    assert time.process_time() - begin < 5
