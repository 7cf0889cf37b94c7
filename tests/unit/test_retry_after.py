from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline_engine.domain.retry_after import LONGEST, retry_after

NOW = datetime(2026, 10, 21, 7, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("9" * 5000, LONGEST),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30),
        ("Wed, 21 Oct 2026 07:27:30 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("\u0663", None),
    ],
)
def test_seconds_and_moments_are_understood_and_nothing_else(text, seconds):
    assert retry_after({"retry-after": text}, now=NOW) == seconds


def test_the_clock_of_the_server_counts():
    headers = {
        "Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT",
        "Date": "Wed, 21 Oct 2026 07:28:20 GMT",
    }

    assert retry_after(headers, now=NOW) == 10
