"""The index of a source: one JSON file, signed as a whole, beside the wheels that it names.

A release's record is signed by its publisher and never changes; what may change (which releases
there are, which are yanked, until when all of it is to be believed) is signed with the index.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.marketplace.format.records import Release, ReleaseSchema, in_words
from pipeline_engine.marketplace.format.signing import Signature, SigningKey
from pipeline_engine.marketplace.refusals import InvalidIndex

FORMAT = 1
FILE_NAME = "index.json"
MOST_BYTES = 8 * 1024 * 1024
MOST_NODES = 1_000_000


@dataclass(frozen=True, slots=True)
class Listing:
    """A release as an index lists it; ``release`` is what the record says."""

    record: Mapping[str, Any]
    release: Release
    signature: Signature
    yanked: str | None = None  #: why it was taken back

    def document(self) -> dict[str, Any]:
        """It as JSON."""
        return {
            "record": dict(self.record),
            "signature": _signature(self.signature),
            "yanked": self.yanked,
        }


def offered(listings: Sequence[Listing]) -> Listing:
    """The newest release that was not taken back; if all were, the newest."""
    return next((listing for listing in listings if listing.yanked is None), listings[0])


@dataclass(frozen=True, slots=True)
class Index:
    """Which releases there are, said by who keeps the index, for some time."""

    name: str
    serial: int  #: greater in each newer one
    issued_at: datetime
    expires_at: datetime
    packages: Mapping[str, Sequence[Listing]]  #: the newest release first

    def listings(self) -> Iterator[Listing]:
        """Every release of every package."""
        for found in self.packages.values():
            yield from found

    def document(self) -> dict[str, Any]:
        """The part of it that is signed, as JSON."""
        return {
            "format": FORMAT,
            "name": self.name,
            "serial": self.serial,
            "issued_at": self.issued_at.isoformat(),
            "expires_at": self.expires_at.isoformat(),
            "packages": {
                name: [listing.document() for listing in found]
                for name, found in sorted(self.packages.items())
            },
        }

    def signed(self, key: SigningKey) -> bytes:
        """The file."""
        document = self.document()
        signature = _signature(key.sign("index", document))
        whole = {"signed": document, "signature": signature}
        return orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True, slots=True)
class SignedIndex:
    """An index as it was read; nobody has looked yet who has signed it, and when."""

    raw: Mapping[str, Any]
    signature: Signature
    index: Index
    digest: str

    def check(self, index_keys: Collection[bytes], release_keys: Collection[bytes]) -> Index:
        """The index, if it and every release in it are signed. Raises what ``Signature`` does."""
        self.signature.check("index", self.raw, index_keys)
        for listing in self.index.listings():
            listing.signature.check("release", listing.record, release_keys)
        return self.index


def read(content: bytes) -> SignedIndex:
    """Read the file of an index. Raises ``InvalidIndex`` with what is wrong with it."""
    try:
        whole = json_guard.loads(content, max_bytes=MOST_BYTES, max_nodes=MOST_NODES)
    except JsonRejected as error:
        raise InvalidIndex(f"This is no index: {error}") from error
    try:
        loaded = _FileSchema().load(whole)
        number = loaded["signed"].get("format")
        if number != FORMAT:
            raise ValidationError(f"this engine reads format {FORMAT}, not {number!r}", "format")
        index: Index = _IndexSchema().load(loaded["signed"])
    except ValidationError as error:
        raise InvalidIndex(f"This is no index: {in_words(error.messages)}") from error
    digest = hashlib.sha256(content).hexdigest()
    return SignedIndex(loaded["signed"], loaded["signature"], index, digest)


def _signature(signature: Signature) -> dict[str, str]:
    return {"key": signature.key, "value": signature.value}


class _Part(Schema):
    class Meta:
        unknown = EXCLUDE


class _SignatureSchema(_Part):
    key = fields.String(required=True, validate=validate.Length(1, 100))
    value = fields.String(required=True, validate=validate.Length(1, 200))

    @post_load
    def _made(self, loaded: dict[str, Any], **_: Any) -> Signature:
        return Signature(**loaded)


class _FileSchema(_Part):
    signed = fields.Dict(fields.String(), fields.Raw(allow_none=True), required=True)
    signature = fields.Nested(_SignatureSchema, required=True)


class _ListingSchema(_Part):
    record = fields.Dict(fields.String(), fields.Raw(allow_none=True), required=True)
    signature = fields.Nested(_SignatureSchema, required=True)
    yanked = fields.String(load_default=None, allow_none=True)

    @post_load
    def _made(self, loaded: dict[str, Any], **_: Any) -> Listing:
        return Listing(release=ReleaseSchema().load(loaded["record"]), **loaded)


class _IndexSchema(_Part):
    name = fields.String(required=True, validate=validate.Length(1, 100))
    serial = fields.Integer(strict=True, required=True, validate=validate.Range(min=1))
    issued_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)
    packages = fields.Dict(
        fields.String(), fields.List(fields.Nested(_ListingSchema)), required=True
    )

    @post_load
    def _made(self, loaded: dict[str, Any], **_: Any) -> Index:
        packages = {
            name: sorted(found, key=lambda one: one.release.number, reverse=True)
            for name, found in loaded.pop("packages").items()
        }
        for name, found in packages.items():
            _belong_together(name, found)
        return Index(packages=packages, **loaded)


def _belong_together(name: str, listings: Sequence[Listing]) -> None:
    """Raise ``ValidationError`` if a release is listed for another package, or twice."""
    if strange := next((one for one in listings if one.release.name != name), None):
        raise ValidationError(f"{strange.release.name} is listed as {name}", "packages")
    versions = [listing.release.number for listing in listings]
    if len(set(versions)) < len(versions):
        raise ValidationError(f"{name} has two releases of one version", "packages")
