"""What a token says, once its signature is believed: whether it is for us, and whose it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline_engine.config import Settings
from pipeline_engine.domain.callers import GROUP, OWNER_ID, USER_ID
from pipeline_engine.services.oidc.refusals import Reason, TokenRefused

Claims = Mapping[str, Any]

#: Claims of tokens that are no bearer's access token, with the reason.
OF_OTHERS = {
    "at_hash": "an ID token",
    "c_hash": "an ID token",
    "cnf": "bound to a key of the client, which a bearer does not prove",
    "events": "a message about somebody",
}
#: Keycloak says in each token what it is for.
BEARER = "bearer"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, as the issuer says."""

    subject: str
    groups: frozenset[str] = frozenset()  #: without the slash that Keycloak puts in front
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a token must say to be for us, and where in it is who somebody is."""

    issuer: str
    audience: str
    leeway_seconds: float = 30.0
    most_seconds: float = 86_400.0  #: of a token's life
    subject_claim: str = "sub"
    groups_claim: str = "groups"
    roles_claim: str = "realm_access.roles"

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """Those of an installation, which has an issuer."""
        return cls(
            issuer=settings.oidc_issuer or "",
            audience=settings.oidc_audience or "",
            leeway_seconds=settings.oidc_leeway_seconds,
            most_seconds=settings.oidc_max_lifetime_seconds,
            subject_claim=settings.oidc_subject_claim,
            groups_claim=settings.oidc_groups_claim,
            roles_claim=settings.oidc_roles_claim,
        )

    def identity(self, claims: Claims, now: float) -> Identity:
        """Whose token it is. Raises ``TokenRefused``; *now* is in seconds since 1970."""
        self._check_issuer(claims)
        self._check_audience(claims)
        self._check_times(claims, now)
        _check_kind(claims)
        groups = _texts(claims, self.groups_claim)
        return Identity(
            subject=self._subject(claims),
            groups=frozenset(filter(_can_own, map(_named, groups))),
            roles=frozenset(_texts(claims, self.roles_claim)),
        )

    def _check_issuer(self, claims: Claims) -> None:
        if claims.get("iss") != self.issuer:
            raise TokenRefused(Reason.ISSUER, f"iss is {_shown(claims.get('iss'))}")

    def _check_audience(self, claims: Claims) -> None:
        given = claims.get("aud")
        audiences = given if isinstance(given, list) else [given]
        if not all(isinstance(one, str) for one in audiences) or self.audience not in audiences:
            raise TokenRefused(Reason.AUDIENCE, f"aud is {_shown(given)}, not {self.audience!r}")

    def _check_times(self, claims: Claims, now: float) -> None:
        expires_at = _time(claims, "exp")
        begins_at, issued_at = _time(claims, "nbf"), _time(claims, "iat")
        if expires_at is None:
            raise TokenRefused(Reason.TIMES, "it has no exp")
        if now >= expires_at + self.leeway_seconds:
            raise TokenRefused(Reason.TIMES, f"expired {now - expires_at:.0f} s ago")
        for name, moment in (("nbf", begins_at), ("iat", issued_at)):
            if moment is not None and moment > now + self.leeway_seconds:
                raise TokenRefused(Reason.TIMES, f"{name} is {moment - now:.0f} s from now")
        life = expires_at - (now if issued_at is None else issued_at)
        if life > self.most_seconds:
            detail = f"valid for {life:.0f} s, which is more than {self.most_seconds:g}"
            raise TokenRefused(Reason.TIMES, detail)

    def _subject(self, claims: Claims) -> str:
        found = _at(claims, self.subject_claim)
        if not isinstance(found, str) or not USER_ID.fullmatch(found):
            detail = f"{self.subject_claim} is {_shown(found)}"
            raise TokenRefused(Reason.SUBJECT, detail)
        if found.lower().startswith(GROUP):
            raise TokenRefused(Reason.SUBJECT, f"{found!r} would be a group")
        return found


def _check_kind(claims: Claims) -> None:
    for name, what in OF_OTHERS.items():
        if name in claims:
            raise TokenRefused(Reason.KIND, f"it has {name}: {what}")
    kind = claims.get("typ", BEARER)
    if not isinstance(kind, str) or kind.lower() != BEARER:
        raise TokenRefused(Reason.KIND, f"typ is {_shown(kind)}, not 'Bearer'")


def _time(claims: Claims, name: str) -> float | None:
    """A claim in seconds since 1970; what is no number is no time."""
    given = claims.get(name)
    if given is None and name not in claims:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise TokenRefused(Reason.TIMES, f"{name} is {_shown(given)}")
    return float(given)


def _texts(claims: Claims, path: str) -> Iterator[str]:
    """The members of a claim that is a list; a claim that is missing has none.

    Some issuers write one text where there is one member.
    """
    found = _at(claims, path)
    given = [] if found is None else found if isinstance(found, list) else [found]
    for one in given:
        if not isinstance(one, str):
            raise TokenRefused(Reason.CLAIMS, f"{path} is {_shown(found)}")
        yield one


def _at(claims: Claims, path: str) -> Any:
    """What is at a dotted *path*; a claim that has the dots in its own name comes first."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _named(group: str) -> str:
    return group.removeprefix("/")


def _can_own(group: str) -> bool:
    is_name = group != "" and not group.startswith("/")
    return is_name and OWNER_ID.fullmatch(f"{GROUP}{group}") is not None


def _shown(value: Any) -> str:
    """A value of a token in a log: short, whatever it is."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
