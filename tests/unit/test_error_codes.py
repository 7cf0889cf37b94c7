"""Which failures a pattern speaks of."""

from __future__ import annotations

import time

import pytest

from pipeline_engine.domain.error_codes import is_among


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("timeout", "timeout"),
        ("*", "anything at all"),
        ("*", None),
        ("quota_*", "quota_of_models"),
        ("*_failed", "items_failed"),
        ("a*b*c", "a-b-b-c"),
        ("http_5xx", "http_503"),
        ("http_4xx", "http_404"),
        ("http_error", "http_404"),
        ("http_*", "http_404"),
        ("**", ""),
    ],
)
def test_a_pattern_speaks_of(pattern, code):
    assert is_among(code, ["other", pattern])


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("timeout", "TIMEOUT"),
        ("timeout", None),
        ("quota_*", "quota"),
        ("a*a", "a"),
        ("a*b*c", "acb"),
        ("http_5xx", "http_404"),
        ("http_5xx", "http_5000"),
        ("http_5xx", "my_http_500"),
        ("http_error", "request_failed"),
        ("http_error", "http_604"),
        ("http_?04", "http_404"),
        ("[a-z]", "a"),
    ],
)
def test_a_pattern_does_not_speak_of(pattern, code):
    assert not is_among(code, [pattern])


def test_no_pattern_takes_long():
    began_at = time.monotonic()

    assert not is_among("a" * 100_000, ["a*" * 50 + "b"])
    assert time.monotonic() - began_at < 1
