"""How much of this process one client, or all of them, may take."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline_engine.config import Settings

URL_BYTES = 8 * 1024
#: of all header fields together, trailers included
HEAD_BYTES = 32 * 1024
HEADER_FIELDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of one process; settings.md describes those that can be set."""

    threads: int = 16
    queued: int = 256  #: requests that wait for a thread
    waiting: int = 1000  #: answers that are held back
    streams: int = 2000  #: answers that go on
    connections: int = 4000
    body_bytes: int = 1024 * 1024
    request_seconds: float = 30.0  #: for a client to send one request, and to read the answer
    trusted_proxies: int = 0  #: in front of it, whose word about the client is believed
    #: A request that waited longer for a thread is not begun: its client has given up by then.
    queue_seconds: float = 10.0
    #: Seconds between two looks at whether a right to follow still holds.
    stream_check_seconds: float = 30.0
    #: Threads that were all busy for so long, without any coming back, are stuck.
    stuck_seconds: float = 10.0

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The bounds that an installation has set."""
        return cls(
            threads=settings.web_threads,
            queued=settings.web_max_queued,
            waiting=settings.web_max_waiting,
            streams=settings.web_max_streams,
            connections=settings.web_max_connections,
            body_bytes=max(
                settings.max_body_bytes,
                settings.max_delivery_bytes,
                settings.webhook_max_body_bytes,
            ),
            request_seconds=settings.web_request_seconds,
            trusted_proxies=settings.trusted_proxies,
        )
