"""Whether a request comes from somebody who knows a secret of the webhook: three forms of proof.

Signatures are of the bytes as they came: JSON that is written anew has other spaces and numbers.
Secrets are compared in constant time, and all of them, so that the time says nothing either.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

#: Seconds that the clock of a sender may be wrong, or its message on the way.
TOLERANCE_SECONDS = 300
#: In front of a secret that is base64 of its key (standardwebhooks.com).
PREFIX = "whsec_"
SECRET = re.compile(r"[\x21-\x7e]{16,256}")
SECRET_RULE = "A secret is 16 to 256 visible ASCII characters; behind whsec_ it is base64."  # noqa: S105

#: int() of Python reads underscores, spaces and the digits of other scripts, too.
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
#: Without a dot, which stands between the signed parts: ``a.1`` + ``2`` reads as ``a`` + ``1.2``.
_ID = re.compile(r"[A-Za-z0-9_:@/+-]{1,255}")
#: What the other form of signature is of. The keys are the same, so a body that reads like this
#: may be somebody else's message, which was signed once and is now passed off as a body.
_SIGNED_MESSAGE = re.compile(rb"[A-Za-z0-9_:@/+-]{1,255}\.[0-9]{1,12}\.")


class Form(StrEnum):
    """How a sender shows that it knows the secret."""

    PLAIN = "secret"  #: ``X-Webhook-Secret``: the secret itself
    STANDARD = "standard"  #: ``webhook-id``, ``webhook-timestamp``, ``webhook-signature``
    HUB = "hub"  #: ``X-Hub-Signature-256``, as GitHub and others sign


@dataclass(frozen=True, slots=True)
class Candidate:
    """A secret that counts now."""

    id: str
    digest: str  #: SHA-256 of its text, in hexadecimal digits
    text: Callable[[], str]  #: opens it; a signature needs the key itself


@dataclass(frozen=True, slots=True)
class Proven:
    """A request whose sender knows a secret."""

    form: Form
    secret_id: str
    sent_at: datetime | None = None  #: when its sender says that it was sent; signed


def digest_of(text: str) -> str:
    """What is kept to know a secret again."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_usable(text: str) -> bool:
    """Whether *text* can be a secret."""
    return bool(SECRET.fullmatch(text)) and _decoded(text) is not None


def as_standard(text: str) -> str:
    """The same secret as senders of Standard Webhooks take it."""
    if text.startswith(PREFIX):
        return text
    return PREFIX + base64.b64encode(text.encode()).decode()


def prove(
    forms: Collection[Form],
    candidates: Sequence[Candidate],
    headers: Mapping[str, str],
    raw: bytes,
    now: datetime,
) -> Proven | None:
    """Say which secret a request proves; None if it proves none.

    The headers have small letters. The first form that a request shows is the one that counts.
    """
    for form, header, check in _CHECKS:
        if form in forms and any(name in headers for name in header):
            return check(candidates, headers, raw, now)
    return None


def _by_secret(
    candidates: Sequence[Candidate], headers: Mapping[str, str], _: bytes, __: datetime
) -> Proven | None:
    given = hashlib.sha256(_bytes(headers["x-webhook-secret"])).hexdigest()
    # A list: every secret is compared, wherever the right one stands.
    found = [one.id for one in candidates if hmac.compare_digest(one.digest, given)]
    return Proven(Form.PLAIN, found[0]) if found else None


def _by_message(
    candidates: Sequence[Candidate], headers: Mapping[str, str], raw: bytes, now: datetime
) -> Proven | None:
    name, moment, signatures = (headers.get(one, "") for one in STANDARD_HEADERS)
    if not _ID.fullmatch(name) or not _TIMESTAMP.fullmatch(moment):
        return None
    if abs(now.timestamp() - int(moment)) > TOLERANCE_SECONDS:
        return None
    given = [one[3:] for one in signatures.split(" ") if one.startswith("v1,")]
    signed = f"{name}.{moment}.".encode() + raw
    found = [
        one.id
        for one in candidates
        if _is_among(given, base64.b64encode(_mac(one, signed)).decode())
    ]
    sent_at = datetime.fromtimestamp(int(moment), UTC)
    return Proven(Form.STANDARD, found[0], sent_at) if found else None


def _by_body(
    candidates: Sequence[Candidate], headers: Mapping[str, str], raw: bytes, __: datetime
) -> Proven | None:
    algorithm, _, given = headers["x-hub-signature-256"].partition("=")
    if algorithm != "sha256" or _SIGNED_MESSAGE.match(raw):
        return None
    found = [one.id for one in candidates if _is_among([given], _mac(one, raw).hex())]
    return Proven(Form.HUB, found[0]) if found else None


STANDARD_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
_CHECKS = (
    (Form.PLAIN, ("x-webhook-secret",), _by_secret),
    (Form.STANDARD, STANDARD_HEADERS, _by_message),
    (Form.HUB, ("x-hub-signature-256",), _by_body),
)


def _mac(candidate: Candidate, signed: bytes) -> bytes:
    return hmac.digest(_decoded(candidate.text()) or b"", signed, "sha256")


def _is_among(given: Sequence[str], right: str) -> bool:
    # As bytes: of texts that are not ASCII the comparison is refused.
    return any([hmac.compare_digest(_bytes(one), right.encode()) for one in given])  # noqa: C419


def _bytes(header: str) -> bytes:
    return header.encode("utf-8", "surrogateescape")


def _decoded(secret: str) -> bytes | None:
    """The key of a secret; None if what is behind the prefix is no base64, or nothing."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True) or None
    except binascii.Error:
        return None
