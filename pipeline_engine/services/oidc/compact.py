"""A signed token as it comes (RFC 7515, compact form): read with nothing taken for granted.

The header is the sender's own word. It may name an algorithm and a key, which are looked up among
those of the issuer; whatever else it wants (its own key, a critical extension, another encoding)
is refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.services.oidc.refusals import Reason, TokenRefused

#: A token with 300 groups has 13 KiB, and the door takes 32 KiB of headers.
MOST_CHARACTERS = 24 * 1024
MOST_HEADER_BYTES = 2048
MOST_KEY_ID_CHARACTERS = 256
MOST_LEVELS = 16
MOST_CLAIMS = 5000  #: values in a token, those of lists among them

SEGMENT = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
#: Of access tokens; others (logout, DPoP proof, security event) are no sign-in.
TYPES = frozenset({"jwt", "at+jwt"})
#: Where the key is, how the rest is to be read, and what has to be understood (RFC 7515 to 7517).
UNWANTED = frozenset({"b64", "crit", "enc", "jku", "jwk", "x5c", "x5u", "zip"})


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token in the right form, whose signature nobody has checked yet."""

    text: str
    algorithm: str
    key_id: str | None

    @classmethod
    def read(cls, text: str) -> SignedToken:
        """*text* as a token. Raises ``TokenRefused``."""
        if len(text) > MOST_CHARACTERS:
            raise TokenRefused(Reason.MALFORMED, f"more than {MOST_CHARACTERS} characters")
        segments = text.split(".")
        if len(segments) != 3:
            raise TokenRefused(Reason.MALFORMED, f"{len(segments)} parts instead of 3")
        header, _, _ = map(_decoded, segments)
        return cls(text, *_wanted(read_object(header, MOST_HEADER_BYTES)))


def is_compact(text: str) -> bool:
    """Tell whether *text* means to be a signed token."""
    return text.count(".") == 2


def expiry(text: str) -> datetime:
    """When a token expires whose signature and claims were found right before."""
    claims = read_object(_decoded(text.split(".")[1]))
    return datetime.fromtimestamp(float(claims["exp"]), UTC)


def read_object(raw: bytes, most_bytes: int = MOST_CHARACTERS) -> Mapping[str, Any]:
    """A JSON object of a token; no key in it occurs twice. Raises ``TokenRefused``."""
    try:
        found = json_guard.loads(
            raw, max_bytes=most_bytes, max_depth=MOST_LEVELS, max_nodes=MOST_CLAIMS
        )
    except JsonRejected as error:
        raise TokenRefused(Reason.MALFORMED, error.reason) from error
    if not isinstance(found, dict):
        raise TokenRefused(Reason.MALFORMED, "not a JSON object")
    return found


def _decoded(segment: str) -> bytes:
    """The bytes of a part; the only text that stands for them, without padding or spaces."""
    try:
        if SEGMENT.fullmatch(segment):
            found = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
            if base64.urlsafe_b64encode(found).rstrip(b"=") == segment.encode():
                return found
    except binascii.Error:
        pass
    raise TokenRefused(Reason.MALFORMED, "a part is not base64url")


def _wanted(header: Mapping[str, Any]) -> tuple[str, str | None]:
    """The algorithm and the key that the sender names."""
    unwanted = UNWANTED & header.keys()
    if unwanted:
        raise TokenRefused(Reason.HEADER, f"it has {', '.join(sorted(unwanted))}")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in TYPES:
        raise TokenRefused(Reason.HEADER, f"its typ is {kind!r}")
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str):
        raise TokenRefused(Reason.HEADER, "it names no algorithm")
    if key_id is not None and not (
        isinstance(key_id, str) and 0 < len(key_id) <= MOST_KEY_ID_CHARACTERS
    ):
        raise TokenRefused(Reason.HEADER, "its kid is no short text")
    return algorithm, key_id
