"""Whatever is wrong with an index, a record or a file is refused, each under its own code."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.local_service import Answer, local_service
from support.packages import a_wheel, an_action

from pipeline_engine.marketplace import installing, refusals
from pipeline_engine.marketplace.environment import Environment
from pipeline_engine.marketplace.format.index import MOST_BYTES
from pipeline_engine.marketplace.format.signing import SigningKey
from pipeline_engine.marketplace.memory import Memory
from pipeline_engine.marketplace.publishing.folder import Folder
from pipeline_engine.marketplace.sources import Shelf, opened

from .conftest import NOW, Market

Offer = Callable[[Path], str]


def open_(market: Market, memory: Memory, **changed: Any) -> Shelf:
    return opened(market.source(**changed), memory, now=NOW)


def plan(market: Market, memory: Memory, wanted: str = "acme-greetings") -> installing.Plan:
    return installing.planned([open_(market, memory)], wanted, memory, Environment.here())


def changed(market: Market, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the index as somebody does who has the folder and not the key."""
    document = json.loads(market.index.read_text())
    change(document)
    market.index.write_text(json.dumps(document))


def signed_again(market: Market, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the index as somebody does who keeps it, and has not the key of the releases."""

    def sign(document: dict[str, Any]) -> None:
        change(document["signed"])
        signature = market.key.sign("index", document["signed"])
        document["signature"] = {"key": signature.key, "value": signature.value}

    changed(market, sign)


def newest(signed: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = signed["packages"]["acme-greetings"][0]
    return found


def test_what_is_signed_and_whole_is_planned(market: Market, memory: Memory) -> None:
    found = plan(market, memory)

    assert (found.release.version, found.replaces, found.missing) == ("2.0.0", None, [])


def test_the_same_over_http(market: Market, memory: Memory, offered: Offer) -> None:
    shelf = open_(market, memory, path=None, url=offered(market.folder))

    found = installing.planned([shelf], "acme-greetings", memory, Environment.here())

    assert found.release.version == "2.0.0"


# ── The file of a release ────────────────────────────────────────────────────────────────


def test_a_flipped_byte_in_a_wheel(market: Market, memory: Memory) -> None:
    file = market.folder / "acme_greetings-2.0.0-py3-none-any.whl"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    with pytest.raises(refusals.HashMismatch):
        plan(market, memory)


@pytest.mark.parametrize("change", [lambda c: c + b"\0", lambda c: c[:-1]], ids=["more", "less"])
def test_a_wheel_of_another_size(
    market: Market, memory: Memory, change: Callable[[bytes], bytes]
) -> None:
    file = market.folder / "acme_greetings-2.0.0-py3-none-any.whl"
    file.write_bytes(change(file.read_bytes()))

    with pytest.raises(refusals.SizeMismatch):
        plan(market, memory)


def test_a_wheel_that_is_away(market: Market, memory: Memory) -> None:
    (market.folder / "acme_greetings-2.0.0-py3-none-any.whl").unlink()

    with pytest.raises(refusals.MarketplaceUnavailable):
        plan(market, memory)


def test_a_record_that_was_signed_for_another_file_than_the_wheel_says(
    market: Market, memory: Memory
) -> None:
    """As by a publisher whose tools are broken, or who says less than his package does."""
    listing = market.publisher._index("", NOW).packages["acme-greetings"][0]
    record = {**listing.record, "entry_points": {"acme_other": "acme_greetings:Action"}}
    signature = market.key.sign("release", record)

    def change(signed: dict[str, Any]) -> None:
        newest(signed)["record"] = record
        newest(signed)["signature"] = {"key": signature.key, "value": signature.value}

    signed_again(market, change)

    with pytest.raises(refusals.PackageMismatch, match="entry_points"):
        plan(market, memory)


# ── Records and signatures ───────────────────────────────────────────────────────────────


def test_a_changed_record_is_not_what_its_publisher_has_signed(
    market: Market, memory: Memory
) -> None:
    def change(signed: dict[str, Any]) -> None:
        newest(signed)["record"]["actions"][0]["required_permissions"] = []
        newest(signed)["record"]["actions"][0]["description"] = "Harmless"

    signed_again(market, change)

    with pytest.raises(refusals.BadSignature):
        open_(market, memory)


def test_an_index_that_was_changed_without_its_key(market: Market, memory: Memory) -> None:
    changed(market, lambda document: newest(document["signed"]).update(yanked="bad luck"))

    with pytest.raises(refusals.BadSignature):
        open_(market, memory)


def test_a_field_that_this_engine_does_not_know_is_signed_along(
    market: Market, memory: Memory
) -> None:
    changed(market, lambda document: document["signed"].update(motto="new in a later format"))

    with pytest.raises(refusals.BadSignature):
        open_(market, memory)


def test_the_signature_of_another_release(market: Market, memory: Memory) -> None:
    def change(signed: dict[str, Any]) -> None:
        old, new = signed["packages"]["acme-greetings"]
        old["signature"], new["signature"] = new["signature"], old["signature"]

    signed_again(market, change)

    with pytest.raises(refusals.BadSignature):
        open_(market, memory)


def test_the_signature_of_an_index_is_none_of_a_release(market: Market, memory: Memory) -> None:
    def change(signed: dict[str, Any]) -> None:
        made = market.key.sign("index", newest(signed)["record"])
        newest(signed)["signature"]["value"] = made.value

    signed_again(market, change)

    with pytest.raises(refusals.BadSignature):
        open_(market, memory)


def test_a_key_that_nobody_trusts(market: Market, memory: Memory) -> None:
    other = SigningKey.generate()
    Folder(market.folder, other, timedelta(days=1), former=(market.key.public,)).renew(now=NOW)

    with pytest.raises(refusals.UnknownKey, match=other.fingerprint.replace("+", ".")):
        open_(market, memory)


def test_the_key_of_an_index_signs_no_release(market: Market, memory: Memory) -> None:
    nightly = SigningKey.generate()
    Folder(market.folder, nightly, timedelta(days=1), former=(market.key.public,)).renew(now=NOW)

    assert open_(market, memory, index_keys=(nightly.public,)).index.serial == 4
    with pytest.raises(refusals.UnknownKey, match="release"):
        open_(market, memory, keys=(nightly.public,))


def test_a_publisher_signs_nothing_that_others_have_put_into_his_index(market: Market) -> None:
    changed(market, lambda document: newest(document["signed"]).update(yanked="bad luck"))

    with pytest.raises(refusals.BadSignature):
        market.publisher.renew(now=NOW)


# ── Old indexes ──────────────────────────────────────────────────────────────────────────


def test_an_old_index_cannot_be_served_again(market: Market, memory: Memory) -> None:
    old = market.index.read_bytes()
    market.publisher.yank("acme-greetings", "2.0.0", "Loses mail", now=NOW)
    open_(market, memory)
    market.index.write_bytes(old)

    with pytest.raises(refusals.IndexRolledBack):
        open_(market, memory)
    market.publisher.renew(now=NOW)  # as whoever has got the old one and the key
    with pytest.raises(refusals.IndexRolledBack, match="another one"):
        open_(market, memory)


def test_an_index_is_believed_until_it_expires(market: Market, memory: Memory) -> None:
    soon, later = NOW + timedelta(days=89), NOW + timedelta(days=90)

    assert opened(market.source(), memory, now=soon)
    with pytest.raises(refusals.IndexExpired):
        opened(market.source(), memory, now=later)
    market.publisher.renew(now=later)
    assert opened(market.source(), memory, now=later)


def test_two_sources_have_numbers_of_their_own(market: Market, memory: Memory) -> None:
    open_(market, memory)
    other = Market(market.folder.with_name("other"), market.key)
    other.folder.mkdir()
    other.publisher.renew(now=NOW)

    assert open_(other, memory, name="other").index.serial == 1


# ── What is no index ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"<html>Not found</html>",
        b'{"signed": {}, "signature": {"key": "k", "value": "v"}}',
        b'{"signed": {"format": 2}, "signature": {"key": "k", "value": "v"}}',
        b'{"signed": {"format": 1}, "signed": {}, "signature": {"key": "k", "value": "v"}}',
        b"[" * 100_000,
    ],
    ids=str,
)
def test_what_is_no_index(market: Market, memory: Memory, content: bytes) -> None:
    market.index.write_bytes(content)

    with pytest.raises(refusals.InvalidIndex):
        open_(market, memory)


def test_a_truncated_index(market: Market, memory: Memory) -> None:
    content = market.index.read_bytes()
    market.index.write_bytes(content[: len(content) // 2])

    with pytest.raises(refusals.InvalidIndex):
        open_(market, memory)


def test_an_index_with_a_huge_body_is_not_read_to_its_end(
    market: Market, memory: Memory, offered: Offer
) -> None:
    with market.index.open("r+b") as file:
        file.truncate(MOST_BYTES + 1)

    for where in ({}, {"path": None, "url": offered(market.folder)}):
        with pytest.raises(refusals.InvalidIndex, match="more than"):
            open_(market, memory, **where)


@pytest.mark.parametrize(
    "name",
    [
        "../acme_greetings-2.0.0-py3-none-any.whl",
        "/etc/acme_greetings-2.0.0-py3-none-any.whl",
        "..\\acme_greetings-2.0.0-py3-none-any.whl",
        "http://198.51.100.1/acme_greetings-2.0.0-py3-none-any.whl",
        "acme_greetings-2.0.0-py3-none-any.whl\n",
        "acme_greetings-2.0.0-py3-none-any.whl?x=1",
        "acme_greetings-9.0.0-py3-none-any.whl",
        "other-2.0.0-py3-none-any.whl",
        "acme_greetings.whl",
        "index.json",
    ],
)
def test_a_file_has_a_plain_name_beside_the_index_and_that_of_its_release(
    market: Market, memory: Memory, name: str
) -> None:
    signed_again(market, lambda signed: newest(signed)["record"]["file"].update(name=name))

    with pytest.raises(refusals.InvalidIndex):
        open_(market, memory)


def test_a_release_that_is_listed_under_another_name(market: Market, memory: Memory) -> None:
    def change(signed: dict[str, Any]) -> None:
        packages = signed["packages"]
        packages["acme-models"] = packages["acme-greetings"]

    signed_again(market, change)

    with pytest.raises(refusals.InvalidIndex, match="listed as"):
        open_(market, memory)


# ── Servers ──────────────────────────────────────────────────────────────────────────────


def test_a_redirect_is_not_followed(memory: Memory, market: Market, offered: Offer) -> None:
    with local_service() as service:
        away = Answer(302, headers={"Location": f"{offered(market.folder)}/index.json"})
        service.answers["GET", "/index.json"] = away

        with pytest.raises(refusals.MarketplaceUnavailable, match="redirects are not followed"):
            open_(market, memory, path=None, url=service.url)


def test_a_server_that_has_no_index_and_one_that_is_not_there(
    memory: Memory, market: Market, tmp_path: Path
) -> None:
    with local_service() as service:
        url = service.url
        with pytest.raises(refusals.MarketplaceUnavailable, match="404"):
            open_(market, memory, path=None, url=url)

    for away in ({"path": None, "url": url}, {"path": str(tmp_path / "nowhere")}):
        with pytest.raises(refusals.MarketplaceUnavailable):
            open_(market, memory, **away)


def test_a_pipe_in_the_place_of_an_index_is_not_waited_for(market: Market, memory: Memory) -> None:
    market.index.unlink()
    os.mkfifo(market.index)

    with pytest.raises(refusals.MarketplaceUnavailable, match="No such file"):
        open_(market, memory)


# ── Publishing ───────────────────────────────────────────────────────────────────────────


def test_a_release_never_changes(market: Market, tmp_path: Path) -> None:
    before = market.index.read_bytes()
    other = a_wheel(tmp_path, requires=("Requires-Python: >=3.12",))

    with pytest.raises(refusals.ReleaseExists):
        market.publish(other)
    assert market.index.read_bytes() == before


def test_publishing_the_same_file_again_changes_nothing(market: Market, tmp_path: Path) -> None:
    before = market.index.read_bytes()

    market.publish(a_wheel(tmp_path))

    assert market.index.read_bytes() == before


def test_a_package_whose_actions_cannot_be_loaded_is_not_published(
    market: Market, tmp_path: Path
) -> None:
    broken = a_wheel(tmp_path, version="3.0.0", files={"acme_greetings.py": "import nowhere_else"})

    with pytest.raises(refusals.InvalidPackage, match="nowhere_else"):
        market.publish(broken)


def test_a_record_says_what_the_actions_themselves_say(
    market: Market, memory: Memory, tmp_path: Path
) -> None:
    source = an_action("acme_model_name", permissions=["model:write"])
    points = "acme_model_name = acme_models:Action"
    files = {"acme_models.py": source}
    market.publish(a_wheel(tmp_path, "acme-models", "1.1", files=files, entry_points=points))

    release = open_(market, memory).index.packages["acme-models"][0].release

    assert release.permissions == ["model:write"]
    assert [field.name for field in release.actions[0].params] == ["name"]
    assert replace(release, actions=()).names == {"acme_model_name"}
