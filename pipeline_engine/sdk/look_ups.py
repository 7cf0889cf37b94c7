"""What names mean, told in time: nothing can interrupt the system's resolver."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import BoundedSemaphore, Thread
from typing import Any

SocketAddress = tuple[socket.AddressFamily, Any]
Resolve = Callable[[str, int], Sequence[SocketAddress]]

#: Look-ups that may go on at once in this process; those whose callers have left count, too.
MOST_AT_ONCE = 64
_places = BoundedSemaphore(MOST_AT_ONCE)


def addresses(host: str, port: int) -> Sequence[SocketAddress]:
    """Return where *host* may be reached, as the system says. Raises ``socket.gaierror``."""
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


def resolved_within(
    seconds: float, resolve: Resolve, host: str, port: int
) -> Sequence[SocketAddress]:
    """Return what *resolve* returns; a look-up that takes longer goes on in a thread of its own.

    Raises ``TimeoutError``, and whatever *resolve* raises.
    """
    if _is_address(host):  # nobody is asked
        return resolve(host, port)
    gives_up_at = time.monotonic() + seconds
    if not _places.acquire(timeout=seconds):
        raise TimeoutError(f"{MOST_AT_ONCE} other names are being looked up")
    answer: Future[Sequence[SocketAddress]] = Future()
    look_up = Thread(target=_look_up, args=(answer, resolve, host, port), name="look-up")
    look_up.daemon = True  # a worker that ends does not wait for a name server
    look_up.start()
    return answer.result(max(gives_up_at - time.monotonic(), 0))


def _look_up(
    answer: Future[Sequence[SocketAddress]], resolve: Resolve, host: str, port: int
) -> None:
    try:
        answer.set_result(resolve(host, port))
    except Exception as error:  # noqa: BLE001 - whoever waits raises it
        answer.set_exception(error)
    finally:
        _places.release()


def _is_address(host: str) -> bool:
    """Tell whether *host* is a number in any spelling, such as ``127.1`` or ``0x7f000001``."""
    try:
        ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        try:
            socket.inet_aton(host)
        except (OSError, UnicodeError):
            return False
    return True
