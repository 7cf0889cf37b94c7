"""Which addresses a pipeline's own requests may reach."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any
from urllib.parse import urlsplit

import requests

from pipeline_engine.sdk.errors import InvalidUrl, RequestBlocked
from pipeline_engine.sdk.look_ups import SocketAddress

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
LookUp = Callable[..., list[tuple[Any, ...]]]

DEFAULT_PORTS = ("80", "443", "8000-8999")

# ``is_global`` says yes to these, though each can carry a packet to a private IPv4 address
# or to nobody in particular.
TUNNELS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "::/8",  # IPv4-compatible, and NAT64 64:ff9b::/96 within it
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
        "192.88.99.0/24",  # 6to4 relays
        "192.0.0.0/24",
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fec0::/10",
    )
)


def is_public(address: Address) -> bool:
    """Tell whether *address* is an ordinary host on the public Internet."""
    special = (
        address.is_multicast
        or address.is_reserved
        or address.is_unspecified
        or address.is_loopback
        or address.is_link_local
    )
    return address.is_global and not special and not _is_in(address, TUNNELS)


def without_mapping(address: Address) -> Address:
    """Return the IPv4 address that an IPv4-mapped IPv6 address stands for."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@dataclass(frozen=True)
class AllowedHost:
    """A host or network that the operator opened, on one port or on all."""

    name: str | None
    network: Network | None
    port: int | None

    @classmethod
    def parse(cls, text: str) -> AllowedHost:
        """Read ``host``, ``host:port``, ``[v6]:port``, an address or a network."""
        network = _network(text)
        if network is not None:
            return cls(None, network, None)
        host, _, port = text.rpartition(":") if ":" in text else (text, "", "")
        network = _network(host.strip("[]"))
        name = None if network is not None else _ascii_name(host)
        return cls(name, network, int(port) if port else None)

    def admits_port(self, port: int) -> bool:
        """Tell whether *port* is open here."""
        return self.port is None or self.port == port


@dataclass(frozen=True)
class AddressGuard:
    """Decides at connection time, when the name has become an address.

    A check of the URL alone would believe whatever the name meant a moment earlier.
    """

    allowed_hosts: tuple[AllowedHost, ...] = ()
    allowed_ports: tuple[range, ...] = ()
    look_up: LookUp = socket.getaddrinfo

    @classmethod
    def of(
        cls,
        hosts: Iterable[str] = (),
        ports: Iterable[str] = (),
        look_up: LookUp = socket.getaddrinfo,
    ) -> AddressGuard:
        """Read the settings: ``hosts`` are opened on every port unless they name one.

        ``ports`` (``"443"`` or ``"8000-8999"``) are those of the public Internet.
        """
        texts = tuple(ports) or DEFAULT_PORTS
        opened = tuple(AllowedHost.parse(host) for host in hosts)
        return cls(opened, tuple(_port_range(text) for text in texts), look_up)

    def check_url(self, url: str) -> None:
        """Refuse what cannot be read in one way only, or is no plain HTTP.

        Raises ``InvalidUrl`` and ``RequestBlocked``.
        """
        # Parsers disagree on which host a backslash, a space or a control character leaves.
        place = next((i for i, c in enumerate(url) if c <= " " or c == "\x7f"), None)
        if place is not None:
            what = "a space" if url[place] == " " else "a control character"
            raise InvalidUrl(f"the URL is invalid: it holds {what} at position {place + 1}")
        if "\\" in url:
            raise RequestBlocked("the URL holds a backslash, which has no place in it")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise InvalidUrl(f"the URL is invalid: {error}") from error
        if parts.scheme not in ("http", "https"):
            raise RequestBlocked(f"the scheme {parts.scheme!r} is not http or https")
        if not host:
            raise InvalidUrl("the URL is invalid: it names no host")
        if "@" in parts.netloc:
            raise RequestBlocked("the URL may not name a user")
        if port == 0:
            raise RequestBlocked("port 0 is no port")

    def resolve(self, host: str, port: int) -> Sequence[SocketAddress]:
        """Return where *host* may be reached; raises ``RequestBlocked`` if anywhere is private.

        One private address among public ones condemns the name: it may be the one that the
        system would choose.
        """
        found = self.look_up(host.strip("[]"), port, type=socket.SOCK_STREAM)
        targets: list[SocketAddress] = [(family, address) for family, _, _, _, address in found]
        for _, sockaddr in targets:
            self.check_address(host, str(sockaddr[0]), port)
        return targets

    def check_address(self, host: str, address: str, port: int) -> None:
        """Refuse *address* unless it is public, or was opened by the operator."""
        ip = without_mapping(ipaddress.ip_address(address.partition("%")[0]))
        if self._is_opened(host, ip, port):
            return
        if not is_public(ip):
            raise RequestBlocked(
                f"{host} is not on the public Internet;"
                " PIPELINE_HTTP_ALLOWED_HOSTS can open it to pipelines"
            )
        if not any(port in ports for ports in self.allowed_ports):
            raise RequestBlocked(
                f"port {port} is not open to pipelines; PIPELINE_HTTP_ALLOWED_PORTS can open it"
            )

    def _is_opened(self, host: str, ip: Address, port: int) -> bool:
        name = _ascii_name(host)
        return any(
            entry.admits_port(port)
            and (entry.name == name if entry.network is None else _is_in(ip, (entry.network,)))
            for entry in self.allowed_hosts
        )


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(network.version == address.version and address in network for network in networks)


def _ascii_name(host: str) -> str:
    """Return a name as it stands on the wire, without the dot at its end."""
    name = host.casefold().rstrip(".")
    if name.isascii():
        return name
    try:
        # Whoever sends the request spells it, or the two could differ.
        sent = requests.Request("GET", f"http://{name}/").prepare().url or ""
    except requests.RequestException:
        return name  # nobody can ask for it
    return urlsplit(sent).hostname or name


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def _port_range(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)
