"""``pipeline-engine marketplace``: what it shows, and how it says no."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.packages import a_listing, a_wheel

from pipeline_engine.cli import main
from pipeline_engine.marketplace.format.index import read

from .conftest import Market


@pytest.fixture
def source(market: Market, tmp_path: Path) -> dict[str, Any]:
    key = base64.b64encode(market.key.public).decode()
    market.publisher.renew(now=datetime.now(UTC))  # commands go by the clock
    return {"name": "acme", "path": str(market.folder), "key": key}


@pytest.fixture
def call(source: dict[str, Any], tmp_path: Path) -> Any:
    def run(*words: str, sources: list[dict[str, Any]] | None = None) -> Result:
        environment = {
            "PIPELINE_MARKETPLACE_SOURCES": json.dumps([source] if sources is None else sources),
            "PIPELINE_MARKETPLACE_STATE": str(tmp_path / "state.json"),
        }
        return CliRunner().invoke(main, ["marketplace", *words], env=environment)

    return run


def test_a_search_finds_packages_by_words_of_their_actions(call: Any) -> None:
    found = json.loads(call("search", "MODELS", "people", "--json").stdout)

    assert [(one["name"], one["version"], one["actions"]) for one in found] == [
        ("acme-models", "1.0.0", ["acme_model_name"])
    ]
    assert "acme-greetings" in call("search").stdout
    assert json.loads(call("search", "nothing like it", "--json").stdout) == []


def test_what_an_action_may_do_is_shown_before_it_is_installed(call: Any) -> None:
    for words in (["show", "acme-models"], ["install", "acme-models", "--dry-run"]):
        shown = call(*words)

        assert shown.exit_code == 0, shown.output
        assert "model:write" in shown.stdout
        assert "SHA256:" in shown.stdout


def test_a_dry_run_installs_nothing_and_says_so(call: Any) -> None:
    [planned] = json.loads(call("install", "acme-greetings@1.0.0", "--dry-run", "--json").stdout)

    assert (planned["release"]["version"], planned["done"]) == ("1.0.0", False)
    assert json.loads(call("list", "--json").stdout) == []


def test_who_is_not_trusted_is_said_to_run_isolated(
    call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = call("install", "acme-greetings", "--dry-run").stdout
    monkeypatch.setenv("PIPELINE_TRUSTED_PACKAGES", "Acme_Greetings")
    [trusted] = json.loads(call("install", "acme-greetings", "--dry-run", "--json").stdout)

    assert "runs         isolated" in stranger
    assert trusted["isolated"] is False


def test_without_a_yes_nothing_is_installed(call: Any) -> None:
    asked = call("install", "acme-greetings")

    assert asked.exit_code == 1
    assert "Install?" in asked.stderr
    assert json.loads(call("list", "--json").stdout) == []


@pytest.mark.parametrize(
    ("wanted", "code", "exit_code"),
    [
        ("acme-nothing", "package_not_found", 4),
        ("acme-greetings@9", "release_not_found", 4),
        ("acme-greetings@not a version", "release_not_found", 4),
        ("../acme", "release_not_found", 4),
        ("acme-greetings<1", "release_not_found", 4),
    ],
)
def test_what_is_not_there(call: Any, wanted: str, code: str, exit_code: int) -> None:
    refused = call("install", wanted, "--yes", "--json")

    assert (refused.exit_code, json.loads(refused.stderr)["code"]) == (exit_code, code)


def test_a_yanked_release_is_skipped_and_refused_by_name_until_it_is_offered_again(
    call: Any, market: Market, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    market.key.save(key)
    yank = ("yank", str(market.folder), "Acme_Greetings", "2.0.0", "--key", str(key))

    assert call(*yank, "--reason", "Loses mail").exit_code == 0
    [newest] = json.loads(call("install", "acme-greetings", "--dry-run", "--json").stdout)
    refused = call("install", "acme-greetings@2.0.0", "--dry-run")
    assert call(*yank, "--undo").exit_code == 0
    [again] = json.loads(call("install", "acme-greetings", "--dry-run", "--json").stdout)

    assert newest["release"]["version"] == "1.0.0"
    assert "Loses mail [release_yanked]" in refused.stderr
    assert again["release"]["version"] == "2.0.0"
    assert call(*yank).exit_code == 2
    assert call(*yank[:3], "7", *yank[4:], "--undo").exit_code == 4


@pytest.mark.parametrize(
    ("requires", "because"),
    [
        ("Requires-Python: >=4", "wants Python >=4"),
        ("Requires-Dist: pipeline-engine>=99", "wants pipeline-engine >=99"),
    ],
)
def test_a_release_for_others_is_skipped_and_refused_by_name(
    call: Any, market: Market, tmp_path: Path, requires: str, because: str
) -> None:
    publish_unread(market, a_wheel(tmp_path, version="3.0.0", requires=(requires,)))

    [newest] = json.loads(call("install", "acme-greetings", "--dry-run", "--json").stdout)
    refused = call("install", "acme-greetings@3.0.0", "--yes")

    assert newest["release"]["version"] == "2.0.0"
    assert because in refused.stderr
    assert "[incompatible_release]" in refused.stderr


def publish_unread(market: Market, wheel: Path) -> None:
    """Publish what could not be installed here to read its actions."""
    now = datetime.now(UTC)
    index = read(market.index.read_bytes()).index
    listing = a_listing(wheel, market.key, now=now)
    packages = {**index.packages, "acme-greetings": [listing, *index.packages["acme-greetings"]]}
    changed = replace(index, serial=index.serial + 1, packages=packages)
    market.index.write_bytes(changed.signed(market.key))
    (market.folder / wheel.name).write_bytes(wheel.read_bytes())


def test_a_source_that_is_away_is_told_of_by_a_search_and_stops_an_install(
    call: Any, source: dict[str, Any], tmp_path: Path
) -> None:
    away = {**source, "name": "away", "path": str(tmp_path / "nowhere")}

    searched = call("search", sources=[away, source])
    refused = call("install", "acme-greetings", "--dry-run", sources=[away, source])

    assert "acme-greetings" in searched.stdout
    assert "[marketplace_unavailable]" in searched.stderr
    assert "[marketplace_unavailable]" in refused.stderr
    assert call("install", "acme-greetings", "--dry-run", "--source", "acme").exit_code == 0
    assert "[unknown_source]" in call("search", "--source", "nobody").stderr
    assert "[unknown_source]" in call("search", sources=[]).stderr


def test_an_update_of_what_came_from_no_source(call: Any) -> None:
    assert "There is nothing newer" in call("update").stdout
    assert "[package_not_found]" in call("update", "acme-greetings").stderr


def test_a_key_is_made_once_and_is_its_owners_only(call: Any, tmp_path: Path) -> None:
    file = tmp_path / "acme.key"

    made = json.loads(call("keygen", str(file), "--json").stdout)

    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "acme.key.pub").read_text().strip() == made["public_key"]
    assert "[invalid_key_file]" in call("keygen", str(file)).stderr
    file.chmod(0o640)
    assert "Others may read" in call("sign", str(tmp_path), "--key", str(file)).stderr


def test_wrong_sources_are_told_of_all_at_once(call: Any, source: dict[str, Any]) -> None:
    wrong = [{**source, "path": "", "colour": "red"}, {"name": "B", "url": "http://a.example"}]

    refused = call("search", sources=wrong)

    assert "[invalid_settings]" in refused.stderr
    for part in ("source 1: nothing is called colour", "source 2: name", "allow_http", "key is no"):
        assert part in refused.stderr
