"""Secrets at rest: the texts of a row that quote one are encrypted, each where it stands.

AES-GCM with a key that HKDF derives from ``PIPELINE_SECRET_KEY``. A sealed text names its key, so
keys can be rotated, and is bound to its place: copied elsewhere it cannot be opened.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipeline_engine.domain.masking import MASK, Masker
from pipeline_engine.errors import PipelineEngineError

JSON: TypeAlias = Any
#: Prefix of a sealed text. A given text with this prefix is sealed, too.
MARK = "sealed:v1:"
NONCE_BYTES = 12
#: Place that is bound into what is sealed in a definition.
IN_DEFINITIONS = "definition"


def place_of_secret(secret_id: object, version: int) -> str:
    """Place that is bound into a value of the store."""
    return f"secret:{secret_id}:{version}"


class SecretUnreadable(PipelineEngineError):
    """A stored secret was sealed with a key that this process does not have."""

    code = "secret_unreadable"


@dataclass(frozen=True, slots=True)
class Opened:
    """A value as it was before it was sealed, and the secrets that it quotes."""

    value: JSON
    secrets: frozenset[str]


@dataclass(frozen=True)
class _Key:
    """One key, under which texts are or were sealed."""

    text: str

    @cached_property
    def id(self) -> str:
        """Its public name, which says nothing of it."""
        return _derived(self.text, b"key id", 4).hex()

    @cached_property
    def cipher(self) -> AESGCM:
        return AESGCM(_derived(self.text, b"sealing", 32))

    @cached_property
    def fingerprints(self) -> bytes:
        return _derived(self.text, b"fingerprints", 32)


class Sealer:
    """Seals with one key, and opens what was sealed with it or with an older one."""

    def __init__(self, key: str, old_keys: Iterable[str] = ()) -> None:
        self._key = _Key(key)
        self._old_keys = tuple(map(_Key, old_keys))

    @cached_property
    def _keys(self) -> Mapping[str, _Key]:
        return {known.id: known for known in (*self._old_keys, self._key)}

    def seal(
        self, value: JSON, place: str, *, masker: Masker, whole: Collection[str] = ()
    ) -> JSON | None:
        """*value* with its secrets sealed, or None if there are none.

        Those are the texts in which *masker* finds something, and of a mapping all texts under
        the keys in *whole*.
        """
        sealed = _Sealing(self, place, masker)
        if whole and isinstance(value, Mapping):
            result: JSON = {
                key: sealed.walk(member, everything=key in whole) for key, member in value.items()
            }
        else:
            result = sealed.walk(value)
        return result if sealed.count else None

    def open(self, value: JSON, place: str) -> Opened:
        """The value of ``seal``. Raises ``SecretUnreadable``."""
        secrets: set[str] = set()

        def opened(text: str) -> str:
            if not text.startswith(MARK):
                return text
            plain, *inside = self._decrypted(text, place)
            secrets.update(inside)
            return plain

        return Opened(_each_text(value, opened), frozenset(secrets))

    def encrypted(self, text: str, inside: Iterable[str], place: str) -> str:
        """One text, with the secrets inside of it, as a row may hold it."""
        nonce = os.urandom(NONCE_BYTES)
        plain = orjson.dumps([text, *inside])
        sealed = nonce + self._key.cipher.encrypt(nonce, plain, place.encode())
        return f"{MARK}{self._key.id}:{base64.urlsafe_b64encode(sealed).decode()}"

    def _decrypted(self, text: str, place: str) -> Sequence[str]:
        name, _, written = text.removeprefix(MARK).partition(":")
        key = self._keys.get(name)
        if key is None:
            raise SecretUnreadable(f"A secret was sealed with the key {name}, which is not known")
        try:
            sealed = base64.urlsafe_b64decode(written)
            nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
            found: Sequence[str] = orjson.loads(key.cipher.decrypt(nonce, rest, place.encode()))
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise SecretUnreadable(
                "A sealed secret was changed, or moved from its place"
            ) from error
        return found

    def fingerprint(self, content: bytes) -> str:
        """What tells equal contents from others, and says nothing to who does not have the key."""
        digest = hmac.digest(self._key.fingerprints, content, hashlib.sha256)
        return f"{self._key.id}:{digest.hex()}"

    def is_of(self, fingerprint: str | None, content: bytes) -> bool:
        """Whether a fingerprint, be it of an older key, is that of *content*."""
        key = self._keys.get((fingerprint or "").partition(":")[0])
        if key is None:
            return False
        digest = hmac.digest(key.fingerprints, content, hashlib.sha256).hex()
        return hmac.compare_digest(f"{key.id}:{digest}", fingerprint or "")


def with_sealed_defaults(document: JSON, sealer: Sealer) -> JSON:
    """A definition as its row keeps it: the defaults of its secret parameters are sealed."""
    return _with_defaults(
        document, lambda text: sealer.encrypted(text, [text], IN_DEFINITIONS), _is_literal
    )


def with_opened_defaults(document: JSON, sealer: Sealer) -> JSON:
    """The opposite of ``with_sealed_defaults``. Raises ``SecretUnreadable``."""
    return _with_defaults(
        document,
        lambda text: sealer.open(text, IN_DEFINITIONS).value,
        lambda text: text.startswith(MARK),
    )


def with_masked_defaults(document: JSON) -> JSON:
    """A stored definition as it is shown."""
    return _with_defaults(document, lambda _: MASK, lambda text: text.startswith(MARK))


def with_kept_defaults(document: JSON, before: JSON) -> JSON:
    """A definition that was sent back as it is shown, with the defaults that it had *before*."""
    known = {p["name"]: p["default"] for p in before.get("parameters") or () if _is_secret(p)}
    given = document.get("parameters")
    if not known or not isinstance(given, list):
        return document
    kept = [
        {**parameter, "default": known[parameter["name"]]}
        if _is_secret(parameter) and parameter["default"] == MASK and parameter.get("name") in known
        else parameter
        for parameter in given
    ]
    return {**document, "parameters": kept}


def _with_defaults(
    document: JSON, change: Callable[[str], str], applies: Callable[[str], bool]
) -> JSON:
    given = document.get("parameters")
    parameters = given if isinstance(given, list) else []
    if not any(_is_secret(parameter) for parameter in parameters):
        return document
    changed = [
        {**parameter, "default": change(parameter["default"])}
        if _is_secret(parameter) and applies(parameter["default"])
        else parameter
        for parameter in parameters
    ]
    return {**document, "parameters": changed}


def _is_secret(parameter: JSON) -> bool:
    return (
        isinstance(parameter, Mapping)
        and parameter.get("type") == "secret"
        and isinstance(parameter.get("default"), str)
    )


def _is_literal(default: str) -> bool:
    # A reference says where a secret comes from, not what it is.
    return default != "" and not re.fullmatch(r"\s*\{\{[^{}]*\}\}\s*", default)


@lru_cache(maxsize=8)
def sealer_with(key: str, old_keys: tuple[str, ...] = ()) -> Sealer:
    """The sealer of these keys; deriving them again would cost more than sealing."""
    return Sealer(key, old_keys)


@dataclass(slots=True)
class _Sealing:
    """One walk through a value."""

    sealer: Sealer
    place: str
    masker: Masker
    count: int = 0

    def walk(self, value: JSON, *, everything: bool = False) -> JSON:
        def sealed(text: str) -> str:
            found = self.masker.found_in(text)
            if not (everything or found or text.startswith(MARK)):
                return text
            self.count += 1
            inside = found or ([text] if everything else [])
            return self.sealer.encrypted(text, inside, self.place)

        return _each_text(value, sealed)


def _each_text(value: JSON, change: Callable[[str], str]) -> JSON:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _each_text(member, change) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(member, change) for member in value]
    return value


def _derived(key: str, use: bytes, size: int) -> bytes:
    info = b"pipeline-engine " + use
    return HKDF(algorithm=SHA256(), length=size, salt=None, info=info).derive(key.encode())
