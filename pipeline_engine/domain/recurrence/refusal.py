"""How a schedule is refused: which of its fields is wrong, and what would be right."""

from __future__ import annotations

from pipeline_engine.domain.issues import Issue
from pipeline_engine.errors import InvalidSchedule


def refusal(
    field: str, message: str, hint: str | None = None, code: str | None = None
) -> Exception:
    """The error for *field* of a schedule; *code* says what is wrong if ``invalid`` does not."""
    issue = Issue(
        pointer=f"/schedule/{field}", code=code or f"invalid_{field}", message=message, hint=hint
    )
    return InvalidSchedule(f"Invalid schedule: {message}", problems=(issue,))
