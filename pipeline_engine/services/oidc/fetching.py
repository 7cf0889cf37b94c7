"""Asking the issuer: two short documents over HTTP, in one bounded time.

No proxies, no ``.netrc``, no redirects: keys come from the very address that the operator has
named, or that the issuer's own discovery document names.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from pipeline_engine.domain import json_guard
from pipeline_engine.domain.json_guard import JsonRejected
from pipeline_engine.sdk.bodies import BodyTooLarge, read_body
from pipeline_engine.sdk.timed_http import TimedAdapter, timed
from pipeline_engine.sdk.words import reason_of
from pipeline_engine.setting_kinds import is_beyond_doubt

#: For all that is asked; nobody who waits for an answer of ours waits for it.
WITHIN_SECONDS = 10.0
MOST_BYTES = 256 * 1024
DISCOVERY = "/.well-known/openid-configuration"


class IssuerAway(Exception):
    """The issuer did not answer, or not with what it should."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the keys of an issuer are."""

    issuer: str
    jwks_url: str | None = None  #: null: the discovery document says it
    ca_file: str | None = None  #: whom to believe besides; null: the usual authorities
    within_seconds: float = WITHIN_SECONDS

    def jwks(self) -> Any:
        """The issuer's JWKS document as it is now. Raises ``IssuerAway``."""
        try:
            with requests.Session() as session, timed(self.within_seconds):
                session.trust_env = False
                session.verify = self.ca_file or True
                for scheme in ("http://", "https://"):
                    session.mount(scheme, TimedAdapter())
                return self._document(session, self.jwks_url or self._discovered(session))
        except (requests.RequestException, OSError) as error:
            raise IssuerAway(f"{self.issuer} does not answer: {reason_of(error)}") from error

    def _discovered(self, session: requests.Session) -> str:
        found = self._document(session, self.issuer.rstrip("/") + DISCOVERY)
        # Somebody else's document would lead to somebody else's keys (OIDC Discovery, 4.3).
        if found.get("issuer") != self.issuer:
            raise IssuerAway(f"{self.issuer} says that it is {found.get('issuer')!r}")
        url = found.get("jwks_uri")
        if not isinstance(url, str) or not is_beyond_doubt(url):
            raise IssuerAway(f"{self.issuer} has its keys at {url!r}: not https")
        return url

    def _document(self, session: requests.Session, url: str) -> Mapping[str, Any]:
        """The JSON object at *url*."""
        deadline = time.monotonic() + self.within_seconds
        answer = session.get(
            url,
            headers={"Accept": "application/json"},
            allow_redirects=False,
            stream=True,
            timeout=self.within_seconds,
        )
        try:
            if answer.status_code != requests.codes.ok:
                raise IssuerAway(f"{url} answers with {answer.status_code}")
            body = read_body(answer, max_bytes=MOST_BYTES, deadline=deadline)
            found = json_guard.loads(body, max_bytes=MOST_BYTES)
        except BodyTooLarge as error:
            raise IssuerAway(f"{url} answers with more than {MOST_BYTES} bytes") from error
        except JsonRejected as error:
            raise IssuerAway(f"{url} does not answer with JSON: {error}") from error
        finally:
            answer.close()
        if not isinstance(found, dict):
            raise IssuerAway(f"{url} does not answer with a JSON object")
        return found
