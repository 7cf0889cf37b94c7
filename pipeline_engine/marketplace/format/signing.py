"""Ed25519: who has signed what. Each kind of document is signed under its own name."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pipeline_engine.marketplace.refusals import BadSignature, InvalidKeyFile, UnknownKey

#: First line of a file with a signing key; the second one is the key.
HEAD = "pipeline-engine marketplace signing key (Ed25519); keep it to yourself"
#: What is signed: a signature of one kind is none of another.
Kind = Literal["index", "release"]


def canonical(document: Mapping[str, Any]) -> bytes:
    """The one form of *document* that is signed: sorted keys, no blanks, UTF-8."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def _signed_bytes(kind: Kind, document: Mapping[str, Any]) -> bytes:
    return f"pipeline-engine marketplace {kind} 1\n".encode() + canonical(document)


def fingerprint(key: bytes) -> str:
    """The name of a public key, as OpenSSH writes those of its own."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature, and the name of the key that it was made with."""

    key: str
    value: str  #: in base64

    def check(self, kind: Kind, document: Mapping[str, Any], keys: Iterable[bytes]) -> None:
        """Raise ``UnknownKey`` or ``BadSignature`` unless one of *keys* has signed *document*."""
        key = next((key for key in keys if fingerprint(key) == self.key), None)
        if key is None:
            raise UnknownKey(f"The {kind} is signed with the key {self.key}, which is not trusted.")
        try:
            value = base64.b64decode(self.value, validate=True)
            Ed25519PublicKey.from_public_bytes(key).verify(value, _signed_bytes(kind, document))
        except (InvalidSignature, binascii.Error, ValueError) as error:
            raise BadSignature(
                f"The {kind} is not what the key {self.key} has signed: it was changed."
            ) from error


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What a publisher signs with."""

    private: Ed25519PrivateKey

    @classmethod
    def generate(cls) -> SigningKey:
        """A new one."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> SigningKey:
        """The one in the file at *path*. Raises ``InvalidKeyFile``, also if others may read it."""
        try:
            if path.stat().st_mode & 0o077:
                raise InvalidKeyFile(f"Others may read {path}: chmod 600 it.")
            head, _, text = path.read_text(encoding="utf-8").strip().partition("\n")
            if head != HEAD:
                raise InvalidKeyFile(f"{path} is no file of `marketplace keygen`.")
            return cls(Ed25519PrivateKey.from_private_bytes(base64.b64decode(text, validate=True)))
        except OSError as error:
            raise InvalidKeyFile(f"{path} cannot be read: {error.strerror}.") from error
        except ValueError as error:  # also what is no base64, or no UTF-8
            raise InvalidKeyFile(f"{path} holds no key.") from error

    def save(self, path: Path) -> None:
        """Write it to a new file that nobody else may read, and its public half beside it.

        Raises ``InvalidKeyFile``.
        """
        text = base64.b64encode(self.private.private_bytes_raw()).decode()
        try:
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(opened, "w", encoding="utf-8") as file:
                file.write(f"{HEAD}\n{text}\n")
            path.with_name(f"{path.name}.pub").write_text(f"{self.public_text}\n", encoding="utf-8")
        except OSError as error:
            raise InvalidKeyFile(f"{path} cannot be written: {error.strerror}.") from error

    @property
    def public(self) -> bytes:
        """The half that everybody may know."""
        return self.private.public_key().public_bytes_raw()

    @property
    def public_text(self) -> str:
        """The same in base64."""
        return base64.b64encode(self.public).decode()

    @property
    def fingerprint(self) -> str:
        """Its name."""
        return fingerprint(self.public)

    def sign(self, kind: Kind, document: Mapping[str, Any]) -> Signature:
        """Sign *document*."""
        value = self.private.sign(_signed_bytes(kind, document))
        return Signature(self.fingerprint, base64.b64encode(value).decode())
