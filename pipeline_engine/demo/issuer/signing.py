"""The issuer's keys, and the tokens that they sign."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from secrets import token_hex
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
#: Seconds for which a token is good, unless another number is asked for.
LIFETIME = 300


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its name, and what it signs with."""

    id: str
    algorithm: str
    private: PrivateKey = field(repr=False)

    @classmethod
    def new(cls, key_id: str, algorithm: str = ALGORITHMS[0]) -> SigningKey:
        """A key that nobody has had before."""
        if algorithm == "ES256":
            return cls(key_id, algorithm, ec.generate_private_key(ec.SECP256R1()))
        if algorithm == "EdDSA":
            return cls(key_id, algorithm, ed25519.Ed25519PrivateKey.generate())
        if algorithm in ALGORITHMS:
            return cls(key_id, algorithm, rsa.generate_private_key(65537, 2048))
        raise ValueError(f"{algorithm!r} is none of {', '.join(ALGORITHMS)}")

    @property
    def jwk(self) -> dict[str, Any]:
        """Its public part, as the issuer publishes it."""
        made = get_default_algorithms()[self.algorithm].to_jwk(
            self.private.public_key(), as_dict=True
        )
        made.pop("key_ops", None)
        return {**made, "kid": self.id, "use": "sig", "alg": self.algorithm}

    def sign(self, claims: Mapping[str, Any], **headers: Any) -> str:
        """A token with these *claims*; *headers* come beside the usual ones, or in their place."""
        named = {"kid": self.id, **headers}
        return jwt.encode(dict(claims), self.private, self.algorithm, headers=named)


class Mint:
    """Makes tokens of one issuer. The newest key signs; older ones stay known until withdrawn."""

    def __init__(self, audience: str, *, algorithm: str = ALGORITHMS[0]) -> None:
        self.issuer = ""  #: known once the server has its port
        self.audience = audience
        # Another run has other keys, and must not call them by the same names.
        self._names = (f"{token_hex(4)}-{number}" for number in count(1))
        self.keys = [SigningKey.new(next(self._names), algorithm)]

    @property
    def key(self) -> SigningKey:
        """The one that signs."""
        return self.keys[-1]

    def rotate(self, algorithm: str | None = None) -> SigningKey:
        """Sign with a new key from now on. Raises ``ValueError`` for an unknown *algorithm*."""
        self.keys = [*self.keys, SigningKey.new(next(self._names), algorithm or self.key.algorithm)]
        return self.key

    def withdraw(self) -> None:
        """Publish no key but the one that signs."""
        self.keys = self.keys[-1:]

    def jwks(self) -> dict[str, Any]:
        """The public keys, as a JWKS document."""
        return {"keys": [key.jwk for key in self.keys]}

    def claims(self, subject: str, **more: Any) -> dict[str, Any]:
        """What a token for *subject* says; *more* comes beside that, or in its place."""
        now = int(time.time())
        usual = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "typ": "Bearer",
            "iat": now,
            "exp": now + LIFETIME,
            "jti": token_hex(16),
        }
        return {**usual, **more}
