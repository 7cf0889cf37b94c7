"""The public keys of an issuer (JWKS, RFC 7517), and what each of them may sign with."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
import structlog

from pipeline_engine.services.oidc.compact import SignedToken
from pipeline_engine.services.oidc.refusals import Reason, TokenRefused

LEAST_RSA_BITS = 2048
#: What a key can sign with, by its type and curve. All of them are asymmetric.
ALGORITHMS: Mapping[tuple[str, str | None], tuple[str, ...]] = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}

log = structlog.get_logger(__name__)


class NoKeys(Exception):
    """An answer of the issuer holds no key that could be used."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key, with the one algorithm that it is used with."""

    id: str | None
    algorithm: str
    jwk: jwt.PyJWK


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys with which an issuer signs at a time."""

    known: tuple[Key, ...]

    @classmethod
    def of(cls, document: Any, algorithms: Collection[str]) -> Keys:
        """The usable ones of a JWKS document. Raises ``NoKeys``."""
        given = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(given, list):
            raise NoKeys("it is no JWKS document")
        known = tuple(key for one in given for key in _usable(one, algorithms))
        if not known:
            raise NoKeys(f"none of its {len(given)} keys signs with {', '.join(algorithms)}")
        return cls(known)

    @property
    def ids(self) -> frozenset[str | None]:
        """The names of the keys."""
        return frozenset(key.id for key in self.known)

    def knows(self, key_id: str | None) -> bool:
        """Whether the key that a token names is here; one that names none may mean the only one."""
        return key_id is None or any(key.id == key_id for key in self.known)

    def verified(self, token: SignedToken) -> bytes:
        """The payload of *token*, which one of these keys has signed. Raises ``TokenRefused``."""
        for key in self._candidates(token):
            try:
                payload: bytes = _JWS.decode(token.text, key.jwk, algorithms=[key.algorithm])
            except jwt.InvalidSignatureError:
                continue  # an issuer may give several keys the same name
            except jwt.PyJWTError as error:
                raise TokenRefused(Reason.MALFORMED, str(error)) from error
            return payload
        raise TokenRefused(Reason.SIGNATURE, f"not signed with the key {token.key_id!r}")

    def _candidates(self, token: SignedToken) -> Sequence[Key]:
        """The keys that may have signed *token*; an algorithm is no choice of its sender."""
        named = [key for key in self.known if key.id == token.key_id]
        if token.key_id is None and len(self.ids) == 1:
            named = list(self.known)
        if not named:
            raise TokenRefused(Reason.UNKNOWN_KEY, f"no key is called {token.key_id!r}")
        fitting = [key for key in named if key.algorithm == token.algorithm]
        if not fitting:
            detail = f"{token.algorithm!r} with the key {token.key_id!r}"
            raise TokenRefused(Reason.ALGORITHM, detail)
        return fitting


_JWS = jwt.PyJWS()


def _usable(given: Any, algorithms: Collection[str]) -> Iterator[Key]:
    """One key of a document, once for each algorithm; nothing if it is not for us.

    A key that is published whole, its private part included, belongs to everybody.
    """
    if not _is_for_signatures(given):
        return
    curve = None if given["kty"] == "RSA" else given.get("crv")
    possible = ALGORITHMS.get((given["kty"], curve), ())
    declared = given.get("alg")
    for algorithm in possible:
        if algorithm not in algorithms or declared not in (None, algorithm):
            continue
        try:
            jwk = jwt.PyJWK(given, algorithm)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("oidc_key_unusable", key_id=given.get("kid"), error=str(error))
            return
        if given["kty"] == "RSA" and jwk.key.key_size < LEAST_RSA_BITS:
            log.warning("oidc_key_too_short", key_id=given.get("kid"), bits=jwk.key.key_size)
            return
        yield Key(given.get("kid"), algorithm, jwk)


def _is_for_signatures(given: Any) -> bool:
    if not isinstance(given, dict) or not isinstance(given.get("kty"), str):
        return False
    if not isinstance(given.get("kid"), str | None) or not isinstance(given.get("crv"), str | None):
        return False
    if "d" in given:
        log.warning("oidc_key_is_private", key_id=given.get("kid"))
        return False
    operations = given.get("key_ops")
    return given.get("use") in (None, "sig") and (
        operations is None or (isinstance(operations, list) and "verify" in operations)
    )
