"""Sign-in with JWTs: who somebody is, as an OpenID Connect issuer says (docs/adr/0048).

To be read in this order: ``refusals`` and ``compact`` (a token before anybody believes it),
``keys`` and ``fetching`` (the issuer's keys), ``shared`` and ``ring`` (how often they are asked
for), ``claims`` (what a believed token says), ``issuer`` (all of it together).
"""

from __future__ import annotations

from pipeline_engine.services.oidc.claims import Identity
from pipeline_engine.services.oidc.compact import expiry, is_compact
from pipeline_engine.services.oidc.fetching import IssuerAway
from pipeline_engine.services.oidc.issuer import Issuer, keys_now
from pipeline_engine.services.oidc.refusals import Reason, TokenRefused

__all__ = [
    "Identity",
    "Issuer",
    "IssuerAway",
    "Reason",
    "TokenRefused",
    "expiry",
    "is_compact",
    "keys_now",
]
