"""Server-sent events, as they are written (HTML, "Server-sent events")."""

from __future__ import annotations

import random
import re

CONTENT_TYPE = "text/event-stream"
#: Proxies keep a stream back, pack it or store it unless they are told not to.
HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
HEARTBEAT = b":\n\n"
#: All that ends a line there, and nothing else: ``splitlines`` also knows U+2028 and others.
LINE_END = re.compile(r"\r\n|\r|\n")
NOT_IN_FIELDS = re.compile(r"[\r\n\0]")

#: Seconds after which a client comes back, each one after another time: those that a restart has
#: sent away are not all back in the same second …
COME_BACK = (2.0, 10.0)
#: … and those for whom there is no place come less often.
COME_BACK_LATER = (10.0, 30.0)
#: For streams that are given in pieces, as there is no door: a client asks so often.
ASK_AGAIN = (2.0, 3.0)


def event(name: str, data: str, *, at: str | None = None) -> bytes:
    """One event; *at* is its id, the place behind which a client goes on when it comes back.

    Raises ``ValueError`` for what would be other fields, and for an empty id, which makes a client
    forget where it is.
    """
    if at == "" or any(NOT_IN_FIELDS.search(field) for field in (name, at or "")):
        raise ValueError(f"no name and id of an event: {name!r}, {at!r}")
    lines = [f"event: {name}", *([] if at is None else [f"id: {at}"])]
    lines += [f"data: {line}" for line in LINE_END.split(data)]
    return "\n".join([*lines, "", ""]).encode()


def place(at: str) -> bytes:
    """Tell a client where it is, as long as there is no event to tell."""
    return f"id: {at}\n\n".encode()


def retry(between: tuple[float, float] = COME_BACK) -> bytes:
    """Tell a client when to come back if it loses the stream."""
    seconds = random.uniform(*between)
    return f"retry: {seconds * 1000:.0f}\n\n".encode()


def comment(text: str) -> bytes:
    """Words for whoever reads along; clients ignore them."""
    return f": {LINE_END.sub(' ', text)}\n\n".encode()
