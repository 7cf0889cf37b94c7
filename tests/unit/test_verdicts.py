"""What an answer means for a message, and how long its next try has to wait."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.installing import environment_of

from pipeline_engine.config import Settings
from pipeline_engine.messaging.verdicts import Try, Verdict, pause_after, verdict_on

SETTINGS = Settings.from_env(environment_of("postgresql://x/y", "redis://x"))


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((status, Verdict.SENT) for status in (200, 201, 202, 204, 299)),
        *((status, Verdict.REFUSED) for status in (400, 409, 413, 415, 422)),
        *((status, Verdict.AWAY) for status in (301, 302, 303, 307, 308)),
        *((status, Verdict.AWAY) for status in (401, 403, 404, 408, 429, 500, 502, 503, 504)),
        (410, Verdict.GONE),
    ],
)
def test_an_answer_is_about_the_message_or_about_its_receiver(
    status: int, verdict: Verdict
) -> None:
    assert verdict_on(status) is verdict


def paused(failed: int, *, chance: float, asked: float | None = None) -> float:
    tried = Try(Verdict.AWAY, datetime.now(UTC), 0.1, retry_after=asked)
    return pause_after(failed, tried, SETTINGS, chance=lambda: chance)


def test_pauses_double_up_to_a_cap_and_chance_shortens_all_of_them() -> None:
    assert [paused(n, chance=1) for n in (1, 2, 3, 12, 13, 500)] == [5, 10, 20, 10240, 14400, 14400]
    assert paused(13, chance=0) == 0
    assert paused(13, chance=0.5) == 7200


def test_a_pause_that_was_asked_for_is_the_least_and_no_longer_than_the_cap() -> None:
    assert paused(1, chance=1, asked=120) == 120
    assert paused(13, chance=1, asked=120) == 14400
    assert paused(1, chance=0, asked=10**9) == 14400
