"""What a cron expression means, in words."""

from __future__ import annotations

from functools import lru_cache

from cronsim import CronSim, CronSimError

from pipeline_engine.domain.recurrence.cron_expression import ANY_DAY, CronExpression

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHORT = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
WEEKDAYS = ("1-5", "MON-FRI")


@lru_cache(maxsize=4096)
def in_words(expression: CronExpression) -> str:
    """The expression as one says it: frequent ones in our words, the others in cronsim's."""
    minute, hour, day, month, weekday = expression.fields
    if (day, month) != ("*", "*"):
        return _explained(expression)
    if hour == weekday == "*":
        return _of_the_hour(expression, minute)
    if minute.isdecimal() and hour.isdecimal():
        return _of_the_day(expression, f"{int(hour):02}:{int(minute):02}", weekday)
    return _explained(expression)


def _of_the_hour(expression: CronExpression, minute: str) -> str:
    if minute in ("*", "*/1"):
        return "Every minute"
    step = minute.removeprefix("*/")
    if minute.isdecimal():
        return f"Every hour at minute {int(minute)}"
    # Another step starts anew with every hour: */7 is no rhythm of seven minutes.
    if minute.startswith("*/") and 60 % int(step) == 0:
        return f"Every {int(step)} minutes"
    return _explained(expression)


def _of_the_day(expression: CronExpression, clock: str, weekday: str) -> str:
    if weekday == "*":
        return f"Every day at {clock}"
    if weekday in WEEKDAYS:
        return f"Every weekday (Monday-Friday) at {clock}"
    days = [_day(word) for word in weekday.split(",")]
    named = [day for day in days if day is not None]
    if len(named) < len(days):
        return _explained(expression)
    listed = " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
    return f"Every {listed} at {clock}"


def _day(word: str) -> str | None:
    if word in SHORT:
        return DAYS[SHORT.index(word)]
    return DAYS[int(word)] if word.isdecimal() else None


def _explained(expression: CronExpression) -> str:
    try:
        return CronSim(expression.text, ANY_DAY).explain()
    except CronSimError:
        return f"Cron: {expression.text}"
