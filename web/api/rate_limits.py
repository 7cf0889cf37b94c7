"""Who has asked too often: callers as such, and strangers by the address that they come from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from flask import Flask, Response, current_app, g, request

from pipeline_engine.errors import PipelineEngineError
from pipeline_engine.services import Caller, Runtime
from pipeline_engine.services.rate_limits import RateLimited, RateLimits, Taken

EXTENSION = "pipeline_engine_rate_limits"


def install(app: Flask, runtime: Runtime) -> None:
    """Keep the buckets, and say on each answer what is left of that of its caller."""
    settings, seconds = runtime.settings, runtime.settings.rate_limit_seconds
    prefix = f"{settings.key_prefix}rate:"
    app.extensions[EXTENSION] = {
        "callers": RateLimits(runtime.redis, f"{prefix}caller:", settings.rate_limit, seconds),
        "addresses": RateLimits(
            runtime.redis, f"{prefix}address:", settings.address_rate_limit, seconds
        ),
    }
    app.after_request(_say_what_is_left)


def count_caller(caller: Caller) -> None:
    """Count a request of one who is known. Raises ``RateLimited``.

    Each credential has a bucket; a service has one for each owner for whom it acts. One that acts
    for nobody has none: peers report what happens, and nobody else can do that for them.
    """
    if caller.sees_all:
        return
    name = caller.principal
    if caller.is_service:
        name = f"{name}:{caller.user_id}"
    _count("callers", name)


@contextmanager
def strangers_counted(*errors: type[PipelineEngineError]) -> Iterator[None]:
    """Count those whom one of *errors* turns away. Raises ``RateLimited`` in its place.

    Whoever has proven who he is is not held up by those who share his address and have not.
    """
    try:
        yield
    except errors:
        _count("addresses", source(request.remote_addr or ""))
        raise


def source(address: str) -> str:
    """What counts as one source: an address, of IPv6 the network that one customer has."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((int(found), 64), strict=False))


def _count(kind: str, name: str) -> None:
    limits: RateLimits = current_app.extensions[EXTENSION][kind]
    taken = limits.take(name)
    g.rate_limit = taken
    if taken is None or taken.is_given:
        return
    raise RateLimited(
        f"More than {taken.limit} requests in {limits.seconds:g} seconds:"
        f" come back in {taken.retry_after_seconds} s.",
        limit=taken.limit,
        retry_after_seconds=taken.retry_after_seconds,
    )


def _say_what_is_left(response: Response) -> Response:
    taken: Taken | Any = g.get("rate_limit")
    if taken is not None:
        response.headers["X-RateLimit-Limit"] = str(taken.limit)
        response.headers["X-RateLimit-Remaining"] = str(taken.remaining)
    return response
