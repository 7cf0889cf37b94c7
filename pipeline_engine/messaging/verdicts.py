"""What a try says of a message, and of its receiver."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipeline_engine.config import Settings

#: Answers that are about the one message. All others that are not good are about the receiver:
#: what comes next would be answered the same.
OF_THE_MESSAGE = frozenset({400, 409, 413, 415, 422})
GONE = 410  #: the receiver wants no more
MAX_EXPONENT = 60  #: more doublings than any cap leaves standing


class Verdict(StrEnum):
    """What has come of a try."""

    SENT = "sent"
    REFUSED = "refused"  #: this message; others may be taken
    AWAY = "away"  #: the receiver takes nothing at the moment
    GONE = "gone"  #: and never will


@dataclass(frozen=True, slots=True)
class Try:
    """One try to hand a message over."""

    verdict: Verdict
    at: datetime
    seconds: float
    status_code: int | None = None
    error: str | None = None
    retry_after: float | None = None  #: seconds that the receiver asks for

    def document(self) -> dict[str, Any]:
        """What is kept of it."""
        return {
            "at": self.at.isoformat(),
            "seconds": round(self.seconds, 3),
            "status_code": self.status_code,
            "error": self.error,
        }


def verdict_on(status_code: int) -> Verdict:
    """What an HTTP answer says; a redirect is not followed, so it is no good answer."""
    if 200 <= status_code < 300:
        return Verdict.SENT
    if status_code == GONE:
        return Verdict.GONE
    return Verdict.REFUSED if status_code in OF_THE_MESSAGE else Verdict.AWAY


def pause_after(
    failed_tries: int,
    tried: Try,
    settings: Settings,
    *,
    chance: Callable[[], float] = random.random,
) -> float:
    """Seconds until the next try: doubling, with full jitter, and no less than was asked for."""
    longest = settings.message_max_backoff_seconds
    exponent = min(failed_tries - 1, MAX_EXPONENT)
    usual = min(settings.message_backoff_seconds * 2.0**exponent, longest) * chance()
    return max(usual, min(tried.retry_after or 0.0, longest))
