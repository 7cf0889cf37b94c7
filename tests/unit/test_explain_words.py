from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline_engine.services.explain.findings import span, until

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (90, "90 s"), (150, "2 min"), (7100, "118 min"), (7200, "2 h"), (1e6, "12 d")],
)
def test_a_duration_is_as_exact_as_anybody_wants_it(seconds: float, words: str) -> None:
    assert span(seconds) == span(timedelta(seconds=seconds)) == words


def test_a_moment_that_is_gone_says_that_the_sweep_is_late() -> None:
    assert until(NOW + timedelta(seconds=30), NOW).endswith("12:00:30 UTC (another 30 s)")
    assert "5 s ago: the next sweep" in until(NOW - timedelta(seconds=5), NOW)
    assert until(None, NOW) == "with no time limit"
