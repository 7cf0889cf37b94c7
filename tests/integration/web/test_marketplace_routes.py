"""``/marketplace``: packages that could be installed, read from the sources of the operator."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support.local_service import Answer, LocalService, local_service
from support.packages import a_wheel, an_index

from pipeline_engine.config import Settings
from pipeline_engine.marketplace.format.signing import SigningKey
from pipeline_engine.marketplace.memory import Memory
from pipeline_engine.marketplace.shelves import Shelves
from pipeline_engine.services import marketplace as services
from pipeline_engine.services.pages import Page
from pipeline_engine.setting_kinds import MarketplaceSource

from .conftest import SERVICE, client_of

PACKAGES = "/api/v1/marketplace/packages"
KEY = SigningKey.generate()
NOW = datetime(2026, 1, 31, 10, tzinfo=UTC)


@pytest.fixture
def index(tmp_path: Path) -> bytes:
    wheels = [a_wheel(tmp_path), a_wheel(tmp_path, version="2.0.0"), a_wheel(tmp_path, "requests")]
    return an_index(wheels, KEY, now=datetime.now(UTC))


@pytest.fixture
def client(
    index: bytes, web_settings: Settings, app_with: Callable[[Settings], Flask], tmp_path: Path
) -> FlaskClient:
    """Of an installation with one source in a folder."""
    (tmp_path / "index.json").write_bytes(index)
    sources = (MarketplaceSource(name="acme", keys=(KEY.public,), path=str(tmp_path)),)
    state = str(tmp_path / "state.json")
    changed = replace(web_settings, marketplace_sources=sources, marketplace_state=state)
    return client_of(app_with(changed), SERVICE)


def test_packages_are_listed_with_what_is_installed_here(client: FlaskClient) -> None:
    found = client.get(PACKAGES).json

    assert [(one["name"], one["version"]) for one in found["packages"]] == [
        ("acme-greetings", "2.0.0"),
        ("requests", "1.0.0"),
    ]
    assert found["packages"][0]["installedVersion"] is None
    assert found["packages"][1]["installedVersion"].startswith("2.")
    assert [(one["name"], one["error"]) for one in found["sources"]] == [("acme", None)]
    assert found["pagination"]["total_count"] == 2
    assert client.get(f"{PACKAGES}?q=greetings&page_size=1&page=2").json["packages"] == []
    assert len(client.get(f"{PACKAGES}?q=GREETINGS").json["packages"]) == 1


def test_a_package_has_its_releases_with_actions_and_rights(client: FlaskClient) -> None:
    found = client.get(f"{PACKAGES}/acme-greetings").json

    assert [one["version"] for one in found["releases"]] == ["2.0.0", "1.0.0"]
    assert found["releases"][0]["signedBy"] == KEY.fingerprint
    assert found["releases"][0]["requiredPermissions"] == ["model:write"]
    assert found["releases"][0]["actions"][0]["type"] == "acme_greet"
    assert found["releases"][0]["obstacles"] == []


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/acme-nothing", 404, "package_not_found"),
        ("/acme-greetings?source=nobody", 404, "unknown_source"),
        ("/http:%2F%2F198.51.100.1%2Findex.json", 404, "not_found"),
        ("?page=0", 422, "invalid_request"),
    ],
)
def test_what_is_not_there(client: FlaskClient, path: str, status: int, code: str) -> None:
    answer = client.get(PACKAGES + path)

    assert (answer.status_code, answer.json["code"]) == (status, code)


# ── How often sources are asked ──────────────────────────────────────────────────────────


def shelves(service: LocalService, tmp_path: Path) -> Shelves:
    source = MarketplaceSource(name="acme", keys=(KEY.public,), url=service.url)
    return Shelves([source], Memory(tmp_path / "state.json"))


def found(shelves: Shelves, now: datetime) -> tuple[int, str | None]:
    """How many packages are shown, and what is said of the source."""
    answer = services.search(shelves, "", Page(), now=now)
    problem = answer.sources[0].problem
    return answer.packages.total, problem.code if problem else None


def test_a_source_is_asked_once_a_minute_and_its_last_index_is_shown_while_it_is_away(
    index: bytes, tmp_path: Path
) -> None:
    start = datetime.now(UTC)
    with local_service() as service:
        service.answers["GET", "/index.json"] = Answer(body=index)
        shown = shelves(service, tmp_path)
        assert found(shown, start) == (2, None)
        assert found(shown, start + timedelta(seconds=59)) == (2, None)
        assert len(service.received) == 1

        service.answers["GET", "/index.json"] = Answer(500)
        assert found(shown, start + timedelta(seconds=60)) == (2, "marketplace_unavailable")
        assert found(shown, start + timedelta(seconds=89)) == (2, "marketplace_unavailable")
        assert len(service.received) == 2
        assert found(shown, start + timedelta(days=90)) == (0, "marketplace_unavailable")


def test_a_source_that_was_never_read_is_said_to_be_away(tmp_path: Path) -> None:
    with local_service() as service:
        shown = shelves(service, tmp_path)

        assert found(shown, NOW) == (0, "marketplace_unavailable")
        with pytest.raises(services.refusals.MarketplaceUnavailable):
            services.get(shown, "acme-greetings", None, now=NOW)


def test_an_index_that_is_not_to_be_believed_is_not_shown(index: bytes, tmp_path: Path) -> None:
    document = json.loads(index)
    document["signed"]["packages"]["requests"][0]["yanked"] = "changed"
    with local_service() as service:
        service.answers["GET", "/index.json"] = Answer(body=document)

        assert found(shelves(service, tmp_path), NOW) == (0, "bad_signature")
