"""Who could get in who should not: tokens, keys and passwords that are worth a look."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from pipeline_engine.config import Settings
from pipeline_engine.services import oidc
from pipeline_engine.services.doctor.checks import (
    Check,
    Installation,
    Result,
    failed,
    ok,
    worth_a_look,
)
from pipeline_engine.storage import tokens

#: Characters of a key, and how many different ones, below which it can be tried out.
SHORTEST_KEY, FEWEST_CHARACTERS = 16, 8
#: What examples put in the place of a key; trying these is the first that anybody does.
PLACEHOLDER = re.compile(
    r"change.?me|replace.?me|secret.?key|your.?(?:secret|token|key)|example|password|pass.?word"
    r"|pipeline.?engine|default|postgres|test.?(?:secret|token|key)",
    re.IGNORECASE,
)
LISTED = 5


def run(installation: Installation) -> Iterator[Check]:
    """Look at what opens the doors."""
    for name, look in CHECKS.items():
        yield Check.of(name, look(installation))


def _api_tokens(installation: Installation) -> Result:
    settings = installation.runtime.settings
    if not (settings.api_tokens or settings.user_tokens or settings.oidc_issuer):
        todo = "Set PIPELINE_API_TOKEN or PIPELINE_USER_TOKENS: until then nobody is let in."
        return failed("none configured", todo)
    return ok(f"{len(settings.api_tokens)} of services, {len(settings.user_tokens)} of users")


def _issuer(installation: Installation) -> Result:
    """Without its keys no JWT is believed, and a wrong letter in its name shows only then."""
    settings = installation.runtime.settings
    if settings.oidc_issuer is None:
        return ok("none: no JWT is believed")
    try:
        keys = oidc.keys_now(settings)
    except oidc.IssuerAway as error:
        todo = (
            "Until it answers JWTs get 503. Compare PIPELINE_OIDC_ISSUER with the iss of a token,"
            " letter by letter, and call it from this machine."
        )
        return failed(str(error), todo)
    signing = ", ".join(sorted({key.algorithm for key in keys.known}))
    return ok(f"{settings.oidc_issuer} answers; keys: {len(keys.ids)} ({signing})")


def _endless_tokens(installation: Installation) -> Result:
    try:
        with installation.runtime.engine.connect() as connection:
            names = tokens.names_of_endless(connection, most=LISTED + 1)
    except SQLAlchemyError:  # `database` and `migrations` say why
        return failed("cannot be looked at", "See `database` and `migrations`.")
    if not names:
        return ok("every token that was made expires")
    more = " and others" if len(names) > LISTED else ""
    says = f"never expire: {', '.join(names[:LISTED])}{more}"
    return worth_a_look(says, "Make others that do (`tokens create`), and revoke these.")


def _keys(installation: Installation) -> Result:
    settings = installation.runtime.settings
    weak = [name for name, key in _known_keys(settings) if _can_be_guessed(key)]
    if weak:
        todo = 'Make it anew: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        return failed(f"{', '.join(dict.fromkeys(weak))} can be guessed", todo)
    return ok("no key or password looks like one of an example")


def _known_keys(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "PIPELINE_SECRET_KEY", settings.secret_key
    for token in settings.api_tokens:
        yield "PIPELINE_API_TOKEN", token
    for token in settings.user_tokens:
        yield "PIPELINE_USER_TOKENS", token
    if settings.app_api_token:
        yield "APP_API_TOKEN", settings.app_api_token
    if settings.gateway_api_key:
        yield "PIPELINE_GATEWAY_API_KEY", settings.gateway_api_key
    for name, url in _addresses_with_passwords(settings):
        parts = urlsplit(url)
        if parts.hostname and not _is_here(parts.hostname):
            yield f"the password in {name}", parts.password or ""


def _addresses_with_passwords(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "DATABASE_URL", settings.database_url
    yield "REDIS_URL", settings.redis_url
    if settings.gateway_redis_url:
        yield "PIPELINE_GATEWAY_REDIS_URL", settings.gateway_redis_url


def _can_be_guessed(key: str) -> bool:
    if len(key) < SHORTEST_KEY or len(set(key)) < FEWEST_CHARACTERS:
        return True
    # Chance does not make such words, unless of a few letters.
    return bool(PLACEHOLDER.search(key))


def _tls(installation: Installation) -> Result:
    address = urlsplit(installation.runtime.settings.public_url)
    if address.scheme == "https" or _is_here(address.hostname or ""):
        return ok(f"{address.scheme}://{address.netloc}")
    says = f"PIPELINE_PUBLIC_URL is {address.scheme}://{address.netloc}"
    todo = "Put a proxy with TLS in front: tokens and callback addresses travel readable."
    return worth_a_look(says, todo)


def _is_here(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


CHECKS: Mapping[str, Callable[[Installation], Result]] = {
    "api_tokens": _api_tokens,
    "oidc_issuer": _issuer,
    "endless_tokens": _endless_tokens,
    "keys": _keys,
    "tls": _tls,
}
