"""Templates that are tried against an execution, on the wire."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from .fields import MAX_PATH, ApiSchema, anything, text

#: Characters of a template, and the highest number of an item.
MAX_TEXT, MAX_INDEX = 4096, 2**31 - 1


class EvaluateBody(ApiSchema):
    """A template, or an expression without braces, and the step that it would stand in."""

    template = text(MAX_TEXT)
    expression = text(MAX_TEXT, 1)
    step_id = text(
        100, 1, metadata={"description": "See what this step sees; without it: the execution."}
    )
    item_index = fields.Integer(strict=True, validate=validate.Range(min=0, max=MAX_INDEX))
    within = text(MAX_PATH, 1, metadata={"description": "In which block: `each[3]`."})

    @validates_schema
    def _says_one(self, body: dict[str, Any], **_: Any) -> None:
        if ("template" in body) == ("expression" in body):
            raise ValidationError("Say a template or an expression, and not both.", "template")


class EvaluatedSchema(ApiSchema):
    """What it yields; secrets are masked."""

    value = anything()
    type = fields.String(
        metadata={"description": "null, boolean, integer, number, string, array or object."}
    )
