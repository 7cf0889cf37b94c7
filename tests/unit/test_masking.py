"""A secret is found in whatever form it is quoted."""

from __future__ import annotations

import base64
import html
import json
import re
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import markupsafe
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pipeline_engine.domain.masking import MASK, NOTHING_HIDDEN, masker_of

ODD = 'p@ss/wö"rd\\ <&>\n\t1'
FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON": json.dumps,
    "JSON with all letters": lambda s: json.dumps(s, ensure_ascii=False),
    "JSON with escaped slashes": lambda s: json.dumps(s).replace("/", "\\/"),
    "JSON in JSON": lambda s: json.dumps({"body": json.dumps({"key": s})}),
    "Python": lambda s: repr({"key": s}),
    "a host": str.lower,
    "UTF-8 taken for Latin-1": lambda s: s.encode().decode("latin-1"),
    "a path": quote,
    "a part of a path": lambda s: quote(s, safe=""),
    "a query": lambda s: urlencode({"key": s}),
    "a form": quote_plus,
    "a query in lower case": lambda s: re.sub("%..", lambda found: found[0].lower(), quote(s)),
    "a whole URL": lambda s: requests.Request("GET", f"https://host/{s}").prepare().url or "",
    "HTML": html.escape,
    "HTML of a template": lambda s: str(markupsafe.escape(s)),
    "Python in JSON": lambda s: json.dumps(f"no such key: {s!r}"),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 behind a name": lambda s: base64.b64encode(f"user:{s}".encode()).decode(),
    "base64 behind a longer name": lambda s: base64.b64encode(f"users:{s}:x".encode()).decode(),
    "base64 behind the longest": lambda s: base64.b64encode(f"users1:{s}".encode()).decode(),
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(f"~~{s}~~".encode()).decode(),
    "hexadecimal": lambda s: s.encode().hex(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", [ODD, "only-letters-and-digits-1", "sixsix", '"\\"\\"\\'])
def test_every_form_of_a_secret_is_masked(form: str, secret: str) -> None:
    text = f"before {FORMS[form](secret)} after"
    masker = masker_of([secret])

    shown = masker.mask(text)

    assert MASK in shown
    assert masker.finds(text)
    assert not masker.finds(shown)
    assert secret not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


@given(st.text(min_size=6), st.binary(max_size=5), st.binary(max_size=5))
def test_a_secret_is_found_wherever_it_begins_in_base64(
    secret: str, before: bytes, after: bytes
) -> None:
    raw = secret.encode("utf-8", "surrogatepass")
    written = base64.b64encode(before + raw + after).decode()

    assert masker_of([secret]).finds(written)


def test_keys_members_and_numbers_are_masked() -> None:
    masker = masker_of(["tomato-soup", "20260701"])

    shown = masker.mask({"tomato-soup": [{"a": ("tomato-soup", 20260701, 7, None, True)}]})

    assert shown == {MASK: [{"a": [MASK, MASK, 7, None, True]}]}


def test_a_short_secret_is_masked_where_it_stands_alone() -> None:
    masker = masker_of(["4711", "%!%!"])

    assert masker.mask(["4711", "pin=4711.", "14711", "x4711", "a %!%! b"]) == [
        MASK,
        f"pin={MASK}.",
        "14711",
        "x4711",
        f"a {MASK} b",
    ]


def test_the_lines_of_a_secret_are_masked_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA7\nabc\n-----END KEY-----\n"

    assert masker_of([key]).mask(["read MIIEowIBAAKCAQEA7", "abc"]) == [f"read {MASK}", "abc"]
    assert masker_of([key]).mask(f"read {key.strip()}.") == f"read {MASK}."


def test_a_tiny_secret_is_masked_where_it_is_all_there_is() -> None:
    masker = masker_of(["a", "ok"])

    assert masker.mask(["a", "a banana", {"state": "ok"}]) == [MASK, "a banana", {"state": MASK}]
    assert masker.finds("ok")
    assert not masker.finds("a banana")


@pytest.mark.parametrize("secret", ["q7Zx", "Pässw"])
def test_a_short_secret_is_masked_as_a_host_too(secret: str) -> None:
    assert masker_of([secret]).mask(f"cannot reach {secret.lower()}.test") == (
        f"cannot reach {MASK}.test"
    )


@pytest.mark.parametrize("secret", ["pässwörd→✓-é", "ключ-ключ", "パスワード"])
def test_a_secret_of_other_letters_is_found_where_they_are_misread(secret: str) -> None:
    misread = secret.encode().decode("latin-1")

    assert masker_of([secret]).mask({"x-echo": f"<{misread}>"}) == {"x-echo": f"<{MASK}>"}


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    assert masker_of(["tomato", "tomato-soup"]).mask("tomato-soup") == MASK


@pytest.mark.parametrize("secrets", [[], [""], [None, 7]])
def test_without_secrets_the_value_itself_is_given_back(secrets: list[object]) -> None:
    value = {"a": ["b"]}

    assert masker_of(secrets).mask(value) is value
    assert not masker_of(secrets)
    assert not NOTHING_HIDDEN.finds("")


def test_masking_a_large_text_costs_a_pass_for_each_form() -> None:
    masker = masker_of(f"secret-number-{n}" for n in range(20))
    begin = time.process_time()

    masker.mask("secret-number-" * 70_000)

    assert time.process_time() - begin < 5
