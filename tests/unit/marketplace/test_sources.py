"""How an operator names sources, and what is no source."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from pipeline_engine.config import Settings
from pipeline_engine.errors import InvalidSettings
from pipeline_engine.setting_kinds import MarketplaceSource

KEY, OTHER = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
ACME = {"name": "acme", "url": "https://market.example/actions", "key": KEY}


def sources(*given: Any) -> tuple[MarketplaceSource, ...]:
    env = {"PIPELINE_MARKETPLACE_SOURCES": json.dumps(given)}
    found: tuple[MarketplaceSource, ...] = Settings.marketplace_from_env(env)["marketplace_sources"]
    return found


def test_a_source_is_at_a_url_or_in_a_folder_with_one_key_or_several() -> None:
    local = {"name": "local", "path": "market", "key": [KEY, OTHER], "index_key": OTHER}

    assert sources(ACME, local) == (
        MarketplaceSource(name="acme", url="https://market.example/actions", keys=(b"\1" * 32,)),
        MarketplaceSource(
            name="local",
            path="market",
            keys=(b"\1" * 32, b"\2" * 32),
            index_keys=(b"\2" * 32,),
        ),
    )
    assert sources() == ()


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://127.0.0.1:8800"},
        {"url": "http://localhost:8800/index.json"},
        {"url": "http://market.example", "allow_http": True},
    ],
)
def test_http_is_for_this_machine_or_where_it_is_allowed(change: dict[str, Any]) -> None:
    assert sources({**ACME, **change})


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"url": "http://market.example"}, "no https URL"),
        ({"url": "http://market.example", "allow_http": "yes"}, "no https URL"),
        ({"url": "file:///etc/passwd", "allow_http": True}, "no https URL"),
        ({"url": "https://user:word@market.example"}, "no https URL"),
        ({"url": "https://market.example/?q=1"}, "no https URL"),
        ({"path": "market"}, "not one of url and path"),
        ({"url": 7}, "not one of url and path"),
        ({"key": None}, "key is no Ed25519"),
        ({"key": []}, "key is no Ed25519"),
        ({"key": "c2hvcnQ="}, "key is no Ed25519"),
        ({"key": [KEY, "?"]}, "key is no Ed25519"),
        ({"index_key": ""}, "index_key is no Ed25519"),
        ({"name": "Acme Inc."}, "name is no word"),
        ({"keys": KEY}, "nothing is called keys"),
    ],
)
def test_what_is_no_source(change: dict[str, Any], because: str) -> None:
    with pytest.raises(InvalidSettings, match=because):
        sources({**ACME, **change})


@pytest.mark.parametrize("text", ["{}", "[1]", "https://market.example"])
def test_what_is_no_list_of_sources(text: str) -> None:
    with pytest.raises(InvalidSettings, match="MARKETPLACE_SOURCES"):
        Settings.marketplace_from_env({"PIPELINE_MARKETPLACE_SOURCES": text})


def test_two_sources_have_two_names() -> None:
    with pytest.raises(InvalidSettings, match="the same name"):
        sources(ACME, ACME)
