"""The client behind proxies: its address and scheme, as far as those are believed."""

from __future__ import annotations

from ipaddress import ip_address

from .answers import Scope

ADDRESSES, SCHEMES = b"x-forwarded-for", b"x-forwarded-proto"


def seen_through(scope: Scope, *, hops: int) -> Scope:
    """*scope* as the first of *hops* proxies has seen it.

    Each of them adds to the list the address that it was called from, so only the last *hops*
    entries are theirs: what stands before was sent by the client, and may be anything.
    """
    if not hops:
        return scope
    found = dict(scope)
    peer, port = scope.get("client") or ("", 0)
    seen = [*_listed(scope, ADDRESSES)[-hops:], peer]
    address = next((known for one in seen if (known := _address(one))), peer)
    found["client"] = (address, port if address == peer else 0)
    schemes = _listed(scope, SCHEMES)[-hops:]
    if schemes and schemes[0] in {"http", "https"}:
        found["scheme"] = schemes[0]
    return found


def _listed(scope: Scope, name: bytes) -> list[str]:
    values = (value.decode("latin-1") for known, value in scope["headers"] if known == name)
    return [part.strip() for part in ",".join(values).split(",") if part.strip()]


def _address(text: str) -> str | None:
    """The address in an entry, which may have a port; None if there is none."""
    host = text.partition("]")[0].lstrip("[") if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ip_address(host))
    except ValueError:
        return None
