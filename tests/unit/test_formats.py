"""What a date, an address or an id looks like."""

from __future__ import annotations

import time

import pytest

from pipeline_engine.domain.validation.formats import FORMATS, Format, has_format

GOOD = {
    "date": ["2024-02-29"],
    "date-time": ["2026-01-31T10:00:00Z", "2026-01-31t10:00:00.25+05:30", "2026-01-31 10:00:00Z"],
    "time": ["10:00", "00:00:00", "10:00:00.5Z", "23:59:59-01:00"],
    "duration": ["P1D", "PT0.5S", "P1Y2M3DT4H5M6S", "P4W"],
    "email": ["a@b", "first.last+tag@example.org"],
    "uri": ["http://a", "mailto:ada@example.org", "urn:x:y", "http://[2001:db8::1]:80/%20?q#f"],
    "uuid": ["01A20112-0d5c-7a43-9f0e-6a0f3f6d2b11"],
    "ipv4": ["127.0.0.1", "255.255.255.255"],
    "ipv6": ["::", "::1", "::ffff:192.0.2.1"],
    "hostname": ["a", "localhost", "x-1.example.org", "a" * 63 + ".b"],
}
BAD = {
    "date": ["", "2026-02-29", "2026-1-1", "20260131", "2026-01-31T00:00:00Z", "2026-01-31\n"],
    "date-time": [
        "2026-01-31",
        "2026-01-31T10:00:00",
        "2026-01-31T25:00:00Z",
        "\u0662\u066026-01-31T10:00:00Z",
    ],
    "time": ["", "24:00", "10", "10:60", "noon"],
    "duration": ["", "P", "PT", "P1DT", "1D", "P1H", "PT1M1H"],
    "email": ["", "a", "@b", "a@", "a b@c", "a@b@c", ".a@b", "a@-b", "Ada <a@b>", "a" * 65 + "@b"],
    "uri": [
        "",
        "/path",
        "example.org",
        "http://",
        "http://a b",
        "http://a:port",
        "http:// a",
        "ä:b",
    ],
    "uuid": ["", "01a201120d5c7a439f0e6a0f3f6d2b11", "{01a20112-0d5c-7a43-9f0e-6a0f3f6d2b11}"],
    "ipv4": ["", "1.2.3", "256.1.1.1", "01.2.3.4", "1.2.3.4/8", "::1"],
    "ipv6": ["", "1.2.3.4", "fe80::1%eth0", "[::1]", ":::"],
    "hostname": ["", ".", "a.", "-a", "a-", "a_b", "a b", "a" * 64, "ä", ".".join(["a" * 60] * 5)],
}


def test_every_format_is_tried():
    assert set(GOOD) == set(BAD) == set(FORMATS) == set(Format)


@pytest.mark.parametrize("wanted", Format)
def test_a_text_has_a_format_or_has_it_not(wanted):
    _, example = FORMATS[wanted]

    assert [text for text in [*GOOD[wanted], example] if not has_format(text, wanted)] == []
    assert [text for text in BAD[wanted] if has_format(text, wanted)] == []


@pytest.mark.parametrize("wanted", Format)
@pytest.mark.parametrize("part", ["a", "a.", "1", "1:", "-", "a@", "P1D", "%41", "::"])
def test_no_text_takes_long(wanted, part):
    began = time.thread_time()

    has_format(part * 8000, wanted)
    has_format(part * (8000 // len(part)), wanted)

    assert time.thread_time() - began < 0.5
