"""Why a token is not believed: for the operator's log, and never for whoever has sent it."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """What is wrong with a token; the first fault that is found."""

    MALFORMED = "malformed"  #: no signed JWT in its compact form, or odd JSON in it
    HEADER = "header"  #: wants something that nobody asked for, such as its own key
    ALGORITHM = "algorithm"  #: not allowed here, or not what this key is for
    UNKNOWN_KEY = "unknown_key"  #: the issuer has no such key
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"  #: for somebody else
    KIND = "kind"  #: an ID token, or one that is bound to a key of the client
    TIMES = "times"  #: expired, not valid yet, valid for too long, or no number
    SUBJECT = "subject"  #: nobody who could own anything
    CLAIMS = "claims"  #: groups or roles that are no texts


class TokenRefused(Exception):
    """A token is not believed."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
