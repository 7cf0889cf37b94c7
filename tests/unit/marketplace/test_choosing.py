"""Which release is meant."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.packages import a_listing, a_wheel

from pipeline_engine.marketplace.choosing import chosen, meant, newest, upgrade
from pipeline_engine.marketplace.format.index import Listing
from pipeline_engine.marketplace.format.signing import SigningKey
from pipeline_engine.marketplace.refusals import IncompatibleRelease, ReleaseNotFound

KEY = SigningKey.generate()
NOW = datetime(2026, 1, 31, 10, tzinfo=UTC)


@pytest.fixture
def listings(tmp_path: Path) -> list[Listing]:
    """The newest one is for another Python, and the one before is not a release yet."""
    plain = [a_wheel(tmp_path, version=version) for version in ("2.1rc1", "2.0", "1.10", "1.9")]
    alien = a_wheel(tmp_path, version="3.0", requires=("Requires-Python: >=4",))
    return [a_listing(wheel, KEY, now=NOW) for wheel in (alien, *plain)]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("acme-greetings", "2.0"),
        ("Acme_Greetings", "2.0"),
        ("acme.greetings@1.9", "1.9"),
        ("acme-greetings<2", "1.10"),
        ("acme-greetings >=1, <1.10", "1.9"),
        ("acme-greetings~=1.0", "1.10"),
        ("acme-greetings@2.1rc1", "2.1rc1"),
        ("acme-greetings@1.9.0", "1.9"),
    ],
)
def test_the_newest_that_fits_and_runs_here_is_chosen(
    listings: list[Listing], text: str, version: str
) -> None:
    name, versions = meant(text)

    assert name == "acme-greetings"
    assert chosen(listings, versions).release.version == version


@pytest.mark.parametrize("text", ["", "@1", "a b", "-r requirements.txt", "acme[x]", "acme;x", "ä"])
def test_what_names_no_package(text: str) -> None:
    with pytest.raises(ReleaseNotFound):
        meant(text)


def test_what_is_there_for_others_can_be_looked_at(listings: list[Listing]) -> None:
    _, versions = meant("acme-greetings@3.0")

    assert newest(listings, versions).release.version == "3.0"
    with pytest.raises(IncompatibleRelease, match="Python"):
        chosen(listings, versions)


def test_an_update_goes_forward_only_and_to_what_runs_here(listings: list[Listing]) -> None:
    assert upgrade(listings, "1.9").release.version == "2.0"  # type: ignore[union-attr]
    assert upgrade(listings, "2.0") is None
    assert upgrade(listings, "2.0.post1") is None
    assert upgrade(listings[:1], "1.0") is None
    assert upgrade([], "1.0") is None
