"""The calendar of schedules on the wire."""

from __future__ import annotations

from datetime import date
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from pipeline_engine.services.schedules import MARKS, MOST_DAYS, ODD, is_zone

from .fields import ApiSchema, Moment

#: Days around which all the arithmetic is right.
DAYS = validate.Range(min=date(1970, 1, 1), max=date(2298, 12, 31))


def _zone(value: str) -> None:
    if not is_zone(value):
        raise ValidationError("Not a time zone of IANA such as Europe/Berlin.")


class CalendarQuery(ApiSchema):
    """Which days, and whose."""

    first = fields.Date(
        data_key="from", validate=DAYS, metadata={"description": "The first day; today."}
    )
    last = fields.Date(
        data_key="to",
        validate=DAYS,
        metadata={
            "description": f"The last day, which is included: of a week, or of {MOST_DAYS} days"
            " at most."
        },
    )
    zone = fields.String(
        load_default="UTC",
        validate=_zone,
        metadata={"description": "Whose days, a name of IANA such as Europe/Berlin."},
    )

    @validates_schema
    def _is_short(self, query: dict[str, Any], **_: Any) -> None:
        if "last" not in query:
            return
        if "first" not in query:
            raise ValidationError("Must be given with `to`.", "from")
        days = (query["last"] - query["first"]).days + 1
        if not 1 <= days <= MOST_DAYS:
            raise ValidationError(f"Must be 0 to {MOST_DAYS - 1} days after `from`.", "to")


class OfScheduleSchema(ApiSchema):
    """The schedule that an entry is about."""

    schedule_id = fields.UUID(attribute="schedule.id")
    name = fields.String(attribute="schedule.name")
    pipeline_id = fields.UUID(attribute="schedule.pipeline_id", allow_none=True)


class CalendarFiringSchema(OfScheduleSchema):
    """One due time, without its jitter."""

    due_at = Moment()
    local = Moment(metadata={"description": "The same by the clocks of the calendar's zone."})
    timezone = fields.String(attribute="schedule.timezone")
    schedule_local = Moment(metadata={"description": "The same by the clocks of the schedule."})
    mark = fields.String(
        allow_none=True,
        validate=validate.OneOf(MARKS),
        metadata={
            "description": "`repeated`: the schedule's clocks say this for the second time;"
            " `shifted`: they leave its local time out, and it is due right after."
        },
    )


class CalendarSkippedSchema(OfScheduleSchema):
    """A local time at which nothing is due because of a change of the clocks."""

    at = Moment(attribute="oddity.at")
    local = fields.DateTime(
        attribute="oddity.local", metadata={"description": "In the zone of the schedule."}
    )
    timezone = fields.String(attribute="schedule.timezone")
    why = fields.String(attribute="oddity.why", validate=validate.OneOf(ODD))


class CalendarMoreSchema(OfScheduleSchema):
    """Due times of a schedule that has too many to tell them one by one."""

    count = fields.Integer()


class CalendarDaySchema(ApiSchema):
    """One day."""

    date = fields.Date()
    hours = fields.Float(metadata={"description": "23 or 25 when clocks change; some by half."})
    firings = fields.List(fields.Nested(CalendarFiringSchema))
    skipped = fields.List(fields.Nested(CalendarSkippedSchema))
    more = fields.List(fields.Nested(CalendarMoreSchema))


class CalendarSchema(ApiSchema):
    """Some days in a row, and what is still to be due on them."""

    zone = fields.String()
    days = fields.List(fields.Nested(CalendarDaySchema))
    is_complete = fields.Boolean(
        metadata={"description": "False: there are more schedules than an answer has room for."}
    )
