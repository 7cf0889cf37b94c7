"""From where a webhook may be called: addresses and networks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

#: Bits before an IPv4 address that is written as one of IPv6.
MAPPED_BITS = 96


def network(text: str) -> str:
    """An address or a network (CIDR) as it is kept: ``10.1.2.3/8`` is ``10.0.0.0/8``.

    Raises ``ValueError``.
    """
    found = _network(text.strip())
    return str(found.network_address if found.num_addresses == 1 else found)


def is_allowed(allowed: Iterable[str] | None, address: str) -> bool:
    """Whether *address* is one of these, or in one of these networks; null is everybody."""
    if allowed is None:
        return True
    try:
        client = _plain(ip_address(address))
    except ValueError:  # a test client, or a socket without an address
        return False
    return any(client in _network(one) for one in allowed)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv4 client of a socket that listens for both kinds comes as ``::ffff:10.1.2.3``."""
    return _mapped(address) or address


def _mapped(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    return address.ipv4_mapped if isinstance(address, IPv6Address) else None


@lru_cache(maxsize=1024)
def _network(text: str) -> IPv4Network | IPv6Network:
    found = ip_network(text, strict=False)
    mapped = _mapped(found.network_address)
    if mapped is None or found.prefixlen < MAPPED_BITS:
        return found
    return ip_network((mapped, found.prefixlen - MAPPED_BITS))
