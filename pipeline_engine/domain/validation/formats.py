"""Formats of texts: what a date, an address or an id looks like."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime, time
from enum import StrEnum
from urllib.parse import urlsplit

LONGEST = 8000  # characters of a text that can have a format: of a URI, in practice


class Format(StrEnum):
    """What a text looks like, by the names of JSON Schema."""

    DATE = "date"  #: RFC 3339
    DATE_TIME = "date-time"  #: RFC 3339, so with an offset
    TIME = "time"  #: RFC 3339; seconds and offset may be left out
    DURATION = "duration"  #: ISO 8601
    EMAIL = "email"  #: RFC 5321, without quotes and address literals
    URI = "uri"  #: RFC 3986, with a scheme
    UUID = "uuid"  #: RFC 9562, with its hyphens
    IPV4 = "ipv4"  #: four numbers, no mask
    IPV6 = "ipv6"  #: RFC 4291, no zone
    HOSTNAME = "hostname"  #: RFC 1123


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CLOCK = r"\d{2}:\d{2}:\d{2}(\.\d{1,9})?"
_OFFSET = r"(Z|[+-]\d{2}:\d{2})"
_DATE_TIME = re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}[T ]{_CLOCK}{_OFFSET}", re.ASCII | re.IGNORECASE)
_TIME = re.compile(rf"(\d{{2}}:\d{{2}}|{_CLOCK}){_OFFSET}?", re.ASCII | re.IGNORECASE)
_DURATION = re.compile(
    r"P(?!$)(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(?!$)(\d+H)?(\d+M)?(\d+([.,]\d+)?S)?)?)", re.ASCII
)
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:([!#-;=?-\[\]_a-z~]|%[0-9A-Fa-f]{2})+", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def has_format(text: str, wanted: Format) -> bool:
    """Whether a text looks like what it should be; whether that exists, nobody asks."""
    looks_right, _ = FORMATS[wanted]
    with suppress(ValueError):
        return len(text) <= LONGEST and looks_right(text)
    return False


def _is_date(text: str) -> bool:
    return _DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))


def _is_date_time(text: str) -> bool:
    return _DATE_TIME.fullmatch(text) is not None and bool(datetime.fromisoformat(text.upper()))


def _is_time(text: str) -> bool:
    # Midnight is true, too: it is an object.
    return _TIME.fullmatch(text) is not None and bool(time.fromisoformat(text.upper()))


def _is_duration(text: str) -> bool:
    return _DURATION.fullmatch(text) is not None


def _is_email(text: str) -> bool:
    local, at, domain = text.rpartition("@")
    return (
        at == "@"
        and len(local) <= 64
        and len(text) <= 254
        and _LOCAL_PART.fullmatch(local) is not None
        and _is_hostname(domain)
    )


def _is_uri(text: str) -> bool:
    if not _URI.fullmatch(text):
        return False
    parts = urlsplit(text)
    _ = parts.port  # raises ValueError for one that is none
    return bool(parts.netloc or parts.path)


def _is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def _is_ipv4(text: str) -> bool:
    return bool(ipaddress.IPv4Address(text))


def _is_ipv6(text: str) -> bool:
    return "%" not in text and bool(ipaddress.IPv6Address(text))


def _is_hostname(text: str) -> bool:
    return len(text) <= 253 and all(map(_LABEL.fullmatch, text.split(".")))


#: Test of a text, and an example for the message when it fails.
FORMATS: Mapping[Format, tuple[Callable[[str], bool], str]] = {
    Format.DATE: (_is_date, "2026-01-31"),
    Format.DATE_TIME: (_is_date_time, "2026-01-31T10:00:00Z"),
    Format.TIME: (_is_time, "10:00:00"),
    Format.DURATION: (_is_duration, "PT1H30M"),
    Format.EMAIL: (_is_email, "ada@example.org"),
    Format.URI: (_is_uri, "https://example.org/a?b=c"),
    Format.UUID: (_is_uuid, "01a20112-0d5c-7a43-9f0e-6a0f3f6d2b11"),
    Format.IPV4: (_is_ipv4, "192.0.2.1"),
    Format.IPV6: (_is_ipv6, "2001:db8::1"),
    Format.HOSTNAME: (_is_hostname, "example.org"),
}
