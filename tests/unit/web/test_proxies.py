"""Who the client is, when only so many proxies are believed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

proxies = import_module("pipeline_engine_web.door.proxies")
rate_limits = import_module("pipeline_engine_web.api.rate_limits")
PEER = "10.0.0.9"


def seen(hops: int, *headers: tuple[str, str]) -> tuple[str, str]:
    sent: list[Any] = [(name.lower().encode(), value.encode()) for name, value in headers]
    scope = {"client": (PEER, 4000), "scheme": "http", "headers": sent}
    found = proxies.seen_through(scope, hops=hops)
    return found["client"][0], found["scheme"]


@pytest.mark.parametrize("forged", ["198.51.100.1", "198.51.100.1, 198.51.100.2", "127.0.0.1", ""])
def test_without_a_proxy_nothing_is_believed(forged: str) -> None:
    headers = [("X-Forwarded-For", forged), ("X-Real-IP", forged), ("X-Forwarded-Proto", "https")]

    assert seen(0, *headers) == (PEER, "http")


@pytest.mark.parametrize(
    ("hops", "sent", "client"),
    [
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 198.51.100.2, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "203.0.113.9", "203.0.113.9"),
        (1, "203.0.113.9:4711", "203.0.113.9"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "unknown", PEER),
        (2, "nonsense, 10.0.0.2", "10.0.0.2"),
        (1, "", PEER),
    ],
)
def test_the_entries_of_the_proxies_are_counted_from_the_right(hops, sent, client) -> None:
    assert seen(hops, ("X-Forwarded-For", sent))[0] == client


def test_several_header_lines_are_one_list() -> None:
    lines = [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "203.0.113.9")]

    assert seen(1, *lines)[0] == "203.0.113.9"


@pytest.mark.parametrize(
    ("sent", "scheme"), [("https", "https"), ("gopher, https", "https"), ("gopher", "http")]
)
def test_a_proxy_says_whether_its_client_used_tls(sent: str, scheme: str) -> None:
    assert seen(1, ("X-Forwarded-Proto", sent))[1] == scheme


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::5", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_the_network_of_a_customer_is_one_source(address: str, source: str) -> None:
    assert rate_limits.source(address) == source
