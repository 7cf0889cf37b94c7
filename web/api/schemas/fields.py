"""Fields that several schemas need."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate

MAX_ID = 2**63 - 1
MAX_PAGE = 1_000_000
MAX_PATH = 2000  #: characters of the blocks around a step
REPEATED = {"description": "May be given several times: any of them."}
WHOLE = re.compile(r"-?\d{1,30}", re.ASCII)
# "+" is a space in a query: 2026-01-01T10:00:00+01:00 arrives without it.
LOST_PLUS = re.compile(r"(T\S+) (\d\d:?\d\d)$")


class ApiSchema(Schema):
    """Unknown fields are ignored, as clients of the reference service expect."""

    class Meta:
        """How marshmallow treats what is not declared."""

        unknown = EXCLUDE


class StrictSchema(ApiSchema):
    """A field with a wrong name is refused: it would leave something that tells or starts too much.

    Such as a schedule with a `time_zone`, which would be due by UTC.
    """

    class Meta(ApiSchema.Meta):
        """How marshmallow treats what is not declared."""

        unknown = RAISE


class Moment(fields.DateTime):
    """A point in time (ISO 8601); without an offset it is UTC."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(LOST_PLUS.sub(r"\1+\2", str(value)))
            # In UTC at once: near the years 1 and 9999 an offset leads out of the calendar.
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError) as error:
            raise ValidationError("Not a date and time such as 2026-01-31T10:00:00Z.") from error


class LastMoment(Moment):
    """The end of a span; a day without a time means all of that day (in UTC)."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        try:
            return datetime.combine(date.fromisoformat(str(value)), time.max, UTC)
        except ValueError:  # not a day: a point in time, or nothing
            return super()._deserialize(value)


class TrueOrFalse(fields.Boolean):
    """A boolean of a body: true or false, no words and no numbers."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Whole(fields.Integer):
    """A whole number of a query: ASCII digits, where Python also reads 1_000 and other scripts."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        if not WHOLE.fullmatch(str(value)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Word(fields.String):
    """One of some words; upper case is canonical, any case is understood."""

    def __init__(self, words: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(words), **kwargs)
        self._canonical = {word.lower(): word for word in words}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = str(super()._deserialize(value, attr, data, **kwargs))
        return self._canonical.get(text.lower(), text)


def some_of(words: tuple[str, ...]) -> fields.List[Any]:
    """Some of these words in a query: the parameter is given once for each."""
    return fields.List(
        Word(words), load_default=(), validate=validate.Length(max=len(words)), metadata=REPEATED
    )


class Percentage(fields.Decimal):
    """A percentage as a text with two decimals: "66.67"."""

    def __init__(self, **kwargs: Any) -> None:
        described = {"type": "string", "pattern": r"^\d{1,3}\.\d\d$"}
        if kwargs.get("allow_none"):
            described["type"] = ["string", "null"]  # type: ignore[assignment]
        super().__init__(places=2, as_string=True, metadata=described, **kwargs)


class Itself(fields.Nested):
    """The object itself, seen by another schema: a group of its fields under one name."""

    def get_value(self, obj: Any, *_: Any, **__: Any) -> Any:
        """Return the whole object, not one attribute of it."""
        return obj


def text(most: int, least: int = 0, **options: Any) -> fields.String:
    """A text of limited length. Bodies are free of NUL, queries are not; PostgreSQL has none."""
    no_nul = validate.ContainsNoneOf("\0", error="Must not contain NUL.")
    return fields.String(validate=[validate.Length(min=least, max=most), no_nul], **options)


def anything(**options: Any) -> fields.Raw:
    """Any JSON value."""
    return fields.Raw(allow_none=True, **options)


def an_object(**options: Any) -> fields.Dict:
    """Any JSON object."""
    return fields.Dict(keys=fields.String(), values=anything(), **options)


def a_definition(*, draft: bool = False, **options: Any) -> fields.Dict:
    """A pipeline definition; the engine checks it, the document describes it in full."""
    parts: list[dict[str, Any]] = [{"$ref": "#/components/schemas/PipelineDefinition"}]
    described = {"allOf": parts if draft else [*parts, {"required": ["name", "steps"]}]}
    return fields.Dict(keys=fields.String(), metadata=described, **options)


def count(least: int, most: int, default: int, **options: Any) -> fields.Integer:
    """A whole number of a query between two limits."""
    return Whole(load_default=default, validate=validate.Range(min=least, max=most), **options)
